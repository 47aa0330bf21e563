// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// Raft proposes an encoded command and waits until it is applied to the local state; it answers what the
// apply function returned, with the index of the entry. An error means that the command is not applied, or
// that leadership ended and the next leader knows.
type Raft interface {
	Apply(ctx context.Context, cmd []byte) (any, uint64, error)
}

// Limits of one raft entry, in allocations and in plans, and of entries being written at a time.
const (
	maxEntryAllocs = 4096
	maxEntryPlans  = 512
	maxWriting     = 2
)

// errDisabled is the result of submissions when leadership is not held or ended meanwhile.
var errDisabled = errors.New("plans are applied by the leader only")

// Applier serialises plans: it checks each against the newest state and everything in flight, commits
// what still fits and answers the rest with an index to retry from. Plans that arrive while others are
// being written share one raft entry.
type Applier struct {
	queue  *planQueue
	ledger *ledger
	broker *Broker
	raft   Raft
	// rejected counts refused parts of plans by node.
	rejected *rejections
	log      hclog.Logger
	sink     *metrics.Metrics
}

func newApplier(b *Broker, l *ledger, r Raft, rejected RejectionConfig, log hclog.Logger, sink *metrics.Metrics) *Applier {
	log = log.Named("plan")
	return &Applier{rejected: newRejections(rejected, r, log, sink), queue: newPlanQueue(), ledger: l, broker: b, raft: r, log: log, sink: sink}
}

// Submit queues the submission; its result arrives on the channel, exactly once.
func (a *Applier) Submit(s *Submission) <-chan Result {
	s.result, s.checked = make(chan Result, 1), make(chan struct{})
	if s.Token != "" {
		// Waiting for other plans is not the worker's fault. A stale token is found in the check.
		_ = a.broker.PauseNack(s.Plan.EvalID, s.Token)
	}
	if !a.queue.push(s) {
		s.refuse()
	}
	return s.result
}

// Depth returns the number of plans that wait to be checked.
func (a *Applier) Depth() int { return a.queue.depth() }

// write is a raft entry in the making, or being written.
type write struct {
	entry  *fsm.PlanApplyRequest
	subs   []*Submission
	result []Result
	allocs int
	flying []*api.Allocation

	done  chan struct{}
	index uint64
	err   error
	since time.Time
}

func (w *write) empty() bool { return len(w.subs) == 0 }

// hollow reports whether there is nothing to write for the submissions.
func (w *write) hollow() bool { return len(w.entry.Plans) == 0 && len(w.entry.Evals) == 0 }

func (w *write) full() bool { return w.allocs >= maxEntryAllocs || len(w.subs) >= maxEntryPlans }

func newWrite() *write { return &write{entry: &fsm.PlanApplyRequest{}, done: make(chan struct{})} }

// open makes the applier take submissions; run must follow.
func (a *Applier) open() { a.queue.enable() }

// run applies plans until ctx ends.
func (a *Applier) run(ctx context.Context) error {
	g := run.New(ctx)
	g.Go("check", func(ctx context.Context) error { return a.loop(ctx, g) })
	err := g.Wait()
	for _, s := range a.queue.disable() {
		s.refuse()
	}
	return err
}

// refuse answers a submission that is not looked at any more.
func (s *Submission) refuse() {
	close(s.checked)
	s.result <- Result{Err: errDisabled}
}

// loop checks plans into an open entry, sends it off as soon as fewer than maxWriting are on their way,
// and answers submissions in the order of their entries.
func (a *Applier) loop(ctx context.Context, g *run.Group) error {
	var writing []*write
	open := newWrite()
	defer func() {
		// Entries on their way end with ctx, too; their submitters must not wait for ever.
		for _, w := range writing {
			<-w.done
			a.finish(w)
		}
		open.err = errDisabled
		a.finish(open)
	}()
	for {
		for !open.full() {
			s := a.queue.pop()
			if s == nil {
				break
			}
			for _, nodeID := range a.check(open, s) {
				g.Go("exclude", func(ctx context.Context) error {
					a.rejected.exclude(ctx, nodeID)
					return nil
				})
			}
		}
		if !open.empty() && len(writing) < maxWriting {
			a.send(g, open)
			writing = append(writing, open)
			open = newWrite()
			continue
		}
		ready := a.queue.ready
		if open.full() {
			ready = nil
		}
		var first chan struct{}
		if len(writing) > 0 {
			first = writing[0].done
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ready:
		case <-first:
			a.finish(writing[0])
			writing = writing[1:]
			a.queue.signal() // the queue may hold what the full entry left
		}
	}
}

