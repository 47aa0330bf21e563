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

// GCConfig holds the periods and ages of scheduler.md 13. An age of 0 collects what has ended at the next pass.
type GCConfig struct {
	// Interval is the period of collecting evaluations, allocations, nodes and deployments, JobInterval that of jobs.
	Interval, JobInterval time.Duration
	// EvalThreshold is the age of evaluations and allocations, BatchEvalThreshold that of those of batch jobs.
	EvalThreshold, BatchEvalThreshold time.Duration
	// JobThreshold is the age since submission, NodeThreshold the time since a node went down, DeploymentThreshold
	// the age of ended deployments.
	JobThreshold, NodeThreshold, DeploymentThreshold time.Duration
}

// DefaultGC is what counts for servers that are not told otherwise.
func DefaultGC() GCConfig {
	return GCConfig{
		Interval: 5 * time.Minute, JobInterval: 5 * time.Minute,
		EvalThreshold: time.Hour, BatchEvalThreshold: 24 * time.Hour,
		JobThreshold: 4 * time.Hour, NodeThreshold: 24 * time.Hour, DeploymentThreshold: time.Hour,
	}
}

// gcBatch is the most rows that one raft entry deletes.
const gcBatch = 2000

// GC collects what nothing needs any more.
type GC struct {
	cfg   GCConfig
	store *state.Store
	raft  Raft
	log   hclog.Logger

	// pass lets one pass run at a time.
	pass sync.Mutex
}

// NewGC returns a collector that does nothing yet.
func NewGC(cfg GCConfig, store *state.Store, raft Raft, log hclog.Logger) *GC {
	return &GC{cfg: cfg, store: store, raft: raft, log: log.Named("gc")}
}

// Run collects periodically until ctx ends.
func (g *GC) Run(ctx context.Context) error {
	r := run.New(ctx)
	r.Go("jobs", func(ctx context.Context) error {
		return every(ctx, g.cfg.JobInterval, g.logged("jobs", g.jobs))
	})
	r.Go("rest", func(ctx context.Context) error {
		return every(ctx, g.cfg.Interval, func(ctx context.Context) {
			g.logged("evaluations", g.evals)(ctx)
			g.logged("deployments", g.deployments)(ctx)
			g.logged("nodes", g.nodes)(ctx)
		})
	})
	return r.Wait()
}

func (g *GC) logged(what string, collect func(context.Context, cutoffs) error) func(context.Context) {
	return func(ctx context.Context) {
		if err := collect(ctx, g.cutoffs(time.Now())); err != nil && ctx.Err() == nil {
			g.log.Warn("garbage collection failed", "of", what, "error", err)
		}
	}
}

