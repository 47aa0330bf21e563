// SPDX-License-Identifier: MPL-2.0

package api

import "testing"

// TestPackAllocs: what allocations share travels once, comes back shared, and bad places are no harm.
func TestPackAllocs(t *testing.T) {
	j, r := &Job{ID: "j"}, &AllocatedResources{}
	rows := []*Allocation{
		{ID: "a", Job: j, AllocatedResources: r, Metrics: &AllocMetric{}},
		{ID: "b", Job: j, AllocatedResources: r},
		{ID: "c", Job: &Job{ID: "k"}},
	}
	p := PackAllocs(rows)
	if len(p.Jobs) != 2 || len(p.Resources) != 1 || p.Allocs[0].Job != nil || rows[0].Job != j || rows[0].Metrics == nil {
		t.Fatalf("packed %+v", p)
	}
	got := p.Unpack()
	if got[0].Job != j || got[1].Job != j || got[2].Job.ID != "k" || got[1].AllocatedResources != r || got[2].AllocatedResources != nil {
		t.Errorf("unpacked %+v", got)
	}
	bad := &AllocFetchResponse{Allocs: []*Allocation{{}, nil, {}}, JobOf: []int{7, 1}, ResourcesOf: []int{-1}}
	if got := bad.Unpack(); got[0].Job != nil || got[0].AllocatedResources != nil {
		t.Errorf("unpacked %+v", got[0])
	}
}
