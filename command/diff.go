// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// diffPrinter writes job differences as "job plan" and "job history" show them (cli.md 2.2).
type diffPrinter struct {
	m       *meta
	verbose bool
	b       strings.Builder
}

// mark is the sign of a change, with its colour.
func (d *diffPrinter) mark(kind string) string {
	switch kind {
	case "Added":
		return d.m.paint(green, "+") + " "
	case "Deleted":
		return d.m.paint(red, "-") + " "
	case "Edited":
		return d.m.paint(light, "+/-") + " "
	}
	return ""
}

func (d *diffPrinter) line(depth int, kind, format string, args ...any) {
	fmt.Fprintf(&d.b, "%s%s%s\n", strings.Repeat("  ", depth), d.mark(kind), fmt.Sprintf(format, args...))
}

func (d *diffPrinter) job(j *api.JobDiff) {
	d.line(0, j.Type, "Job: %q", j.ID)
	if j.Type == "Edited" || d.verbose {
		d.details(0, j.Fields, j.Objects)
	}
	for _, g := range j.TaskGroups {
		d.group(g)
	}
}

func (d *diffPrinter) group(g *api.TaskGroupDiff) {
	var counts []string
	for _, kind := range sortedKeys(g.Updates) {
		counts = append(counts, fmt.Sprintf("%d %s", g.Updates[kind], kind))
	}
	suffix := ""
	if len(counts) > 0 {
		suffix = " (" + strings.Join(counts, ", ") + ")"
	}
	d.line(0, g.Type, "Task Group: %q%s", g.Name, suffix)
	if g.Type == "Edited" || d.verbose {
		d.details(1, g.Fields, g.Objects)
	}
	for _, t := range g.Tasks {
		d.line(1, t.Type, "Task: %q%s", t.Name, notes(t.Annotations))
		if t.Type == "Edited" || d.verbose && t.Type != "None" {
			d.details(2, t.Fields, t.Objects)
		}
	}
}

func notes(a []string) string {
	if len(a) == 0 {
		return ""
	}
	return " (" + strings.Join(a, ", ") + ")"
}

func (d *diffPrinter) details(depth int, fields []*api.FieldDiff, objects []*api.ObjectDiff) {
	for _, f := range fields {
		switch f.Type {
		case "Added":
			d.line(depth, f.Type, "%s: %q%s", f.Name, f.New, notes(f.Annotations))
		case "Deleted":
			d.line(depth, f.Type, "%s: %q%s", f.Name, f.Old, notes(f.Annotations))
		case "Edited":
			d.line(depth, f.Type, "%s: %q => %q%s", f.Name, f.Old, f.New, notes(f.Annotations))
		default:
			if d.verbose {
				d.line(depth, f.Type, "%s: %q", f.Name, f.New)
			}
		}
	}
	for _, o := range objects {
		if o.Type == "None" && !d.verbose {
			continue
		}
		d.line(depth, o.Type, "%s {", o.Name)
		d.details(depth+1, o.Fields, o.Objects)
		d.line(depth, "", "}")
	}
}

// sortedCopy returns the list in order without touching it.
func sortedCopy(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	return out
}
