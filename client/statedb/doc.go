// SPDX-License-Identifier: MPL-2.0

// Package statedb keeps what a client must know after a restart in one bbolt file: the allocations it
// runs, the states and driver handles of their tasks, what hooks have done, and how to reach the plugin
// processes.
//
// Writes are queued and committed in groups by one goroutine, the last value of a key winning, so a
// hundred allocations that start together cost a few disk syncs. A write that fails stays queued and is
// tried again; nothing is lost while the disk is full. A caller that needs its write on disk waits for
// Sync.
//
// A file that cannot be read is never removed or repaired: Open says which file, and what to do.
// The package must not import other parts of the client.
package statedb
