// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/broker/brokertest"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// farRegion answers lists of another region.
type farRegion struct {
	mu         sync.Mutex
	changed    chan struct{}
	index      uint64
	namespaces []*api.Namespace
	pools      []*api.NodePool
	err        error
}

func (f *farRegion) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	f.index++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *farRegion) Call(ctx context.Context, _ *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	if req.Options().Region != "earth" {
		return nil, errors.New("asked the wrong region")
	}
	for {
		f.mu.Lock()
		index, changed, err := f.index, f.changed, f.err
		switch r := resp.(type) {
		case *[]*api.Namespace:
			*r = slices.Clone(f.namespaces)
		case *[]*api.NodePool:
			*r = slices.Clone(f.pools)
		}
		f.mu.Unlock()
		if err != nil || index > req.(api.ReadRequest).Read().MinIndex {
			return &api.Meta{Index: index}, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *farRegion) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, errors.New("no streams")
}

func TestReplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := brokertest.NewRaft()
		put(r, func(w *state.WriteTx) {
			state.Namespaces.Put(w, &api.Namespace{Name: "stale"})
			state.NodePools.Put(w, &api.NodePool{Name: "stale"})
		})
		ns := func(name, description string) *api.Namespace {
			n := &api.Namespace{Name: name, Description: description}
			n.SetHash()
			return n
		}
		pool := func(name, description string) *api.NodePool {
			p := &api.NodePool{Name: name, Description: description}
			p.SetHash()
			return p
		}
		far := &farRegion{
			changed: make(chan struct{}), index: 7,
			namespaces: []*api.Namespace{ns("default", "ours"), ns("a", "1")}, pools: []*api.NodePool{{Name: "all"}, {Name: "default"}, pool("gpu", "1")},
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- NewReplicator("earth", far, r.Store, r, hclog.NewNullLogger()).Run(ctx) }()
		content := func() string {
			synctest.Wait()
			var out []string
			for n := range state.Namespaces.All(r.Store.Snapshot()) {
				out = append(out, n.Name+"="+n.Description)
			}
			for p := range state.NodePools.All(r.Store.Snapshot()) {
				if !p.BuiltIn() {
					out = append(out, p.Name+"="+p.Description)
				}
			}
			return strings.Join(out, " ")
		}
		if got := content(); got != "a=1 default=ours gpu=1" {
			t.Errorf("copied %s", got)
		}
		before := r.Store.Index()
		far.set(func() {})
		if got := content(); r.Store.Index() != before {
			t.Errorf("nothing changed, and %s was written", got)
		}
		far.set(func() {
			far.namespaces, far.pools = []*api.Namespace{ns("default", "ours"), ns("b", "1")}, []*api.NodePool{pool("gpu", "2")}
		})
		if got := content(); got != "b=1 default=ours gpu=2" {
			t.Errorf("copied %s", got)
		}
		far.set(func() { far.err = errors.New("No path to region") })
		content()
		far.set(func() { far.err, far.pools = nil, nil })
		time.Sleep(replicateRetry + time.Second) // virtual
		if got := content(); got != "b=1 default=ours" {
			t.Errorf("after an outage: %s", got)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
