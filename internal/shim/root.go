// SPDX-License-Identifier: MPL-2.0

package shim

import "github.com/nomadlike/nomadlike/internal/shim/wire"

// Root is a file system of a task's own: one of Places made the root of a mount
// namespace, with Entries placed in it.
type Root struct {
	// Places are directories in which tasks can write, reached beneath a
	// trusted one. The first is the root itself; Entry.Dir counts them from 1.
	Places []Place
	wire.Root
}

// Entry is one thing that a task sees in its root.
type Entry = wire.Entry

// The kinds of entries.
const (
	EntryBind  = wire.EntryBind
	EntryMount = wire.EntryMount
	EntryLink  = wire.EntryLink
	EntryHide  = wire.EntryHide
	EntryLock  = wire.EntryLock
)
