// SPDX-License-Identifier: MPL-2.0

package raftlog

import (
	"sync"

	"github.com/hashicorp/raft"
)

// Cache keeps the newest entries of a log store in memory, for followers that are nearly up to date and for the
// state machine. It is bounded by their number and by their size together: entries of thousands of allocations are
// megabytes each. It is safe for concurrent use.
type Cache struct {
	raft.LogStore
	entries int
	bytes   int

	mu struct {
		sync.RWMutex
		ring []*raft.Log
		// first and next are the indexes from the oldest kept entry to the one after the newest.
		first, next uint64
		held        int
	}
}

// NewCache returns an empty cache of at most that many entries and bytes over a store.
func NewCache(store raft.LogStore, entries, bytes int) *Cache {
	c := &Cache{LogStore: store, entries: entries, bytes: bytes}
	c.mu.ring = make([]*raft.Log, entries)
	return c
}

// IsMonotonic tells raft what the store below says.
func (c *Cache) IsMonotonic() bool {
	m, ok := c.LogStore.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// GetLog implements raft.LogStore.
func (c *Cache) GetLog(index uint64, log *raft.Log) error {
	c.mu.RLock()
	var kept *raft.Log
	if index >= c.mu.first && index < c.mu.next {
		kept = c.mu.ring[index%uint64(c.entries)]
	}
	c.mu.RUnlock()
	if kept != nil && kept.Index == index {
		*log = *kept
		return nil
	}
	return c.LogStore.GetLog(index, log)
}

// StoreLog implements raft.LogStore.
func (c *Cache) StoreLog(log *raft.Log) error { return c.StoreLogs([]*raft.Log{log}) }

// StoreLogs implements raft.LogStore.
func (c *Cache) StoreLogs(logs []*raft.Log) error {
	if err := c.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range logs {
		c.keepLocked(l)
	}
	return nil
}

func (c *Cache) keepLocked(l *raft.Log) {
	if l.Index != c.mu.next {
		c.dropLocked()
		c.mu.first, c.mu.next = l.Index, l.Index
	}
	for c.mu.next > c.mu.first && (c.mu.next-c.mu.first >= uint64(c.entries) || c.mu.held+len(l.Data) > c.bytes) {
		at := c.mu.first % uint64(c.entries)
		c.mu.held -= len(c.mu.ring[at].Data)
		c.mu.ring[at] = nil
		c.mu.first++
	}
	c.mu.ring[l.Index%uint64(c.entries)] = l
	c.mu.held += len(l.Data)
	c.mu.next++
}

// DeleteRange implements raft.LogStore; the cache starts over.
func (c *Cache) DeleteRange(first, last uint64) error {
	c.mu.Lock()
	c.dropLocked()
	c.mu.Unlock()
	return c.LogStore.DeleteRange(first, last)
}

func (c *Cache) dropLocked() {
	clear(c.mu.ring)
	c.mu.first, c.mu.next, c.mu.held = 0, 0, 0
}
