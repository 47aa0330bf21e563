// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
)

// Process is the scheduler, scheduler.Process outside tests.
type Process func(view scheduler.View, eval *api.Evaluation, cfg scheduler.Config) *scheduler.Outcome

const (
	// snapshotWait is how long an evaluation waits for a state that includes it.
	snapshotWait = 5 * time.Second
	// perWorker is how many evaluations a worker has in progress: one in the scheduler, the others waiting
	// for their plans to be written.
	perWorker = 64
)

// Compat: the workers run on the leader. Followers of the reference system schedule, too, and send their
// plans over the network; here the leader's columns include the plans in flight, which saves more work
// than a second machine adds.

// Workers take evaluations from the broker, run the scheduler for at most num of them at a time and see
// their plans through the applier. An evaluation whose plan is being written does not occupy a worker.
type Workers struct {
	broker  *Broker
	applier *Applier
	ledger  *ledger
	store   *state.Store
	process Process
	cache   *feasible.Cache
	log     hclog.Logger
	sink    *metrics.Metrics

	// admitted bounds the evaluations between their hand-out and the end of their first pass, running the
	// passes that run, and inProgress everything.
	admitted, running, inProgress chan struct{}
	// working is how many passes run now.
	working atomic.Int32
}

// busy returns how many passes run now.
func (w *Workers) busy() int { return int(w.working.Load()) }

func (w *Workers) init(num int) {
	w.admitted = make(chan struct{}, num)
	w.running = make(chan struct{}, num)
	w.inProgress = make(chan struct{}, num*perWorker)
}

