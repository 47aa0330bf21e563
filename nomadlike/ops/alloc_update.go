// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// updateDelay is how long reports of allocations are gathered into one log entry; a lone report waits
	// no longer than that, so that a start is seen at once.
	updateDelay = 5 * time.Millisecond
	// updateLimit is the most allocations in one log entry.
	updateLimit = 4096
)

// updateBatch gathers the reports of many clients into few log entries.
type updateBatch struct {
	env *Env

	mu struct {
		sync.Mutex
		allocs []*api.Allocation
		// nodes were away and report for the first time since.
		nodes   []string
		pending *updateRound
	}
}

// updateRound is one log entry in the making; done is closed once index and err are set.
type updateRound struct {
	done  chan struct{}
	index uint64
	err   error
}

func newUpdateBatch(e *Env) *updateBatch { return &updateBatch{env: e} }

func (e *Env) allocUpdate(ctx context.Context, r *api.AllocUpdateRequest) (*api.WriteMeta, error) {
	snap := e.Store.Snapshot()
	n, err := e.verifyNode(snap, r.NodeID, r.SecretID)
	if err != nil {
		return nil, err
	}
	known := ofNode(snap, r)
	if len(known) < len(r.Allocs) {
		if snap, err = e.settled(ctx); err != nil {
			return nil, err
		}
		known = ofNode(snap, r)
	}
	var nodes []string
	if n.LastMissedHeartbeatIndex > n.LastAllocUpdateIndex {
		nodes = []string{n.ID}
	}
	if len(known)+len(nodes) == 0 {
		return &api.WriteMeta{}, nil
	}
	index, err := e.updates.add(ctx, known, nodes)
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.WriteMeta{}, nil
}

// ofNode returns the reports on allocations of the node that makes them.
func ofNode(snap *state.Snapshot, r *api.AllocUpdateRequest) []*api.Allocation {
	var known []*api.Allocation
	for _, a := range r.Allocs {
		if old := state.Allocs.Get(snap, a.ID); old != nil && old.NodeID == r.NodeID {
			known = append(known, a)
		}
	}
	return known
}

// add puts reports into the present round and waits until it is committed.
func (b *updateBatch) add(ctx context.Context, allocs []*api.Allocation, nodes []string) (uint64, error) {
	b.mu.Lock()
	round := b.mu.pending
	if round == nil {
		round = &updateRound{done: make(chan struct{})}
		b.mu.pending = round
		time.AfterFunc(updateDelay, func() { b.flush(round) })
	}
	b.mu.allocs = append(b.mu.allocs, allocs...)
	b.mu.nodes = append(b.mu.nodes, nodes...)
	full := len(b.mu.allocs) >= updateLimit
	b.mu.Unlock()
	if full {
		b.flush(round)
	}
	select {
	case <-round.done:
		return round.index, round.err
	case <-ctx.Done():
		return 0, api.Errorf(api.ClassTimeout, "request ended before its allocations were written")
	}
}

// flush commits the round unless somebody did already.
func (b *updateBatch) flush(round *updateRound) {
	b.mu.Lock()
	if b.mu.pending != round {
		b.mu.Unlock()
		return
	}
	allocs, nodes := b.mu.allocs, b.mu.nodes
	b.mu.allocs, b.mu.nodes, b.mu.pending = nil, nil, nil
	b.mu.Unlock()
	defer close(round.done)
	updates := make([]*fsm.AllocUpdate, len(allocs))
	for i, a := range allocs {
		updates[i] = fsm.ClientUpdate(a)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, round.index, round.err = b.env.Raft.Apply(ctx, fsm.AllocsClientUpdate.Encode(&fsm.AllocsClientUpdateRequest{
		Allocs: updates, Nodes: nodes, Evals: b.env.failureEvals(allocs), Time: b.env.Now().UnixNano(),
	}))
}

// failureEvals returns one evaluation a job of which allocations newly failed, were given up by their client or, of a
// service, ended without being told to, so that they are replaced, or are back on a node that had been out of contact, so
// that one of them and their replacements is chosen.
// System jobs have no reschedule policy that would keep an allocation from failing over and over at once:
// theirs are replaced by what makes an evaluation next, a node or the job that changes.
func (e *Env) failureEvals(allocs []*api.Allocation) []*api.Evaluation {
	snap := e.Store.Snapshot()
	type key struct{ ns, id string }
	seen := map[key]bool{}
	var evals []*api.Evaluation
	for _, a := range allocs {
		old := state.Allocs.Get(snap, a.ID)
		if old == nil || old.ClientTerminalStatus() || old.ServerTerminalStatus() {
			continue
		}
		trigger := api.TriggerAllocFailure
		switch {
		case old.ClientStatus == api.AllocClientUnknown && a.ClientStatus != api.AllocClientUnknown:
			trigger = api.TriggerReconnect
		case a.ClientStatus != api.AllocClientFailed && a.ClientStatus != api.AllocClientLost && a.ClientStatus != api.AllocClientComplete:
			continue
		}
		k := key{old.Namespace, old.JobID}
		if seen[k] {
			continue
		}
		job := state.Jobs.Get(snap, k.ns, k.id)
		switch {
		case job == nil, job.Stopped(), trigger == api.TriggerAllocFailure && !reschedules(job):
			continue
		case a.ClientStatus == api.AllocClientComplete && job.Type != api.JobTypeService && trigger == api.TriggerAllocFailure:
			continue
		}
		seen[k] = true
		evals = append(evals, e.newEval(k.ns, k.id, job, trigger))
	}
	return evals
}

// reschedules reports whether failed allocations of the job are replaced.
func reschedules(job *api.Job) bool {
	return job.Type == api.JobTypeService || job.Type == api.JobTypeBatch
}
