// SPDX-License-Identifier: MPL-2.0

// Package proc looks at processes: who is still the same process, and who
// descends from whom.
//
// A process is identified by its number and its start time, because numbers are
// used again. The start time is an opaque figure that only compares with
// figures of the same machine since it was started; see BootID.
//
// The shim links it, so it imports only small parts of the standard library and
// golang.org/x/sys. It owns nothing.
package proc
