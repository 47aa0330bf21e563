// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// benchServer runs a server on disk until the benchmark ends.
func benchServer(b *testing.B) (*Server, context.Context) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	_, trans := raft.NewInmemTransport("127.0.0.1:4647")
	s, err := New(Config{Name: "a", DataDir: b.TempDir(), BootstrapExpect: 1, RPCAdvertise: "127.0.0.1:4647", SerfBind: "127.0.0.1:0"}, Deps{RaftTransport: trans})
	if err != nil {
		b.Fatal(err)
	}
	leads := make(chan struct{})
	s.AddDuty(Duty{Name: "bench", Run: func(ctx context.Context) error { close(leads); <-ctx.Done(); return nil }})
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	<-leads
	return s, ctx
}

// BenchmarkCommitPlan writes plans of 1,000 placements through raft to disk, one after the other.
func BenchmarkCommitPlan(b *testing.B) {
	const nodes, placements = 1000, 1000
	s, ctx := benchServer(b)
	apply := func(cmd []byte) any {
		r, _, err := s.Apply(ctx, cmd)
		if err != nil {
			b.Fatal(err)
		}
		return r
	}
	ids := make([]string, nodes)
	for i := range ids {
		ids[i] = api.NewID()
		apply(fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{Node: &api.Node{ID: ids[i], Name: fmt.Sprint(i), Status: api.NodeStatusReady, NodeResources: &api.NodeResources{}}}))
	}
	job := apply(fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: &api.Job{
		Namespace: "default", ID: "web", Type: api.JobTypeService, TaskGroups: []*api.TaskGroup{{Name: "web"}},
	}})).(*api.Job)
	resources, metrics := &api.AllocatedResources{}, &api.AllocMetric{NodesEvaluated: nodes}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		result := &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{}}
		for i := range placements {
			node := ids[i%nodes]
			result.NodeAllocation[node] = append(result.NodeAllocation[node], &api.Allocation{
				ID: api.NewID(), Name: api.AllocName("web", "web", i), TaskGroup: "web", NodeID: node, DesiredStatus: api.AllocDesiredRun,
				ClientStatus: api.AllocClientPending, AllocatedResources: resources, Metrics: metrics,
			})
		}
		b.StartTimer()
		apply(fsm.PlanApply.Encode(&fsm.PlanApplyRequest{Plans: []*fsm.PlanCommit{{EvalID: "e", Job: job, Result: result}}, Time: 1}))
	}
	b.ReportMetric(float64(b.N*placements)/b.Elapsed().Seconds(), "placements/s")
}

// BenchmarkWrites writes small commands from many callers at once.
func BenchmarkWrites(b *testing.B) {
	s, ctx := benchServer(b)
	var next atomic.Int64
	var callers sync.WaitGroup
	b.ResetTimer()
	for range 64 {
		callers.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				e := &api.Evaluation{ID: fmt.Sprintf("e-%d", i), Namespace: "default", JobID: "j", Status: api.EvalStatusPending}
				if _, _, err := s.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: []*api.Evaluation{e}})); err != nil {
					b.Error(err)
				}
			}
		})
	}
	callers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}