// check verifies the submission and adds what fits to the open entry. It returns nodes that refused too much.
func (a *Applier) check(open *write, s *Submission) (excluded []string) {
	defer a.sink.MeasureSince(keyPlanEvaluate, time.Now())
	defer close(s.checked)
	if s.Token != "" {
		if err := a.broker.Verify(s.Plan.EvalID, s.Token); err != nil {
			s.result <- Result{Err: err}
			return nil
		}
	}
	v := a.ledger.current()
	out := verified{result: &api.PlanResult{}}
	if !s.Plan.IsNoOp() {
		out = verify(v, s.Plan, func(id string) *api.Allocation { return a.ledger.row(v, id) })
	}
	r := out.result
	a.ledger.accept(out.flying)
	open.flying = append(open.flying, out.flying...)
	open.entry.Evals = append(open.entry.Evals, s.Always...)
	if len(r.RejectedNodes) > 0 {
		// The index is at least that of everything the plan lost against: entries are answered in order.
		r.RefreshIndex = v.Index()
		excluded = a.rejected.add(r.RejectedNodes, time.Now())
		for _, id := range r.RejectedNodes {
			a.sink.IncrCounterWithLabels(keyNodeRejected, 1, []metrics.Label{{Name: "node_id", Value: id}})
		}
		a.log.Debug("dropped parts of a plan that no longer fit", "eval_id", s.Plan.EvalID, "nodes", len(r.RejectedNodes))
	} else {
		open.entry.Evals = append(open.entry.Evals, s.Final...)
	}
	open.entry.Evals = append(open.entry.Evals, preemptionEvals(v, out.evicted)...)
	if changes(r) {
		p := &fsm.PlanCommit{Job: s.Plan.Job, EvalID: s.Plan.EvalID, Result: r}
		open.entry.Plans = append(open.entry.Plans, p)
		for _, m := range [3]map[string][]*api.Allocation{r.NodeUpdate, r.NodeAllocation, r.NodePreemptions} {
			for _, allocs := range m {
				open.allocs += len(allocs)
			}
		}
	}
	open.subs = append(open.subs, s)
	open.result = append(open.result, Result{Plan: r})
	return excluded
}

func changes(r *api.PlanResult) bool {
	return len(r.NodeUpdate) > 0 || len(r.NodeAllocation) > 0 || len(r.NodePreemptions) > 0 ||
		r.Deployment != nil || len(r.DeploymentUpdates) > 0
}

// send starts writing the entry.
func (a *Applier) send(g *run.Group, w *write) {
	w.entry.Time = time.Now().UnixNano()
	w.since = time.Now()
	if w.hollow() {
		close(w.done)
		return
	}
	g.Go("write", func(ctx context.Context) error {
		defer close(w.done)
		// Raft always answers, soon after leadership ends at the latest. Not waiting for it would let the
		// next start read a state without what is about to be written.
		_, w.index, w.err = a.raft.Apply(context.WithoutCancel(ctx), fsm.PlanApply.Encode(w.entry))
		return nil
	})
}

// finish answers the submissions of an entry that is written, or never will be.
func (a *Applier) finish(w *write) {
	if w.index > 0 {
		a.sink.MeasureSince(keyPlanApply, w.since)
	}
	a.ledger.settle(w.flying)
	for i, s := range w.subs {
		r := w.result[i]
		if w.err != nil {
			s.result <- Result{Err: w.err}
			continue
		}
		r.Index = w.index
		if r.Plan.RefreshIndex > 0 {
			r.Plan.RefreshIndex = max(r.Plan.RefreshIndex, w.index)
		}
		if changes(r.Plan) {
			r.Plan.AllocIndex = w.index
		}
		s.result <- r
	}
	if w.err == nil {
		a.recheck(w)
	}
}

// recheck looks for nodes that were lost between the check of a plan and its commit: the evaluations of
// the loss do not know about the placements, so their jobs get one each.
func (a *Applier) recheck(w *write) {
	if evals := lostEvals(a.ledger.current(), w.entry.Plans); len(evals) > 0 {
		a.Submit(&Submission{Plan: &api.Plan{Priority: api.JobMaxPriority}, Always: evals})
	}
}
