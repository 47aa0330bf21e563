// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// watchWait is how long a server may keep the client waiting for a change.
const watchWait = 5 * time.Minute

// fetchBatch is how many allocations are fetched with one call.
const fetchBatch = 200

// watchAllocs keeps what runs here what the servers want to run here.
func (c *Client) watchAllocs(ctx context.Context) error {
	select {
	case <-c.registered:
	case <-ctx.Done():
		return nil
	}
	w := &watch{client: c, known: map[string]uint64{}, restored: api.NeverRestored}
	for try := 0; ctx.Err() == nil; {
		if c.watched(ctx, w.next(ctx), try) {
			try = 0
			continue
		}
		_ = run.Sleep(ctx, run.Backoff(try))
		try++
	}
	return nil
}

// watched deals with the result of one look at the allocations, and reports whether it was a good one.
func (c *Client) watched(ctx context.Context, err error, try int) bool {
	switch {
	case err == nil:
		return true
	case ctx.Err() != nil:
		return false
	case api.IsClass(err, api.ClassNotFound):
		c.askToRegister()
	}
	if try == 0 {
		c.logger.Warn("allocations of this node cannot be watched, trying again", "error", err)
	}
	return false
}

func (c *Client) askToRegister() {
	select {
	case c.reregister <- struct{}{}:
	default:
	}
}

// watch is the state of the allocation watch.
type watch struct {
	client *Client
	// index is where to wait for changes.
	index uint64
	// listed are the versions of all allocations as of index.
	listed map[string]uint64
	// known are the versions of allocations that were looked at and are not to run, by ID.
	known  map[string]uint64
	synced bool
	// restored tells which state of the servers that is: it changes when theirs is replaced by that of a snapshot, or they
	// begin anew without one.
	restored int64
	// back is set while that was found: versions that the servers went back to count although they are older.
	back bool
}

// answer is what servers said of the node's allocations.
type answer struct {
	want     map[string]uint64
	index    uint64
	restored int64
}

// list asks for the versions of the node's allocations, waiting for a change when wait is set.
func (w *watch) list(ctx context.Context, wait, stale bool) (answer, error) {
	c := w.client
	req := &api.NodeAllocsRequest{NodeID: c.identity.id, SecretID: c.identity.secret, Restored: w.restored}
	req.Region, req.AllowStale = c.cfg.Region, stale
	limit := callTimeout
	if wait && w.index > 0 {
		req.MinIndex, req.MaxWait, req.Known = w.index, watchWait, len(w.listed)
		limit += watchWait + watchWait/8
	}
	callCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	resp, meta, err := api.NodeAllocsWatch.Call(callCtx, c.deps.Servers, req)
	if err != nil {
		return answer{}, err
	}
	a := answer{want: map[string]uint64{}, restored: api.NeverRestored}
	if meta != nil {
		a.index = meta.Index
	}
	if resp != nil {
		a.want, a.restored = resp.Over(w.listed), max(resp.Restored, api.NeverRestored)
	}
	return a, nil
}

// next waits for one change and applies it.
func (w *watch) next(ctx context.Context) error {
	// The first look is at what the leader says: nothing tells yet whether a server is behind, and what it does not know to have
	// ended here would be run again.
	got, err := w.list(ctx, true, w.synced)
	if err != nil {
		return err
	}
	if behind := got.restored < w.restored; behind || got.index < w.index || got.restored > w.restored || w.loses(got.want) {
		// A server that lags behind, or was restored from an older snapshot, must not cost allocations:
		// only what the leader says now counts.
		if got, err = w.list(ctx, false, false); err != nil {
			return err
		}
		if behind && got.restored == w.restored {
			return errors.New("the server that was asked does not know yet that the state was restored from a snapshot")
		}
	}
	// A client that has just started may have been away when they went back; it registers and reports in any case.
	w.back = got.restored != w.restored
	notice := w.back && w.synced
	if notice {
		w.client.logger.Warn("servers have another state than before, that of a snapshot or a new one; they are told anew of the node and what runs on it")
		clear(w.known)
	}
	if err := w.apply(ctx, got.want); err != nil {
		return err
	}
	if notice {
		w.client.askToRegister()
		for _, r := range w.client.allRunners() {
			w.client.reports.again(r)
		}
	}
	w.index, w.listed, w.restored = max(got.index, 1), got.want, got.restored
	if !w.synced {
		w.synced = true
		// Tasks that could not be found again have waited to hear whether they are still wanted.
		for _, r := range w.client.allRunners() {
			r.Contact()
		}
	}
	return nil
}

