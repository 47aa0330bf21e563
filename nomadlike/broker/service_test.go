// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler"
)

// leader is a service over a state machine that runs with the real scheduler, in a bubble.
type leader struct {
	*brokertest.Raft
	t    *testing.T
	svc  *Service
	stop func()
}

func lead(t *testing.T, r *brokertest.Raft, edit func(*ServiceConfig)) *leader {
	cfg := ServiceConfig{Store: r.Store, Raft: r, Workers: 2}
	if edit != nil {
		edit(&cfg)
	}
	l := &leader{Raft: r, t: t, svc: New(cfg)}
	r.Store.Subscribe(l.svc.Observe)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.svc.Run(ctx) }()
	l.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Run() = %v", err)
		}
	})
	synctest.Wait()
	return l
}

// running counts the allocations of the job that are wanted and not ended.
func (l *leader) running(job string) int {
	return state.Allocs.Live(l.Store.Snapshot(), state.ByJob, "default", job)
}

func (l *leader) eval(id string) *api.Evaluation { return state.Evals.Get(l.Store.Snapshot(), id) }

// evals lists the evaluations of the job as trigger:status, in the order of their creation.
func (l *leader) evals(job string) string {
	var list []string
	for e := range state.Evals.Created(l.Store.Snapshot(), 0, "", false) {
		if e.JobID == job {
			list = append(list, e.TriggeredBy+":"+e.Status)
		}
	}
	return strings.Join(list, " ")
}

func (l *leader) expectEvals(job, want string) {
	l.t.Helper()
	if got := l.evals(job); got != want {
		l.t.Fatalf("evaluations of %s: %s\nwant %s", job, got, want)
	}
}

func bubble(t *testing.T, fn func(t *testing.T, r *brokertest.Raft)) {
	synctest.Test(t, func(t *testing.T) { fn(t, brokertest.NewRaft()) })
}

func TestJobRuns(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 10, 1000, 1000)
		l := lead(t, r, nil)
		defer l.stop()
		before := r.Entries()
		e := r.Register(t, brokertest.Job("web", 5, 100, 100))
		synctest.Wait()
		if n := l.running("web"); n != 5 {
			t.Fatalf("%d allocations, want 5", n)
		}
		got := l.eval(e.ID)
		if got.Status != api.EvalStatusComplete || got.QueuedAllocations["g"] != 0 {
			t.Fatalf("evaluation %+v", got)
		}
		if n := r.Entries() - before; n != 2 {
			t.Fatalf("%d raft entries, want one for the job and one for plan and evaluation", n)
		}
		if s := l.svc.Evals.Stats(); s.Ready+s.Unacked+s.Pending != 0 {
			t.Fatalf("broker still holds something: %+v", s)
		}
	})
}

func TestWorkFromBeforeLeadership(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 3, 1000, 1000)
		r.Register(t, brokertest.Job("a", 2, 100, 100))
		r.Register(t, brokertest.Job("b", 2, 100, 100))
		l := lead(t, r, nil)
		if l.running("a") != 2 || l.running("b") != 2 {
			t.Fatalf("%d and %d allocations, want 2 and 2: %s, %s", l.running("a"), l.running("b"), l.evals("a"), l.evals("b"))
		}
		l.stop()
		r.Register(t, brokertest.Job("c", 2, 100, 100))
		synctest.Wait()
		if l.running("c") != 0 {
			t.Fatal("scheduled without leadership")
		}
		again := lead(t, r, nil)
		defer again.stop()
		if again.running("c") != 2 {
			t.Fatal("not scheduled by the next leadership")
		}
	})
}

func TestBlockedUntilANodeComes(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 1, 500, 1000)
		l := lead(t, r, nil)
		defer l.stop()
		e := r.Register(t, brokertest.Job("big", 3, 400, 100))
		synctest.Wait()
		l.expectEvals("big", "job-register:complete queued-allocs:blocked")
		if got := l.eval(e.ID); got.QueuedAllocations["g"] != 2 || got.FailedTGAllocs["g"] == nil || got.BlockedEval == "" {
			t.Fatalf("evaluation %+v", got)
		}
		r.Must(t, fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: brokertest.Node(5, 400, 1000)}))
		synctest.Wait()
		l.expectEvals("big", "job-register:complete queued-allocs:blocked")
		if l.running("big") != 2 || l.svc.Blocked.Stats().Total != 1 {
			t.Fatalf("%d allocations and %+v blocked", l.running("big"), l.svc.Blocked.Stats())
		}
		// A blocked evaluation survives a change of leadership.
		l.stop()
		l = lead(t, r, nil)
		defer l.stop()
		if l.svc.Blocked.Stats().Total != 1 {
			t.Fatalf("blocked %+v after a new start", l.svc.Blocked.Stats())
		}
		r.Must(t, fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: brokertest.Node(6, 400, 1000)}))
		synctest.Wait()
		l.expectEvals("big", "job-register:complete queued-allocs:complete")
		if l.running("big") != 3 {
			t.Fatalf("%d allocations, want 3", l.running("big"))
		}
	})
}

