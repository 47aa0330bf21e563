// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/pqueue"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Raft proposes an encoded command and waits until it is applied to the local state; it answers what the
// apply function returned, with the index of the entry.
type Raft interface {
	Apply(ctx context.Context, cmd []byte) (any, uint64, error)
}

// HeartbeatConfig holds the times of scheduler.md 10.2.
type HeartbeatConfig struct {
	// MinTTL is the shortest time between heartbeats that nodes are told, above 0.
	MinTTL time.Duration
	// MaxPerSecond bounds the heartbeats of the whole cluster: with many nodes the TTL grows. Above 0.
	MaxPerSecond float64
	// Grace is how long a node may be late.
	Grace time.Duration
	// FailoverTTL is what every node gets when leadership starts.
	FailoverTTL time.Duration
}

// DefaultHeartbeats is what counts for servers that are not told otherwise.
func DefaultHeartbeats() HeartbeatConfig {
	return HeartbeatConfig{MinTTL: 10 * time.Second, MaxPerSecond: 50, Grace: 10 * time.Second, FailoverTTL: 5 * time.Minute}
}

const (
	// maxExpired is how many nodes go down in one raft entry.
	maxExpired = 256
	// disconnectSlack is how long after its last tolerant allocation a disconnected node goes down: after
	// the evaluation that loses that allocation.
	disconnectSlack = 2 * time.Second
	// retryExpired is the wait after an entry that could not be written.
	retryExpired = time.Second
)

// Heartbeats watches when nodes last reported and marks those down that stay away for longer than their
// time to live. Reset and Forget are for the handlers of the leader; Run is the duty that expires nodes.
// All nodes share one timer.
type Heartbeats struct {
	cfg   HeartbeatConfig
	store *state.Store
	raft  Raft
	log   hclog.Logger
	sink  *metrics.Metrics

	mu struct {
		sync.Mutex
		nodes map[string]*beat
		// queue orders by the time at which a node is looked at, soonest first.
		queue *pqueue.Queue[*beat]
		on    bool
	}
	// earlier has room for one signal that a deadline came before all others.
	earlier chan struct{}
}

// beat is a watched node. A heartbeat only moves the deadline; the queue catches up when at passes.
type beat struct {
	nodeID   string
	deadline time.Time
	at       time.Time
	index    int
}

// NewHeartbeats returns an idle watcher.
func NewHeartbeats(cfg HeartbeatConfig, store *state.Store, raft Raft, log hclog.Logger, sink *metrics.Metrics) *Heartbeats {
	if sink == nil {
		sink = metrics.Default()
	}
	h := &Heartbeats{cfg: cfg, store: store, raft: raft, log: log.Named("heartbeat"), sink: sink, earlier: make(chan struct{}, 1)}
	h.mu.nodes = map[string]*beat{}
	h.mu.queue = pqueue.New(func(a, b *beat) bool { return a.at.Before(b.at) }, func(b *beat) *int { return &b.index })
	return h
}

// Reset notes that the node reported and returns how long it has until it must report again:
// max(MinTTL, nodes / MaxPerSecond) plus a random part of that, so that nodes do not report in step.
func (h *Heartbeats) Reset(nodeID string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	base := max(h.cfg.MinTTL, time.Duration(float64(len(h.mu.nodes))/h.cfg.MaxPerSecond*float64(time.Second)))
	ttl := base + rand.N(base)
	if h.mu.on {
		h.watchLocked(nodeID, ttl+h.cfg.Grace)
	}
	return ttl
}

func (h *Heartbeats) watchLocked(nodeID string, d time.Duration) {
	deadline := time.Now().Add(d)
	b := h.mu.nodes[nodeID]
	if b == nil {
		b = &beat{nodeID: nodeID, deadline: deadline, at: deadline}
		h.mu.nodes[nodeID] = b
		h.mu.queue.Push(b)
	} else {
		b.deadline = deadline
		if !deadline.Before(b.at) {
			return
		}
		b.at = deadline
		h.mu.queue.Moved(b)
	}
	if b.index == 0 {
		select {
		case h.earlier <- struct{}{}:
		default:
		}
	}
}

// Forget stops watching the node.
func (h *Heartbeats) Forget(nodeID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b := h.mu.nodes[nodeID]; b != nil {
		delete(h.mu.nodes, nodeID)
		h.mu.queue.Remove(b)
	}
}

func (h *Heartbeats) watches(nodeID string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.nodes[nodeID] != nil
}

// Watched returns the number of nodes that are expected to report.
func (h *Heartbeats) Watched() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.mu.nodes)
}

// Run watches all nodes that are not down, starting with the failover TTL, until ctx ends.
func (h *Heartbeats) Run(ctx context.Context) error {
	h.start()
	defer h.stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-h.earlier:
		case <-timer.C:
		}
		expired, next := h.due(time.Now())
		if len(expired) > 0 {
			if err := h.expire(ctx, expired); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				h.log.Warn("could not mark nodes down", "nodes", len(expired), "error", err)
				h.again(expired)
			}
			_, next = h.due(time.Time{})
		}
		timer.Reset(next)
	}
}

