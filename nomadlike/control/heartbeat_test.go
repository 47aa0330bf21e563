// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func nodeID(n int) string { return brokertest.Node(n, 0, 0).ID }

func status(r *brokertest.Raft, n int) string {
	if node := state.Nodes.Get(r.Store.Snapshot(), nodeID(n)); node != nil {
		return node.Status
	}
	return "gone"
}

// inBubble runs a watcher of a cluster in a bubble and ends it afterwards.
func inBubble(t *testing.T, nodes int, fn func(t *testing.T, r *brokertest.Raft, h *Heartbeats)) {
	synctest.Test(t, func(t *testing.T) {
		r := brokertest.NewRaft()
		r.AddNodes(t, nodes, 1000, 1000)
		h := NewHeartbeats(DefaultHeartbeats(), r.Store, r, hclog.NewNullLogger(), nil)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		synctest.Wait()
		fn(t, r, h)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Fatalf("Run() = %v", err)
		}
	})
}

// after lets virtual time pass.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestFailoverTTL(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		after(5*time.Minute - time.Second)
		if h.Watched() != 3 {
			t.Fatalf("watching %d nodes, want 3", h.Watched())
		}
		h.Reset(nodeID(1))
		after(2 * time.Second)
		if got := [3]string{status(r, 0), status(r, 1), status(r, 2)}; got != [3]string{"down", "ready", "down"} {
			t.Fatalf("statuses %v after the failover time to live, want down, ready, down", got)
		}
		after(time.Minute)
		if status(r, 1) != "down" {
			t.Fatal("node that reported once is still ready a minute later")
		}
	})
}

func TestReportingNodesStay(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		entries := r.Entries()
		for range 500 {
			ttl := h.Reset(nodeID(0))
			if ttl < 10*time.Second || ttl > 20*time.Second {
				t.Fatalf("time to live %s, want 10s to 20s", ttl)
			}
			after(ttl / 2)
		}
		if status(r, 0) != "ready" || status(r, 1) != "down" {
			t.Fatalf("statuses %s and %s, want ready and down", status(r, 0), status(r, 1))
		}
		if n := r.Entries() - entries; n != 1 {
			t.Fatalf("%d raft entries for heartbeats, want 1 for the node that went down", n)
		}
	})
}

func TestGrace(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		ttl := h.Reset(nodeID(0))
		after(ttl + 10*time.Second - time.Millisecond)
		if status(r, 0) != "ready" {
			t.Fatal("node went down within the grace")
		}
		after(2 * time.Millisecond)
		node := state.Nodes.Get(r.Store.Snapshot(), nodeID(0))
		if node.Status != "down" || node.LastMissedHeartbeatIndex == 0 {
			t.Fatalf("node is %s with missed heartbeat index %d after the grace", node.Status, node.LastMissedHeartbeatIndex)
		}
		last := node.Events[len(node.Events)-1]
		if last.Message != "Node heartbeat missed" || last.Subsystem != "Heartbeat" {
			t.Fatalf("last event is %+v", last)
		}
	})
}

func TestForgottenNodesStay(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		h.Forget(nodeID(0))
		h.Forget(nodeID(0))
		after(time.Hour)
		if status(r, 0) != "ready" {
			t.Fatal("forgotten node went down")
		}
	})
}

func TestTTLGrowsWithTheCluster(t *testing.T) {
	inBubble(t, 2000, func(t *testing.T, _ *brokertest.Raft, h *Heartbeats) {
		for n := range 2000 {
			if ttl := h.Reset(nodeID(n)); ttl < 40*time.Second || ttl > 80*time.Second {
				t.Fatalf("time to live %s with 2000 nodes, want 40s to 80s", ttl)
			}
		}
	})
}

// TestExpiryIsBatched lets many nodes that share jobs go at once: few entries, one evaluation a job.
func TestExpiryIsBatched(t *testing.T) {
	inBubble(t, 600, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		job := brokertest.Job("j", 600, 1, 1)
		r.Register(t, job)
		for n := range 600 {
			putAlloc(r, &api.Allocation{ID: fmt.Sprint("a", n), Namespace: "default", JobID: "j", NodeID: nodeID(n)})
		}
		entries := r.Entries()
		evals := state.Evals.Len(r.Store.Snapshot())
		after(6 * time.Minute)
		if n := r.Entries() - entries; n != 3 {
			t.Fatalf("%d entries for 600 nodes, want 3", n)
		}
		if n := state.Evals.Len(r.Store.Snapshot()) - evals; n != 3 {
			t.Fatalf("%d evaluations, want one an entry", n)
		}
		if status(r, 0) != "down" || status(r, 599) != "down" {
			t.Fatal("nodes did not go down")
		}
	})
}

