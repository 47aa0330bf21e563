// SPDX-License-Identifier: MPL-2.0

// Package feasible says which nodes may run the allocations of a task group, and for the others why not.
//
// Constraints are compiled once per pass and their verdict is remembered per computed node class, unless
// they look at something unique to a node, in which case the group escapes the memo. Whether a node has
// room is not decided here. The package must not import the state store, raft, a clock or a logger.
package feasible
