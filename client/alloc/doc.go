// SPDX-License-Identifier: MPL-2.0

// Package alloc runs one allocation on a client (runtime.md 4): it prepares the directory, runs a
// task.Runner for each task of the group in the order of their lifecycle, stops them in order, and tells
// what has become of the allocation.
//
// A Runner is one goroutine that owns the allocation; messages go in and never block, the status comes
// out as an immutable snapshot. What the states of the tasks mean for each other is decided by pure
// functions (lifecycle.go, status.go). The package must not know of servers or of other allocations but
// through what it is given.
package alloc
