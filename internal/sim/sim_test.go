// SPDX-License-Identifier: MPL-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// server is what simulated nodes talk to: it keeps allocations and counts what it is told.
type server struct {
	ttl time.Duration

	mu      sync.Mutex
	index   uint64
	allocs  map[string]*api.Allocation
	changed chan struct{}
	nodes   map[string]*api.Node
	last    map[string]time.Time
	late    int
	beats   int
	// fail refuses every call while set.
	fail error
}

func newServer() *server {
	return &server{
		ttl: 20 * time.Second, index: 10, allocs: map[string]*api.Allocation{}, changed: make(chan struct{}),
		nodes: map[string]*api.Node{}, last: map[string]time.Time{},
	}
}

// change runs fn under the lock and wakes the watchers.
func (s *server) change(fn func(index uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index++
	fn(s.index)
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *server) beat(nodeID string) {
	now := time.Now()
	if last, ok := s.last[nodeID]; ok && now.Sub(last) > s.ttl {
		s.late++
	}
	s.last[nodeID] = now
	s.beats++
}

func (s *server) Call(ctx context.Context, _ *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	switch r := req.(type) {
	case *api.NodeRegisterRequest:
		s.nodes[r.Node.ID] = r.Node
		s.beat(r.Node.ID)
		*resp.(**api.NodeHeartbeatResponse) = &api.NodeHeartbeatResponse{TTL: s.ttl}
	case *api.NodeHeartbeatRequest:
		s.beat(r.NodeID)
		*resp.(**api.NodeHeartbeatResponse) = &api.NodeHeartbeatResponse{TTL: s.ttl}
	case *api.NodeAllocsRequest:
		return s.watch(ctx, r, resp.(**api.NodeAllocsResponse))
	case *api.AllocFetchRequest:
		var out []*api.Allocation
		for _, id := range r.AllocIDs {
			if a := s.allocs[id]; a != nil && a.NodeID == r.NodeID {
				out = append(out, a)
			}
		}
		*resp.(**api.AllocFetchResponse) = api.PackAllocs(out)
	case *api.AllocUpdateRequest:
		for _, a := range r.Allocs {
			c := *s.allocs[a.ID]
			c.ClientStatus, c.TaskStates = a.ClientStatus, a.TaskStates
			if a.DeploymentStatus != nil {
				c.DeploymentStatus = a.DeploymentStatus
			}
			s.allocs[a.ID] = &c
		}
		*resp.(**api.WriteMeta) = &api.WriteMeta{}
	default:
		return nil, fmt.Errorf("unexpected %T", req)
	}
	return &api.Meta{Index: s.index}, nil
}

// watch waits for a change above the index; the lock is held when it is called and when it returns.
func (s *server) watch(ctx context.Context, r *api.NodeAllocsRequest, resp **api.NodeAllocsResponse) (*api.Meta, error) {
	deadline := time.After(r.MaxWait)
	for s.index <= r.MinIndex {
		changed := s.changed
		s.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-deadline:
			r.MinIndex = 0
		case <-ctx.Done():
			err = ctx.Err()
		}
		s.mu.Lock()
		if err != nil {
			return nil, err
		}
	}
	allocs := map[string]uint64{}
	for _, a := range s.allocs {
		if a.NodeID == r.NodeID {
			allocs[a.ID] = a.AllocModifyIndex
		}
	}
	*resp = &api.NodeAllocsResponse{Allocs: allocs}
	return &api.Meta{Index: s.index}, nil
}

func (s *server) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, errors.New("unexpected stream")
}

// status counts the allocations by client status.
func (s *server) status() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string]int{}
	for _, a := range s.allocs {
		m[a.ClientStatus]++
	}
	return m
}

func job(config map[string]any) *api.Job {
	return &api.Job{ID: "j", TaskGroups: []*api.TaskGroup{{
		Name: "g", Tasks: []*api.Task{{Name: "t", Driver: "mock_driver", Config: config}},
	}}}
}

// place puts one allocation on each node.
func (s *server) place(f *Fleet, prefix string, j *api.Job) {
	s.change(func(index uint64) {
		for i, id := range f.NodeIDs() {
			a := &api.Allocation{
				ID: fmt.Sprint(prefix, i), NodeID: id, Job: j, JobID: j.ID, TaskGroup: "g",
				DesiredStatus: "run", ClientStatus: "pending", AllocModifyIndex: index,
			}
			s.allocs[a.ID] = a
		}
	})
}

// inBubble runs a fleet until the function returns.
func inBubble(t *testing.T, count int, fn func(t *testing.T, s *server, f *Fleet)) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer()
		f, err := New(Config{Caller: s, Count: count})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		<-f.Ready()
		synctest.Wait()
		fn(t, s, f)
		cancel()
		if err := <-done; err != nil {
			t.Fatalf("Run() = %v", err)
		}
	})
}

