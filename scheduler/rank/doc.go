// SPDX-License-Identifier: MPL-2.0

// Package rank scores every feasible node for a task group and places a group of N in one pass.
//
// A Placer builds one candidate per feasible node with room, keeps the candidates in heaps and re-scores
// only those that a placement touches, so N placements on M nodes cost M + N·log M instead of N·M.
// Ports, cores and the distinct rules are checked when a candidate comes up, because most groups ask for
// none of them. A spread block changes the score of all nodes that share an attribute value at once;
// nodes are then grouped by their values, one heap a group, and only the best of each group is compared.
//
// Formulas are those of the reference (scheduler.md 5); the reference scores a random sample of nodes.
// The package must not import the state store, raft, a clock or a logger.
package rank