func (h *Heartbeats) start() {
	snap := h.store.Snapshot()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.on = true
	for n := range state.Nodes.All(snap) {
		if !n.TerminalStatus() && h.mu.nodes[n.ID] == nil {
			h.watchLocked(n.ID, h.cfg.FailoverTTL)
		}
	}
}

func (h *Heartbeats) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mu.on = false
	clear(h.mu.nodes)
	h.mu.queue.Drain()
}

// due takes at most maxExpired nodes whose deadline passed, and returns how long to wait for the next.
func (h *Heartbeats) due(now time.Time) (expired []string, next time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(expired) < maxExpired {
		b, ok := h.mu.queue.First()
		if !ok || b.at.After(now) {
			break
		}
		if b.deadline.After(now) {
			b.at = b.deadline
			h.mu.queue.Moved(b)
			continue
		}
		h.mu.queue.Pop()
		delete(h.mu.nodes, b.nodeID)
		expired = append(expired, b.nodeID)
	}
	h.sink.SetGauge([]string{"nomad", "heartbeat", "active"}, float32(len(h.mu.nodes)))
	first, ok := h.mu.queue.First()
	if !ok {
		return expired, time.Hour
	}
	return expired, max(0, time.Until(first.at))
}

// again watches nodes whose expiry could not be written for a short time more.
func (h *Heartbeats) again(nodeIDs []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range nodeIDs {
		if h.mu.nodes[id] == nil {
			h.watchLocked(id, retryExpired)
		}
	}
}

// watch expects the node to report within that time.
func (h *Heartbeats) watch(nodeID string, d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mu.on {
		h.watchLocked(nodeID, d)
	}
}

// toleratedUntil returns until when an allocation of the node may stay out of contact (disconnect.lost_after);
// the zero time when none may.
func toleratedUntil(snap *state.Snapshot, node *api.Node, now time.Time) time.Time {
	var until time.Time
	if node.Status == api.NodeStatusDisconnected {
		now = time.Unix(node.StatusUpdatedAt, 0)
	}
	for a := range state.Allocs.By(snap, state.ByNode, node.ID) {
		tg := a.Group()
		if a.TerminalStatus() || a.ClientStatus == api.AllocClientPending || tg == nil || tg.Disconnect == nil || tg.Disconnect.LostAfter <= 0 {
			continue
		}
		since := now
		for _, s := range a.AllocStates {
			if s != nil && s.Value == api.AllocClientUnknown && s.Time != nil && a.ClientStatus == api.AllocClientUnknown {
				since = *s.Time
			}
		}
		if at := since.Add(tg.Disconnect.LostAfter); at.After(until) {
			until = at
		}
	}
	return until
}

// expire marks the nodes down, or disconnected while an allocation of theirs tolerates that, in one entry,
// with one evaluation for each job that loses allocations.
func (h *Heartbeats) expire(ctx context.Context, nodeIDs []string) error {
	snap := h.store.Snapshot()
	now := time.Now()
	seen := map[jobRef]bool{}
	var entries [][]byte
	for _, id := range nodeIDs {
		node := state.Nodes.Get(snap, id)
		if node == nil || node.TerminalStatus() || h.watches(id) {
			continue // gone, or it reported while this was on its way
		}
		h.log.Warn("node missed its heartbeat", "node_id", id, "node_name", node.Name)
		away := *node
		until := toleratedUntil(snap, node, now)
		away.Status = api.NodeStatusDown
		if until.After(now) {
			away.Status = api.NodeStatusDisconnected
			h.watch(id, until.Sub(now)+disconnectSlack)
			if node.Status == api.NodeStatusDisconnected {
				continue
			}
		}
		entries = append(entries, fsm.NodeStatusUpdate.Encode(&fsm.NodeStatusUpdateRequest{
			NodeID: id, Status: away.Status, StatusDescription: "heartbeat missed", UpdatedAt: now.Unix(),
			MissedHeartbeat: true,
			Event:           &api.NodeEvent{Message: "Node heartbeat missed", Subsystem: "Heartbeat", Timestamp: new(now.UTC())},
			Evals:           nodeEvals(snap, &away, node.ModifyIndex, now, seen),
		}))
	}
	if len(entries) > 0 {
		defer h.sink.MeasureSince([]string{"nomad", "heartbeat", "invalidate"}, now)
	}
	switch len(entries) {
	case 0:
		return nil
	case 1:
		_, _, err := h.raft.Apply(ctx, entries[0])
		return ignoreGone(err)
	}
	_, _, err := h.raft.Apply(ctx, fsm.Batch.Encode(&fsm.BatchRequest{Entries: entries}))
	if !api.IsClass(err, api.ClassNotFound) {
		return err
	}
	// A node was purged meanwhile, which refused the whole batch.
	for _, entry := range entries {
		_, _, err := h.raft.Apply(ctx, entry)
		if err := ignoreGone(err); err != nil {
			return err
		}
	}
	return nil
}

func ignoreGone(err error) error {
	if api.IsClass(err, api.ClassNotFound) {
		return nil
	}
	return err
}