func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestNodesAreReal(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, s *server, f *Fleet) {
		if len(s.nodes) != 3 || f.Stats().Registered != 3 {
			t.Fatalf("%d nodes, %+v", len(s.nodes), f.Stats())
		}
		n := s.nodes[f.NodeIDs()[1]]
		if n.Name != "sim-00001" || !n.Ready() || !n.Drivers["mock_driver"].Healthy || n.NodeResources.Cpu.CpuShares != 4000 ||
			n.NodeResources.NodeNetworks[0].Addresses[0].Address != "10.0.0.1" {
			t.Fatalf("node %+v", n)
		}
	})
}

func TestHeartbeatsAreInTime(t *testing.T) {
	inBubble(t, 50, func(t *testing.T, s *server, _ *Fleet) {
		settle(3 * time.Hour)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.late != 0 {
			t.Fatalf("%d of %d heartbeats were late", s.late, s.beats)
		}
		// Between a quarter and half of the time to live of 20s.
		if per := float64(s.beats) / 50; per < 3*3600/10 || per > 3*3600/5 {
			t.Fatalf("%.0f heartbeats a node in three hours", per)
		}
	})
}

func TestAllocationsRunAndStop(t *testing.T) {
	inBubble(t, 20, func(t *testing.T, s *server, f *Fleet) {
		s.place(f, "a", job(nil))
		settle(time.Second)
		if got := s.status(); got["running"] != 20 {
			t.Fatalf("statuses %v", got)
		}
		s.mu.Lock()
		if st := s.allocs["a3"].TaskStates["t"]; st == nil || st.State != "running" || st.StartedAt == nil {
			t.Fatalf("task state %+v", st)
		}
		s.mu.Unlock()
		s.change(func(index uint64) {
			for _, id := range []string{"a1", "a2"} {
				c := *s.allocs[id]
				c.DesiredStatus, c.AllocModifyIndex = "stop", index
				s.allocs[id] = &c
			}
			c := *s.allocs["a3"]
			c.DeploymentID, c.AllocModifyIndex = "d", index
			s.allocs["a3"] = &c
			delete(s.allocs, "a4")
		})
		settle(time.Second)
		if got := s.status(); got["running"] != 17 || got["complete"] != 2 {
			t.Fatalf("statuses %v", got)
		}
		if st := f.Stats(); st.Running != 17 || st.Started != 20 || st.Stopped != 3 {
			t.Fatalf("stats %+v", st)
		}
		if d := s.allocs["a3"].DeploymentStatus; d == nil || !*d.Healthy {
			t.Fatal("updated allocation was not reported as healthy")
		}
	})
}

func TestTasksEndByThemselves(t *testing.T) {
	inBubble(t, 4, func(t *testing.T, s *server, f *Fleet) {
		s.place(f, "ok", job(map[string]any{"run_for": "30s"}))
		s.place(f, "bad", job(map[string]any{"run_for": "10s", "exit_code": 2}))
		s.place(f, "ever", job(map[string]any{"run_for": "soon"}))
		settle(5 * time.Second)
		if got := s.status(); !maps.Equal(got, map[string]int{"running": 12}) {
			t.Fatalf("statuses %v", got)
		}
		settle(10 * time.Second)
		if got := s.status(); !maps.Equal(got, map[string]int{"running": 8, "failed": 4}) {
			t.Fatalf("statuses %v", got)
		}
		settle(time.Hour)
		if got := s.status(); !maps.Equal(got, map[string]int{"running": 4, "failed": 4, "complete": 4}) {
			t.Fatalf("statuses %v", got)
		}
	})
}

func TestNodesComeBack(t *testing.T) {
	inBubble(t, 10, func(t *testing.T, s *server, f *Fleet) {
		s.change(func(uint64) { s.fail = errors.New("no leader") })
		settle(time.Minute)
		s.change(func(uint64) { s.fail = nil; clear(s.nodes) })
		s.place(f, "a", job(nil))
		settle(time.Minute)
		if len(s.nodes) != 10 {
			t.Fatalf("%d nodes registered again, want 10", len(s.nodes))
		}
		if got := s.status(); got["running"] != 10 {
			t.Fatalf("statuses %v", got)
		}
		if f.Stats().Registered != 10 {
			t.Fatalf("%+v", f.Stats())
		}
	})
}

func TestServersGoBackInTime(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, s *server, f *Fleet) {
		s.change(func(uint64) { s.index = 3 })
		settle(6 * time.Minute) // the watch ends
		s.place(f, "a", job(nil))
		settle(time.Second)
		if got := s.status(); got["running"] != 1 {
			t.Fatalf("statuses %v", got)
		}
	})
}

func TestBadConfig(t *testing.T) {
	for _, c := range []Config{
		{}, {Count: 1}, {Count: -1, Servers: []string{"x"}}, {Count: 1, Servers: []string{"x"}, CPU: -1},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("New(%+v) accepted", c)
		}
	}
}

// BenchmarkNode reports the memory of an idle simulated node, without that of its connection.
func BenchmarkNode(b *testing.B) {
	const nodes = 2000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := newServer()
		f, err := New(Config{Caller: s, Count: nodes})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		<-f.Ready()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/nodes, "B/node")
		cancel()
		<-done
	}
}
