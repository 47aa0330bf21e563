// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/internal/run"
)

// reportWait is how long changes are gathered, unless one of them is worth telling at once.
const reportWait = 200 * time.Millisecond

// reportGap is the least time between two calls, so that many allocations that start together are not
// reported one by one.
const reportGap = 10 * time.Millisecond

// reportBatch is how many allocations are reported with one call.
const reportBatch = 500

// reporter tells the servers what becomes of the allocations. A change is kept until a server has taken
// it; after a restart of the agent everything is told again, because the states are stored.
type reporter struct {
	client *Client
	wake   chan struct{}

	mu struct {
		sync.Mutex
		pending map[string]*alloc.Runner
		// sent are the reports that servers have taken.
		sent   map[string]*api.Allocation
		urgent bool
		// counted is what was counted of the tasks of each allocation.
		counted map[string]map[string]counted
	}
	// since is when the agent began to count.
	since time.Time
}

func newReporter(c *Client) *reporter {
	r := &reporter{client: c, wake: make(chan struct{}, 1), since: time.Now()}
	r.mu.pending, r.mu.sent, r.mu.counted = map[string]*alloc.Runner{}, map[string]*api.Allocation{}, map[string]map[string]counted{}
	return r
}

// changed queues the report of an allocation.
func (r *reporter) changed(a *alloc.Runner) {
	report := a.Report()
	r.count(a, report)
	r.mu.Lock()
	r.mu.pending[a.ID()] = a
	last := r.mu.sent[a.ID()]
	if last == nil || last.ClientStatus != report.ClientStatus || healthNews(last, report) {
		r.mu.urgent = r.mu.urgent || report.ClientStatus != api.AllocClientPending
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func healthNews(a, b *api.Allocation) bool {
	return b.DeploymentStatus != nil && (a.DeploymentStatus == nil || a.DeploymentStatus.Healthy != b.DeploymentStatus.Healthy)
}

// again reports an allocation whose last report the servers no longer go by.
func (r *reporter) again(a *alloc.Runner) {
	r.mu.Lock()
	delete(r.mu.sent, a.ID())
	r.mu.Unlock()
	r.changed(a)
}

// forget drops an allocation that was destroyed.
func (r *reporter) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.sent, id)
	delete(r.mu.counted, id)
}

// run sends reports until the context ends.
func (r *reporter) run(ctx context.Context) error {
	select {
	case <-r.client.registered:
	case <-ctx.Done():
		return nil
	}
	for _, a := range r.client.allRunners() {
		r.changed(a)
	}
	for {
		select {
		case <-r.wake:
		case <-ctx.Done():
			return nil
		}
		if !r.isUrgent() && !r.gather(ctx) {
			return nil
		}
		if !r.flush(ctx) || run.Sleep(ctx, reportGap) != nil {
			return nil //nolint:nilerr // the client ends
		}
	}
}

func (r *reporter) isUrgent() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.urgent
}

// gather waits for more changes, until one is urgent.
func (r *reporter) gather(ctx context.Context) bool {
	t := time.NewTimer(reportWait)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return true
		case <-r.wake:
			if r.isUrgent() {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
}

// flush sends everything that is queued, however long that takes.
func (r *reporter) flush(ctx context.Context) bool {
	for try := 0; ; {
		batch := r.take()
		if len(batch) == 0 {
			return true
		}
		err := r.send(ctx, batch)
		if err == nil {
			try = 0
			continue
		}
		if ctx.Err() != nil {
			return false
		}
		if try == 0 {
			r.client.logger.Warn("states of allocations cannot be reported, trying again", "error", err)
		}
		if api.IsClass(err, api.ClassNotFound) {
			r.client.askToRegister()
		}
		r.putBack(batch)
		if run.Sleep(ctx, run.Backoff(try)) != nil {
			return false
		}
		try++
	}
}

// sync tells the servers of all allocations, and that there are none when there are none.
func (r *reporter) sync(ctx context.Context) error {
	c := r.client
	runners := c.allRunners()
	for first := true; first || len(runners) > 0; first = false {
		batch := runners[:min(len(runners), reportBatch)]
		runners = runners[len(batch):]
		req := &api.AllocUpdateRequest{NodeID: c.identity.id, SecretID: c.identity.secret}
		req.Region = c.cfg.Region
		for _, a := range batch {
			req.Allocs = append(req.Allocs, a.Report())
		}
		callCtx, cancel := context.WithTimeout(ctx, callTimeout)
		_, _, err := api.AllocUpdate.Call(callCtx, c.deps.Servers, req)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// take returns what is to be sent.
func (r *reporter) take() []*alloc.Runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.urgent = false
	var batch []*alloc.Runner
	for id, a := range r.mu.pending {
		delete(r.mu.pending, id)
		batch = append(batch, a)
		if len(batch) == reportBatch {
			break
		}
	}
	return batch
}

func (r *reporter) putBack(batch []*alloc.Runner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range batch {
		r.mu.pending[a.ID()] = a
	}
}

// send reports the allocations whose report has changed since a server took it.
func (r *reporter) send(ctx context.Context, batch []*alloc.Runner) error {
	c := r.client
	req := &api.AllocUpdateRequest{NodeID: c.identity.id, SecretID: c.identity.secret}
	req.Region = c.cfg.Region
	r.mu.Lock()
	for _, a := range batch {
		if report := a.Report(); r.mu.sent[a.ID()] != report {
			req.Allocs = append(req.Allocs, report)
		}
	}
	r.mu.Unlock()
	if len(req.Allocs) == 0 {
		return nil
	}
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, _, err := api.AllocUpdate.Call(callCtx, c.deps.Servers, req); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, report := range req.Allocs {
		r.mu.sent[report.ID] = report
	}
	return nil
}

// taken reports whether the servers know how the allocation stands now.
func (r *reporter) taken(a *alloc.Runner) bool {
	report := a.Report()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mu.sent[a.ID()] == report
}

// collectable returns the allocations that have ended, the one that ended first first. One whose end no server knows
// yet is kept: they would have it run again.
func (c *Client) collectable() []*alloc.Runner {
	var ended []*alloc.Runner
	at := map[string]time.Time{}
	for _, r := range c.allRunners() {
		select {
		case <-r.Finished():
		default:
			continue
		}
		if !c.reports.taken(r) {
			continue
		}
		ended = append(ended, r)
		for _, s := range r.Report().TaskStates {
			if s.FinishedAt != nil && s.FinishedAt.After(at[r.ID()]) {
				at[r.ID()] = *s.FinishedAt
			}
		}
	}
	slices.SortFunc(ended, func(a, b *alloc.Runner) int { return at[a.ID()].Compare(at[b.ID()]) })
	return ended
}
