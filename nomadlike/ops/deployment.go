// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) deploymentHandlers(set *opset.Set) {
	handleRead(e, set, api.DeploymentList, deploymentList)
	handleRead(e, set, api.DeploymentGet, deploymentGet)
	handleRead(e, set, api.DeploymentAllocations, deploymentAllocations)
	handleWrite(set, api.DeploymentFail, e.deploymentFail)
	handleWrite(set, api.DeploymentPause, e.deploymentPause)
	handleWrite(set, api.DeploymentPromote, e.deploymentPromote)
	handleWrite(set, api.DeploymentUnblock, e.deploymentUnblock)
	handleWrite(set, api.DeploymentAllocHealth, e.deploymentAllocHealth)
}

func deploymentList(tx *readTx, r *api.DeploymentListRequest) ([]*api.Deployment, error) {
	if err := checkPrefix("deployment", r.Prefix); err != nil {
		return nil, err
	}
	p := page[api.Deployment]{
		token:     func(d *api.Deployment) string { return createdToken(d.CreateIndex, d.ID) },
		namespace: func(d *api.Deployment) string { return d.Namespace },
	}
	if r.Prefix != "" {
		p.rows = inOrder(tx, state.Deployments.Prefix(tx, uuidOf(r.Prefix)))
		p.token = func(d *api.Deployment) string { return d.ID }
	} else {
		index, id := splitCreated(r.NextToken)
		p.rows = state.Deployments.Created(tx, index, id, r.Reverse)
		p.before = func(*api.Deployment, string) bool { return false }
	}
	return list(tx, p, func(d *api.Deployment) *api.Deployment { return d })
}

func deploymentGet(tx *readTx, r *api.DeploymentRequest) (*api.Deployment, error) {
	if err := checkID("deployment", r.DeploymentID); err != nil {
		return nil, err
	}
	d := state.Deployments.Get(tx, r.DeploymentID)
	if d == nil {
		return nil, notFound("deployment not found")
	}
	return d, nil
}

func deploymentAllocations(tx *readTx, r *api.DeploymentRequest) ([]*api.AllocListStub, error) {
	if err := checkID("deployment", r.DeploymentID); err != nil {
		return nil, err
	}
	out := []*api.AllocListStub{}
	for a := range state.Allocs.By(tx, state.ByDeployment, r.DeploymentID) {
		out = append(out, allocStub(a, false, true))
	}
	sortCreated(out, func(a *api.AllocListStub) (uint64, string) { return a.CreateIndex, a.ID })
	return out, nil
}

// deploymentOf returns the deployment of a write, which must not be at its end. A body names it too, unless
// the write takes none.
func (e *Env) deploymentOf(pathID, bodyID, verb string) (*api.Deployment, error) {
	id := pathID
	switch {
	case id == "":
		id = bodyID
	case bodyID != id:
		return nil, api.Errorf(api.ClassInvalid, "Deployment ID does not match")
	}
	if err := checkID("deployment", id); err != nil {
		return nil, err
	}
	d := state.Deployments.Get(e.Store.Snapshot(), id)
	switch {
	case d == nil:
		return nil, refused("deployment not found")
	case !state.Active(d):
		return nil, refused("can't %s terminal deployment", verb)
	}
	return d, nil
}

// deploymentEval returns the evaluation that goes on with a deployment after a change.
func (e *Env) deploymentEval(d *api.Deployment) *api.Evaluation {
	ev := e.newEval(d.Namespace, d.JobID, state.Jobs.Get(e.Store.Snapshot(), d.Namespace, d.JobID), api.TriggerDeploymentWatcher)
	ev.DeploymentID, ev.JobModifyIndex = d.ID, 0
	if d.EvalPriority > 0 {
		ev.Priority = d.EvalPriority
	}
	return ev
}

// updateDeployment applies a command on a deployment and answers what came of it; ev is nil when it creates no
// evaluation.
func (e *Env) updateDeployment(ctx context.Context, cmd []byte, ev *api.Evaluation) (*api.DeploymentUpdateResponse, error) {
	answer, index, err := e.Raft.Apply(ctx, cmd)
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	resp := &api.DeploymentUpdateResponse{DeploymentModifyIndex: index}
	if ev != nil {
		resp.EvalID, resp.EvalCreateIndex = ev.ID, index
	}
	if version, ok := answer.(*uint64); ok {
		resp.RevertedJobVersion = version
	}
	return resp, nil
}

