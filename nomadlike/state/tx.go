// SPDX-License-Identifier: MPL-2.0

package state

import (
	"context"

	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Reader is where table methods read from: a Snapshot, a Tx, or a WriteTx that sees its own changes.
type Reader interface {
	root(table int) any
	// recorder returns the transaction that wants to know what is read, nil when none does.
	recorder() *Tx
}

// Snapshot is an immutable view of all tables and of the usage columns. It costs nothing to hold but
// the memory of rows that were replaced since.
type Snapshot struct {
	index uint64
	roots []any
	usage *usage.Snapshot
}

func (s *Snapshot) root(table int) any { return s.roots[table] }

func (s *Snapshot) recorder() *Tx { return nil }

// Index returns the raft index of the last command in the snapshot.
func (s *Snapshot) Index() uint64 { return s.index }

// Usage returns the columns of node capacity and use that belong to the snapshot.
func (s *Snapshot) Usage() *usage.Snapshot { return s.usage }

// Tx is a read transaction: a snapshot that records what is read from it. It is for one goroutine.
type Tx struct {
	*Snapshot
	store *Store
	reads []watchKey
	index uint64
}

func (tx *Tx) recorder() *Tx { return tx }

func (tx *Tx) record(k watchKey) {
	if n := len(tx.reads); n > 0 && tx.reads[n-1] == k {
		return
	}
	tx.reads = append(tx.reads, k)
}

func (tx *Tx) fold(index uint64) { tx.index = max(tx.index, index) }

// Index returns the index of the answer: the largest of a read row's modify index (the table's when the
// row does not exist), a read group's and a listed table's.
func (tx *Tx) Index() uint64 { return tx.index }

// Recorded reports whether anything was read that Watch could wait for.
func (tx *Tx) Recorded() bool { return len(tx.reads) > 0 }

// Unrecorded returns the snapshot behind the transaction, for reads that are no part of the answer.
func (tx *Tx) Unrecorded() *Snapshot { return tx.Snapshot }

// Watch waits until something that was read has changed, and returns nil then, or the error of ctx. A
// transaction that read nothing waits for ctx. Watch may rarely return without a change.
//
// It uses the transaction up: the snapshot is let go before the wait. Thousands of readers that wait would otherwise
// hold thousands of versions of the tables.
func (tx *Tx) Watch(ctx context.Context) error {
	w := &waiter{ch: make(chan struct{})}
	for i := range tx.reads {
		tx.store.registries[tx.reads[i].table].add(tx.reads[i], w)
	}
	defer func() {
		for i := range tx.reads {
			tx.store.registries[tx.reads[i].table].remove(tx.reads[i], w)
		}
	}()
	// A commit publishes first and wakes then: what was published before the entry is seen here, what is
	// published later finds the entry.
	now := tx.store.Snapshot()
	if now != tx.Snapshot {
		for i := range tx.reads {
			k := &tx.reads[i]
			if tables[k.table].changed(k, tx.roots[k.table], now.roots[k.table]) {
				return nil
			}
		}
	}
	tx.Snapshot = nil
	select {
	case <-w.ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