func TestBlockedUntilAnAllocationEnds(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 1, 500, 1000)
		l := lead(t, r, nil)
		defer l.stop()
		r.Register(t, brokertest.Job("first", 1, 400, 100))
		synctest.Wait()
		r.Register(t, brokertest.Job("second", 1, 400, 100))
		synctest.Wait()
		l.expectEvals("second", "job-register:complete queued-allocs:blocked")
		eval := brokertest.Eval(brokertest.Job("first", 1, 1, 1), api.TriggerJobDeregister)
		r.Must(t, fsm.JobDeregister.Encode(&fsm.JobDeregisterRequest{Namespace: "default", JobID: "first", Eval: eval}))
		synctest.Wait()
		if l.running("second") != 0 {
			t.Fatal("placed beside an allocation that still runs")
		}
		for a := range state.Allocs.By(r.Store.Snapshot(), state.ByJob, "default", "first") {
			r.Must(t, fsm.AllocsClientUpdate.Encode(&fsm.AllocsClientUpdateRequest{
				Allocs: []*fsm.AllocUpdate{{ID: a.ID, ClientStatus: "complete"}},
			}))
		}
		synctest.Wait()
		l.expectEvals("second", "job-register:complete queued-allocs:complete")
		if l.running("second") != 1 {
			t.Fatalf("%d allocations, want 1", l.running("second"))
		}
	})
}

func TestStopRemovesBlocked(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		l := lead(t, r, nil)
		defer l.stop()
		j := brokertest.Job("j", 1, 400, 100)
		r.Register(t, j)
		synctest.Wait()
		l.expectEvals("j", "job-register:complete queued-allocs:blocked")
		eval := brokertest.Eval(j, api.TriggerJobDeregister)
		r.Must(t, fsm.JobDeregister.Encode(&fsm.JobDeregisterRequest{Namespace: "default", JobID: "j", Eval: eval}))
		synctest.Wait()
		d := l.svc.Blocked.Duplicates(10)
		if len(d) != 1 || l.svc.Blocked.Stats().Total != 0 {
			t.Fatalf("%d to cancel, %+v blocked", len(d), l.svc.Blocked.Stats())
		}
	})
}

func TestNodeLost(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 2, 1000, 1000)
		l := lead(t, r, nil)
		defer l.stop()
		j := brokertest.Job("j", 1, 100, 100)
		r.Register(t, j)
		synctest.Wait()
		var lost *api.Allocation
		for a := range state.Allocs.All(r.Store.Snapshot()) {
			lost = a
		}
		r.Must(t, fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{
			NodeID: lost.NodeID, Status: "down", Evals: []*api.Evaluation{brokertest.Eval(j, api.TriggerNodeUpdate)},
		}))
		synctest.Wait()
		if got := state.Allocs.Get(r.Store.Snapshot(), lost.ID); got.ClientStatus != "lost" || got.DesiredStatus != "stop" {
			t.Fatalf("allocation on the lost node is %s, wanted %s", got.ClientStatus, got.DesiredStatus)
		}
		if l.running("j") != 1 {
			t.Fatalf("%d allocations, want the replacement", l.running("j"))
		}
	})
}

func TestPanicFailsOneEvaluation(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 2, 1000, 1000)
		var log lockedBuffer
		l := lead(t, r, func(c *ServiceConfig) {
			c.Logger = hclog.New(&hclog.LoggerOptions{Output: &log})
			c.Process = func(v scheduler.View, e *api.Evaluation, cfg scheduler.Config) *scheduler.Outcome {
				if e.JobID == "bad" {
					panic("index out of range")
				}
				return scheduler.Process(v, e, cfg)
			}
		})
		defer l.stop()
		r.Register(t, brokertest.Job("bad", 1, 1, 1))
		r.Register(t, brokertest.Job("good", 1, 1, 1))
		synctest.Wait()
		l.expectEvals("bad", "job-register:failed")
		l.expectEvals("good", "job-register:complete")
		if text := log.String(); !strings.Contains(text, "index out of range") || !strings.Contains(text, "service_test.go") {
			t.Fatalf("no panic with stack in the log:\n%s", text)
		}
	})
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestRefusedWritesAreRetried(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 2, 1000, 1000)
		l := lead(t, r, nil)
		defer l.stop()
		r.Register(t, brokertest.Job("a", 1, 1, 1))
		synctest.Wait()
		var refused atomic.Int32
		r.Intercept(func([]byte) error {
			if refused.Add(1) == 2 {
				return errors.New("log is full")
			}
			return nil
		})
		r.Register(t, brokertest.Job("b", 1, 1, 1)) // the first, the plan is the second
		synctest.Wait()
		if l.running("b") != 0 {
			t.Fatal("placed although the write was refused")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if l.running("b") != 1 {
			t.Fatal("not tried again")
		}
	})
}

