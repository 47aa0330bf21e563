// SPDX-License-Identifier: MPL-2.0

// Package allocdir owns the directories of allocations on the disk of a client (runtime.md 3):
//
//	<alloc dir>/<alloc id>/alloc/{data,logs,tmp}
//	<alloc dir>/<alloc id>/<task>/{local,secrets,private,tmp}
//
// A Root is the directory of all of them, a Dir that of one allocation. Both hold open directory handles
// and do all their work beneath them (os.Root), so that nothing a task does to its files, renaming and
// links included, makes the agent touch what is outside. Reading goes one name at a time and knows the
// real place of what it reads, so that a link does not open the secrets of a task either.
//
// The package must not import other parts of the client.
package allocdir
