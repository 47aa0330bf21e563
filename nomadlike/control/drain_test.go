// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// drained is a scheduler with a drainer and clients, in a bubble.
type drained struct {
	t *testing.T
	*brokertest.Raft
	// slow keeps clients from ending what they are told to stop.
	slow bool
}

func withDrains(t *testing.T, fn func(r *drained)) {
	synctest.Test(t, func(t *testing.T) {
		r := &drained{t: t, Raft: brokertest.NewRaft()}
		r.AddNodes(t, 4, 4000, 8000)
		evals := broker.New(broker.ServiceConfig{Store: r.Store, Raft: r, Workers: 1})
		r.Store.Subscribe(evals.Observe)
		d := NewDrains(r.Store, r, hclog.NewNullLogger())
		r.Store.Subscribe(d.Observe)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		go func() { done <- evals.Run(ctx) }()
		go func() {
			for {
				// Leadership changes every few seconds.
				term, end := context.WithTimeout(ctx, 7*time.Second)
				err := d.Run(term)
				end()
				if ctx.Err() != nil {
					done <- err
					return
				}
			}
		}()
		fn(r)
		cancel()
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run() = %v", err)
			}
		}
	})
}

// tick has the clients report and lets a second pass.
func (r *drained) tick() {
	r.t.Helper()
	now := time.Now()
	req := &fsm.AllocsClientUpdateRequest{Time: now.UnixNano()}
	for a := range state.Allocs.All(r.Store.Snapshot()) {
		switch {
		case a.ClientTerminalStatus():
		case a.ServerTerminalStatus() && !r.slow:
			req.Allocs = append(req.Allocs, &fsm.AllocUpdate{ID: a.ID, ClientStatus: api.AllocClientComplete})
		case a.ClientStatus == api.AllocClientPending:
			req.Allocs = append(req.Allocs, &fsm.AllocUpdate{ID: a.ID, ClientStatus: api.AllocClientRunning})
		case a.Job.Type == api.JobTypeService && a.DeploymentStatus == nil:
			req.Allocs = append(req.Allocs, &fsm.AllocUpdate{
				ID: a.ID, ClientStatus: api.AllocClientRunning, DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(true), Timestamp: &now},
			})
		}
	}
	if len(req.Allocs) > 0 {
		r.Must(r.t, fsm.AllocsClientUpdate.Encode(req))
	}
	after(time.Second)
}

func (r *drained) ticks(n int) {
	r.t.Helper()
	for range n {
		r.tick()
	}
}

func (r *drained) job(id, kind string, count int) *api.Job {
	r.t.Helper()
	j := brokertest.Job(id, count, 100, 100)
	j.Type = kind
	if kind == api.JobTypeSystem {
		j.TaskGroups[0].Count, j.TaskGroups[0].ReschedulePolicy = new(1), nil
	}
	if kind != api.JobTypeService {
		j.TaskGroups[0].Migrate = nil
	}
	r.Register(r.t, j)
	r.ticks(4)
	return j
}

func (r *drained) drain(n int, s *api.DrainStrategy) {
	r.t.Helper()
	now := time.Now().UTC()
	if s != nil {
		s.StartedAt = &now
		if s.Deadline > 0 {
			s.ForceDeadline = new(now.Add(s.Deadline))
		}
	}
	r.Must(r.t, fsm.NodeDrain.Encode(&fsm.NodeDrainRequest{NodeID: r.node(n).ID, Strategy: s, UpdatedAt: now.Unix(), Meta: map[string]string{"why": "test"}}))
}

func (r *drained) node(n int) *api.Node {
	return state.Nodes.Get(r.Store.Snapshot(), brokertest.Node(n, 0, 0).ID)
}

// on counts the allocations of a job that the client of the node has not ended.
func (r *drained) on(n int, job string) int {
	count := 0
	for a := range state.Allocs.By(r.Store.Snapshot(), state.ByNode, r.node(n).ID) {
		if a.JobID == job && !a.ClientTerminalStatus() {
			count++
		}
	}
	return count
}

func (r *drained) healthy(job string) int {
	count := 0
	for a := range state.Allocs.By(r.Store.Snapshot(), state.ByJob, "default", job) {
		if isHealthy(a) && isPlaced(a) {
			count++
		}
	}
	return count
}

// busiest returns a node with allocations of the job.
func (r *drained) busiest(job string) int {
	best := 0
	for n := range 4 {
		if r.on(n, job) > r.on(best, job) {
			best = n
		}
	}
	return best
}

func (r *drained) expectEnd(n int, status string, deadline bool) {
	r.t.Helper()
	row := r.node(n)
	if row.DrainStrategy != nil || row.SchedulingEligibility != api.NodeIneligible || row.LastDrain == nil || row.LastDrain.Status != status || row.LastDrain.Meta["why"] != "test" {
		r.t.Fatalf("node is %+v, strategy %+v, last drain %+v", row.SchedulingEligibility, row.DrainStrategy, row.LastDrain)
	}
	last := row.Events[len(row.Events)-1]
	if status == api.DrainStatusComplete && (last.Message != api.NodeEventDrainComplete || (last.Details["deadline_reached"] == "true") != deadline) {
		r.t.Fatalf("last event is %+v", last)
	}
}