func acquire(ctx context.Context, sem chan struct{}) error {
	select {
	case sem <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run works until quiet ends and everything in progress is finished, or until ctx ends.
func (w *Workers) run(ctx, quiet context.Context, c WorkerConfig) error {
	w.init(c.Num)
	g := run.New(ctx)
	g.Go("dispatch", func(context.Context) error { return w.dispatch(quiet, g, c.Kinds) })
	return g.Wait()
}

func (w *Workers) dispatch(quiet context.Context, g *run.Group, queues []string) error {
	if len(queues) == 0 {
		<-quiet.Done()
		return nil
	}
	for {
		if acquire(quiet, w.inProgress) != nil || acquire(quiet, w.admitted) != nil {
			return nil
		}
		eval, token, err := w.broker.Dequeue(quiet, queues...)
		if err != nil {
			return nil
		}
		g.Go("evaluate", func(ctx context.Context) error {
			defer func() { <-w.inProgress }()
			w.evaluate(ctx, eval, token)
			return nil
		})
	}
}

// evaluate processes one evaluation and acknowledges it or gives it back.
func (w *Workers) evaluate(ctx context.Context, eval *api.Evaluation, token string) {
	t := &task{Workers: w, eval: eval, token: token}
	err := t.run(ctx)
	t.firstPassDone()
	if err == nil {
		err = w.broker.Ack(eval.ID, token)
		if err == nil {
			return
		}
	}
	if ctx.Err() != nil || errors.Is(err, errDisabled) {
		return // leadership ended; the next leader starts from what is stored
	}
	w.log.Warn("gave back an evaluation", "eval_id", eval.ID, "job_id", eval.JobID, "namespace", eval.Namespace, "error", err)
	if err := w.broker.Nack(eval.ID, token); err != nil {
		w.log.Debug("evaluation was already taken back", "eval_id", eval.ID, "error", err)
	}
}

// task is one evaluation in progress.
type task struct {
	*Workers
	eval  *api.Evaluation
	token string
	// passed is set when the first pass is over and the next evaluation was let in.
	passed bool
	// passes counts them: another try draws other lots.
	passes uint64
}

func (t *task) firstPassDone() {
	if !t.passed {
		t.passed = true
		<-t.admitted
	}
}

// run schedules until a plan is committed in full or the tries are used up.
func (t *task) run(ctx context.Context) error {
	limit := scheduler.Attempts(t.eval.Type)
	tries := 0
	index := t.eval.ModifyIndex
	for {
		v, err := t.viewAt(ctx, index)
		if err != nil {
			return err
		}
		if row := v.Eval(t.eval.ID); row == nil || row.TerminalStatus() {
			return nil // done by others, or deleted
		}
		out, err := t.pass(ctx, v)
		if err != nil {
			return err
		}
		result, err := t.submit(ctx, out)
		if err != nil {
			return err
		}
		if result.Full() {
			return nil
		}
		index = result.Plan.RefreshIndex
		tries++
		if changes(result.Plan) {
			tries = 0
		}
		if tries >= limit {
			return t.giveUp(ctx, out, limit)
		}
	}
}

// viewAt returns the newest state with everything in flight once it includes the index.
func (t *task) viewAt(ctx context.Context, index uint64) (view, error) {
	wait, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	if _, err := t.store.SnapshotAt(wait, index); err != nil {
		return view{}, fmt.Errorf("wait for state at index %d: %w", index, err)
	}
	return t.ledger.current(), nil
}

// pass runs the scheduler once. A panic of it fails this evaluation only.
func (t *task) pass(ctx context.Context, v view) (out *scheduler.Outcome, err error) {
	if err := acquire(ctx, t.running); err != nil {
		return nil, err
	}
	t.working.Add(1)
	start := time.Now()
	defer func() {
		t.working.Add(-1)
		t.passes++
		<-t.running
		t.firstPassDone()
		t.sink.MeasureSince([]string{"nomad", "worker", "invoke_scheduler_" + t.eval.Type}, start)
		if p := recover(); p != nil {
			t.log.Error("scheduler panicked", "eval_id", t.eval.ID, "job_id", t.eval.JobID,
				"namespace", t.eval.Namespace, "error", p, "stack", string(debug.Stack()))
			out, err = t.panicked(v), nil
		}
	}()
	return t.process(v, t.eval, scheduler.Config{
		Now: start, Seed: t.passes, NewID: api.NewID,
		Elapsed: func() time.Duration { return time.Since(start) },
		Cache:   t.cache,
	}), nil
}

// panicked is the outcome of a pass that panicked.
func (t *task) panicked(v view) *scheduler.Outcome {
	e := *t.eval
	e.Status = api.EvalStatusFailed
	e.StatusDescription = "the scheduler failed on this evaluation; the server's log has the details"
	e.SnapshotIndex = v.Index()
	e.ModifyTime = time.Now().UnixNano()
	return &scheduler.Outcome{Eval: &e, Plan: &api.Plan{EvalID: e.ID, Priority: e.Priority}}
}

// submit sends the outcome through the applier: the final evaluations are stored with the plan.
func (t *task) submit(ctx context.Context, out *scheduler.Outcome) (Result, error) {
	s := &Submission{Plan: out.Plan, Token: t.token, Always: out.FollowUps, Final: []*api.Evaluation{out.Eval}}
	if out.Blocked != nil {
		s.Final = append(s.Final, out.Blocked)
	}
	s.Plan.EvalID, s.Plan.EvalToken = t.eval.ID, t.token
	result := <-t.applier.Submit(s)
	if result.Err != nil {
		return result, fmt.Errorf("apply plan: %w", result.Err)
	}
	if result.Full() {
		return result, ctx.Err()
	}
	if err := t.broker.ResumeNack(t.eval.ID, t.token); err != nil {
		return result, fmt.Errorf("continue evaluation: %w", err)
	}
	return result, nil
}

// giveUp fails the evaluation after plans that were refused again and again, and leaves a blocked one that
// tries anew later.
func (t *task) giveUp(ctx context.Context, last *scheduler.Outcome, limit int) error {
	failed, blocked := last.GiveUp(limit, api.NewID, time.Now())
	_, err := t.submit(ctx, &scheduler.Outcome{
		Plan: &api.Plan{Priority: failed.Priority}, Eval: failed, Blocked: blocked,
	})
	return err
}
