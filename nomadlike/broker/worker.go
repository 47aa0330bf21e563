// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
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
	// aloneAfter is how many passes run one at a time after a plan was refused: on a cluster where each looks
	// for the same best nodes, passes beside each other do little but refuse each other's plans.
	aloneAfter = 16
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
	// passes that run or wait for the check of their plan, and inProgress everything. alone has room for one
	// pass that wants all of running for itself.
	admitted, running, inProgress, alone chan struct{}
	// contended is how many more passes run alone, because plans were refused lately.
	contended atomic.Int32
	// working is how many passes run now.
	working atomic.Int32
}

// busy returns how many passes run now.
func (w *Workers) busy() int { return int(w.working.Load()) }

func (w *Workers) init(num int) {
	w.admitted = make(chan struct{}, num)
	w.running = make(chan struct{}, num)
	w.inProgress = make(chan struct{}, num*perWorker)
	w.alone = make(chan struct{}, 1)
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
			return nil //nolint:nilerr // the workers end
		}
		start := time.Now()
		eval, token, err := w.broker.Dequeue(quiet, queues...)
		if err != nil {
			return nil //nolint:nilerr // the workers end
		}
		w.sink.MeasureSince(keyDequeueEval, start)
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
		start := time.Now()
		err = w.broker.Ack(eval.ID, token)
		w.sink.MeasureSince(keySendAck, start)
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
		if err := t.waitFor(ctx, index); err != nil {
			return err
		}
		out, result, err := t.try(ctx)
		if err != nil || out == nil {
			return err
		}
		if result.Full() {
			return nil
		}
		t.contended.Store(aloneAfter)
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

// waitFor waits until the state includes the index.
func (t *task) waitFor(ctx context.Context, index uint64) error {
	defer t.sink.MeasureSince(keyWaitForIndex, time.Now())
	wait, cancel := context.WithTimeout(ctx, snapshotWait)
	defer cancel()
	if _, err := t.store.SnapshotAt(wait, index); err != nil {
		return fmt.Errorf("wait for state at index %d: %w", index, err)
	}
	return nil
}

// enter takes a place for one pass and returns what gives it back. A pass after a refused plan takes all of
// them: it then sees everything that others planned, and does not lose against them again.
func (t *task) enter(ctx context.Context) (leave func(), err error) {
	places, alone := 1, t.passes > 0 || t.contended.Load() > 0
	if alone {
		if err := acquire(ctx, t.alone); err != nil {
			return nil, err
		}
		if t.contended.Load() > 0 {
			t.contended.Add(-1)
		}
		places = cap(t.running)
	}
	taken := 0
	leave = sync.OnceFunc(func() {
		for range taken {
			<-t.running
		}
		if alone {
			<-t.alone
		}
	})
	for range places {
		if err := acquire(ctx, t.running); err != nil {
			leave()
			return nil, err
		}
		taken++
	}
	return leave, nil
}

// try runs the scheduler once over the newest state with everything in flight, and sees its plan through. The
// place is given back when the plan was checked: passes that begin then see it. There is no outcome when others
// have done the evaluation, or deleted it.
func (t *task) try(ctx context.Context) (*scheduler.Outcome, Result, error) {
	leave, err := t.enter(ctx)
	if err != nil {
		return nil, Result{}, err
	}
	defer leave()
	if t.passes > 0 { // until here it waited for others
		if err := t.broker.ResumeNack(t.eval.ID, t.token); err != nil {
			return nil, Result{}, fmt.Errorf("continue evaluation: %w", err)
		}
	}
	v := t.ledger.current()
	if row := v.Eval(t.eval.ID); row == nil || row.TerminalStatus() {
		return nil, Result{}, nil
	}
	out := t.pass(v)
	s := t.submission(out)
	start := time.Now()
	answer := t.applier.Submit(s)
	<-s.checked
	leave()
	result, err := t.answer(ctx, answer)
	t.measureSubmission(s, &result, start)
	return out, result, err
}

// measureSubmission tells how long a submission took under the names of what was in it: the evaluations go with the plan,
// and alone where nothing is to be placed or stopped.
func (t *task) measureSubmission(s *Submission, r *Result, start time.Time) {
	if r.Err != nil {
		return
	}
	if !s.Plan.IsNoOp() {
		// There is no request between them, as the contract has it: both are the same time.
		t.sink.MeasureSince(keyPlanSubmit, start)
		t.sink.MeasureSince(keySubmitPlan, start)
	}
	full := r.Full()
	if len(s.Always) > 0 || full && len(s.Final) > 1 {
		t.sink.MeasureSince(keyCreateEval, start)
	}
	if full {
		t.sink.MeasureSince(keyUpdateEval, start)
	}
}

// pass runs the scheduler once. A panic of it fails this evaluation only.
func (t *task) pass(v view) (out *scheduler.Outcome) {
	t.working.Add(1)
	start := time.Now()
	defer func() {
		t.working.Add(-1)
		t.passes++
		t.firstPassDone()
		t.sink.MeasureSince(keyInvoke(t.eval.Type), start)
		if p := recover(); p != nil {
			t.log.Error("scheduler panicked", "eval_id", t.eval.ID, "job_id", t.eval.JobID,
				"namespace", t.eval.Namespace, "error", p, "stack", string(debug.Stack()))
			out = t.panicked(v)
		}
	}()
	return t.process(v, t.eval, scheduler.Config{
		Now: start, Seed: t.passes, NewID: api.NewID,
		Elapsed: func() time.Duration { return time.Since(start) },
		Cache:   t.cache,
	})
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

// submission is the outcome on its way through the applier: the final evaluations are stored with the plan.
func (t *task) submission(out *scheduler.Outcome) *Submission {
	s := &Submission{Plan: out.Plan, Token: t.token, Always: out.FollowUps, Final: []*api.Evaluation{out.Eval}}
	if out.Blocked != nil {
		s.Final = append(s.Final, out.Blocked)
	}
	s.Plan.EvalID, s.Plan.EvalToken = t.eval.ID, t.token
	return s
}

// answer waits for what became of a submission.
func (t *task) answer(ctx context.Context, answer <-chan Result) (Result, error) {
	result := <-answer
	if result.Err != nil {
		return result, fmt.Errorf("apply plan: %w", result.Err)
	}
	if result.Full() {
		return result, ctx.Err()
	}
	return result, nil
}

// giveUp fails the evaluation after plans that were refused again and again, and leaves a blocked one that
// tries anew later.
func (t *task) giveUp(ctx context.Context, last *scheduler.Outcome, limit int) error {
	failed, blocked := last.GiveUp(limit, api.NewID, time.Now())
	_, err := t.answer(ctx, t.applier.Submit(t.submission(&scheduler.Outcome{
		Plan: &api.Plan{Priority: failed.Priority}, Eval: failed, Blocked: blocked,
	})))
	return err
}
