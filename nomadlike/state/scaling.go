// SPDX-License-Identifier: MPL-2.0

package state

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// ScalingPolicies holds the scaling policies of groups by ID and by job. Only the neighbour rule of Jobs
// writes it: the rows are the scaling blocks of jobs that are not stopped.
var ScalingPolicies = newTable(schema[api.ScalingPolicy]{
	name:     "scaling_policies",
	key:      func(p *api.ScalingPolicy) Key { return StringKey(p.ID) },
	modified: func(p *api.ScalingPolicy) uint64 { return p.ModifyIndex },
	indexes: []index[api.ScalingPolicy]{
		{name: ByJob, key: func(p *api.ScalingPolicy) (Key, bool) { return StringKey(p.Target["Namespace"], p.Target["Job"]), true }},
	},
})

// ScalingEvents holds the newest scaling events of each job, keyed by namespace and job ID. Rows go with
// the job.
var ScalingEvents = newTable(schema[api.JobScalingEvents]{
	name:     "scaling_events",
	key:      func(e *api.JobScalingEvents) Key { return StringKey(e.Namespace, e.JobID) },
	modified: func(e *api.JobScalingEvents) uint64 { return e.ModifyIndex },
	stamp:    func(e, _ *api.JobScalingEvents, index uint64) { e.ModifyIndex = index },
})

// putPolicies brings the policies of a job in line with its scaling blocks; a nil job has none.
func putPolicies(w *WriteTx, namespace, id string, j *api.Job) {
	wanted := map[string]*api.ScalingPolicy{}
	if j != nil && !j.Stop {
		for _, g := range j.TaskGroups {
			if g != nil && g.Scaling != nil && g.Scaling.ID != "" {
				wanted[g.Scaling.ID] = g.Scaling
			}
		}
	}
	for _, old := range slices.Collect(ScalingPolicies.By(w, ByJob, namespace, id)) {
		if p := wanted[old.ID]; p == nil {
			ScalingPolicies.Delete(w, old.ID)
		} else if p == old || p.ModifyIndex == old.ModifyIndex {
			delete(wanted, old.ID)
		}
	}
	if len(wanted) == 0 {
		return
	}
	for _, g := range j.TaskGroups {
		if g != nil && g.Scaling != nil && wanted[g.Scaling.ID] != nil {
			ScalingPolicies.Put(w, g.Scaling)
			delete(wanted, g.Scaling.ID)
		}
	}
}
