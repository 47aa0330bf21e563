// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// serviceSync makes the registrations of a node's allocations what the node says. Nothing is written when
// that is what is known already, so a client may tell all of it at any time.
func (e *Env) serviceSync(ctx context.Context, r *api.ServiceSyncRequest) (*api.WriteMeta, error) {
	snap := e.Store.Snapshot()
	node, err := e.verifyNode(snap, r.NodeID, r.SecretID)
	if err != nil {
		return nil, err
	}
	change, all, err := servicesChange(snap, node, r)
	if err == nil && (change == nil || !all) {
		if snap, err = e.settled(ctx); err != nil {
			return nil, err
		}
		change, _, err = servicesChange(snap, node, r)
	}
	if err != nil {
		return nil, err
	}
	if change == nil {
		return &api.WriteMeta{}, nil
	}
	_, index, err := e.Raft.Apply(ctx, fsm.ServicesSync.Encode(change))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.WriteMeta{}, nil
}

// servicesChange returns what makes the registrations of a node's allocations those of the request, nil for nothing, and
// whether all of the allocations are known.
func servicesChange(snap *state.Snapshot, node *api.Node, r *api.ServiceSyncRequest) (change *fsm.ServicesSyncRequest, all bool, err error) {
	change, all = &fsm.ServicesSyncRequest{}, true
	for _, set := range r.Allocs {
		if set == nil {
			continue
		}
		a := state.Allocs.Get(snap, set.AllocID)
		if a == nil || a.NodeID != r.NodeID {
			all = false // it was collected meanwhile, with all it had registered
			continue
		}
		if err := diffServices(snap, node, a, set, change); err != nil {
			return nil, all, err
		}
	}
	if len(change.Upsert) == 0 && len(change.Delete) == 0 {
		return nil, all, nil
	}
	return change, all, nil
}

// diffServices adds to the change what makes the registrations of the allocation those of the set. A node
// can register nothing but services of its own allocations.
func diffServices(snap *state.Snapshot, node *api.Node, a *api.Allocation, set *api.AllocServiceSet, change *fsm.ServicesSyncRequest) error {
	known := map[string]*api.ServiceRegistration{}
	for s := range state.Services.By(snap, state.ByAlloc, a.ID) {
		known[s.ID] = s
	}
	for _, s := range set.Services {
		if s == nil {
			continue
		}
		if s.ServiceName == "" || !strings.HasPrefix(s.ID, api.ServiceIDPrefix+a.ID+"-") {
			return api.Errorf(api.ClassInvalid, "service registration %q is not one of allocation %s", s.ID, a.ID)
		}
		row := *s
		row.Namespace, row.JobID, row.AllocID, row.NodeID, row.Datacenter = a.Namespace, a.JobID, a.ID, node.ID, node.Datacenter
		if len(row.Tags) == 0 {
			row.Tags = nil
		}
		old := known[row.ID]
		delete(known, row.ID)
		if old == nil || !sameService(old, &row) {
			change.Upsert = append(change.Upsert, &row)
		}
	}
	if set.Partial {
		return nil
	}
	for _, s := range known {
		change.Delete = append(change.Delete, fsm.ServiceRef{Namespace: s.Namespace, ID: s.ID})
	}
	slices.SortFunc(change.Delete, func(a, b fsm.ServiceRef) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

func sameService(a, b *api.ServiceRegistration) bool {
	return a.ServiceName == b.ServiceName && a.Datacenter == b.Datacenter && a.Address == b.Address && a.Port == b.Port &&
		a.JobID == b.JobID && a.NodeID == b.NodeID && slices.Equal(a.Tags, b.Tags)
}
