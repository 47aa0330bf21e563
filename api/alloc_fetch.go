// SPDX-License-Identifier: MPL-2.0

package api

// AllocFetchResponse carries allocations whose jobs and resources travel once, however many share them: a node
// often gets many allocations of few groups. Metrics, which are for people, stay with the servers.
type AllocFetchResponse struct {
	// Allocs have neither job nor resources. JobOf and ResourcesOf hold for each of them 1 + the place of what
	// belongs to it in Jobs and Resources, 0 for none.
	Allocs      []*Allocation
	JobOf       []int
	ResourcesOf []int
	Jobs        []*Job
	Resources   []*AllocatedResources
}

// PackAllocs returns the allocations with shared parts apart; the rows are not changed.
func PackAllocs(allocs []*Allocation) *AllocFetchResponse {
	r := &AllocFetchResponse{
		Allocs: make([]*Allocation, len(allocs)), JobOf: make([]int, len(allocs)), ResourcesOf: make([]int, len(allocs)),
	}
	jobs, resources := map[*Job]int{}, map[*AllocatedResources]int{}
	for i, a := range allocs {
		c := *a
		r.JobOf[i] = place(jobs, &r.Jobs, c.Job)
		r.ResourcesOf[i] = place(resources, &r.Resources, c.AllocatedResources)
		c.Job, c.AllocatedResources, c.Metrics = nil, nil, nil
		r.Allocs[i] = &c
	}
	return r
}

// place returns 1 + where the part is in the list, which it joins when it is new; 0 for nil.
func place[T any](known map[*T]int, list *[]*T, part *T) int {
	if part == nil {
		return 0
	}
	if known[part] == 0 {
		*list = append(*list, part)
		known[part] = len(*list)
	}
	return known[part]
}

// Unpack puts the shared parts back and returns the allocations. What refers to nothing stays without.
func (r *AllocFetchResponse) Unpack() []*Allocation {
	for i, a := range r.Allocs {
		if a == nil {
			continue
		}
		if i < len(r.JobOf) && r.JobOf[i] > 0 && r.JobOf[i] <= len(r.Jobs) {
			a.Job = r.Jobs[r.JobOf[i]-1]
		}
		if i < len(r.ResourcesOf) && r.ResourcesOf[i] > 0 && r.ResourcesOf[i] <= len(r.Resources) {
			a.AllocatedResources = r.Resources[r.ResourcesOf[i]-1]
		}
	}
	return r.Allocs
}
