// SPDX-License-Identifier: MPL-2.0

package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// TestDiffAsRecorded compares with the differences that the reference's plan and versions endpoints answered.
func TestDiffAsRecorded(t *testing.T) {
	submitted := func(name string) *Job {
		job := requestJob(t, name)
		job.Canonicalize()
		job.AddImpliedConstraints()
		return job
	}
	versions := func() (JobVersionsResponse, json.RawMessage) {
		var typed JobVersionsResponse
		var raw struct{ Diffs []json.RawMessage }
		data := readRecording(t, "job-versions-diff")
		if err := typeinfo.Unmarshal(data, &typed); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &raw); err != nil || len(raw.Diffs) != 1 {
			t.Fatalf("%v, %d diffs", err, len(raw.Diffs))
		}
		return typed, raw.Diffs[0]
	}
	planned := func(name string) (*PlanAnnotations, json.RawMessage) {
		var typed JobPlanResponse
		var raw struct{ Diff json.RawMessage }
		data := readRecording(t, name)
		if err := typeinfo.Unmarshal(data, &typed); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &raw); err != nil {
			t.Fatal(err)
		}
		return typed.Annotations, raw.Diff
	}
	check := func(name string, diff *JobDiff, want json.RawMessage) {
		t.Run(name, func(t *testing.T) {
			got, err := typeinfo.Marshal(diff, typeinfo.Response)
			if err != nil {
				t.Fatal(err)
			}
			for _, difference := range diffJSON(t, want, got) {
				t.Error(difference)
			}
		})
	}

	stored, isNew := recordedJob(t, "job-read"), submitted("job-plan-new.request")
	annotations, want := planned("job-plan-new")
	diff := DiffJobs(nil, isNew, true)
	diff.Annotate(nil, isNew, annotations)
	check("plan of a new job", diff, want)

	update := submitted("job-plan-update.request")
	annotations, want = planned("job-plan-update")
	diff = DiffJobs(stored, update, true)
	diff.Annotate(stored, update, annotations)
	check("plan of an update", diff, want)

	history, want := versions()
	check("versions", DiffJobs(history.Versions[1], history.Versions[0], true), want)
}

// diffText prints a difference in one line an entry, to compare it with.
func diffText(d *JobDiff) string {
	var b strings.Builder
	var objects func(indent string, list []*ObjectDiff)
	fields := func(indent string, list []*FieldDiff) {
		for _, f := range list {
			fmt.Fprintf(&b, "%s%s %s %q %q %s\n", indent, f.Type, f.Name, f.Old, f.New, strings.Join(f.Annotations, ","))
		}
	}
	objects = func(indent string, list []*ObjectDiff) {
		for _, o := range list {
			fmt.Fprintf(&b, "%s%s {%s}\n", indent, o.Type, o.Name)
			fields(indent+"  ", o.Fields)
			objects(indent+"  ", o.Objects)
		}
	}
	fmt.Fprintf(&b, "%s %s\n", d.Type, d.ID)
	fields("  ", d.Fields)
	objects("  ", d.Objects)
	for _, g := range d.TaskGroups {
		fmt.Fprintf(&b, "  %s group %s %v\n", g.Type, g.Name, g.Updates)
		fields("    ", g.Fields)
		objects("    ", g.Objects)
		for _, t := range g.Tasks {
			fmt.Fprintf(&b, "    %s task %s %s\n", t.Type, t.Name, strings.Join(t.Annotations, ","))
			fields("      ", t.Fields)
			objects("      ", t.Objects)
		}
	}
	return b.String()
}

