// SPDX-License-Identifier: MPL-2.0

// Package command is the command line: one file a command. Commands talk to an agent through api/client
// and the operation table only; the agent command alone composes server and client, in command/agent. The
// commands that read files of agents that do not run use nomadlike/offline and client/statedb.
//
// Results go to standard output, errors to standard error. Exit status: 0 success, 1 error, 127 unknown
// command, others as the command's help says.
package command

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/cli"
)

// name is what the program is called in its own texts.
const name = "nomadlike"

// streams are where a command reads and writes, and its clock, so that tests can be the terminal.
type streams struct {
	in       io.Reader
	out, err io.Writer
	clock    func() time.Time
}

// now is the time for texts.
func (s *streams) now() time.Time {
	if s.clock != nil {
		return s.clock()
	}
	return time.Now()
}

// Main runs the command that args name and returns the exit status.
func Main(args []string) int {
	if code, ok := hidden(args); ok {
		return code
	}
	return Run(args, os.Stdin, os.Stdout, os.Stderr)
}

// Run is Main without the plugin and shim entry points, on the given streams.
func Run(args []string, in io.Reader, out, errw io.Writer) int {
	s := streams{in: in, out: out, err: errw}
	if asked, remove := completionSetup(args); asked {
		return setUpCompletion(s, remove)
	}
	if completing() {
		return complete(args, s)
	}
	return runCommand(args, s)
}

// helpFlags ask for the help of whatever stands before them.
var helpFlags = []string{"-h", "-help", "--help"}

// runCommand finds the command at the beginning of args and runs it with the rest.
func runCommand(args []string, s streams) int {
	table := commands(s)
	if len(args) > 0 && strings.HasPrefix(args[0], "-") {
		return rootFlag(args, table, s)
	}
	if len(args) == 0 {
		fmt.Fprintln(s.err, rootHelp(table))
		return 127
	}
	found, rest := "", args
	for len(rest) > 0 {
		next := strings.TrimSpace(found + " " + rest[0])
		if table[next] == nil {
			break
		}
		found, rest = next, rest[1:]
	}
	if found == "" {
		return noCommand(table, "", args[0], s)
	}
	c, err := table[found]()
	if err != nil {
		fmt.Fprintln(s.err, err)
		return 1
	}
	if _, group := c.(groupCommand); group {
		switch {
		case len(rest) > 0 && slices.Contains(helpFlags, rest[0]):
			fmt.Fprintln(s.out, groupHelp(table, found))
			return 0
		case len(rest) > 0 && !strings.HasPrefix(rest[0], "-"):
			return noCommand(table, found, rest[0], s)
		}
		fmt.Fprintln(s.err, groupHelp(table, found))
		return 1
	}
	return c.Run(rest)
}

// rootFlag answers the flags of the program itself.
func rootFlag(args []string, table map[string]cli.CommandFactory, s streams) int {
	switch {
	case slices.Contains(helpFlags, args[0]):
		fmt.Fprintln(s.out, rootHelp(table))
		return 0
	case slices.Contains([]string{"-v", "-version", "--version"}, args[0]):
		return runCommand([]string{"version"}, s)
	}
	fmt.Fprintf(s.err, "Invalid flags before the subcommand. If these flags are for\nthe subcommand, please put them after the subcommand.\n\n%s\n", rootHelp(table))
	return 1
}

// rootHelp is the help of the program alone.
func rootHelp(table map[string]cli.CommandFactory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [-version] [-help] [-autocomplete-(un)install] <command> [args]\n", name)
	list := func(title string, names []string) {
		width := 0
		for _, n := range names {
			width = max(width, len(n))
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		for _, n := range names {
			if f := table[n]; f != nil {
				if c, err := f(); err == nil {
					fmt.Fprintf(&b, "    %-*s    %s\n", width, n, c.Synopsis())
				}
			}
		}
	}
	list("Common commands", commonCommands)
	list("Other commands", slices.DeleteFunc(sortedKeys(table), func(n string) bool {
		return strings.Contains(n, " ") || aliases[n] != "" || slices.Contains(commonCommands, n)
	}))
	fmt.Fprintf(&b, "\nSee %q for the commands below a word and %q for a command.", name+" <command>", name+" <command> -help")
	return b.String()
}

// commonCommands come first in the help.
var commonCommands = []string{"run", "stop", "status", "alloc", "job", "node", "agent"}
