// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// signals are the names that jobs may use (reference drivers.md 10.4).
var signals = map[string]syscall.Signal{
	"SIGNULL": 0,
	"SIGABRT": unix.SIGABRT, "SIGALRM": unix.SIGALRM, "SIGBUS": unix.SIGBUS, "SIGCONT": unix.SIGCONT,
	"SIGFPE": unix.SIGFPE, "SIGHUP": unix.SIGHUP, "SIGILL": unix.SIGILL, "SIGINT": unix.SIGINT,
	"SIGIO": unix.SIGIO, "SIGIOT": unix.SIGABRT, "SIGKILL": unix.SIGKILL, "SIGPIPE": unix.SIGPIPE,
	"SIGPROF": unix.SIGPROF, "SIGQUIT": unix.SIGQUIT, "SIGSEGV": unix.SIGSEGV, "SIGSTOP": unix.SIGSTOP,
	"SIGSYS": unix.SIGSYS, "SIGTERM": unix.SIGTERM, "SIGTRAP": unix.SIGTRAP, "SIGTSTP": unix.SIGTSTP,
	"SIGTTIN": unix.SIGTTIN, "SIGTTOU": unix.SIGTTOU, "SIGUSR1": unix.SIGUSR1, "SIGUSR2": unix.SIGUSR2,
	"SIGWINCH": unix.SIGWINCH, "SIGXCPU": unix.SIGXCPU, "SIGXFSZ": unix.SIGXFSZ,
}
