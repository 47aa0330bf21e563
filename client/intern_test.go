// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func TestAllocationsShareTheirJob(t *testing.T) {
	var j jobs
	var held []*api.Allocation
	used := func() []*api.Allocation { return held }
	make := func(id string, version uint64) *api.Allocation {
		return &api.Allocation{ID: id, Job: &api.Job{ID: "j", Version: version, JobModifyIndex: version}}
	}
	first := j.share(make("a", 1), used)
	held = append(held, first)
	arrived := make("b", 1)
	own := arrived.Job
	second := j.share(arrived, used)
	if second.Job != first.Job || second.ID != "b" {
		t.Error("two allocations of one version do not share it")
	}
	if arrived.Job != own {
		t.Error("what arrived was changed")
	}
	if j.share(make("c", 2), used).Job == first.Job {
		t.Error("another version was replaced")
	}
	for i := range 3 * maxJobs {
		j.share(make(fmt.Sprint(i), uint64(i+10)), used)
	}
	if n := len(j.mu.known); n > maxJobs {
		t.Errorf("%d versions are kept", n)
	}
	if j.share(make("d", 1), used).Job != first.Job {
		t.Error("a version that is in use was dropped")
	}
	other := make("e", 1)
	other.Job.Priority = new(70)
	if j.share(other, used).Job == first.Job {
		t.Error("a job that differs was replaced")
	}
	if a := j.share(&api.Allocation{ID: "x"}, used); a.Job != nil {
		t.Error("an allocation without a job got one")
	}
}
