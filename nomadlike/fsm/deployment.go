// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// DeploymentStatusRequest changes the status of a deployment.
type DeploymentStatusRequest struct {
	Update *api.DeploymentStatusUpdate
	// Eval is stored with it; nil for none.
	Eval *api.Evaluation
	// Time is in unix nanoseconds.
	Time int64
}

// DeploymentStatus answers nothing. A deployment that becomes successful makes its job version stable.
var DeploymentStatus = Define(70, "DeploymentStatusUpdate", func(w *state.WriteTx, p *DeploymentStatusRequest) (any, error) {
	if p.Update == nil || state.Deployments.Get(w, p.Update.DeploymentID) == nil {
		return nil, api.CodeErrorf(api.ClassNotFound, 500, "deployment not found")
	}
	setDeploymentStatus(w, p.Update, p.Time)
	if p.Eval != nil {
		state.Evals.Put(w, p.Eval)
	}
	return nil, nil
})

// setDeploymentStatus changes the status of a deployment that is not at its end.
func setDeploymentStatus(w *state.WriteTx, u *api.DeploymentStatusUpdate, now int64) {
	old := state.Deployments.Get(w, u.DeploymentID)
	if old == nil || !state.Active(old) {
		return
	}
	d := *old
	d.Status, d.StatusDescription = u.Status, u.StatusDescription
	if now > 0 {
		d.ModifyTime = now
	}
	state.Deployments.Put(w, &d)
	if d.Status != api.DeploymentSuccessful {
		return
	}
	if v := state.JobVersions.Get(w, d.Namespace, d.JobID, d.JobVersion); v != nil && v.CreateIndex == d.JobCreateIndex {
		setStable(w, v, true)
	}
}

// DeploymentsDeleteRequest removes deployments that nothing needs any more.
type DeploymentsDeleteRequest struct{ IDs []string }

// DeploymentsDelete answers nothing; deployments that are gone already are passed over.
var DeploymentsDelete = Define(71, "DeploymentsDelete", func(w *state.WriteTx, p *DeploymentsDeleteRequest) (any, error) {
	for _, id := range p.IDs {
		state.Deployments.Delete(w, id)
	}
	return nil, nil
})
