// SPDX-License-Identifier: MPL-2.0

package command

import (
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// TestVisible checks that nothing that tasks, plugins or other users name commands the terminal of who looks at it.
func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"web/größe 漢字\tx\ny":             "web/größe 漢字\tx\ny",
		"\x1b]0;owned\a":                 `\x1b]0;owned\a`,
		"a\rb\x00\x7f":                   `a\rb\x00\x7f`,
		"\u009b31m":                      `\u009b31m`,
		"\u202egnp.exe":                  `\u202egnp.exe`,
		"\x9b\xff":                       `\x9b\xff`,
		"\x1b[2J\x1b[8mhidden":           `\x1b[2J\x1b[8mhidden`,
		"\x1b[31mfailed\x1b[0m \x1b[1mx": "\x1b[31mfailed\x1b[0m \x1b[1mx",
	} {
		if got := visible(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

// TestTablesShowCommands checks that tables, of which all lists and details consist, go through visible, names of files in one line.
func TestTablesShowCommands(t *testing.T) {
	for _, got := range []string{
		columns(fileRows([]*api.AllocFileInfo{{Name: "\x1b[2J\nfake"}}, false)),
		pairs("Description", "\x1b[2J\rfake"),
		keyValues(map[string]string{"\x1b[2Jkey": "value"}),
		checkText(&api.CheckResult{Output: "\x1b[2J"}, false),
	} {
		if strings.ContainsAny(got, "\x1b\r") || !strings.Contains(got, `\x1b[2J`) || strings.Contains(got, "\nfake") {
			t.Errorf("shown: %q", got)
		}
	}
}