// TestMaxAttempts has the scheduler insist on a node that never fits.
func TestMaxAttempts(t *testing.T) {
	for kind, tries := range map[string]int32{"service": 5, "batch": 2} {
		bubble(t, func(t *testing.T, r *brokertest.Raft) {
			r.AddNodes(t, 1, 100, 1000)
			var passes atomic.Int32
			l := lead(t, r, func(c *ServiceConfig) {
				c.Process = func(v scheduler.View, e *api.Evaluation, cfg scheduler.Config) *scheduler.Outcome {
					passes.Add(1)
					out := scheduler.Process(v, e, cfg)
					for _, allocs := range out.Plan.NodeAllocation {
						for _, a := range allocs {
							a.AllocatedResources.Tasks["t"].Cpu.CpuShares = 1000
						}
					}
					return out
				}
			})
			defer l.stop()
			j := brokertest.Job("j", 1, 10, 10)
			j.Type = kind
			e := r.Register(t, j)
			synctest.Wait()
			if n := passes.Load(); n != tries {
				t.Fatalf("%s: %d passes, want %d", kind, n, tries)
			}
			got := l.eval(e.ID)
			if want := fmt.Sprintf("maximum attempts reached (%d)", tries); got.Status != "failed" || got.StatusDescription != want {
				t.Fatalf("%s: evaluation is %s: %s", kind, got.Status, got.StatusDescription)
			}
			blocked := l.eval(got.BlockedEval)
			if blocked == nil || blocked.TriggeredBy != api.TriggerMaxPlans || blocked.PreviousEval != e.ID ||
				blocked.StatusDescription != "created due to placement conflicts" {
				t.Fatalf("%s: blocked evaluation %+v", kind, blocked)
			}
			l.svc.Blocked.UnblockMaxPlans()
			synctest.Wait()
			if n := passes.Load(); n != 2*tries {
				t.Fatalf("%s: %d passes after the retry, want %d", kind, n, 2*tries)
			}
		})
	}
}

// TestProgressResetsAttempts accepts one of many placements with each plan.
func TestProgressResetsAttempts(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 20, 100, 1000)
		l := lead(t, r, func(c *ServiceConfig) {
			c.Process = func(v scheduler.View, e *api.Evaluation, cfg scheduler.Config) *scheduler.Outcome {
				out := scheduler.Process(v, e, cfg)
				first := true
				for _, id := range planNodes(out.Plan) {
					for _, a := range out.Plan.NodeAllocation[id] {
						if !first {
							a.AllocatedResources = &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{
								"t": {Cpu: api.AllocatedCpuResources{CpuShares: 1000}},
							}}
						}
					}
					first = false
				}
				return out
			}
		})
		defer l.stop()
		e := r.Register(t, brokertest.Job("j", 12, 90, 10))
		synctest.Wait()
		if l.running("j") != 12 || l.eval(e.ID).Status != "complete" {
			t.Fatalf("%d allocations, evaluation %s", l.running("j"), l.eval(e.ID).Status)
		}
	})
}

func TestPause(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		r.AddNodes(t, 2, 1000, 1000)
		l := lead(t, r, nil)
		defer l.stop()
		pause := func(on bool) {
			c := state.DefaultSchedulerConfig()
			c.PauseEvalBroker = on
			r.Must(t, fsm.SchedulerConfigSet.Encode(&fsm.SchedulerConfigSetRequest{Config: c}))
			synctest.Wait()
		}
		pause(true)
		r.Register(t, brokertest.Job("j", 1, 1, 1))
		synctest.Wait()
		if l.running("j") != 0 || l.svc.Evals.Enabled() {
			t.Fatal("scheduled while paused")
		}
		pause(false)
		if l.running("j") != 1 {
			t.Fatal("not scheduled after the pause")
		}
		pause(true)
		pause(false)
		l.svc.Reload()
		synctest.Wait()
		r.Register(t, brokertest.Job("k", 1, 1, 1))
		synctest.Wait()
		if l.running("k") != 1 {
			t.Fatal("not scheduled after a reload")
		}
	})
}

// TestManyJobsFillTheCluster lets jobs of other priorities race for exactly the room there is. The plans
// in flight are part of what workers see, so that few of them are refused.
func TestManyJobsFillTheCluster(t *testing.T) {
	bubble(t, func(t *testing.T, r *brokertest.Raft) {
		const jobs, each = 50, 8
		r.AddNodes(t, 100, 400, 4000)
		l := lead(t, r, nil)
		defer l.stop()
		r.Intercept(func([]byte) error { sleep(); return nil })
		var wg sync.WaitGroup
		for n := range jobs {
			wg.Go(func() { r.Register(t, brokertest.Job(fmt.Sprint("j", n), each, 100, 100)) })
		}
		wg.Wait()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for n := range jobs {
			if got := l.running(fmt.Sprint("j", n)); got != each {
				t.Errorf("job %d has %d allocations, want %d: %s", n, got, each, l.evals(fmt.Sprint("j", n)))
			}
		}
		use := r.Store.Snapshot().Usage()
		for ord := range use.Len() {
			if cpu, _, _, _ := use.Used(ord); cpu != 400 {
				t.Errorf("node %d holds %d of 400 MHz", ord, cpu)
			}
		}
	})
}