// Force collects everything that may go, whatever its age.
func (g *GC) Force(ctx context.Context) error {
	now := time.Now().Add(time.Second).UnixNano()
	c := cutoffs{now: now, eval: now, batch: now, job: now, node: now, deployment: now}
	for _, collect := range []func(context.Context, cutoffs) error{g.jobs, g.evals, g.deployments, g.nodes} {
		if err := collect(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// cutoffs are times in unix nanoseconds: what ended before may go.
type cutoffs struct{ now, eval, batch, job, node, deployment int64 }

func (g *GC) cutoffs(now time.Time) cutoffs {
	before := func(d time.Duration) int64 { return now.Add(-d).UnixNano() }
	return cutoffs{
		now: now.UnixNano(), eval: before(g.cfg.EvalThreshold), batch: before(g.cfg.BatchEvalThreshold),
		job: before(g.cfg.JobThreshold), node: before(g.cfg.NodeThreshold), deployment: before(g.cfg.DeploymentThreshold),
	}
}

// evals collects evaluations and allocations.
func (g *GC) evals(ctx context.Context, c cutoffs) error {
	g.pass.Lock()
	defer g.pass.Unlock()
	snap := g.store.Snapshot()
	del := deletion{gc: g}
	for e := range state.Evals.All(snap) {
		whole, allocs := collectEval(snap, e, c)
		if err := del.add(ctx, e.ID, whole, allocs); err != nil {
			return err
		}
	}
	return del.flush(ctx)
}

// deletion gathers rows to delete.
type deletion struct {
	gc             *GC
	evals, allocs  []string
	nEvals, nAlloc int
}

func (d *deletion) add(ctx context.Context, evalID string, whole bool, allocs []string) error {
	// The allocations go before, or with, their evaluation: what is cut off in between is found again.
	for len(allocs) > 0 {
		n := min(len(allocs), gcBatch-len(d.allocs)-len(d.evals))
		d.allocs = append(d.allocs, allocs[:n]...)
		allocs = allocs[n:]
		if err := d.flushFull(ctx); err != nil {
			return err
		}
	}
	if whole {
		d.evals = append(d.evals, evalID)
	}
	return d.flushFull(ctx)
}

func (d *deletion) flushFull(ctx context.Context) error {
	if len(d.evals)+len(d.allocs) < gcBatch {
		return nil
	}
	return d.write(ctx)
}

func (d *deletion) write(ctx context.Context) error {
	if len(d.evals)+len(d.allocs) == 0 {
		return nil
	}
	req := &fsm.EvalsDeleteRequest{EvalIDs: d.evals, AllocIDs: d.allocs}
	if _, _, err := d.gc.raft.Apply(ctx, fsm.EvalsDelete.Encode(req)); err != nil {
		return err
	}
	d.nEvals += len(d.evals)
	d.nAlloc += len(d.allocs)
	d.evals, d.allocs = nil, nil
	return nil
}

func (d *deletion) flush(ctx context.Context) error {
	if err := d.write(ctx); err != nil {
		return err
	}
	if d.nEvals+d.nAlloc > 0 {
		d.gc.log.Debug("collected evaluations", "evals", d.nEvals, "allocs", d.nAlloc)
	}
	return nil
}

// jobs collects jobs with their evaluations and allocations.
func (g *GC) jobs(ctx context.Context, c cutoffs) error {
	g.pass.Lock()
	defer g.pass.Unlock()
	snap := g.store.Snapshot()
	del := deletion{gc: g}
	var jobs []*api.Job
	for j := range state.Jobs.All(snap) {
		if !collectJob(snap, j, c) {
			continue
		}
		jobs = append(jobs, j)
		var allocs []string
		for a := range state.Allocs.By(snap, state.ByJob, j.Namespace, j.ID) {
			allocs = append(allocs, a.ID)
		}
		if err := del.add(ctx, "", false, allocs); err != nil {
			return err
		}
		for e := range state.Evals.By(snap, state.ByJob, j.Namespace, j.ID) {
			if err := del.add(ctx, e.ID, true, nil); err != nil {
				return err
			}
		}
	}
	if err := del.flush(ctx); err != nil {
		return err
	}
	return inBatches(jobs, func(batch []*api.Job) error {
		var refs []fsm.JobRef
		now := g.store.Snapshot()
		for _, j := range batch {
			// One that was registered again meanwhile stays.
			if row := state.Jobs.Get(now, j.Namespace, j.ID); row != nil && row.JobModifyIndex == j.JobModifyIndex {
				refs = append(refs, fsm.JobRef{Namespace: j.Namespace, ID: j.ID})
			}
		}
		g.log.Debug("collecting jobs", "jobs", len(refs))
		_, _, err := g.raft.Apply(ctx, fsm.JobsDelete.Encode(&fsm.JobsDeleteRequest{Jobs: refs}))
		return err
	})
}

// deployments collects deployments that ended.
func (g *GC) deployments(ctx context.Context, c cutoffs) error {
	g.pass.Lock()
	defer g.pass.Unlock()
	snap := g.store.Snapshot()
	var ids []string
	for d := range state.Deployments.All(snap) {
		if !state.Active(d) && d.ModifyTime <= c.deployment && state.Allocs.Live(snap, state.ByDeployment, d.ID) == 0 {
			ids = append(ids, d.ID)
		}
	}
	return inBatches(ids, func(batch []string) error {
		g.log.Debug("collecting deployments", "deployments", len(batch))
		_, _, err := g.raft.Apply(ctx, fsm.DeploymentsDelete.Encode(&fsm.DeploymentsDeleteRequest{IDs: batch}))
		return err
	})
}

// nodes collects nodes that are down and hold nothing.
func (g *GC) nodes(ctx context.Context, c cutoffs) error {
	g.pass.Lock()
	defer g.pass.Unlock()
	snap := g.store.Snapshot()
	var ids []string
	for n := range state.Nodes.All(snap) {
		if n.TerminalStatus() && time.Unix(n.StatusUpdatedAt, 0).UnixNano() <= c.node &&
			state.Allocs.Live(snap, state.ByNode, n.ID) == 0 {
			ids = append(ids, n.ID)
		}
	}
	return inBatches(ids, func(batch []string) error {
		g.log.Info("collecting nodes that are down", "nodes", len(batch))
		_, _, err := g.raft.Apply(ctx, fsm.NodeDeregister.Encode(&fsm.NodeDeregisterRequest{NodeIDs: batch}))
		return err
	})
}

func inBatches[T any](list []T, fn func([]T) error) error {
	for len(list) > 0 {
		n := min(len(list), gcBatch)
		if err := fn(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
