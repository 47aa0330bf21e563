// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// cancelEvery is the period of writing superseded evaluations as canceled, cancelBatch their number in
	// one raft entry.
	cancelEvery = 5 * time.Second
	cancelBatch = 1000
	// A follow-up of a failed evaluation waits for followUpWait and a random part of followUpSpread.
	followUpWait   = time.Minute
	followUpSpread = 5 * time.Minute
	// failedRetry is the wait after a failed evaluation that could not be written.
	failedRetry = time.Second
	// maxPlansEvery is the period of retrying evaluations that lost too many races.
	maxPlansEvery = time.Minute
	// pruneEvery is the period of forgetting old unblocks.
	pruneEvery = 5 * time.Minute
	// statsEvery is the period of publishing gauges.
	statsEvery = 10 * time.Second
)

// Evals is the upkeep of evaluations: it writes superseded ones as canceled, fails those that reached the
// delivery limit and has them retried later, and wakes what is blocked by the clock.
type Evals struct {
	broker *broker.Service
	// deliveryLimit is told in the description of failed evaluations.
	deliveryLimit int
	store         *state.Store
	raft          Raft
	log           hclog.Logger
	sink          *metrics.Metrics
}

// NewEvals returns the upkeep of the broker's evaluations.
func NewEvals(b *broker.Service, store *state.Store, raft Raft, log hclog.Logger, sink *metrics.Metrics) *Evals {
	if sink == nil {
		sink = metrics.Default()
	}
	return &Evals{broker: b, deliveryLimit: b.DeliveryLimit(), store: store, raft: raft, log: log.Named("evals"), sink: sink}
}

// Run works until ctx ends.
func (c *Evals) Run(ctx context.Context) error {
	g := run.New(ctx)
	g.Go("cancel", func(ctx context.Context) error { return every(ctx, cancelEvery, c.cancel) })
	g.Go("failed", c.failed)
	g.Go("max plans", func(ctx context.Context) error {
		return every(ctx, maxPlansEvery, func(context.Context) { c.broker.Blocked.UnblockMaxPlans() })
	})
	g.Go("prune", func(ctx context.Context) error {
		return every(ctx, pruneEvery, func(context.Context) { c.broker.Blocked.Prune() })
	})
	g.Go("stats", func(ctx context.Context) error { return every(ctx, statsEvery, c.publish) })
	return g.Wait()
}

// every calls fn each period until ctx ends.
func every(ctx context.Context, period time.Duration, fn func(context.Context)) error {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			fn(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cancel writes superseded evaluations as canceled.
func (c *Evals) cancel(ctx context.Context) {
	for ctx.Err() == nil {
		old := c.broker.Evals.Cancelable(cancelBatch)
		doubles := c.broker.Blocked.Duplicates(cancelBatch)
		if len(old)+len(doubles) == 0 {
			return
		}
		snap, now := c.store.Snapshot(), time.Now().UnixNano()
		var evals []*api.Evaluation
		add := func(id, reason string) {
			row := state.Evals.Get(snap, id)
			if row == nil || row.TerminalStatus() {
				return
			}
			e := *row
			e.Status, e.StatusDescription, e.ModifyTime = api.EvalStatusCanceled, reason, now
			evals = append(evals, &e)
		}
		for _, e := range old {
			add(e.ID, broker.SupersededReason)
		}
		for _, d := range doubles {
			add(d.Eval.ID, d.Reason)
		}
		if len(evals) == 0 {
			continue
		}
		if _, _, err := c.raft.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals})); err != nil {
			c.broker.Evals.ReturnCancelable(old)
			c.broker.Blocked.ReturnDuplicates(doubles)
			if ctx.Err() == nil {
				c.log.Warn("could not cancel superseded evaluations", "evals", len(evals), "error", err)
			}
			return
		}
	}
}

// failed ends evaluations that reached the delivery limit.
func (c *Evals) failed(ctx context.Context) error {
	for {
		e, token, err := c.broker.Evals.Dequeue(ctx, broker.FailedQueue)
		if err != nil {
			return err
		}
		if err := c.fail(ctx, e.ID); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c.log.Warn("could not fail an evaluation", "eval_id", e.ID, "error", err)
			select {
			case <-time.After(failedRetry):
			case <-ctx.Done():
				return ctx.Err()
			}
			_ = c.broker.Evals.Nack(e.ID, token) // taken back already: then it comes again, too
			continue
		}
		if err := c.broker.Evals.Ack(e.ID, token); err != nil {
			c.log.Debug("failed evaluation was taken back", "eval_id", e.ID, "error", err)
		}
	}
}

func (c *Evals) fail(ctx context.Context, id string) error {
	row := state.Evals.Get(c.store.Snapshot(), id)
	if row == nil || row.TerminalStatus() {
		return nil
	}
	now := time.Now()
	e := *row
	later := now.Add(followUpWait + rand.N(followUpSpread)).UTC()
	next := &api.Evaluation{
		ID: api.NewID(), Namespace: e.Namespace, Priority: e.Priority, Type: e.Type,
		TriggeredBy: api.TriggerFailedFollowUp, JobID: e.JobID, JobModifyIndex: e.JobModifyIndex,
		Status: api.EvalStatusPending, WaitUntil: &later, PreviousEval: e.ID,
		CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
	}
	e.Status = api.EvalStatusFailed
	e.StatusDescription = fmt.Sprintf("evaluation reached delivery limit (%d)", c.deliveryLimit)
	e.NextEval = next.ID
	e.ModifyTime = now.UnixNano()
	_, _, err := c.raft.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{&e, next}}))
	return err
}

// publish sets the gauges of the queues.
func (c *Evals) publish(context.Context) {
	gauge := func(n int, key ...string) {
		c.sink.SetGauge(append([]string{"nomad"}, key...), float32(n))
	}
	s := c.broker.Evals.Stats()
	gauge(s.Ready, "broker", "total_ready")
	gauge(s.Unacked, "broker", "total_unacked")
	gauge(s.Pending, "broker", "total_pending")
	gauge(s.Waiting, "broker", "total_waiting")
	gauge(s.Cancelable, "broker", "total_cancelable")
	for queue, q := range s.ByQueue {
		gauge(q.Ready, "broker", queue+"_ready")
		gauge(q.Unacked, "broker", queue+"_unacked")
	}
	b := c.broker.Blocked.Stats()
	gauge(b.Total, "blocked_evals", "total_blocked")
	gauge(b.Escaped, "blocked_evals", "total_escaped")
	gauge(c.broker.Plans.Depth(), "plan", "queue_depth")
}
