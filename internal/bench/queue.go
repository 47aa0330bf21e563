// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/sim"
)

// QueueName is the name of the figure of Queue.
const QueueName = "100,000 queued evaluations, worked off"

const (
	queuedEvals = 100_000
	queuedJobs  = 2000
)

// Queue measures a server whose scheduler was paused while many evaluations came in: how fast they are worked off, what
// each takes of the heap while it waits and after, and how long a reader waits for an answer meanwhile.
func Queue(ctx context.Context, bin string) (f Figure, err error) {
	f = Figure{Name: QueueName, Unit: "/s", More: true}
	a, err := startCluster(ctx, bin, serverConfig, sim.Config{Count: 500, CPU: 8000, MemoryMB: 16384})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	if err := a.run(ctx, &Placement{Jobs: queuedJobs, Count: 5}); err != nil {
		return f, a.failed(err)
	}

	if err := pause(ctx, a.servers, true); err != nil {
		return f, a.failed(err)
	}
	worst := watchAnswers(a)
	heap, start := a.heap(ctx), time.Now()
	if err := evaluate(ctx, a.servers); err != nil {
		return f, a.failed(err)
	}
	queued := time.Since(start)
	waiting := a.heap(ctx)

	start = time.Now()
	if err := pause(ctx, a.servers, false); err != nil {
		return f, a.failed(err)
	}
	if err := awaitIdle(ctx, a.servers); err != nil {
		return f, a.failed(err)
	}
	drained := time.Since(start)
	f.Value = queuedEvals / drained.Seconds()
	f.Detail = map[string]float64{
		"queued s": queued.Seconds(), "worked off s": drained.Seconds(), "worst answer ms": float64(worst.Load()) / 1e6,
		"heap kB a queued evaluation": (waiting - heap) / 1000 / queuedEvals, "heap kB after": (a.heap(ctx) - heap) / 1000 / queuedEvals,
	}
	return f, nil
}

// evaluate asks for the evaluations, job after job, so that each job has many.
func evaluate(ctx context.Context, c api.Caller) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var next atomic.Int64
	for range submitters {
		wg.Go(func() {
			for n := next.Add(1); n <= queuedEvals && ctx.Err() == nil; n = next.Add(1) {
				id := fmt.Sprintf("bench-%04d", n%queuedJobs)
				if _, _, err := api.JobEvaluate.Call(ctx, c, &api.JobEvaluateRequest{JobID: id}); err != nil {
					cancel(fmt.Errorf("evaluate %s: %w", id, err))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// pause makes the leader stop handing out evaluations, or go on.
func pause(ctx context.Context, c api.Caller, paused bool) error {
	resp, _, err := api.SchedulerConfigGet.Call(ctx, c, &api.OperatorReadRequest{})
	if err != nil {
		return err
	}
	resp.SchedulerConfig.PauseEvalBroker = paused
	_, _, err = api.SchedulerConfigSet.Call(ctx, c, &api.SchedulerSetRequest{Config: resp.SchedulerConfig})
	return err
}

// awaitIdle waits until no evaluation is pending.
func awaitIdle(ctx context.Context, c api.Caller) error {
	req := &api.EvalCountRequest{}
	req.Filter = `Status == "pending"`
	for {
		resp, _, err := api.EvalCount.Call(ctx, c, req)
		if err != nil || resp.Count == 0 {
			return err
		}
		settle(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// watchAnswers reads a job every few milliseconds until the cluster stops, and keeps the longest time an answer took, in
// nanoseconds.
func watchAnswers(c *cluster) *atomic.Int64 {
	worst := new(atomic.Int64)
	c.group.Go("reader", func(ctx context.Context) error {
		for ctx.Err() == nil {
			start := time.Now()
			if _, _, err := api.JobGet.Call(ctx, c.http, &api.JobRequest{JobID: "bench-0000"}); err != nil {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // the measurement is over
				}
				return fmt.Errorf("read a job: %w", err)
			}
			worst.Store(max(worst.Load(), int64(time.Since(start))))
			settle(ctx, 5*time.Millisecond)
		}
		return nil
	})
	return worst
}
