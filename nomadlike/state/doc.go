// SPDX-License-Identifier: MPL-2.0

// Package state holds the tables of the servers: jobs, allocations, nodes and everything else that raft
// replicates.
//
// A Table is declared once, in the file of its noun, with its key, its indexes and its neighbour rules;
// no other file writes it. Rows are api types, immutable once put: copy, change, put. The build tag
// "invariants" makes a store hash its rows and panic when one was changed in place.
//
// A Store has one writer at a time, the FSM. Begin opens a write transaction, Commit publishes it: it
// applies the neighbour rules that are left (job summaries and statuses), swaps the roots, wakes the
// readers that wait for something that changed, and calls the subscribers in order. Readers never lock:
// a Snapshot is a pointer to immutable roots, and a Tx is a snapshot that remembers what was read, so
// that it can tell the index of its answer and wait for a change of it.
//
// Usage columns (scheduler/usage) are kept by the same commits, so that a snapshot and its columns agree.
//
// There is no clock and no randomness here: the same commands give the same rows on every server. The
// package imports api, scheduler/usage and internal/codec; never raft, a logger or the network.
package state
