// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// SupersededReason is the description of evaluations that a newer one made needless.
const SupersededReason = "canceled after more recent eval was processed"

// feed turns commits into calls of Broker and Blocked. While the state is being restored it keeps the
// commits and replays them afterwards, so that none is lost between the snapshot and the first commit.
type feed struct {
	evals   *Broker
	blocked *Blocked

	mu struct {
		sync.Mutex
		mode   feedMode
		buffer [][]state.Change
	}
	freed freed
}

type feedMode uint8

const (
	feedOff feedMode = iota
	feedRestoring
	feedOn
)

// freed collects what got free, for the goroutine that looks through the blocked evaluations: the
// commit itself must be quick. Values are raft indexes.
type freed struct {
	mu struct {
		sync.Mutex
		classes map[string]uint64
		// ready are nodes that became able to take allocations, nodes those whose allocations ended.
		ready, nodes map[string]uint64
		all          uint64
	}
	signal chan struct{}
}

func (f *freed) note(m *map[string]uint64, key string, index uint64) {
	f.mu.Lock()
	if *m == nil {
		*m = map[string]uint64{}
	}
	(*m)[key] = max((*m)[key], index)
	f.mu.Unlock()
	f.wake()
}

func (f *freed) noteAll(index uint64) {
	f.mu.Lock()
	f.mu.all = max(f.mu.all, index)
	f.mu.Unlock()
	f.wake()
}

func (f *freed) wake() {
	select {
	case f.signal <- struct{}{}:
	default:
	}
}

// observe takes the changes of a commit, inside it.
func (f *feed) observe(changes []state.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.mu.mode {
	case feedRestoring:
		f.mu.buffer = append(f.mu.buffer, changes)
	case feedOn:
		f.apply(changes)
	case feedOff:
	}
}

// start fills broker and blocked evaluations from the newest state and follows the commits from then on.
func (f *feed) start(store *state.Store) {
	f.mu.Lock()
	f.mu.mode = feedRestoring
	f.mu.Unlock()

	snap := store.Snapshot()
	f.restore(snap)

	f.mu.Lock()
	defer f.mu.Unlock()
	for _, changes := range f.mu.buffer {
		if len(changes) > 0 && changes[0].Index > snap.Index() {
			f.apply(changes)
		}
	}
	f.mu.buffer = nil
	f.mu.mode = feedOn
}

func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.mode, f.mu.buffer = feedOff, nil
}

func (f *feed) restore(snap *state.Snapshot) {
	// What got free while nobody listened is known by the nodes: an evaluation that blocked before the
	// last change of a class is released at once.
	for n := range state.Nodes.All(snap) {
		if n.Ready() {
			f.blocked.Remember(max(n.ModifyIndex, n.LastAllocUpdateIndex), n.ComputedClass)
		}
	}
	if c := state.SchedulerConfig.Get(snap); c != nil {
		f.blocked.Remember(c.ModifyIndex, everyClass)
	}
	for e := range state.Evals.All(snap) {
		f.eval(e)
	}
}

func (f *feed) apply(changes []state.Change) {
	for i := range changes {
		c := &changes[i]
		switch row := c.New.(type) {
		case *api.Evaluation:
			f.eval(row)
		case *api.Allocation:
			old, _ := c.Old.(*api.Allocation)
			if usage.Counts(old) && !usage.Counts(row) {
				f.freed.note(&f.freed.mu.nodes, row.NodeID, c.Index)
			}
		case *api.Node:
			old, _ := c.Old.(*api.Node)
			if offersMore(old, row) {
				f.freed.note(&f.freed.mu.classes, row.ComputedClass, c.Index)
				f.freed.note(&f.freed.mu.ready, row.ID, c.Index)
			}
		case *api.Job:
			if old, _ := c.Old.(*api.Job); c.Table == state.Jobs.Name() && row.Stop && !old.Stopped() {
				f.blocked.Untrack(row.Namespace, row.ID, "", SupersededReason)
			}
		case *api.SchedulerConfiguration:
			f.freed.noteAll(c.Index)
		case nil:
			f.deleted(c)
		}
	}
}

func (f *feed) deleted(c *state.Change) {
	switch old := c.Old.(type) {
	case *api.Evaluation:
		f.evals.Remove(old.ID)
		f.blocked.Remove(old.ID)
	case *api.Allocation:
		if usage.Counts(old) {
			f.freed.note(&f.freed.mu.nodes, old.NodeID, c.Index)
		}
	case *api.Job:
		if c.Table == state.Jobs.Name() {
			f.blocked.Untrack(old.Namespace, old.ID, "", SupersededReason)
		}
	}
}

// eval puts an evaluation where its status belongs.
func (f *feed) eval(e *api.Evaluation) {
	switch {
	case e.Type == api.JobTypeCore:
	case e.ShouldEnqueue():
		f.evals.Enqueue(e)
	case e.ShouldBlock():
		f.evals.Remove(e.ID)
		f.blocked.Block(e)
	case e.TerminalStatus():
		f.evals.Remove(e.ID)
		f.blocked.Remove(e.ID)
		if e.Status == api.EvalStatusComplete && e.BlockedEval == "" && (len(e.FailedTGAllocs) == 0 || perNode(e.Type)) {
			f.blocked.Untrack(e.Namespace, e.JobID, blockKeyOf(e).nodeID, SupersededReason)
		}
	}
}

// offersMore reports whether a node takes allocations that it would not have taken before.
func offersMore(old, row *api.Node) bool {
	return row.Ready() && (old == nil || !old.Ready() || old.ComputedClass != row.ComputedClass ||
		old.NodeResources != row.NodeResources || old.ReservedResources != row.ReservedResources)
}

// release hands what got free to the blocked evaluations until ctx ends.
func (f *feed) release(ctx context.Context, store *state.Store) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-f.freed.signal:
		}
		f.freed.mu.Lock()
		classes, ready, nodes, all := f.freed.mu.classes, f.freed.mu.ready, f.freed.mu.nodes, f.freed.mu.all
		f.freed.mu.classes, f.freed.mu.ready, f.freed.mu.nodes, f.freed.mu.all = nil, nil, nil, 0
		f.freed.mu.Unlock()
		if classes == nil {
			classes = map[string]uint64{}
		}
		snap := store.Snapshot()
		for id, index := range nodes {
			if n := state.Nodes.Get(snap, id); n != nil && n.Ready() {
				classes[n.ComputedClass] = max(classes[n.ComputedClass], index)
			}
			f.blocked.UnblockNode(index, id)
		}
		for id, index := range ready {
			f.blocked.UnblockNode(index, id)
		}
		for class, index := range classes {
			f.blocked.Unblock(index, class)
		}
		if all > 0 {
			f.blocked.UnblockAll(all)
		}
	}
}