// loses reports whether the servers do not list an allocation that is alive here.
func (w *watch) loses(want map[string]uint64) bool {
	for _, r := range w.client.allRunners() {
		if _, ok := want[r.ID()]; !ok && !isFinished(r) {
			return true
		}
	}
	return false
}

func isFinished(r *alloc.Runner) bool {
	select {
	case <-r.Finished():
		return true
	case <-r.Done():
		return true
	default:
		return false
	}
}

// apply starts, updates and removes allocations.
func (w *watch) apply(ctx context.Context, want map[string]uint64) error {
	c := w.client
	for _, r := range c.allRunners() {
		if _, ok := want[r.ID()]; !ok {
			c.logger.Info("allocation is not known to the servers any more and is removed", "alloc_id", r.ID())
			r.Destroy()
		}
	}
	c.forgetGone(func(id string) bool {
		_, listed := want[id]
		return listed && !w.back
	})
	for id := range w.known {
		if _, ok := want[id]; !ok {
			delete(w.known, id)
		}
	}
	var fetch []string
	for id, version := range want {
		if w.isNews(id, version) {
			fetch = append(fetch, id)
		}
	}
	for len(fetch) > 0 {
		n := min(len(fetch), fetchBatch)
		if err := w.fetch(ctx, fetch[:n], want); err != nil {
			return err
		}
		fetch = fetch[n:]
	}
	return nil
}

// isNews reports whether the version of an allocation is one that the client does not go by yet.
func (w *watch) isNews(id string, version uint64) bool {
	r := w.client.runner(id)
	if r == nil {
		return w.known[id] < version && !w.client.isGone(id)
	}
	have := r.Alloc().AllocModifyIndex
	return have < version || w.back && have != version && !isFinished(r)
}

// fetch gets allocations in full and hands them on.
func (w *watch) fetch(ctx context.Context, ids []string, want map[string]uint64) error {
	got, err := w.get(ctx, ids, w.synced && !w.back)
	if err != nil {
		return err
	}
	var again []string
	for _, id := range ids {
		if a := got[id]; a == nil || a.AllocModifyIndex < want[id] {
			again = append(again, id)
		}
	}
	if len(again) > 0 {
		newer, err := w.get(ctx, again, false)
		if err != nil {
			return err
		}
		maps.Copy(got, newer)
	}
	for _, id := range ids {
		if a := got[id]; a != nil {
			w.take(a)
		}
	}
	return nil
}

func (w *watch) get(ctx context.Context, ids []string, stale bool) (map[string]*api.Allocation, error) {
	c := w.client
	req := &api.AllocFetchRequest{NodeID: c.identity.id, SecretID: c.identity.secret, AllocIDs: ids}
	req.Region, req.AllowStale = c.cfg.Region, stale
	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	resp, _, err := api.AllocFetch.Call(callCtx, c.deps.Servers, req)
	if err != nil {
		return nil, err
	}
	if resp == nil {
		resp = &api.AllocFetchResponse{}
	}
	list := resp.Unpack()
	got := make(map[string]*api.Allocation, len(list))
	for _, a := range list {
		if a != nil {
			got[a.ID] = a
		}
	}
	return got, nil
}

// take starts or updates one allocation.
func (w *watch) take(a *api.Allocation) {
	c := w.client
	a = c.jobs.share(a, c.heldAllocs)
	if r := c.runner(a.ID); r != nil {
		if w.back {
			r.GoBack(a)
		} else {
			r.Update(a)
		}
		if a.ClientStatus == api.AllocClientUnknown {
			c.reports.again(r) // the servers lost contact meanwhile
		}
		return
	}
	w.known[a.ID] = a.AllocModifyIndex
	if a.ClientTerminalStatus() {
		return // it ended here before, and was collected
	}
	delete(w.known, a.ID)
	if err := c.state.PutAlloc(a); err != nil {
		c.logger.Error("allocation cannot be stored", "alloc_id", a.ID, "error", err)
	}
	c.logger.Debug("allocation received", "alloc_id", a.ID, "job_id", a.JobID)
	if r := c.add(alloc.Config{Deps: c.allocDeps, Alloc: a}); r != nil {
		c.launch(r)
	}
	c.gc.poke()
}

// driverEvent hands the task it is about what a driver has to say.
func (c *Client) driverEvent(_ string, e *drivers.TaskEvent) {
	if r := c.runner(e.AllocID); r != nil {
		r.DriverEvent(e)
	}
}
