// SPDX-License-Identifier: MPL-2.0

// Package usage keeps, for every node, what it offers and what its allocations take, as dense rows of
// numbers in copy-on-write pages.
//
// A Table has one writer, the state store inside its write transaction. Snapshot copies page pointers
// only, so a reader gets a consistent, immutable view for the price of a few pointers; a page is copied
// the first time it is written after a snapshot. An Overlay forks a snapshot for one scheduling pass or
// for the plan applier and answers whether something still fits. Scheduler, applier and node status read
// the same numbers through the same functions and cannot disagree.
//
// What counts: an allocation counts on its node until its client status is terminal, whatever the
// servers want of it.
//
// Nodes are known by a small integer, the ordinal. An ordinal is valid within one snapshot; it is
// handed out again when neither a node row nor a counted allocation uses it.
//
// The package imports api and the standard library; no state store, raft, clock, randomness or
// logger.
package usage
