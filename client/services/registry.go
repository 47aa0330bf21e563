// SPDX-License-Identifier: MPL-2.0

package services

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

const (
	// syncGap is the least time between two calls, so that tasks that start together are told together.
	syncGap = 20 * time.Millisecond
	// syncBatch is how many allocations one call is about at most.
	syncBatch = 200
	// callTimeout bounds a call.
	callTimeout = 30 * time.Second
)

// GroupOwner is the owner of the services of a group; those of a task belong to the task's name.
const GroupOwner = ""

// Config is what a registry needs to know.
type Config struct {
	Logger hclog.Logger
	// Servers runs operations on the servers.
	Servers api.Caller
	// NodeID and SecretID prove who registers.
	NodeID, SecretID, Region string
	// Unknown is called when the servers do not know the node. It must not block.
	Unknown func()
}

// Registry keeps the registrations of a client's allocations with the servers. All methods but Run may be
// called at any time and never block; those of a nil registry do nothing.
type Registry struct {
	cfg  Config
	wake chan struct{}

	mu struct {
		sync.Mutex
		allocs map[string]*offers
		dirty  map[string]bool
	}
}

// offers are the registrations of one allocation, by owner.
type offers struct {
	byOwner map[string][]*api.ServiceRegistration
	// held keeps what the servers know beyond the list.
	held bool
}

// New returns a registry that does nothing before Run.
func New(cfg Config) *Registry {
	r := &Registry{cfg: cfg, wake: make(chan struct{}, 1)}
	r.mu.allocs, r.mu.dirty = map[string]*offers{}, map[string]bool{}
	return r
}

// Set makes the list all that the owner within the allocation offers; an empty one withdraws.
func (r *Registry) Set(allocID, owner string, list []*api.ServiceRegistration) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	o := r.mu.allocs[allocID]
	switch {
	case o == nil && len(list) == 0:
		return
	case o == nil:
		o = &offers{byOwner: map[string][]*api.ServiceRegistration{}}
		r.mu.allocs[allocID] = o
	}
	if len(list) > 0 {
		o.byOwner[owner] = list
	} else {
		delete(o.byOwner, owner)
	}
	r.markLocked(allocID)
}

// Hold keeps registrations of the allocation that an earlier agent made and this one has not looked at yet,
// until Release.
func (r *Registry) Hold(allocID string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.allocs[allocID] == nil {
		r.mu.allocs[allocID] = &offers{byOwner: map[string][]*api.ServiceRegistration{}}
	}
	r.mu.allocs[allocID].held = true
}

// Release ends Hold: what was not offered since is withdrawn.
func (r *Registry) Release(allocID string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.mu.allocs[allocID]; o != nil && o.held {
		o.held = false
		r.markLocked(allocID)
	}
}

// Forget drops an allocation that the servers have removed, with everything it had registered.
func (r *Registry) Forget(allocID string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.mu.allocs, allocID)
	delete(r.mu.dirty, allocID)
}

// Resync tells the servers everything once more, as after they took the node for lost.
func (r *Registry) Resync() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.mu.allocs {
		r.markLocked(id)
	}
}

func (r *Registry) markLocked(allocID string) {
	r.mu.dirty[allocID] = true
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run tells the servers of changes until the context ends.
func (r *Registry) Run(ctx context.Context) error {
	for {
		select {
		case <-r.wake:
		case <-ctx.Done():
			return nil
		}
		for try := 0; ; {
			sets := r.take()
			if len(sets) == 0 {
				break
			}
			if err := r.sync(ctx, sets); err != nil {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // the client ends
				}
				r.failed(sets, err, try)
				if run.Sleep(ctx, run.Backoff(try)) != nil {
					return nil //nolint:nilerr // the client ends
				}
				try++
				continue
			}
			try = 0
		}
		if run.Sleep(ctx, syncGap) != nil {
			return nil //nolint:nilerr // the client ends
		}
	}
}

// failed puts back what could not be told.
func (r *Registry) failed(sets []*api.AllocServiceSet, err error, try int) {
	if try == 0 {
		r.cfg.Logger.Warn("services cannot be registered, trying again", "error", err)
	}
	if api.IsClass(err, api.ClassNotFound) && r.cfg.Unknown != nil {
		r.cfg.Unknown()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range sets {
		if r.mu.allocs[s.AllocID] != nil {
			r.mu.dirty[s.AllocID] = true
		}
	}
}

// take returns what the servers do not know yet.
func (r *Registry) take() []*api.AllocServiceSet {
	r.mu.Lock()
	defer r.mu.Unlock()
	var sets []*api.AllocServiceSet
	for _, id := range slices.Sorted(maps.Keys(r.mu.dirty)) {
		delete(r.mu.dirty, id)
		o := r.mu.allocs[id]
		if o == nil {
			continue
		}
		s := &api.AllocServiceSet{AllocID: id, Partial: o.held}
		for _, owner := range slices.Sorted(maps.Keys(o.byOwner)) {
			s.Services = append(s.Services, o.byOwner[owner]...)
		}
		if sets = append(sets, s); len(sets) == syncBatch {
			break
		}
	}
	return sets
}

func (r *Registry) sync(ctx context.Context, sets []*api.AllocServiceSet) error {
	req := &api.ServiceSyncRequest{NodeID: r.cfg.NodeID, SecretID: r.cfg.SecretID, Allocs: sets}
	req.Region = r.cfg.Region
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, _, err := api.ServiceSync.Call(ctx, r.cfg.Servers, req)
	return err
}