func TestDiffJobs(t *testing.T) {
	for _, test := range []struct {
		name       string
		edit       func(j *Job, g *TaskGroup, t *Task)
		contextual bool
		want       string
	}{
		{"nothing", func(*Job, *TaskGroup, *Task) {}, true, `
None j
  None group g map[ignore:1]
    None task t 
`},
		{"server fields", func(j *Job, _ *TaskGroup, _ *Task) { j.Version, j.ModifyIndex, j.Status, j.Stable = 1, 2, "x", true }, true, `
None j
  None group g map[ignore:1]
    None task t 
`},
		{"count up", func(_ *Job, g *TaskGroup, _ *Task) { g.Count = new(12) }, true, `
Edited j
  Edited group g map[ignore:1]
    Edited Count "9" "12" forces create
    None task t 
`},
		{"count down", func(_ *Job, g *TaskGroup, _ *Task) { g.Count = new(8) }, true, `
Edited j
  Edited group g map[ignore:1]
    Edited Count "9" "8" forces destroy
    None task t 
`},
		{"maps and lists", func(j *Job, _ *TaskGroup, t *Task) {
			j.Meta = map[string]string{"a": "2", "c": "3"}
			j.Datacenters = []string{"dc2", "dc1"}
			t.Config = map[string]any{"args": []any{"x", "z"}, "labels": []any{map[string]any{"k": int64(1)}}}
		}, true, `
Edited j
  Edited Meta[a] "1" "2" 
  Deleted Meta[b] "1" "" 
  Added Meta[c] "" "3" 
  Edited {Datacenters}
    None Datacenters "dc1" "dc1" 
    Added Datacenters "" "dc2" 
  Edited group g map[ignore:1]
    Edited task t forces create/destroy update
      Edited {Config}
        None args[0] "x" "x" 
        Edited args[1] "y" "z" 
        Added labels[0].k "" "1" 
`},
		{"without context", func(j *Job, g *TaskGroup, t *Task) {
			j.Datacenters = []string{"dc2", "dc1"}
			g.RestartPolicy.Mode, t.RestartPolicy.Mode = "delay", "delay"
		}, false, `
Edited j
  Edited {Datacenters}
    Added Datacenters "" "dc2" 
  Edited group g map[ignore:1]
    Edited {RestartPolicy}
      Edited Mode "fail" "delay" 
    None task t 
`},
		{"in place", func(_ *Job, _ *TaskGroup, t *Task) { t.KillTimeout = new(time.Minute) }, true, `
Edited j
  Edited group g map[ignore:1]
    Edited task t forces in-place update
      Edited KillTimeout "5000000000" "60000000000" 
`},
		{"restart of one task", func(_ *Job, _ *TaskGroup, t *Task) { t.RestartPolicy.Attempts = new(9) }, false, `
Edited j
  Edited group g map[ignore:1]
    Edited task t forces in-place update
      Added {RestartPolicy}
        Added Attempts "" "9" 
        Added Delay "" "15000000000" 
        Added Interval "" "1800000000000" 
        Added Mode "" "fail" 
        Added RenderTemplates "" "false" 
`},
		{"constraints are a set", func(j *Job, _ *TaskGroup, _ *Task) {
			j.Constraints = []*Constraint{{LTarget: "b", Operand: "=", RTarget: "2"}}
		}, true, `
Edited j
  Deleted {Constraint}
    Deleted LTarget "a" "" 
    Deleted Operand "=" "" 
    Deleted RTarget "1" "" 
  Added {Constraint}
    Added LTarget "" "b" 
    Added Operand "" "=" 
    Added RTarget "" "2" 
  None group g map[ignore:1]
    None task t 
`},
		{"services match by name", func(_ *Job, g *TaskGroup, _ *Task) { g.Services[0].OnUpdate = "ignore" }, false, `
Edited j
  Edited group g map[ignore:1]
    Edited {Service}
      Edited OnUpdate "require_healthy" "ignore" 
    None task t 
`},
		{"group and task", func(j *Job, g *TaskGroup, _ *Task) {
			g.Tasks = append(g.Tasks, &Task{Name: "a", Driver: "x"})
			j.TaskGroups = append(j.TaskGroups, &TaskGroup{Name: "b", Count: new(1), Tasks: []*Task{{Name: "t"}}})
		}, true, `
Edited j
  Added group b map[create:1]
    Added Count "" "1" forces create
    Added PreventRescheduleOnLost "" "false" 
    Added task t forces create
      Added Leader "" "false" 
      Added ShutdownDelay "" "0" 
  Edited group g map[ignore:1]
    Added task a forces create/destroy update
      Added Driver "" "x" 
      Added Leader "" "false" 
      Added ShutdownDelay "" "0" 
    None task t 
`},
		{"group removed", func(j *Job, _ *TaskGroup, _ *Task) { j.TaskGroups = nil; j.Constraints = nil }, false, `
Edited j
  Deleted {Constraint}
    Deleted LTarget "a" "" 
    Deleted Operand "=" "" 
    Deleted RTarget "1" "" 
  Deleted group g map[ignore:1]
    Deleted Count "9" "" forces destroy
    Deleted PreventRescheduleOnLost "false" "" 
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			old := plainJob(func(j *Job, g *TaskGroup, t *Task) {
				j.Meta, j.Datacenters = map[string]string{"a": "1", "b": "1"}, []string{"dc1"}
				j.Constraints = []*Constraint{{LTarget: "a", RTarget: "1"}}
				g.Count = new(9)
				g.Services = []*Service{{Name: "web"}}
				t.Config = map[string]any{"args": []any{"x", "y"}}
			})
			changed := typeinfo.Copy(old)
			test.edit(changed, changed.TaskGroups[0], changed.TaskGroups[0].Tasks[0])
			diff := DiffJobs(old, changed, test.contextual)
			diff.Annotate(old, changed, &PlanAnnotations{DesiredTGUpdates: map[string]*DesiredUpdates{"g": {Ignore: 1}, "b": {Place: 1}}})
			got := diffText(diff)
			if test.name == "group removed" { // its parts are many; the head is what counts
				got = got[:min(len(got), len(test.want)-1)]
			}
			if got != strings.TrimPrefix(test.want, "\n") {
				t.Errorf("got\n%swant%s", got, test.want)
			}
		})
	}
	if d := DiffJobs(nil, nil, true); d.Type != DiffNone {
		t.Errorf("of nothing: %+v", d)
	}
	gone := DiffJobs(plainJob(nil), nil, true)
	if gone.Type != DiffDeleted || gone.TaskGroups[0].Type != DiffDeleted || gone.TaskGroups[0].Tasks[0].Type != DiffDeleted {
		t.Errorf("of a removed job: %s", diffText(gone))
	}
}
