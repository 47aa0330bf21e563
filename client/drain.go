// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"fmt"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// DrainConfig is the drain_on_shutdown block: how the node drains itself when its agent leaves.
type DrainConfig struct {
	// Deadline is the time after which everything that is left has to go at once, an hour when unset.
	Deadline         *time.Duration `hcl:"deadline"`
	Force            bool           `hcl:"force"`
	IgnoreSystemJobs bool           `hcl:"ignore_system_jobs"`
}

// defaultDrainDeadline counts when the block names none.
const defaultDrainDeadline = time.Hour

func (d *DrainConfig) validate() error {
	switch {
	case d == nil:
	case d.Force && d.Deadline != nil:
		return fmt.Errorf("client.drain_on_shutdown: deadline and force exclude each other")
	case d.Deadline != nil && *d.Deadline <= 0:
		return fmt.Errorf("client.drain_on_shutdown: deadline: %s must be positive; use force = true to let everything go at once", *d.Deadline)
	}
	return nil
}

// spec is the drain that is asked for.
func (d *DrainConfig) spec() *api.DrainSpec {
	s := &api.DrainSpec{Deadline: api.Or(d.Deadline, defaultDrainDeadline), IgnoreSystemJobs: d.IgnoreSystemJobs}
	if d.Force {
		s.Deadline = -1
	}
	return s
}

// patience is how long the drain may take in all: some seconds more than its deadline, a minute when it is forced.
func (d *DrainConfig) patience() time.Duration {
	if d.Force {
		return time.Minute
	}
	return api.Or(d.Deadline, defaultDrainDeadline) + drainGrace
}

// drainGrace is what tasks that have to go at the deadline have for it.
const drainGrace = 5 * time.Second

// drainPoll is how often the allocations of a draining node are looked at.
const drainPoll = 200 * time.Millisecond

// Drain has the node drained as the drain_on_shutdown block says and returns when the servers say that it is and
// what had to go has stopped; at once without the block. It gives up some seconds after the deadline of the drain. The
// node stays ineligible.
func (c *Client) Drain(ctx context.Context) error {
	d := c.cfg.DrainOnShutdown
	if d == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.patience())
	defer cancel()
	req := &api.NodeDrainRequest{
		PathID: c.identity.id, NodeID: c.identity.id, DrainSpec: d.spec(), Meta: map[string]string{"message": "shutting down"},
	}
	req.Region = c.cfg.Region
	resp, _, err := api.NodeDrain.Call(ctx, c.deps.Servers, req)
	if err != nil {
		return fmt.Errorf("drain this node (client.drain_on_shutdown): %w", err)
	}
	c.logger.Info("node drains before the agent stops", "node_id", c.identity.id)
	if err := c.drained(ctx, resp.NodeModifyIndex); err != nil {
		return fmt.Errorf("wait for the drain of this node (client.drain_on_shutdown): %w", err)
	}
	for c.drainLeft() > 0 {
		if err := run.Sleep(ctx, drainPoll); err != nil {
			return fmt.Errorf("wait for %d allocations of the drained node to stop: %w", c.drainLeft(), err)
		}
	}
	// What has just stopped is still to be told to the servers, or replacements wait for the node to be taken for lost.
	if err := c.reports.sync(ctx); err != nil {
		return fmt.Errorf("report the allocations of the drained node: %w", err)
	}
	c.logger.Info("node is drained", "node_id", c.identity.id)
	return nil
}

// drained waits until the servers have ended the drain that was set at the index.
func (c *Client) drained(ctx context.Context, index uint64) error {
	req := &api.NodeRequest{NodeID: c.identity.id}
	req.Region, req.MinIndex = c.cfg.Region, index-1
	for try := 0; ; {
		node, meta, err := api.NodeGet.Call(ctx, c.deps.Servers, req)
		switch {
		case err == nil && node.DrainStrategy == nil && node.ModifyIndex >= index:
			return nil
		case err == nil:
			try, req.MinIndex = 0, meta.Index
		default:
			if serr := run.Sleep(ctx, run.Backoff(try)); serr != nil {
				return err
			}
			try++
		}
	}
}

// drainLeft counts the allocations that run and have to go.
func (c *Client) drainLeft() int {
	n := 0
	for _, r := range c.allRunners() {
		job := r.Alloc().Job
		system := job != nil && (job.Type == api.JobTypeSystem || job.Type == api.JobTypeSysBatch)
		if !isFinished(r) && !(system && c.cfg.DrainOnShutdown.IgnoreSystemJobs) {
			n++
		}
	}
	return n
}
