// SPDX-License-Identifier: MPL-2.0

package main

import (
	"io"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/command"
	"github.com/nomadlike/nomadlike/command/agent"
)

// compatibilityIntro opens docs/compatibility.md.
const compatibilityIntro = `# Compatibility

This page is made by ` + "`go generate ./internal/manual`" + ` from the operation table, the command line, the
configuration of the agent and the notes in ` + "`internal/manual/notes.go`" + `; do not edit it.

Every path, command and configuration key of the contract stands here: **served**, **differs** (served, and the note says what is not the same and
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
	writeConfiguration(out)
	out.line("\n## Metrics\n")
	for _, n := range metricNotes {
		out.line("* %s", n)
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

// writeConfiguration writes the keys of the agent's configuration files.
func writeConfiguration(out *printer) {
	out.line("\n## Agent configuration\n\nKeys that are not here are errors as the contract has them (`unexpected keys`). A key that nothing acts on is refused with its")
	out.line("name, file and line, but for the values that ask for nothing that does not happen anyhow.\n\n| key | | |\n|---|---|---|")
	for _, k := range agent.Keys() {
		status, note := "served", configNotes[k.Path]
		switch {
		case k.Unserved != "":
			status, note = "not yet", k.Unserved+"; refused"
			switch {
			case slices.Contains(k.Accepts, "*"):
				status, note = "read", k.Unserved+"; any value is taken and changes nothing"
			case len(k.Accepts) > 0:
				note += " but for " + quoted(k.Accepts)
			}
		case k.Live:
			note = strings.TrimPrefix(note+"; applied by a reload", "; ")
		}
		out.line("| `%s` | %s | %s |", k.Path, status, note)
	}
}

// quoted lists values as they stand in a file.
func quoted(values []string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = "`" + v + "`"
		if v == "" {
			texts[i] = "`\"\"`"
		}
	}
	return strings.Join(texts, " and ")
}
