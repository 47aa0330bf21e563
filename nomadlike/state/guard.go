// SPDX-License-Identifier: MPL-2.0

//go:build !invariants

package state

// guard checks that rows are not changed in place; only the build tag "invariants" makes it do so.
type guard struct{}

func newGuard() *guard { return &guard{} }

// check is called with the changes of each commit, before it is published.
func (*guard) check([]Change) {}

// reset forgets all rows, for a restore that replaces them.
func (*guard) reset() {}
