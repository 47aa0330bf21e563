// SPDX-License-Identifier: MPL-2.0

// Package rotate stores the output of a task in numbered files,
// "<prefix>.0", "<prefix>.1" and so on, of which the newest few are kept.
//
// It is used by the shim, which stores what its task prints, and by the client
// agent for drivers that deliver output through pipes. A Writer belongs to one
// goroutine; only its counters may be read by others.
//
// The log directory is writable by tasks, so nothing in it is trusted: the
// directory is opened once without following links below a trusted base, files
// are opened beneath that handle, and whatever is not a regular file with a
// single name is replaced, never written to.
//
// It imports the standard library and golang.org/x/sys only, and no part of it
// that costs the shim memory (no formatted printing, no reflection).
package rotate
