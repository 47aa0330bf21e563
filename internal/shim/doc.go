// SPDX-License-Identifier: MPL-2.0

// Package shim starts tasks that outlive the process that started them, and
// finds them again.
//
// Behind each task stands a shim: one small process in a session of its own
// (package supervisor) that starts the task, stores its output, answers on a
// socket, and writes down how the task ended before it leaves. Drivers use this
// package to start one (Start), to take hold of it again after a restart
// (Attach), and to talk to it (Handle). The design, the protocol and what
// happens when either side dies are in docs/design/2026-11-23-shim.md.
//
// Nothing here knows about drivers, jobs or the agent: the package and those
// below it import the standard library and golang.org/x/sys only.
package shim

import (
	"os"

	"github.com/nomadlike/nomadlike/internal/shim/supervisor"
)

// Argument is the first argument that makes a binary run as the shim.
const Argument = "shim"

// Main runs the process as the shim and ends it, if it was started as one;
// otherwise it returns at once. Programs that use Start without carrying the
// shim program (see package embed) call it before anything else.
func Main() {
	if len(os.Args) > 1 && os.Args[1] == Argument {
		supervisor.Main()
	}
}
