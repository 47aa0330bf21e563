// SPDX-License-Identifier: MPL-2.0

package api

// Plan is what a scheduling pass wants to change; the leader's plan applier checks it against the
// newest state, commits what still fits and answers with a PlanResult.
type Plan struct {
	EvalID string
	// EvalToken is the broker's token of the evaluation, so that only its holder can submit.
	EvalToken string
	Priority  int
	AllAtOnce bool
	// Job is the version that the new allocations run; nil for plans that only stop.
	Job *Job
	// SnapshotIndex is the state index the plan was computed from.
	SnapshotIndex uint64

	// NodeUpdate holds stops and other desired changes of existing allocations, by node ID.
	NodeUpdate map[string][]*Allocation
	// NodeAllocation holds placements and in-place updates, by node ID.
	NodeAllocation map[string][]*Allocation
	// NodePreemptions holds allocations evicted for the placements, by node ID.
	NodePreemptions map[string][]*Allocation

	// Deployment is created with the plan; nil when none is.
	Deployment *Deployment
	// DeploymentUpdates change the status of existing deployments.
	DeploymentUpdates []*DeploymentStatusUpdate
	Annotations       *PlanAnnotations
}

// DeploymentStatusUpdate changes the status of one deployment.
type DeploymentStatusUpdate struct {
	DeploymentID      string
	Status            string
	StatusDescription string
}

// PlanResult is what the applier committed of a Plan.
type PlanResult struct {
	NodeUpdate        map[string][]*Allocation
	NodeAllocation    map[string][]*Allocation
	NodePreemptions   map[string][]*Allocation
	Deployment        *Deployment
	DeploymentUpdates []*DeploymentStatusUpdate
	// RejectedNodes lists nodes whose part was dropped.
	RejectedNodes []string
	// RefreshIndex is set when anything was dropped: retry from a state at least this new.
	RefreshIndex uint64
	// AllocIndex is the raft index of the commit, 0 when nothing was written.
	AllocIndex uint64
}

// IsNoOp reports whether the plan changes nothing.
func (p *Plan) IsNoOp() bool {
	return len(p.NodeUpdate) == 0 && len(p.NodeAllocation) == 0 && len(p.NodePreemptions) == 0 &&
		p.Deployment == nil && len(p.DeploymentUpdates) == 0
}
