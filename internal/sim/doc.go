// SPDX-License-Identifier: MPL-2.0

// Package sim simulates client nodes for benchmarks, demonstrations and tests of servers. A simulated node
// registers, reports, watches its allocations and answers for their tasks through the operations that real
// clients use; only the tasks are pretended: they run at once, and stop at once when asked to.
//
// A Fleet holds thousands of nodes in one process. A node costs one goroutine, which waits in its
// allocation watch, and a small map; heartbeats and task ends share one timer.
//
// The package imports api and internal/rpc only.
package sim
