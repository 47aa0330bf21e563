// SPDX-License-Identifier: MPL-2.0

package command

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

const manualIntro = `# The command line

This page is made from the help texts of the commands by ` + "`go generate ./internal/manual`" + `; do not edit it.

Flags are written ` + "`-flag` or `--flag`" + `, before the arguments. Commands that talk to an agent take the general flags, shown once
below, and their environment variables. Exit status: 0 success, 1 error, 127 unknown command, others as the command says.
`

// Entry is a command of the command line as the manual shows it.
type Entry struct {
	Name, Synopsis string
	// Help is the whole help text.
	Help string
	// Aliases are its other names.
	Aliases []string
	// Missing says why the command is refused, "" when it works; Commercial that it belongs to the commercial edition
	// of the contract.
	Missing    string
	Commercial bool
}

// Entries returns every command, sorted by name, aliases left out.
func Entries() ([]Entry, error) {
	table := commands(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	var list []Entry
	for _, name := range sortedKeys(table) {
		if aliases[name] != "" || groups[name] != "" {
			continue
		}
		c, err := table[name]()
		if err != nil {
			return nil, fmt.Errorf("make command %s: %w", name, err)
		}
		e := Entry{Name: name, Synopsis: c.Synopsis(), Help: c.Help(), Missing: refusedCommands[name]}
		_, e.Commercial = commercialCommands[name]
		for _, alias := range sortedKeys(aliases) {
			if aliases[alias] == name {
				e.Aliases = append(e.Aliases, alias)
			}
		}
		list = append(list, e)
	}
	return list, nil
}

// Manual writes the page of the command line: the help of each command that works.
func Manual(w io.Writer) error {
	entries, err := Entries()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(manualIntro)
	for i, e := range entries {
		if e.Missing != "" || e.Commercial {
			continue
		}
		own, shared := splitHelp(e.Help)
		if i == slices.IndexFunc(entries, func(e Entry) bool { _, s := splitHelp(e.Help); return s != "" }) {
			fmt.Fprintf(&b, "\n## General options\n\n```text\n%s\n```\n", shared)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```text\n%s\n```\n", e.Name, strings.TrimSuffix(e.Synopsis, "."), own)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// splitHelp takes the general flags out of a help text.
func splitHelp(text string) (own, general string) {
	const heading = "\nGeneral Options:\n"
	before, rest, ok := strings.Cut(text, heading)
	if !ok {
		return text, ""
	}
	lines := strings.Split(rest, "\n")
	end := slices.IndexFunc(lines, func(l string) bool { return l != "" && !strings.HasPrefix(l, " ") })
	if end < 0 {
		end = len(lines)
	}
	general = strings.Trim(strings.Join(lines[:end], "\n"), "\n")
	own = strings.TrimRight(before+"\n"+strings.Join(lines[end:], "\n"), "\n")
	return own, general
}