func TestExpiryIsRetried(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		var refused atomic.Int32
		r.Intercept(func([]byte) error {
			if refused.Add(1) <= 3 {
				return errors.New("disk is full")
			}
			return nil
		})
		after(5*time.Minute + 10*time.Second)
		if status(r, 0) != "down" || status(r, 1) != "down" {
			t.Fatalf("statuses %s and %s after retries, want down", status(r, 0), status(r, 1))
		}
	})
}

func TestExpiryPassesPurgedNodes(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		purge := true
		r.Intercept(func([]byte) error {
			if purge {
				purge = false
				r.Must(t, fsm.NodeDeregister.Encode(&fsm.NodeDeregisterRequest{NodeIDs: []string{nodeID(1)}}))
			}
			return nil
		})
		after(6 * time.Minute)
		if got := [3]string{status(r, 0), status(r, 1), status(r, 2)}; got != [3]string{"down", "gone", "down"} {
			t.Fatalf("statuses %v, want down, gone, down", got)
		}
	})
}

// TestVirtualHours keeps 60 nodes alive for six hours while some come and go.
func TestVirtualHours(t *testing.T) {
	inBubble(t, 60, func(t *testing.T, r *brokertest.Raft, h *Heartbeats) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for n := range 60 {
			if n%10 == 0 {
				continue
			}
			go func() {
				for {
					select {
					case <-time.After(h.Reset(nodeID(n)) / 2):
					case <-ctx.Done():
						return
					}
				}
			}()
		}
		after(6 * time.Hour)
		for n := range 60 {
			want := "ready"
			if n%10 == 0 {
				want = "down"
			}
			if got := status(r, n); got != want {
				t.Fatalf("node %d is %s, want %s", n, got, want)
			}
		}
		if h.Watched() != 54 {
			t.Fatalf("watching %d nodes, want 54", h.Watched())
		}
	})
}

func putAlloc(r *brokertest.Raft, a *api.Allocation) {
	if a.ClientStatus == "" {
		a.ClientStatus = api.AllocClientRunning
	}
	if a.DesiredStatus == "" {
		a.DesiredStatus = api.AllocDesiredRun
	}
	w := r.Store.Begin(r.Store.Index()+1, "test")
	state.Allocs.Put(w, a)
	w.Commit()
	r.CatchUp()
}

func TestNodeEvals(t *testing.T) {
	r := brokertest.NewRaft()
	r.AddNodes(t, 2, 1000, 1000)
	for _, kind := range []string{"service", "batch", "system", "sysbatch"} {
		for _, suffix := range []string{"", "-other", "-stopped"} {
			j := brokertest.Job(kind+suffix, 1, 1, 1)
			j.Type = kind
			j.Stop = suffix == "-stopped"
			if suffix == "-other" {
				j.Datacenters = []string{"dc2"}
			}
			r.Register(t, j)
		}
	}
	for i, a := range []*api.Allocation{
		{JobID: "service"},
		{JobID: "service"},
		{JobID: "batch"},
		{JobID: "sysbatch"},
		{JobID: "service-stopped"},
		{JobID: "service-other", ClientStatus: api.AllocClientComplete},
		{JobID: "batch-other", DesiredStatus: api.AllocDesiredStop},
		{JobID: "purged", Job: brokertest.Job("purged", 1, 1, 1)},
		{JobID: "batch-stopped", NodeID: nodeID(1)},
	} {
		a.ID, a.Namespace = fmt.Sprint("a", i), "default"
		if a.NodeID == "" {
			a.NodeID = nodeID(0)
		}
		putAlloc(r, a)
	}
	snap := r.Store.Snapshot()
	node := state.Nodes.Get(snap, nodeID(0))
	now := time.Unix(1000, 0)
	var got []string
	for _, e := range NodeEvals(snap, node, 7, now) {
		got = append(got, e.JobID)
		if e.TriggeredBy != "node-update" || e.NodeID != node.ID || e.NodeModifyIndex != 7 || e.Status != "pending" ||
			e.CreateTime != now.UnixNano() || e.ID == "" || e.Priority != 50 {
			t.Errorf("evaluation %+v", e)
		}
	}
	if text := strings.Join(sorted(got), " "); text != "batch purged service service-stopped system" {
		t.Fatalf("evaluations for %s", text)
	}
}
