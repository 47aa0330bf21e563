// SPDX-License-Identifier: MPL-2.0

package api

import (
	"reflect"
	"slices"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// DiffJobs returns the difference between two canonical versions of a job in the shape of the plan and
// versions endpoints. A nil old is a new job, a nil new a removed one. Groups and tasks are listed even
// when they did not change. Contextual adds the unchanged fields of changed blocks.
func DiffJobs(old, new *Job, contextual bool) *JobDiff {
	d := differ{contextual}
	p := pair{deref(reflect.ValueOf(old)), deref(reflect.ValueOf(new))}
	diff := &JobDiff{Type: DiffNone}
	if !p.old.IsValid() && !p.new.IsValid() {
		return diff
	}
	var before, after []*TaskGroup
	if old != nil {
		diff.ID, before = old.ID, old.TaskGroups
	}
	if new != nil {
		diff.ID, after = new.ID, new.TaskGroups
	}
	diff.Fields, diff.Objects = d.fields(p, false), d.objects(p)
	changed := len(diff.Fields) > 0 || len(diff.Objects) > 0
	for _, g := range matched(before, after, func(g *TaskGroup) string { return g.Name }) {
		group := d.group(g.old, g.new)
		changed = changed || group.Type != DiffNone
		diff.TaskGroups = append(diff.TaskGroups, group)
	}
	diff.Type = topType(p, changed)
	return diff
}

// topType returns the type of a difference whose parts were compared one by one.
func topType(p pair, changed bool) string {
	if !changed && p.old.IsValid() && p.new.IsValid() {
		return DiffNone
	}
	return p.kind()
}

// versions is one named thing before and after, either may be nil.
type versions[T any] struct{ old, new *T }

// matched pairs two lists by name, in the order of the names.
func matched[T any](before, after []*T, name func(*T) string) []versions[T] {
	byName := map[string]versions[T]{}
	for _, v := range before {
		byName[name(v)] = versions[T]{old: v}
	}
	for _, v := range after {
		both := byName[name(v)]
		both.new = v
		byName[name(v)] = both
	}
	list := make([]versions[T], 0, len(byName))
	for _, key := range typeinfo.SortedKeys(byName) {
		list = append(list, byName[key])
	}
	return list
}

func (d differ) group(old, new *TaskGroup) *TaskGroupDiff {
	p := pair{deref(reflect.ValueOf(old)), deref(reflect.ValueOf(new))}
	diff := &TaskGroupDiff{Fields: d.fields(p, false), Objects: d.objects(p)}
	var before, after []*Task
	if old != nil {
		diff.Name, before = old.Name, withoutInherited(old)
	}
	if new != nil {
		diff.Name, after = new.Name, withoutInherited(new)
	}
	changed := len(diff.Fields) > 0 || len(diff.Objects) > 0
	for _, t := range matched(before, after, func(t *Task) string { return t.Name }) {
		task := d.task(t.old, t.new)
		changed = changed || task.Type != DiffNone
		diff.Tasks = append(diff.Tasks, task)
	}
	diff.Type = topType(p, changed)
	return diff
}

// withoutInherited returns the tasks of the group without the restart policy that they took over from it,
// so that a change of the group's is shown once.
func withoutInherited(g *TaskGroup) []*Task {
	tasks := make([]*Task, len(g.Tasks))
	for i, t := range g.Tasks {
		tasks[i] = t
		if t.RestartPolicy != nil && typeinfo.Equal(t.RestartPolicy, g.RestartPolicy) {
			shown := *t
			shown.RestartPolicy = nil
			tasks[i] = &shown
		}
	}
	return tasks
}

func (d differ) task(old, new *Task) *TaskDiff {
	p := pair{deref(reflect.ValueOf(old)), deref(reflect.ValueOf(new))}
	diff := &TaskDiff{Fields: d.fields(p, false), Objects: d.objects(p)}
	if old != nil {
		diff.Name = old.Name
	}
	if new != nil {
		diff.Name = new.Name
	}
	diff.Type = topType(p, len(diff.Fields) > 0 || len(diff.Objects) > 0)
	return diff
}

// Annotations of differences and kinds of updates in TaskGroupDiff.Updates.
const (
	AnnotationForcesCreate            = "forces create"
	AnnotationForcesDestroy           = "forces destroy"
	AnnotationForcesInPlaceUpdate     = "forces in-place update"
	AnnotationForcesDestructiveUpdate = "forces create/destroy update"

	UpdateIgnore      = "ignore"
	UpdateCreate      = "create"
	UpdateDestroy     = "destroy"
	UpdateMigrate     = "migrate"
	UpdateCanary      = "canary"
	UpdateInPlace     = "in-place update"
	UpdateDestructive = "create/destroy update"
)

// Annotate adds to a difference from old to new what a plan found that it would do.
func (d *JobDiff) Annotate(old, new *Job, plan *PlanAnnotations) {
	for _, g := range d.TaskGroups {
		if plan != nil && plan.DesiredTGUpdates[g.Name] != nil {
			g.Updates = plan.DesiredTGUpdates[g.Name].kinds()
		}
		g.annotateCount()
		for _, t := range g.Tasks {
			t.annotate(g, old, new)
		}
	}
}

// kinds returns the counts that are not zero by their names in a diff.
func (u *DesiredUpdates) kinds() map[string]int {
	all := map[string]int{
		UpdateIgnore: u.Ignore, UpdateCreate: u.Place, UpdateDestroy: u.Stop, UpdateMigrate: u.Migrate,
		UpdateCanary: u.Canary, UpdateInPlace: u.InPlaceUpdate, UpdateDestructive: u.DestructiveUpdate,
	}
	for name, count := range all {
		if count == 0 {
			delete(all, name)
		}
	}
	return all
}

// annotateCount says what a changed count does to allocations.
func (g *TaskGroupDiff) annotateCount() {
	i := slices.IndexFunc(g.Fields, func(f *FieldDiff) bool { return f.Name == "Count" })
	if i < 0 {
		return
	}
	count := g.Fields[i]
	switch grew, known := moreThan(count.New, count.Old); {
	case count.Type == DiffAdded || known && grew:
		count.Annotations = append(count.Annotations, AnnotationForcesCreate)
	case count.Type == DiffDeleted || known:
		count.Annotations = append(count.Annotations, AnnotationForcesDestroy)
	}
}

// moreThan compares two counts given as text.
func moreThan(a, b string) (more, known bool) {
	if len(a) != len(b) {
		return len(a) > len(b), a != "" && b != ""
	}
	return a > b, a != "" && a != b
}

// annotate says what a changed task does to the allocations of its group.
func (t *TaskDiff) annotate(g *TaskGroupDiff, old, new *Job) {
	annotation := ""
	switch {
	case t.Type == DiffNone:
	case g.Type == DiffAdded:
		annotation = AnnotationForcesCreate
	case g.Type == DiffDeleted:
		annotation = AnnotationForcesDestroy
	case t.Type != DiffEdited || taskUpdateIsDestructive(old, new, g.Name, t.Name):
		annotation = AnnotationForcesDestructiveUpdate
	default:
		annotation = AnnotationForcesInPlaceUpdate
	}
	if annotation != "" {
		t.Annotations = append(t.Annotations, annotation)
	}
}

// taskUpdateIsDestructive reports whether the change of the one task replaces allocations.
func taskUpdateIsDestructive(old, new *Job, group, task string) bool {
	a, b := old.LookupTaskGroup(group), new.LookupTaskGroup(group)
	before, after := a.LookupTask(task), b.LookupTask(task)
	if before == nil || after == nil {
		return true
	}
	return taskNeedsReplacing(before, after)
}
