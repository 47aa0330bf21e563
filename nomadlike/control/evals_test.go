// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler"
)

// leader runs a broker and its upkeep in a bubble until the test function returns.
func leader(t *testing.T, process broker.Process, fn func(t *testing.T, r *brokertest.Raft, b *broker.Service)) {
	synctest.Test(t, func(t *testing.T) {
		r := brokertest.NewRaft()
		b := broker.New(broker.ServiceConfig{Store: r.Store, Raft: r, Workers: 2, Process: process})
		r.Store.Subscribe(b.Observe)
		upkeep := NewEvals(b, r.Store, r, hclog.NewNullLogger(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- b.Run(ctx) }()
		go func() { done <- upkeep.Run(ctx) }()
		synctest.Wait()
		fn(t, r, b)
		cancel()
		for range 2 {
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("Run() = %v", err)
			}
		}
	})
}

func evalsOf(r *brokertest.Raft, job string) []*api.Evaluation {
	var list []*api.Evaluation
	for e := range state.Evals.Created(r.Store.Snapshot(), 0, "", false) {
		if e.JobID == job {
			list = append(list, e)
		}
	}
	return list
}

// TestDeliveryLimit has the plan of a job refused until its evaluation fails, and then accepted for the
// follow-up.
func TestDeliveryLimit(t *testing.T) {
	leader(t, nil, func(t *testing.T, r *brokertest.Raft, _ *broker.Service) {
		r.AddNodes(t, 1, 1000, 1000)
		var writes atomic.Int32
		j := brokertest.Job("k", 1, 1, 1)
		eval := brokertest.Eval(j, api.TriggerJobRegister)
		r.Must(t, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j}))
		r.Intercept(func([]byte) error {
			// The first write is the evaluation, then come three tries of the plan, then the reaper.
			if n := writes.Add(1); n > 1 && n <= 4 {
				return errors.New("log is full")
			}
			return nil
		})
		r.Must(t, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{eval}}))
		after(30 * time.Second)
		got := evalsOf(r, "k")
		if len(got) != 2 || got[0].Status != "failed" || got[0].StatusDescription != "evaluation reached delivery limit (3)" {
			t.Fatalf("evaluations %+v", got)
		}
		next := got[1]
		if next.TriggeredBy != "failed-follow-up" || next.PreviousEval != got[0].ID || got[0].NextEval != next.ID ||
			next.Status != "pending" || next.WaitUntil == nil {
			t.Fatalf("follow-up %+v", next)
		}
		if wait := time.Until(*next.WaitUntil) + 30*time.Second; wait < time.Minute || wait > 6*time.Minute+30*time.Second {
			t.Fatalf("follow-up waits %s", wait)
		}
		if state.Allocs.Live(r.Store.Snapshot(), state.ByJob, "default", "k") != 0 {
			t.Fatal("placed already")
		}
		after(7 * time.Minute)
		if state.Allocs.Live(r.Store.Snapshot(), state.ByJob, "default", "k") != 1 {
			t.Fatal("not placed by the follow-up")
		}
	})
}

func TestFailingIsRetried(t *testing.T) {
	leader(t, nil, func(t *testing.T, r *brokertest.Raft, _ *broker.Service) {
		var writes atomic.Int32
		r.Intercept(func([]byte) error {
			if n := writes.Add(1); n > 1 && n <= 8 {
				return errors.New("log is full")
			}
			return nil
		})
		r.Register(t, brokertest.Job("j", 0, 1, 1))
		after(time.Minute)
		if got := evalsOf(r, "j"); len(got) != 2 || got[0].Status != "failed" {
			t.Fatalf("evaluations %+v", got)
		}
	})
}

// TestSupersededAreCanceled queues evaluations of a job behind one that takes its time.
func TestSupersededAreCanceled(t *testing.T) {
	release := make(chan struct{})
	var held atomic.Bool
	process := func(v scheduler.View, e *api.Evaluation, cfg scheduler.Config) *scheduler.Outcome {
		if held.CompareAndSwap(false, true) {
			<-release
		}
		return scheduler.Process(v, e, cfg)
	}
	leader(t, process, func(t *testing.T, r *brokertest.Raft, _ *broker.Service) {
		release = make(chan struct{}) // of the bubble
		j := brokertest.Job("j", 0, 1, 1)
		r.Register(t, j)
		synctest.Wait()
		for range 2500 {
			r.Must(t, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{brokertest.Eval(j, api.TriggerNodeUpdate)}}))
		}
		close(release)
		synctest.Wait()
		before := r.Entries()
		after(6 * time.Second)
		if n := r.Entries() - before; n != 3 {
			t.Fatalf("%d entries for 2499 cancellations, want 3", n)
		}
		count := map[string]int{}
		for _, e := range evalsOf(r, "j") {
			count[e.Status]++
			if e.Status == "canceled" && e.StatusDescription != "canceled after more recent eval was processed" {
				t.Fatalf("reason %q", e.StatusDescription)
			}
		}
		if fmt.Sprint(count) != "map[canceled:2499 complete:2]" {
			t.Fatalf("statuses %v", count)
		}
	})
}

// TestDuplicateBlockedIsCanceled registers a job that does not fit twice.
func TestDuplicateBlockedIsCanceled(t *testing.T) {
	leader(t, nil, func(t *testing.T, r *brokertest.Raft, b *broker.Service) {
		r.Register(t, brokertest.Job("j", 1, 1, 1))
		after(time.Second)
		r.Register(t, brokertest.Job("j", 2, 1, 1))
		after(6 * time.Second)
		var blocked, canceled int
		for _, e := range evalsOf(r, "j") {
			switch e.Status {
			case "blocked":
				blocked++
			case "canceled":
				canceled++
				if e.StatusDescription != `existing blocked evaluation exists for job "j"` {
					t.Errorf("reason %q", e.StatusDescription)
				}
			}
		}
		if blocked != 1 || canceled != 1 || b.Blocked.Stats().Total != 1 {
			t.Fatalf("%d blocked, %d canceled, tracking %+v", blocked, canceled, b.Blocked.Stats())
		}
	})
}

// TestConflictsAreRetriedEveryMinute has the scheduler see room that is not there until a while later.
func TestConflictsAreRetriedEveryMinute(t *testing.T) {
	var honest atomic.Bool
	process := func(v scheduler.View, e *api.Evaluation, cfg scheduler.Config) *scheduler.Outcome {
		out := scheduler.Process(v, e, cfg)
		for _, allocs := range out.Plan.NodeAllocation {
			for _, a := range allocs {
				if !honest.Load() {
					a.AllocatedResources.Tasks["t"].Cpu.CpuShares = 1 << 30
				}
			}
		}
		return out
	}
	leader(t, process, func(t *testing.T, r *brokertest.Raft, _ *broker.Service) {
		r.AddNodes(t, 1, 1000, 1000)
		r.Register(t, brokertest.Job("j", 1, 1, 1))
		after(time.Second)
		if got := evalsOf(r, "j"); len(got) != 2 || got[1].TriggeredBy != "max-plan-attempts" || got[1].Status != "blocked" {
			t.Fatalf("evaluations %+v", got)
		}
		honest.Store(true)
		after(time.Minute)
		if state.Allocs.Live(r.Store.Snapshot(), state.ByJob, "default", "j") != 1 {
			t.Fatal("not placed a minute later")
		}
	})
}
