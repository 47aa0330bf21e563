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

	"github.com/hashicorp/cli"

	"github.com/nomadlike/nomadlike/internal/version"
)

// name is what the program is called in its own texts.
const name = "nomadlike"

// streams are where a command reads and writes, so that tests can be the terminal.
type streams struct {
	in       io.Reader
	out, err io.Writer
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
	if len(args) == 1 && (args[0] == "-v" || args[0] == "-version" || args[0] == "--version") {
		args = []string{"version"}
	}
	c := &cli.CLI{
		Name: name, Version: version.String(), Args: args,
		Commands:                   commands(streams{in, out, errw}),
		HelpFunc:                   cli.BasicHelpFunc(name),
		HelpWriter:                 out,
		ErrorWriter:                errw,
		Autocomplete:               true,
		AutocompleteNoDefaultFlags: true,
	}
	code, err := c.Run()
	if err != nil {
		fmt.Fprintln(errw, err)
		return 1
	}
	return code
}
