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

// Manual writes the page of the command line: each command's help, those of aliases left out.
func Manual(w io.Writer) error {
	table := commands(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	hidden := aliases(table)
	var b strings.Builder
	b.WriteString(manualIntro)
	general := false
	for _, name := range sortedKeys(table) {
		if slices.Contains(hidden, name) {
			continue
		}
		c, err := table[name]()
		if err != nil {
			return fmt.Errorf("make command %s: %w", name, err)
		}
		if _, ok := c.(*command); !ok {
			continue // a word that only holds other commands
		}
		own, shared := splitHelp(c.Help())
		if shared != "" && !general {
			general = true
			fmt.Fprintf(&b, "\n## General options\n\n```text\n%s\n```\n", shared)
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```text\n%s\n```\n", name, strings.TrimSuffix(c.Synopsis(), "."), own)
	}
	_, err := io.WriteString(w, b.String())
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
