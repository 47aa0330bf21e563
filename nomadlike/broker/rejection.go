// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"context"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// RejectionConfig is plan_rejection_tracker: a node whose part of plans is refused Threshold times within
// Window becomes ineligible, because its state and what schedulers see of it do not agree.
type RejectionConfig struct {
	Enabled bool
	// Threshold is 100 when 0, Window 5m.
	Threshold int
	Window    time.Duration
}

// rejections counts refusals by node.
type rejections struct {
	cfg  RejectionConfig
	raft Raft
	log  hclog.Logger
	sink *metrics.Metrics

	mu struct {
		sync.Mutex
		// times of the refusals within the window, oldest first.
		nodes map[string][]time.Time
		swept time.Time
	}
}

func newRejections(cfg RejectionConfig, raft Raft, log hclog.Logger, sink *metrics.Metrics) *rejections {
	if cfg.Threshold <= 0 {
		cfg.Threshold = 100
	}
	if cfg.Window <= 0 {
		cfg.Window = 5 * time.Minute
	}
	r := &rejections{cfg: cfg, raft: raft, log: log, sink: sink}
	r.mu.nodes = map[string][]time.Time{}
	return r
}

// add notes refusals and returns the nodes that reached the threshold.
func (r *rejections) add(nodeIDs []string, now time.Time) (reached []string) {
	if !r.cfg.Enabled || len(nodeIDs) == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	since := now.Add(-r.cfg.Window)
	for _, id := range nodeIDs {
		times := append(recent(r.mu.nodes[id], since), now)
		r.sink.SetGaugeWithLabels(keyNodeScore, float32(len(times)), []metrics.Label{{Name: "node_id", Value: id}})
		if len(times) >= r.cfg.Threshold {
			reached = append(reached, id)
			times = nil
		}
		r.mu.nodes[id] = times
	}
	if now.Sub(r.mu.swept) > r.cfg.Window {
		r.mu.swept = now
		for id, times := range r.mu.nodes {
			if len(recent(times, since)) == 0 {
				delete(r.mu.nodes, id)
			}
		}
	}
	return reached
}

// recent leaves out the times before since.
func recent(times []time.Time, since time.Time) []time.Time {
	for len(times) > 0 && times[0].Before(since) {
		times = times[1:]
	}
	return times
}

// exclude makes a node ineligible.
func (r *rejections) exclude(ctx context.Context, nodeID string) {
	r.log.Warn("node refused too many plans and becomes ineligible", "node_id", nodeID, "threshold", r.cfg.Threshold,
		"window", r.cfg.Window)
	now := time.Now().UTC()
	_, _, err := r.raft.Apply(ctx, fsm.NodeEligibility.Encode(&fsm.NodeEligibilityRequest{
		NodeID: nodeID, Eligibility: api.NodeIneligible, UpdatedAt: now.Unix(),
		Event: &api.NodeEvent{
			Message:   "Node marked as ineligible for scheduling due to multiple plan rejections",
			Subsystem: "Scheduler", Timestamp: &now,
		},
	}))
	if err != nil && ctx.Err() == nil {
		r.log.Warn("could not make a node ineligible", "node_id", nodeID, "error", err)
	}
}
