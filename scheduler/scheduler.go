// SPDX-License-Identifier: MPL-2.0

// Package scheduler decides where the allocations of a job run.
//
// Process is a pure function of a View (the state at one index), an evaluation and a Config: it returns
// the plan, the updated evaluation and the evaluations that follow from it, and explains itself in data
// (AllocMetric, PlanAnnotations). It reads no clock, draws randomness only from the seed it is given,
// writes no log and changes nothing it reads: rows of the view are shared and immutable.
//
// The work is split: reconcile compares wanted with actual and knows no nodes' sizes; feasible says which
// nodes may run a group; rank scores all of them and places a group of N in one pass; usage holds the
// numbers. The package must not import the state store, raft, a clock or a logger.
package scheduler

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// View is the state that a pass may read, all at one index. Rows and slices are not modified.
type View interface {
	// Index is the raft index of the state.
	Index() uint64
	// Usage returns the node rows with their capacity and use; it holds every node row.
	Usage() *usage.Snapshot
	// Job returns the newest version of the job, or nil.
	Job(namespace, jobID string) *api.Job
	// JobVersion returns one kept version of the job, or nil.
	JobVersion(namespace, jobID string, version uint64) *api.Job
	// AllocsByJob returns all allocation rows of the job, terminal ones included, in any order.
	AllocsByJob(namespace, jobID string) []*api.Allocation
	// AllocsByNode returns all allocation rows of the node, terminal ones included, in any order.
	AllocsByNode(nodeID string) []*api.Allocation
	// LatestDeployment returns the newest deployment of the job, or nil.
	LatestDeployment(namespace, jobID string) *api.Deployment
	// SchedulerConfig returns the cluster's scheduler configuration as it holds for the jobs of a node pool; nil
	// stands for the defaults.
	SchedulerConfig(pool string) *api.SchedulerConfiguration
}

// Config is what a pass is told besides the state. The zero value works, apart from Now.
type Config struct {
	// Now is the time of the pass.
	Now time.Time
	// Seed drives the order among equal nodes and the choice of dynamic ports, together with the job and
	// its version, ports with the index of its newest allocation, too. `job plan` and the first try of an evaluation pass 0, so that they choose the same.
	Seed uint64
	// NewID makes the IDs of allocations and evaluations. Servers pass api.NewID; nil derives them from
	// the seed, for tests and for plans that are never committed.
	NewID func() string
	// Elapsed returns the time since the pass started, for AllocMetric.AllocationTime; nil means 0.
	Elapsed func() time.Duration
	// Cache keeps compiled constraints between passes; nil means none is kept. It may be shared.
	Cache *feasible.Cache
	// Explain adds everything that stands in the way to the metrics of groups that find no node. The metrics
	// of the outcome's evaluation have it, those of a blocked one do not.
	Explain bool
}

// Outcome is the result of a pass. The caller submits Plan unless it is a no-op. After a full commit it
// stores Eval, Blocked and FollowUps. After a partial commit it stores FollowUps (committed allocations
// may name them) and calls Process again with a view at least as new as the plan result's RefreshIndex.
type Outcome struct {
	// Plan is never nil. Its EvalToken is left to the caller.
	Plan *api.Plan
	// Eval is a copy of the evaluation with what the pass found out: status, description, failed groups,
	// queued allocations, annotations, links to Blocked and FollowUps, class eligibility when Reblock.
	Eval *api.Evaluation
	// Blocked waits for capacity for what could not be placed; nil when everything was placed, or when
	// Reblock is set.
	Blocked *api.Evaluation
	// Reblock is set when Eval was a blocked evaluation and still has unplaced allocations: it goes back
	// to the blocked evaluations with status blocked instead of getting a successor.
	Reblock bool
	// FollowUps run later (WaitUntil): delayed reschedules and the next step of rolling updates.
	FollowUps []*api.Evaluation
}

// Attempts returns how many passes in a row may make no progress because their plans were refused
// before the evaluation fails: 5 for service and system jobs, 2 for batch and sysbatch.
func Attempts(jobType string) int {
	switch jobType {
	case api.JobTypeBatch, api.JobTypeSysBatch:
		return 2
	}
	return 5
}
