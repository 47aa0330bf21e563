// SPDX-License-Identifier: MPL-2.0

// Package logs collects the output of tasks on a client (driver-plugin-protocol.md 13).
//
// For each task it leaves a note (internal/shim/logspec) by which drivers with a shim store the output
// themselves, and it makes the two pipes of the driver protocol for all other drivers and has what they
// deliver copied into numbered files: by a process of its own that outlives the agent, or by the agent. A
// Collector owns the pipes of one task from before its start until after its end; it never follows what a
// task may have put in their place.
//
// The package must not import other parts of the client.
package logs
