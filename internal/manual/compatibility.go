// SPDX-License-Identifier: MPL-2.0

package main

import (
	"io"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/command"
)

// compatibilityIntro opens docs/compatibility.md.
const compatibilityIntro = `# Compatibility

This page is made by ` + "`go generate ./internal/manual`" + ` from the operation table, the command line and the notes in
` + "`internal/manual/notes.go`" + `; do not edit it.

Every path and command of the contract stands here: **served**, **differs** (served, and the note says what is not the same and
why) or **not yet** (refused by name). What is served is tried by ` + "`e2e/`" + ` through the official Go client library and with plain
requests: one check of the values and one of the refusals an operation.
`

func writeCompatibility(w io.Writer) error {
	out := &printer{w: w}
	out.line("%s", compatibilityIntro)
	writeRoutes(out)
	if err := writeCommands(out); err != nil {
		return err
	}
	out.line("## Job files\n\nAll of the job file language is parsed. These settings are refused by name when a job is registered, planned or validated:\n")
	settings := api.UnsupportedSettings()
	for _, at := range []string{"job", "group", "network", "task"} {
		if len(settings[at]) > 0 {
			out.line("* %s: `%s`", at, strings.Join(settings[at], "`, `"))
		}
	}
	out.line("\n## Everywhere\n")
	for _, n := range generalNotes {
		out.line("* %s", n)
	}
	return out.err
}

type routeRow struct{ route, status, note string }

func writeRoutes(out *printer) {
	var rows []routeRow
	for _, op := range api.Operations() {
		for _, r := range op.Routes {
			row := routeRow{route: r.Pattern + " " + methodsOf(r), status: "served"}
			if n := operationNotes[op.Name]; n != "" {
				row.status, row.note = "differs", n
			}
			rows = append(rows, row)
		}
	}
	for _, r := range api.UnservedRoutes() {
		row := routeRow{route: r.Pattern + " " + methodsOf(r.Route), status: "not yet"}
		if strings.Contains(r.Text, "Enterprise") {
			row.status, row.note = "served", "501, as the contract's community edition answers"
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b routeRow) int { return strings.Compare(a.route, b.route) })
	out.line("## HTTP API\n\n| path | method | | |\n|---|---|---|---|")
	for _, r := range rows {
		path, method, _ := strings.Cut(r.route, " ")
		out.line("| `%s` | %s | %s | %s |", path, method, r.status, r.note)
	}
	out.line("")
}

func writeCommands(out *printer) error {
	entries, err := command.Entries()
	if err != nil {
		return err
	}
	out.line("## Command line\n\n| command | aliases | | |\n|---|---|---|---|")
	for _, e := range entries {
		status, note := "served", commandNotes[e.Name]
		switch {
		case e.Missing != "":
			status, note = "not yet", e.Missing
		case e.Commercial:
			note = "501, as the contract's community edition answers"
		case note != "":
			status = "differs"
		}
		aliases := ""
		if len(e.Aliases) > 0 {
			aliases = "`" + strings.Join(e.Aliases, "`, `") + "`"
		}
		out.line("| `%s` | %s | %s | %s |", e.Name, aliases, status, note)
	}
	out.line("")
	return nil
}
