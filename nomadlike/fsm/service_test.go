// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// TestEndedAllocationsHaveNoServices: the report that an allocation has ended removes what it had registered, and nothing
// can be registered for it later.
func TestEndedAllocationsHaveNoServices(t *testing.T) {
	f, job, node := registered(t)
	var placed []*api.Allocation
	for _, id := range []string{"running", "complete", "failed"} {
		placed = append(placed, &api.Allocation{ID: id, Name: "web.g[0]", TaskGroup: "g", NodeID: node.ID, DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending})
	}
	commit(t, f, 10, &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{node.ID: placed}}})
	sync, report := &ServicesSyncRequest{}, &AllocsClientUpdateRequest{Time: 12e9}
	for _, a := range placed {
		sync.Upsert = append(sync.Upsert, &api.ServiceRegistration{ID: "s-" + a.ID, Namespace: "default", ServiceName: "web", AllocID: a.ID, NodeID: node.ID})
		report.Allocs = append(report.Allocs, &AllocUpdate{ID: a.ID, ClientStatus: a.ID})
	}
	services := func() (of []string) {
		for s := range state.Services.By(f.store.Snapshot(), state.ByNode, node.ID) {
			of = append(of, s.AllocID)
		}
		slices.Sort(of)
		return of
	}
	f.apply(11, ServicesSync.Encode(sync))
	if got := services(); len(got) != 3 {
		t.Fatalf("registered are services of %v", got)
	}
	f.apply(12, AllocsClientUpdate.Encode(report))
	if got := services(); !slices.Equal(got, []string{"running"}) {
		t.Errorf("after the report there are services of %v", got)
	}
	f.apply(13, ServicesSync.Encode(sync))
	if got := services(); !slices.Equal(got, []string{"running"}) {
		t.Errorf("after a late registration there are services of %v", got)
	}
}
