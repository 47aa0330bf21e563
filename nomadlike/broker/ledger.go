// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// ledger knows what the nodes hold once everything that was accepted is written: the committed usage
// columns plus the plans in flight. The applier checks new plans against it, and the workers schedule
// over it, so that they do not choose room that another plan already took.
//
// While nothing is in flight it holds nothing and answers the columns of the newest snapshot. While
// something is, it keeps a table of its own up to date from the changes of each commit.
type ledger struct {
	store *state.Store

	mu struct {
		sync.Mutex
		// table is nil while nothing is in flight.
		table *usage.Table
		// index is the last commit that the table includes.
		index uint64
		// queue holds commits that are not in the table yet, oldest first.
		queue [][]state.Change
		// flying holds every allocation in flight, by ID.
		flying map[string]flight
		// view is the last snapshot of table, nil when table changed since.
		view *usage.Snapshot
	}
}

// flight is the accepted version of an allocation; index is that of the state it was accepted against.
type flight struct {
	row   *api.Allocation
	index uint64
}

func newLedger(store *state.Store) *ledger {
	l := &ledger{store: store}
	l.mu.flying = map[string]flight{}
	return l
}

// reset forgets what is in flight.
func (l *ledger) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropLocked()
	clear(l.mu.flying)
}

func (l *ledger) dropLocked() {
	l.mu.table, l.mu.queue, l.mu.view, l.mu.index = nil, nil, nil, 0
}

// observe takes the changes of a commit. It is called inside the commit and only queues them.
func (l *ledger) observe(changes []state.Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.table != nil && len(changes) > 0 && changes[0].Index > l.mu.index {
		l.mu.queue = append(l.mu.queue, changes)
	}
}

// current returns the newest state with the usage that includes what is in flight, and the index up to
// which commits are in both.
func (l *ledger) current() view {
	l.mu.Lock()
	defer l.mu.Unlock()
	snap := l.store.Snapshot()
	if l.mu.table == nil {
		return newView(snap, snap.Usage(), snap.Index())
	}
	l.drainLocked()
	if len(l.mu.flying) == 0 {
		l.dropLocked()
		return newView(snap, snap.Usage(), snap.Index())
	}
	if l.mu.view == nil {
		l.mu.view = l.mu.table.Snapshot()
	}
	return newView(snap, l.mu.view, min(l.mu.index, snap.Index()))
}

// drainLocked brings the table up to date.
func (l *ledger) drainLocked() {
	for _, changes := range l.mu.queue {
		if changes[0].Index <= l.mu.index {
			continue
		}
		for i := range changes {
			l.applyLocked(&changes[i])
		}
		l.mu.index = changes[0].Index
		l.mu.view = nil
	}
	clear(l.mu.queue)
	l.mu.queue = l.mu.queue[:0]
}

func (l *ledger) applyLocked(c *state.Change) {
	switch row := c.New.(type) {
	case *api.Node:
		l.mu.table.UpsertNode(row)
	case *api.Allocation:
		old, _ := c.Old.(*api.Allocation)
		if mine, ok := l.mu.flying[row.ID]; ok && c.Index > mine.index {
			if row.AllocModifyIndex < c.Index && usage.Counts(row) {
				return // a report of the client: what is in flight still comes on top
			}
			old = mine.row
			delete(l.mu.flying, row.ID)
		}
		l.mu.table.UpsertAlloc(old, row)
	case nil:
		switch old := c.Old.(type) {
		case *api.Node:
			l.mu.table.DeleteNode(old.ID)
		case *api.Allocation:
			if mine, ok := l.mu.flying[old.ID]; ok && c.Index > mine.index {
				old = mine.row
				delete(l.mu.flying, old.ID)
			}
			l.mu.table.DeleteAlloc(old)
		}
	}
}

// row returns the allocation as it will be once everything in flight is written.
func (l *ledger) row(snap view, id string) *api.Allocation {
	l.mu.Lock()
	mine, ok := l.mu.flying[id]
	l.mu.Unlock()
	if ok {
		return mine.row
	}
	return snap.Alloc(id)
}

// accept adds allocations that are about to be written.
func (l *ledger) accept(allocs []*api.Allocation) {
	if len(allocs) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	snap := l.store.Snapshot()
	if l.mu.table == nil {
		l.rebuildLocked(snap)
	} else {
		l.drainLocked()
	}
	for _, a := range allocs {
		old := newView(snap, nil, 0).Alloc(a.ID)
		if mine, ok := l.mu.flying[a.ID]; ok {
			old = mine.row
		}
		l.mu.table.UpsertAlloc(old, a)
		l.mu.flying[a.ID] = flight{row: a, index: snap.Index()}
	}
	l.mu.view = nil
}

// rebuildLocked makes the table equal to the snapshot plus what is in flight.
func (l *ledger) rebuildLocked(snap *state.Snapshot) {
	l.mu.table = usage.NewTable()
	l.mu.table.Rollback(snap.Usage())
	l.mu.index, l.mu.view = snap.Index(), nil
	for id, mine := range l.mu.flying {
		l.mu.table.UpsertAlloc(newView(snap, nil, 0).Alloc(id), mine.row)
		l.mu.flying[id] = flight{row: mine.row, index: snap.Index()}
	}
}

// settle takes allocations out of flight whose write is over. Those that were written are gone already;
// what is left was not.
func (l *ledger) settle(allocs []*api.Allocation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.table == nil {
		return
	}
	l.drainLocked()
	left := false
	for _, a := range allocs {
		if mine, ok := l.mu.flying[a.ID]; ok && mine.row == a {
			delete(l.mu.flying, a.ID)
			left = true
		}
	}
	switch {
	case len(l.mu.flying) == 0:
		l.dropLocked()
	case left:
		l.rebuildLocked(l.store.Snapshot())
	}
}