func TestDrainKeepsThePace(t *testing.T) {
	withDrains(t, func(r *drained) {
		j := brokertest.Job("web", 9, 100, 100)
		j.TaskGroups[0].Migrate.MaxParallel = new(2)
		j.TaskGroups[0].Spreads = []*api.Spread{{Attribute: "${node.unique.id}", Weight: new(50)}}
		r.Register(t, j)
		r.ticks(4)
		for n := range 3 {
			if r.on(n, "web") == 0 {
				t.Fatalf("nothing on node %d", n)
			}
			r.drain(n, &api.DrainStrategy{Deadline: time.Hour})
		}
		for range 60 {
			r.tick()
			if got := r.healthy("web"); got < 7 {
				t.Fatalf("%d of 9 are healthy, promised 7", got)
			}
		}
		for n := range 3 {
			if r.on(n, "web") > 0 {
				t.Fatalf("%d left on node %d", r.on(n, "web"), n)
			}
			r.expectEnd(n, api.DrainStatusComplete, false)
		}
		if r.healthy("web") != 9 {
			t.Fatalf("%d are healthy in the end", r.healthy("web"))
		}
	})
}

func TestDrainLetsBatchFinish(t *testing.T) {
	withDrains(t, func(r *drained) {
		r.job("work", api.JobTypeBatch, 1)
		n := r.busiest("work")
		r.drain(n, &api.DrainStrategy{Deadline: time.Minute})
		r.ticks(50)
		if r.on(n, "work") != 1 || r.node(n).DrainStrategy == nil {
			t.Fatal("the batch allocation had to go before the deadline")
		}
		r.ticks(30)
		if r.on(n, "work") != 0 {
			t.Fatal("the batch allocation outlived the deadline")
		}
		r.expectEnd(n, api.DrainStatusComplete, true)
		if other := r.busiest("work"); r.on(other, "work") != 0 {
			t.Fatal("it was replaced")
		}
	})
}

func TestDrainEndsSystemJobsLast(t *testing.T) {
	withDrains(t, func(r *drained) {
		r.job("agent", api.JobTypeSystem, 1)
		r.job("web", api.JobTypeService, 4)
		n := r.busiest("web")
		r.slow = true
		r.drain(n, &api.DrainStrategy{Deadline: time.Hour})
		r.ticks(20)
		for a := range state.Allocs.By(r.Store.Snapshot(), state.ByNode, r.node(n).ID) {
			if a.JobID == "agent" && a.DesiredTransition.ShouldMigrate() {
				t.Fatal("the system allocation had to go before the others had ended")
			}
		}
		r.slow = false
		r.ticks(60)
		if r.on(n, "web")+r.on(n, "agent") > 0 {
			t.Fatal("allocations are left")
		}
		r.expectEnd(n, api.DrainStatusComplete, false)

		other := r.busiest("web")
		r.drain(other, &api.DrainStrategy{Deadline: time.Hour, IgnoreSystemJobs: true})
		r.ticks(60)
		if r.on(other, "web") != 0 || r.on(other, "agent") != 1 {
			t.Fatalf("%d of web and %d of agent are left", r.on(other, "web"), r.on(other, "agent"))
		}
		r.expectEnd(other, api.DrainStatusComplete, false)
	})
}

func TestForcedDrain(t *testing.T) {
	withDrains(t, func(r *drained) {
		r.job("agent", api.JobTypeSystem, 1)
		r.job("work", api.JobTypeBatch, 1)
		r.job("web", api.JobTypeService, 4)
		n := r.busiest("work")
		r.drain(n, &api.DrainStrategy{Deadline: -1})
		r.ticks(5)
		if r.on(n, "web")+r.on(n, "work")+r.on(n, "agent") > 0 {
			t.Fatal("allocations are left")
		}
		r.expectEnd(n, api.DrainStatusComplete, true)
	})
}

func TestCancelledDrain(t *testing.T) {
	withDrains(t, func(r *drained) {
		r.job("work", api.JobTypeBatch, 1)
		n := r.busiest("work")
		r.drain(n, &api.DrainStrategy{})
		started := r.node(n).DrainStrategy.StartedAt
		r.ticks(3)
		r.drain(n, &api.DrainStrategy{Deadline: time.Hour})
		if s := r.node(n).DrainStrategy; !s.StartedAt.Equal(*started) || s.ForceDeadline == nil {
			t.Fatalf("an updated drain is %+v", s)
		}
		r.drain(n, nil)
		r.ticks(3)
		if r.on(n, "work") != 1 {
			t.Fatal("the allocation is gone")
		}
		r.expectEnd(n, api.DrainStatusCanceled, false)
	})
}

func TestDrainOfALostNodeEnds(t *testing.T) {
	withDrains(t, func(r *drained) {
		r.job("work", api.JobTypeBatch, 1)
		n := r.busiest("work")
		r.drain(n, &api.DrainStrategy{})
		r.ticks(2)
		r.Must(t, fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{NodeID: r.node(n).ID, Status: api.NodeStatusDown}))
		r.ticks(2)
		r.expectEnd(n, api.DrainStatusComplete, false)
	})
}
