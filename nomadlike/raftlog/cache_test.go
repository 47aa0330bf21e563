// SPDX-License-Identifier: MPL-2.0

package raftlog

import (
	"testing"

	"github.com/hashicorp/raft"
)

// TestCache: entries are found whether kept or not, and what is kept is bounded by number and by size.
func TestCache(t *testing.T) {
	c := NewCache(raft.NewInmemStore(), 4, 100)
	store := func(index uint64, size int) {
		t.Helper()
		if err := c.StoreLog(&raft.Log{Index: index, Data: make([]byte, size)}); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(index uint64, size int) {
		t.Helper()
		var l raft.Log
		if err := c.GetLog(index, &l); err != nil || l.Index != index || len(l.Data) != size {
			t.Errorf("entry %d: %v %d bytes: %v", index, l.Index, len(l.Data), err)
		}
	}
	kept := func(from, to uint64, held int) {
		t.Helper()
		if c.mu.first != from || c.mu.next != to || c.mu.held != held {
			t.Errorf("keeps %d to %d with %d bytes, want %d to %d with %d", c.mu.first, c.mu.next, c.mu.held, from, to, held)
		}
	}
	for i := range uint64(6) {
		store(i+1, 10)
	}
	kept(3, 7, 40)
	expect(1, 10)
	expect(6, 10)
	store(7, 80)
	kept(5, 8, 100)
	store(8, 500) // one alone may be larger
	kept(8, 9, 500)
	expect(8, 500)
	expect(7, 80)
	store(9, 1)
	kept(9, 10, 1)
	if err := c.DeleteRange(5, 9); err != nil {
		t.Fatal(err)
	}
	kept(0, 0, 0)
	store(5, 3) // another leader's
	expect(5, 3)
	expect(1, 10)
}
