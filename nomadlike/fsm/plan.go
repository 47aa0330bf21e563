// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"maps"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// PlanApplyRequest commits plans that the applier accepted, and evaluations with them.
type PlanApplyRequest struct {
	Plans []*PlanCommit
	Evals []*api.Evaluation
	// Time is when the entry was made, in unix nanoseconds.
	Time int64
}

// PlanCommit is the accepted part of one plan.
//
// Of a placement travel its ID, node, group, name, job version, resources, metrics, desired and client
// status, links and deployment; of a stop or preemption its ID, desired status, links and, when it is
// lost or unknown, its client status. The rest comes from the row that exists. Parts that allocations
// share by pointer (resources, metrics, trackers) travel once and are shared by the rows.
type PlanCommit struct {
	EvalID string
	// Job is the version that placements without a job of their own run. Jobs must be stored versions;
	// placements of one that is gone when the plan is applied are dropped.
	Job *api.Job
	// Result is what to commit; its indexes and rejected nodes are not looked at.
	Result *api.PlanResult

	// The decoded form of Job and Result.
	place, stop, evict []*api.Allocation
	deployment         *api.Deployment
	deploymentUpdates  []*api.DeploymentStatusUpdate
}

// PlanApply answers nothing.
var PlanApply = Define(30, "PlanApply", planApply)

func planApply(w *state.WriteTx, p *PlanApplyRequest) (any, error) {
	stored := map[string]bool{}
	for _, e := range p.Evals {
		if e != nil {
			stored[e.ID] = true
		}
	}
	for _, plan := range p.Plans {
		plan.apply(w, p.Time)
		// The evaluation gets the index of the plan, so that whoever works on it next waits for the plan.
		if e := state.Evals.Get(w, plan.EvalID); e != nil && !stored[e.ID] {
			c := *e
			state.Evals.Put(w, &c)
		}
	}
	putEvals(w, p.Evals)
	return nil, nil
}

func (p *PlanCommit) apply(w *state.WriteTx, now int64) {
	if p.deployment != nil {
		putDeployment(w, p.deployment, now)
	}
	for _, u := range p.deploymentUpdates {
		setDeploymentStatus(w, u, now)
	}
	for _, a := range p.stop {
		stopAlloc(w, a, now)
	}
	for _, a := range p.evict {
		stopAlloc(w, a, now)
	}
	jobs := map[*api.Job]*api.Job{}
	for _, a := range p.place {
		ref := a.Job
		job, ok := jobs[ref]
		if !ok {
			if job = state.JobVersions.Get(w, ref.Namespace, ref.ID, ref.Version); job != nil && job.CreateIndex != ref.CreateIndex {
				job = nil
			}
			jobs[ref] = job
		}
		old := state.Allocs.Get(w, a.ID)
		switch {
		case job != nil:
			a.Job, a.Namespace, a.JobID = job, job.Namespace, job.ID
		case old != nil && old.Job != nil && old.Job.Version == ref.Version && old.Job.CreateIndex == ref.CreateIndex:
			a.Job, a.Namespace, a.JobID = old.Job, old.Namespace, old.JobID
		default:
			continue // the job was purged
		}
		placeAlloc(w, old, a, now)
	}
}

// placeAlloc stores a placement, or an update over the row that exists.
func placeAlloc(w *state.WriteTx, old, a *api.Allocation, now int64) {
	if n := state.Nodes.Get(w, a.NodeID); n != nil {
		a.NodeID, a.NodeName = n.ID, n.Name
	}
	a.AllocModifyIndex, a.ModifyTime, a.CreateTime = w.Index(), now, now
	if old != nil {
		a.ID, a.Name = old.ID, same(a.Name, old.Name)
		a.CreateTime = old.CreateTime
		a.TaskStates, a.NetworkStatus, a.NextAllocation = old.TaskStates, old.NetworkStatus, old.NextAllocation
		a.DesiredTransition = old.DesiredTransition
		if !setsClientStatus(old, a) {
			a.ClientStatus, a.ClientDescription = old.ClientStatus, old.ClientDescription
		}
		if a.DeploymentID == old.DeploymentID && a.DeploymentStatus == nil {
			a.DeploymentStatus = old.DeploymentStatus
		}
		if a.NodeName == "" {
			a.NodeName = old.NodeName
		}
		if a.AllocatedResources == nil {
			a.AllocatedResources = old.AllocatedResources
		}
		if a.Metrics == nil {
			a.Metrics = old.Metrics
		}
	}
	state.Allocs.Put(w, a)
	if old != nil || a.PreviousAllocation == "" {
		return
	}
	if prev := state.Allocs.Get(w, a.PreviousAllocation); prev != nil && prev.NextAllocation != a.ID {
		c := *prev
		c.NextAllocation = a.ID
		c.AllocModifyIndex = w.Index()
		state.Allocs.Put(w, &c)
	}
}

// same returns old when it equals s, so that rows share memory.
func same(s, old string) string {
	if s == old {
		return old
	}
	return s
}

// setsClientStatus reports whether the plan decides the client status: the node is lost or disconnected,
// and the client has not ended the allocation meanwhile.
func setsClientStatus(old, a *api.Allocation) bool {
	return (a.ClientStatus == api.AllocClientLost || a.ClientStatus == api.AllocClientUnknown) && !old.ClientTerminalStatus()
}

// stopAlloc merges a stop or preemption into the row that exists; one that is gone is passed over.
func stopAlloc(w *state.WriteTx, a *api.Allocation, now int64) {
	old := state.Allocs.Get(w, a.ID)
	if old == nil {
		return
	}
	c := *old
	c.DesiredStatus, c.DesiredDescription = a.DesiredStatus, a.DesiredDescription
	if setsClientStatus(old, a) {
		c.ClientStatus, c.ClientDescription = a.ClientStatus, a.ClientDescription
	}
	if a.FollowupEvalID != "" {
		c.FollowupEvalID = a.FollowupEvalID
	}
	if a.PreemptedByAllocation != "" {
		c.PreemptedByAllocation = a.PreemptedByAllocation
	}
	if a.AllocStates != nil {
		c.AllocStates = a.AllocStates
	}
	if a.RescheduleTracker != nil {
		c.RescheduleTracker = a.RescheduleTracker
	}
	c.AllocModifyIndex, c.ModifyTime = w.Index(), now
	state.Allocs.Put(w, &c)
	if c.ClientTerminalStatus() && !old.ClientTerminalStatus() {
		dropServices(w, c.ID)
	}
}

// putDeployment stores a deployment. The counters of one that exists are those of its allocations, its status
// may have changed since the plan was made: both stay.
func putDeployment(w *state.WriteTx, d *api.Deployment, now int64) {
	if d.CreateTime == 0 {
		d.CreateTime = now
	}
	d.ModifyTime = max(d.ModifyTime, now)
	if old := state.Deployments.Get(w, d.ID); old != nil {
		d.CreateTime, d.Status, d.StatusDescription = old.CreateTime, old.Status, old.StatusDescription
		d.TaskGroups = maps.Clone(d.TaskGroups)
		for name, g := range d.TaskGroups {
			was := old.TaskGroups[name]
			if was == nil || g == nil {
				continue
			}
			c := *g
			c.PlacedAllocs, c.HealthyAllocs, c.UnhealthyAllocs = was.PlacedAllocs, was.HealthyAllocs, was.UnhealthyAllocs
			c.PlacedCanaries, c.Promoted, c.RequireProgressBy = was.PlacedCanaries, was.Promoted, was.RequireProgressBy
			d.TaskGroups[name] = &c
		}
	}
	state.Deployments.Put(w, d)
}
