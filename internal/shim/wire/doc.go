// SPDX-License-Identifier: MPL-2.0

// Package wire is the private language between a shim and the driver that
// started it: the task specification, the start report, the control frames of
// the socket, and the exit record.
//
// It is linked into the shim, whose memory is a headline figure, so it uses
// neither reflection nor formatted printing and imports nothing but a few small
// packages of the standard library. It owns no file and no process.
//
// Everything is made of fields: one tag byte, a length, the bytes. A reader
// skips tags it does not know and a writer never reuses a retired tag, so an
// agent can talk to shims that an older or newer agent started.
package wire
