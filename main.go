// SPDX-License-Identifier: MPL-2.0

// Command nomadlike is the whole product in one binary: agent, command line, driver plugins and, in builds
// without the embedded program, the task shim. Plugin and shim entry points are chosen before anything
// else is set up.
package main

import (
	"os"

	"github.com/nomadlike/nomadlike/command"
)

func main() { os.Exit(command.Main(os.Args[1:])) }
