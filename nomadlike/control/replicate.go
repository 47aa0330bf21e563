// SPDX-License-Identifier: MPL-2.0

package control

import (
	"bytes"
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// replicateRetry is the pause after the authoritative region did not answer.
const replicateRetry = 10 * time.Second

// Replicator copies namespaces and node pools from the authoritative region to this one, where they cannot be
// changed otherwise.
type Replicator struct {
	region string
	agents api.Caller
	store  *state.Store
	raft   Raft
	log    hclog.Logger
}

// NewReplicator returns a replicator that copies from a region, which agents reaches.
func NewReplicator(region string, agents api.Caller, store *state.Store, raft Raft, log hclog.Logger) *Replicator {
	return &Replicator{region: region, agents: agents, store: store, raft: raft, log: log.Named("replicate")}
}

// Run copies what changes until ctx ends.
func (r *Replicator) Run(ctx context.Context) error {
	g := run.New(ctx)
	g.Go("namespaces", func(ctx context.Context) error { return r.follow(ctx, "namespaces", r.namespaces) })
	g.Go("node pools", func(ctx context.Context) error { return r.follow(ctx, "node pools", r.pools) })
	return g.Wait()
}

// follow calls pass with the index to wait for; it returns the index of what it copied.
func (r *Replicator) follow(ctx context.Context, what string, pass func(context.Context, api.ReadOptions) (uint64, error)) error {
	var index uint64
	for {
		o := api.ReadOptions{RequestOptions: api.RequestOptions{Region: r.region}, MinIndex: index, AllowStale: true}
		next, err := pass(ctx, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			index = next
			continue
		}
		r.log.Warn("could not copy from the authoritative region, trying again", "of", what, "region", r.region, "error", err)
		index = 0
		select {
		case <-time.After(replicateRetry):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *Replicator) namespaces(ctx context.Context, o api.ReadOptions) (uint64, error) {
	there, meta, err := api.NamespaceList.Call(ctx, r.agents, &api.NamespaceListRequest{ReadOptions: o})
	if err != nil {
		return 0, err
	}
	var changed []*api.Namespace
	gone := map[string]bool{}
	here := r.store.Snapshot()
	for n := range state.Namespaces.All(here) {
		gone[n.Name] = n.Name != api.DefaultNamespace
	}
	for _, n := range there {
		delete(gone, n.Name)
		if have := state.Namespaces.Get(here, n.Name); have == nil || !bytes.Equal(have.Hash, n.Hash) {
			changed = append(changed, n)
		}
	}
	if len(changed) > 0 {
		if _, _, err := r.raft.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: changed})); err != nil {
			return 0, err
		}
	}
	if names := named(gone); len(names) > 0 {
		if _, _, err := r.raft.Apply(ctx, fsm.NamespaceDelete.Encode(&fsm.NamespaceDeleteRequest{Names: names})); err != nil {
			return 0, err
		}
	}
	return meta.Index, nil
}

func (r *Replicator) pools(ctx context.Context, o api.ReadOptions) (uint64, error) {
	there, meta, err := api.NodePoolList.Call(ctx, r.agents, &api.NodePoolListRequest{ReadOptions: o})
	if err != nil {
		return 0, err
	}
	var changed []*api.NodePool
	gone := map[string]bool{}
	here := r.store.Snapshot()
	for p := range state.NodePools.All(here) {
		gone[p.Name] = !p.BuiltIn()
	}
	for _, p := range there {
		delete(gone, p.Name)
		if have := state.NodePools.Get(here, p.Name); !p.BuiltIn() && (have == nil || !bytes.Equal(have.Hash, p.Hash)) {
			changed = append(changed, p)
		}
	}
	if len(changed) > 0 {
		if _, _, err := r.raft.Apply(ctx, fsm.NodePoolUpsert.Encode(&fsm.NodePoolUpsertRequest{Pools: changed})); err != nil {
			return 0, err
		}
	}
	if names := named(gone); len(names) > 0 {
		if _, _, err := r.raft.Apply(ctx, fsm.NodePoolDelete.Encode(&fsm.NodePoolDeleteRequest{Names: names})); err != nil {
			return 0, err
		}
	}
	return meta.Index, nil
}

// named returns the names that are true.
func named(set map[string]bool) []string {
	var names []string
	for name, is := range set {
		if is {
			names = append(names, name)
		}
	}
	return names
}
