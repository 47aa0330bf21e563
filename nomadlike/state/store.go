// SPDX-License-Identifier: MPL-2.0

package state

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Change is one row that a commit put or deleted. Old is nil for a new row, New for a deleted one; both
// are row pointers, such as *api.Job. A row that was put several times in a commit is one change.
type Change struct {
	Table string
	Old   any
	New   any
	Index uint64
	// Msg is the name of the command that changed the row.
	Msg string
}

// Store holds the tables. Reading is lock-free, writing is for one transaction at a time.
type Store struct {
	current atomic.Pointer[Snapshot]
	// registries has one entry a table.
	registries []*registry
	guard      *guard

	// write is held by the open write transaction, with everything below.
	write       sync.Mutex
	usage       *usage.Table
	generation  uint64
	subscribers []func([]Change)
	restored    []func()
	// advanced is closed and replaced at each commit that somebody waits for.
	advance struct {
		sync.Mutex
		ch chan struct{}
	}
}

// New returns a store with the built-in rows: the default namespace and the node pools default and all.
func New() *Store {
	s := &Store{usage: usage.NewTable(), guard: newGuard()}
	first := &Snapshot{roots: make([]any, len(tables)), usage: s.usage.Snapshot()}
	for i, t := range tables {
		first.roots[i] = t.newRoot()
		s.registries = append(s.registries, newRegistry())
	}
	s.current.Store(first)
	w := s.Begin(1, "Bootstrap")
	bootstrap(w)
	w.Commit()
	return s
}

// Snapshot returns the newest committed state.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Read opens a read transaction on the newest committed state.
func (s *Store) Read() *Tx { return &Tx{Snapshot: s.Snapshot(), store: s} }

// Index returns the raft index of the newest committed state.
func (s *Store) Index() uint64 { return s.Snapshot().index }

// SnapshotAt waits until the state includes the raft index and returns a snapshot that does; it returns
// the error of ctx when that ends first.
func (s *Store) SnapshotAt(ctx context.Context, index uint64) (*Snapshot, error) {
	for {
		if now := s.Snapshot(); now.index >= index {
			return now, nil
		}
		s.advance.Lock()
		if s.advance.ch == nil {
			s.advance.ch = make(chan struct{})
		}
		ch := s.advance.ch
		s.advance.Unlock()
		if now := s.Snapshot(); now.index >= index {
			return now, nil
		}
		select {
		case <-ch:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Subscribe makes fn be called with the changes of each commit, in order, inside the commit: it must be
// quick and must not write. The slice is the subscriber's to keep, its rows are immutable.
func (s *Store) Subscribe(fn func([]Change)) {
	s.write.Lock()
	defer s.write.Unlock()
	s.subscribers = append(s.subscribers, fn)
}

// OnRestore makes fn be called after a restore replaced the whole state, before anything is written again.
func (s *Store) OnRestore(fn func()) {
	s.write.Lock()
	defer s.write.Unlock()
	s.restored = append(s.restored, fn)
}

// publish makes the snapshot current and wakes those who wait for its index.
func (s *Store) publish(now *Snapshot) {
	s.current.Store(now)
	s.advance.Lock()
	if s.advance.ch != nil {
		close(s.advance.ch)
		s.advance.ch = nil
	}
	s.advance.Unlock()
}