func (e *Env) deploymentFail(ctx context.Context, r *api.DeploymentFailRequest) (*api.DeploymentUpdateResponse, error) {
	d, err := e.deploymentOf(r.DeploymentID, r.DeploymentID, "fail")
	if err != nil {
		return nil, err
	}
	req := e.deploymentChange(d, api.DeploymentFailed, api.DeploymentDescFailed)
	for group := range d.TaskGroups {
		req.Revert = append(req.Revert, group)
	}
	return e.updateDeployment(ctx, fsm.DeploymentStatus.Encode(req), req.Eval)
}

// deploymentChange returns the command that gives a deployment a status and has it evaluated.
func (e *Env) deploymentChange(d *api.Deployment, status, description string) *fsm.DeploymentStatusRequest {
	return &fsm.DeploymentStatusRequest{
		Update: &api.DeploymentStatusUpdate{DeploymentID: d.ID, Status: status, StatusDescription: description},
		Eval:   e.deploymentEval(d), TrackedVersions: e.TrackedVersions, Time: e.Now().UnixNano(),
	}
}

func (e *Env) deploymentPause(ctx context.Context, r *api.DeploymentPauseRequest) (*api.DeploymentUpdateResponse, error) {
	verb := "resume"
	if r.Pause {
		verb = "pause"
	}
	d, err := e.deploymentOf(r.PathID, r.DeploymentID, verb)
	if err != nil {
		return nil, err
	}
	if !r.Pause {
		req := e.deploymentChange(d, api.DeploymentRunning, api.DeploymentDescRunning)
		return e.updateDeployment(ctx, fsm.DeploymentStatus.Encode(req), req.Eval)
	}
	req := e.deploymentChange(d, api.DeploymentPaused, api.DeploymentDescPaused)
	req.Eval = nil
	return e.updateDeployment(ctx, fsm.DeploymentStatus.Encode(req), nil)
}

func (e *Env) deploymentPromote(ctx context.Context, r *api.DeploymentPromoteRequest) (*api.DeploymentUpdateResponse, error) {
	d, err := e.deploymentOf(r.PathID, r.DeploymentID, "promote")
	if err != nil {
		return nil, err
	}
	ev := e.deploymentEval(d)
	return e.updateDeployment(ctx, fsm.DeploymentPromotion.Encode(&fsm.DeploymentPromotionRequest{
		DeploymentID: d.ID, All: r.All, Groups: r.Groups, Eval: ev, Time: e.Now().UnixNano(),
	}), ev)
}

func (e *Env) deploymentUnblock(ctx context.Context, r *api.DeploymentUnblockRequest) (*api.DeploymentUpdateResponse, error) {
	d, err := e.deploymentOf(r.PathID, r.DeploymentID, "unblock")
	if err != nil {
		return nil, err
	}
	if d.Status != api.DeploymentBlocked {
		return nil, refused("can't unblock %s deployment; only one that waits for another region is blocked", d.Status)
	}
	req := e.deploymentChange(d, api.DeploymentSuccessful, api.DeploymentDescSuccessful)
	return e.updateDeployment(ctx, fsm.DeploymentStatus.Encode(req), req.Eval)
}

func (e *Env) deploymentAllocHealth(ctx context.Context, r *api.DeploymentAllocHealthRequest) (*api.DeploymentUpdateResponse, error) {
	if len(r.HealthyAllocationIDs)+len(r.UnhealthyAllocationIDs) == 0 && (r.PathID == "" || r.PathID == r.DeploymentID) {
		return nil, refused("must specify at least one healthy/unhealthy allocation ID")
	}
	d, err := e.deploymentOf(r.PathID, r.DeploymentID, "set health of allocations for a")
	if err != nil {
		return nil, err
	}
	snap := e.Store.Snapshot()
	req := &fsm.DeploymentAllocHealthRequest{DeploymentID: d.ID, Healthy: r.HealthyAllocationIDs, Unhealthy: r.UnhealthyAllocationIDs}
	req.Status = *e.deploymentChange(d, api.DeploymentFailed, api.DeploymentDescUnhealthy)
	if len(r.UnhealthyAllocationIDs) == 0 {
		req.Status.Update = nil
	}
	for _, ids := range [][]string{r.HealthyAllocationIDs, r.UnhealthyAllocationIDs} {
		for _, id := range ids {
			if err := checkID("alloc", id); err != nil {
				return nil, err
			}
		}
	}
	for _, id := range r.UnhealthyAllocationIDs {
		if a := state.Allocs.Get(snap, id); a != nil {
			req.Status.Revert = append(req.Status.Revert, a.TaskGroup)
		}
	}
	return e.updateDeployment(ctx, fsm.DeploymentAllocHealth.Encode(req), req.Status.Eval)
}
