// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// view is a snapshot with usage columns that may be ahead of it by the plans in flight. Index is the
// last commit that both include.
type view struct {
	snap  *state.Snapshot
	usage *usage.Snapshot
	index uint64
}

func newView(snap *state.Snapshot, use *usage.Snapshot, index uint64) view {
	return view{snap: snap, usage: use, index: index}
}

// ViewOf returns the state as the scheduler reads it.
func ViewOf(snap *state.Snapshot) scheduler.View { return newView(snap, snap.Usage(), snap.Index()) }

// Index implements scheduler.View.
func (v view) Index() uint64 { return v.index }

// Usage implements scheduler.View.
func (v view) Usage() *usage.Snapshot { return v.usage }

// Job implements scheduler.View.
func (v view) Job(namespace, jobID string) *api.Job { return state.Jobs.Get(v.snap, namespace, jobID) }

// JobVersion implements scheduler.View.
func (v view) JobVersion(namespace, jobID string, version uint64) *api.Job {
	return state.JobVersions.Get(v.snap, namespace, jobID, version)
}

// AllocsByJob implements scheduler.View.
func (v view) AllocsByJob(namespace, jobID string) []*api.Allocation {
	rows := make([]*api.Allocation, 0, state.Allocs.Count(v.snap, state.ByJob, namespace, jobID))
	for a := range state.Allocs.By(v.snap, state.ByJob, namespace, jobID) {
		rows = append(rows, a)
	}
	return rows
}

// AllocsByNode implements scheduler.View.
func (v view) AllocsByNode(nodeID string) []*api.Allocation {
	rows := make([]*api.Allocation, 0, state.Allocs.Count(v.snap, state.ByNode, nodeID))
	for a := range state.Allocs.By(v.snap, state.ByNode, nodeID) {
		rows = append(rows, a)
	}
	return rows
}

// LatestDeployment implements scheduler.View.
func (v view) LatestDeployment(namespace, jobID string) *api.Deployment {
	return state.LatestDeployment(v.snap, namespace, jobID)
}

// SchedulerConfig implements scheduler.View.
func (v view) SchedulerConfig(pool string) *api.SchedulerConfiguration {
	return state.SchedulerConfig.ForPool(v.snap, pool)
}

// Alloc returns the allocation row, or nil.
func (v view) Alloc(id string) *api.Allocation { return state.Allocs.Get(v.snap, id) }

// Eval returns the evaluation row, or nil.
func (v view) Eval(id string) *api.Evaluation { return state.Evals.Get(v.snap, id) }
