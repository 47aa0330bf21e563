// SPDX-License-Identifier: MPL-2.0

// Package command is the command line: one file a command. Commands talk to an agent through api/client
// and the operation table only; the agent command alone composes server and client, in command/agent.
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

	"github.com/nomadlike/nomadlike/internal/version"
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
	return runCommand(args, streams{in: in, out: out, err: errw})
}

func runCommand(args []string, s streams) int {
	if len(args) == 1 && slices.Contains([]string{"-v", "-version", "--version"}, args[0]) {
		args = []string{"version"}
	}
	table := commands(s)
	if code, ok := unknown(args, table, s); ok {
		return code
	}
	c := &cli.CLI{
		Name: name, Version: version.String(), Args: args,
		Commands:       table,
		HiddenCommands: aliases(table),
		HelpFunc:       rootHelp,
		HelpWriter:     s.out,
		ErrorWriter:    s.err,
		Autocomplete:   true,
	}
	code, err := c.Run()
	if err != nil {
		fmt.Fprintln(s.err, err)
		return 1
	}
	return code
}

// rootHelp is the help of the program alone.
func rootHelp(table map[string]cli.CommandFactory) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s [-version] [-help] [-autocomplete-(un)install] <command> [args]\n", name)
	list := func(title string, names []string) {
		fmt.Fprintf(&b, "\n%s:\n", title)
		for _, n := range names {
			if f := table[n]; f != nil {
				if c, err := f(); err == nil {
					fmt.Fprintf(&b, "    %-12s %s\n", n, c.Synopsis())
				}
			}
		}
	}
	list("Common commands", commonCommands)
	others := slices.DeleteFunc(sortedKeys(table), func(n string) bool {
		return strings.Contains(n, " ") || slices.Contains(commonCommands, n)
	})
	list("Other commands", others)
	fmt.Fprintf(&b, "\nSee %q for the commands below a word and %q for a command.\n", name+" <command>", name+" <command> -help")
	return b.String()
}

// commonCommands come first in the help.
var commonCommands = []string{"run", "stop", "status", "alloc", "job", "node", "agent"}
