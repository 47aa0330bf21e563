// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// diffPrinter writes job differences as "job plan" and "job history" show them (cli.md 2.2).
type diffPrinter struct {
	m       *meta
	verbose bool
	b       strings.Builder
}

// signs are the marks of the kinds of changes, with the blank that follows; what is unchanged has none.
var signs = map[string]string{"Added": "+ ", "Deleted": "- ", "Edited": "+/- "}

// diffLevel is a list of siblings: their marks take the same room, so that names stand below each other.
type diffLevel struct {
	indent int
	// marks is the length of the longest mark.
	marks int
}

// level is that of siblings of these kinds of changes.
func level(indent int, kinds ...string) diffLevel {
	l := diffLevel{indent: indent}
	for _, k := range kinds {
		l.marks = max(l.marks, len(signs[k]))
	}
	return l
}

// within is where the children of a sibling begin.
func (l diffLevel) within(kind string) int { return l.indent + 2 + l.marks - len(signs[kind]) }

func (d *diffPrinter) line(l diffLevel, kind, format string, args ...any) {
	sign := signs[kind]
	pad := strings.Repeat(" ", l.marks-len(sign))
	switch kind {
	case "Added":
		sign = d.m.paint(green, sign)
	case "Deleted":
		sign = d.m.paint(red, sign)
	case "Edited":
		sign = d.m.paint(light, sign)
	}
	fmt.Fprintf(&d.b, "%s%s%s%s\n", strings.Repeat(" ", l.indent), sign, pad, visible(fmt.Sprintf(format, args...)))
}

// changes are the kinds of changes of a level's fields and objects.
func changes(fields []*api.FieldDiff, objects []*api.ObjectDiff) []string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Type)
	}
	for _, o := range objects {
		out = append(out, o.Type)
	}
	return out
}

// tells reports whether a block has a difference to show. One that is edited may have none: it differs then in what only
// servers fill in, such as the indexes of a scaling policy.
func tells(o *api.ObjectDiff) bool {
	return o.Type != "Edited" || len(o.Fields) > 0 || slices.ContainsFunc(o.Objects, tells)
}

// telling are the blocks with something to show.
func telling(objects []*api.ObjectDiff) (out []*api.ObjectDiff) {
	for _, o := range objects {
		if tells(o) {
			out = append(out, o)
		}
	}
	return out
}

// groupKind is the kind of change of a group; one of which nothing is to be shown is unchanged.
func groupKind(g *api.TaskGroupDiff) string {
	if g.Type != "Edited" || len(g.Fields) > 0 || slices.ContainsFunc(g.Objects, tells) ||
		slices.ContainsFunc(g.Tasks, func(t *api.TaskDiff) bool { return t.Type != "None" }) {
		return g.Type
	}
	return "None"
}

func (d *diffPrinter) job(j *api.JobDiff) {
	d.line(level(0, j.Type), j.Type, "Job: %q", j.ID)
	detailed := j.Type == "Edited" || d.verbose
	var marks []string
	if detailed {
		marks = changes(j.Fields, telling(j.Objects))
	}
	for _, g := range j.TaskGroups {
		marks = append(marks, groupKind(g))
	}
	l := level(0, marks...)
	if detailed {
		d.details(l, j.Fields, j.Objects)
	}
	for i, g := range j.TaskGroups {
		if i > 0 {
			d.b.WriteByte('\n')
		}
		d.group(l, g)
	}
}

func (d *diffPrinter) group(l diffLevel, g *api.TaskGroupDiff) {
	var counts []string
	for _, kind := range sortedKeys(g.Updates) {
		counts = append(counts, fmt.Sprintf("%d %s", g.Updates[kind], kind))
	}
	suffix := ""
	if len(counts) > 0 {
		suffix = " (" + strings.Join(counts, ", ") + ")"
	}
	kind := groupKind(g)
	d.line(l, kind, "Task Group: %q%s", g.Name, suffix)
	detailed := kind == "Edited" || d.verbose
	var marks []string
	if detailed {
		marks = changes(g.Fields, telling(g.Objects))
	}
	for _, t := range g.Tasks {
		marks = append(marks, t.Type)
	}
	inner := level(l.within(kind), marks...)
	if detailed {
		d.details(inner, g.Fields, g.Objects)
	}
	for _, t := range g.Tasks {
		d.line(inner, t.Type, "Task: %q%s", t.Name, notes(t.Annotations))
		if t.Type == "Edited" || d.verbose && t.Type != "None" {
			d.details(level(inner.within(t.Type), changes(t.Fields, telling(t.Objects))...), t.Fields, t.Objects)
		}
	}
}

func notes(a []string) string {
	if len(a) == 0 {
		return ""
	}
	return " (" + strings.Join(a, ", ") + ")"
}

func (d *diffPrinter) details(l diffLevel, fields []*api.FieldDiff, objects []*api.ObjectDiff) {
	name := 0
	for _, f := range fields {
		name = max(name, len(f.Name)+1)
	}
	for _, f := range fields {
		value := strconv.Quote(f.New)
		switch f.Type {
		case "Deleted":
			value = strconv.Quote(f.Old)
		case "Edited":
			value = strconv.Quote(f.Old) + " => " + value
		}
		d.line(l, f.Type, "%-*s %s%s", name, f.Name+":", value, notes(f.Annotations))
	}
	for _, o := range telling(objects) {
		d.line(l, o.Type, "%s {", o.Name)
		d.details(level(l.within(o.Type), changes(o.Fields, telling(o.Objects))...), o.Fields, o.Objects)
		d.line(diffLevel{indent: l.indent + l.marks}, "", "}")
	}
}

// sortedCopy returns the list in order without touching it.
func sortedCopy(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}
