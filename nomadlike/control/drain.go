// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// drainWindow is how long changes are gathered before the drains are looked at.
	drainWindow = 100 * time.Millisecond
	// drainRest is how long a look at all drains is followed by none, in multiples of the time it took.
	drainRest = 4
	// drainRetry is the wait after a decision that could not be written.
	drainRetry = time.Second
	// maxDrainMarks is how many allocations are told to migrate in one raft entry.
	maxDrainMarks = 1024
)

// Drains empties the nodes that are told to drain (runtime.md 10.1): it marks allocations for migration at
// the pace of their groups, all at once when the deadline passes, those of system jobs last, and ends the
// drain when nothing is left. The scheduler stops and replaces what is marked.
//
// It is level-triggered: all draining nodes are looked at whenever a node or an allocation of a job on such a
// node changed, or a deadline passes. A new leader goes on where the last one was.
type Drains struct {
	store *state.Store
	raft  Raft
	log   hclog.Logger

	mu struct {
		sync.Mutex
		on bool
		// jobs have allocations on draining nodes: changes of theirs matter.
		jobs map[jobRef]bool
	}
	wake chan struct{}
}

// NewDrains returns an idle drainer. Its Observe must be subscribed to the store.
func NewDrains(store *state.Store, raft Raft, log hclog.Logger) *Drains {
	return &Drains{store: store, raft: raft, log: log.Named("drain"), wake: make(chan struct{}, 1)}
}

// Observe takes the changes of a commit. It is quick and may be called inside the commit.
func (d *Drains) Observe(changes []state.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.mu.on {
		return
	}
	for i := range changes {
		matters := false
		switch row := changes[i].New.(type) {
		case *api.Node:
			matters = row.DrainStrategy != nil
		case *api.Allocation:
			matters = len(d.mu.jobs) > 0 && d.mu.jobs[jobRef{row.Namespace, row.JobID}]
		case *api.Job:
			matters = len(d.mu.jobs) > 0 && d.mu.jobs[jobRef{row.Namespace, row.ID}]
		}
		if matters {
			select {
			case d.wake <- struct{}{}:
			default:
			}
			return
		}
	}
}

// Run drains nodes until ctx ends.
func (d *Drains) Run(ctx context.Context) error {
	d.watch(map[jobRef]bool{}, true)
	defer d.watch(nil, false)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.wake:
			if run.Sleep(ctx, drainWindow) != nil {
				return ctx.Err()
			}
		case <-timer.C:
		}
		begin := time.Now()
		next, err := d.round(ctx, begin)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			d.log.Warn("could not take drains forward, trying again", "error", err)
			next = time.Now().Add(drainRetry)
		}
		if took := time.Since(begin); took > drainWindow && run.Sleep(ctx, drainRest*took) != nil {
			return ctx.Err()
		}
		timer.Reset(time.Hour)
		if !next.IsZero() {
			timer.Reset(max(0, time.Until(next)))
		}
	}
}

func (d *Drains) watch(jobs map[jobRef]bool, on bool) {
	d.mu.Lock()
	d.mu.on, d.mu.jobs = on, jobs
	d.mu.Unlock()
}

// round looks at all draining nodes and returns when the next deadline passes, the zero time for never.
func (d *Drains) round(ctx context.Context, now time.Time) (next time.Time, err error) {
	snap := d.store.Snapshot()
	var nodes []*drainingNode
	jobs := map[jobRef]bool{}
	for row := range state.Nodes.All(snap) {
		if row.DrainStrategy == nil {
			continue
		}
		n := newDrainingNode(snap, row, now)
		nodes = append(nodes, n)
		for _, a := range n.all() {
			jobs[jobRef{a.Namespace, a.JobID}] = true
		}
		if by := row.DrainStrategy.ForceDeadline; by != nil && by.After(now) && (next.IsZero() || by.Before(next)) {
			next = *by
		}
	}
	d.watch(jobs, true)
	if d.store.Snapshot().Index() != snap.Index() {
		// What changed before the jobs were watched may matter.
		select {
		case d.wake <- struct{}{}:
		default:
		}
	}
	if err := d.mark(ctx, snap, drainable(snap, nodes), now); err != nil {
		return next, err
	}
	for _, n := range nodes {
		if n.isEmpty() {
			if err := d.complete(ctx, n, now); err != nil {
				return next, err
			}
		}
	}
	return next, nil
}

// mark tells allocations to migrate, with one evaluation for each job.
func (d *Drains) mark(ctx context.Context, snap *state.Snapshot, allocs []*api.Allocation, now time.Time) error {
	for len(allocs) > 0 {
		part := allocs[:min(len(allocs), maxDrainMarks)]
		allocs = allocs[len(part):]
		req := &fsm.AllocsDesiredTransitionRequest{Transitions: map[string]api.DesiredTransition{}, Time: now.UnixNano()}
		seen := map[jobRef]bool{}
		for _, a := range part {
			t := api.DesiredTransition{Migrate: new(true)}
			if kind := typeOf(snap, a); kind == api.JobTypeBatch || kind == api.JobTypeSysBatch {
				t.MigrateDisablePlacement = new(true) // they had their time until the deadline
			}
			req.Transitions[a.ID] = t
			ref := jobRef{a.Namespace, a.JobID}
			if seen[ref] {
				continue
			}
			seen[ref] = true
			job := state.Jobs.Get(snap, a.Namespace, a.JobID)
			if job == nil {
				job = a.Job // purged: the evaluation stops what is left of it
			}
			if job == nil {
				continue
			}
			req.Evals = append(req.Evals, &api.Evaluation{
				ID: api.NewID(), Namespace: a.Namespace, Priority: job.PriorityOrDefault(), Type: job.Type,
				TriggeredBy: api.TriggerNodeDrain, JobID: a.JobID, JobModifyIndex: job.ModifyIndex, NodeID: a.NodeID,
				Status: api.EvalStatusPending, CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
			})
		}
		if _, _, err := d.raft.Apply(ctx, fsm.AllocsDesiredTransition.Encode(req)); err != nil {
			return err
		}
	}
	return nil
}

// complete ends the drain of a node that is empty.
func (d *Drains) complete(ctx context.Context, n *drainingNode, now time.Time) error {
	d.log.Info("node drain complete", "node_id", n.row.ID, "node_name", n.row.Name)
	event := &api.NodeEvent{Message: api.NodeEventDrainComplete, Subsystem: api.NodeEventDrain, Timestamp: new(now.UTC())}
	if n.forced {
		event.Details = map[string]string{"deadline_reached": "true"}
	}
	_, _, err := d.raft.Apply(ctx, fsm.NodeDrain.Encode(&fsm.NodeDrainRequest{
		NodeID: n.row.ID, Complete: true, UpdatedAt: now.Unix(), Event: event,
	}))
	return ignoreGone(err)
}
