// SPDX-License-Identifier: MPL-2.0

package client

import (
	"reflect"
	"sync"

	"github.com/nomadlike/nomadlike/api"
)

// jobVersion names one version of a job.
type jobVersion struct {
	namespace, id        string
	created, spec, count uint64
}

// maxJobs is how many versions are kept before those that nobody uses are dropped.
const maxJobs = 64

// jobs makes allocations of one version share it: each arrives with a copy of its own, and there may be
// thousands.
type jobs struct {
	mu struct {
		sync.Mutex
		known map[jobVersion]*api.Job
	}
}

// share returns the allocation with the job that others of its version have.
func (j *jobs) share(a *api.Allocation, used func() []*api.Allocation) *api.Allocation {
	if a.Job == nil {
		return a
	}
	key := versionOf(a.Job)
	j.mu.Lock()
	defer j.mu.Unlock()
	known := j.mu.known[key]
	if known == a.Job {
		return a
	}
	if known != nil && !reflect.DeepEqual(known, a.Job) {
		return a // of servers that do not count versions, or whose job changed its status
	}
	if known != nil {
		dup := *a
		dup.Job = known
		return &dup
	}
	if len(j.mu.known) >= maxJobs || j.mu.known == nil {
		j.mu.known = map[jobVersion]*api.Job{}
		for _, other := range used() {
			if other.Job != nil {
				j.mu.known[versionOf(other.Job)] = other.Job
			}
		}
	}
	j.mu.known[key] = a.Job
	return a
}

func versionOf(j *api.Job) jobVersion {
	return jobVersion{namespace: j.Namespace, id: j.ID, created: j.CreateIndex, spec: j.JobModifyIndex, count: j.Version}
}

// heldAllocs are the allocations that have runners.
func (c *Client) heldAllocs() []*api.Allocation {
	runners := c.allRunners()
	held := make([]*api.Allocation, 0, len(runners))
	for _, r := range runners {
		held = append(held, r.Alloc())
	}
	return held
}
