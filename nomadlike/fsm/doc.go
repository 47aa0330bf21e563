// SPDX-License-Identifier: MPL-2.0

// Package fsm is the replicated state machine of the servers: a table of typed commands that write a
// state.Store, and its snapshots.
//
// A command is declared once, with Define, in the file of its noun, together with its payload type. The
// code of a command is its identity in the log and is never used again for another one. Apply functions
// are deterministic: no clock, no randomness, no map order that shows; times come in payloads. A refusal
// (an *api.Error) is a result like any other and changes nothing.
//
// An entry that this version does not know, or that is damaged, stops the machine with an error instead
// of letting servers drift apart.
//
// The package imports state, codec, api and the interfaces of raft; never a clock, ops or the broker.
package fsm
