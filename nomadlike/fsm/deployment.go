// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// DeploymentStatusRequest changes the status of a deployment.
type DeploymentStatusRequest struct {
	Update *api.DeploymentStatusUpdate
	// Revert names the groups whose auto_revert counts: when one has it, the newest stable version before the
	// deployment's is registered again and the description says so.
	Revert []string
	// TrackedVersions is how many untagged versions are kept by a rollback, 6 when 0.
	TrackedVersions int
	// Eval is stored with it; nil for none.
	Eval *api.Evaluation
	// Time is in unix nanoseconds.
	Time int64
}

// DeploymentStatus answers with the version that was rolled back to, a *uint64 that is nil when none was. A
// deployment that becomes successful makes its job version stable.
var DeploymentStatus = Define(70, "DeploymentStatusUpdate", func(w *state.WriteTx, p *DeploymentStatusRequest) (any, error) {
	if p.Update == nil || state.Deployments.Get(w, p.Update.DeploymentID) == nil {
		return nil, deploymentNotFound()
	}
	reverted := rollback(w, p)
	setDeploymentStatus(w, p.Update, p.Time)
	if p.Eval != nil {
		state.Evals.Put(w, p.Eval)
	}
	return reverted, nil
})

func deploymentNotFound() error {
	return api.CodeErrorf(api.ClassNotFound, 500, "deployment not found")
}

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
	if old.Status == api.DeploymentPaused && d.Status == api.DeploymentRunning {
		d.TaskGroups = map[string]*api.DeploymentState{}
		for name, was := range old.TaskGroups {
			g := *was
			restartProgress(&g, now)
			d.TaskGroups[name] = &g
		}
	}
	state.Deployments.Put(w, &d)
	if d.Status != api.DeploymentSuccessful {
		return
	}
	if v := state.JobVersions.Get(w, d.Namespace, d.JobID, d.JobVersion); v != nil && v.CreateIndex == d.JobCreateIndex {
		setStable(w, v, true)
	}
}

// restartProgress gives a group that waited for a person its time for progress anew. What has not begun has none.
func restartProgress(g *api.DeploymentState, now int64) {
	if g.RequireProgressBy == nil || g.ProgressDeadline <= 0 || now <= 0 {
		return
	}
	by := time.Unix(0, now).UTC().Add(g.ProgressDeadline)
	g.RequireProgressBy = &by
}

// rollback registers the newest stable version before the deployment's again, when a group asks for it and
// nothing newer took the deployment's place, and adds to the description what came of it (scheduler.md 9.3).
func rollback(w *state.WriteTx, p *DeploymentStatusRequest) *uint64 {
	d := state.Deployments.Get(w, p.Update.DeploymentID)
	wanted := slices.ContainsFunc(p.Revert, func(group string) bool {
		g := d.TaskGroups[group]
		return g != nil && g.AutoRevert
	})
	current := state.Jobs.Get(w, d.Namespace, d.JobID)
	if !wanted || !state.Active(d) || current == nil || current.Stop ||
		current.CreateIndex != d.JobCreateIndex || current.Version != d.JobVersion {
		return nil
	}
	var stable *api.Job
	for v := range state.JobVersions.Of(w, d.Namespace, d.JobID) {
		if v.Stable && v.Version < d.JobVersion && v.CreateIndex == d.JobCreateIndex {
			stable = v
			break
		}
	}
	if stable == nil {
		p.Update.StatusDescription += api.DeploymentDescRollback(nil, false)
		return nil
	}
	version := stable.Version
	same := api.SpecEqual(stable, current)
	p.Update.StatusDescription += api.DeploymentDescRollback(&version, same)
	if same {
		return nil
	}
	j := *stable
	if p.Time > 0 {
		j.SubmitTime = p.Time
	}
	again := &JobRegisterRequest{Job: &j, TrackedVersions: p.TrackedVersions}
	if old := state.JobSubmissions.Get(w, d.Namespace, d.JobID, version); old != nil {
		s := *old
		again.Submission = &s
	}
	if _, err := jobRegister(w, again); err != nil {
		return nil // only an enforced index is refused
	}
	if p.Eval != nil {
		p.Eval.JobModifyIndex = w.Index()
	}
	return &version
}

// DeploymentPromotionRequest promotes the canaries of a deployment.
type DeploymentPromotionRequest struct {
	DeploymentID string
	// All promotes every group, else only Groups.
	All    bool
	Groups []string
	Eval   *api.Evaluation
	// Time is in unix nanoseconds.
	Time int64
}

// DeploymentPromotion answers nothing. It promotes all of the groups or, when canaries of one are not healthy,
// none. Names of groups that do not exist are passed over.
var DeploymentPromotion = Define(72, "DeploymentPromotion", deploymentPromotion)

func deploymentPromotion(w *state.WriteTx, p *DeploymentPromotionRequest) (any, error) {
	old := state.Deployments.Get(w, p.DeploymentID)
	switch {
	case old == nil:
		return nil, deploymentNotFound()
	case !state.Active(old):
		return nil, api.CodeErrorf(api.ClassConflict, 500, "can't promote terminal deployment")
	}
	d := *old
	d.TaskGroups = map[string]*api.DeploymentState{}
	problems := &api.ValidationError{}
	some, left := false, false
	for _, name := range sortedKeys(old.TaskGroups) {
		g := *old.TaskGroups[name]
		d.TaskGroups[name] = &g
		if g.DesiredCanaries == 0 || g.Promoted {
			continue
		}
		some = true
		if !p.All && !slices.Contains(p.Groups, name) {
			left = true
			continue
		}
		if healthy := healthyCanaries(w, &g); healthy < g.DesiredCanaries {
			problems.Texts = append(problems.Texts, api.Errorf(api.ClassInvalid, "Task group %q has %d/%d healthy allocations", name, healthy, g.DesiredCanaries).Message)
			continue
		}
		g.Promoted = true
		restartProgress(&g, p.Time)
	}
	switch {
	case len(problems.Texts) > 0:
		return nil, api.CodeErrorf(api.ClassConflict, 500, "%s", problems.Error())
	case !some:
		return nil, api.CodeErrorf(api.ClassConflict, 500, "no canaries to promote")
	}
	if !left && d.Status == api.DeploymentRunning {
		d.StatusDescription = api.DeploymentDescRunning
	}
	if p.Time > 0 {
		d.ModifyTime = p.Time
	}
	state.Deployments.Put(w, &d)
	for _, name := range sortedKeys(d.TaskGroups) {
		if d.TaskGroups[name].Promoted && !old.TaskGroups[name].Promoted {
			promoteAllocs(w, d.TaskGroups[name], p.Time)
		}
	}
	if p.Eval != nil {
		state.Evals.Put(w, p.Eval)
	}
	return nil, nil
}

func healthyCanaries(r state.Reader, g *api.DeploymentState) int {
	n := 0
	for _, id := range g.PlacedCanaries {
		if a := state.Allocs.Get(r, id); a != nil && a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil && *a.DeploymentStatus.Healthy {
			n++
		}
	}
	return n
}

// promoteAllocs makes the canaries ordinary allocations, so that their services lose the canary tags.
func promoteAllocs(w *state.WriteTx, g *api.DeploymentState, now int64) {
	for _, id := range g.PlacedCanaries {
		old := state.Allocs.Get(w, id)
		if old == nil || old.DeploymentStatus == nil || !old.DeploymentStatus.Canary {
			continue
		}
		a, s := *old, *old.DeploymentStatus
		s.Canary, s.ModifyIndex = false, w.Index()
		a.DeploymentStatus, a.AllocModifyIndex = &s, w.Index()
		if now > 0 {
			a.ModifyTime = now
		}
		state.Allocs.Put(w, &a)
	}
}

// DeploymentAllocHealthRequest sets the health of allocations of a deployment.
type DeploymentAllocHealthRequest struct {
	// Status changes the deployment after that, like DeploymentStatus; its Update may be nil for no change.
	Status       DeploymentStatusRequest
	DeploymentID string
	Healthy      []string
	Unhealthy    []string
}

// DeploymentAllocHealth answers like DeploymentStatus; it sets the health of all of the allocations or, when
// one is not part of the deployment, of none.
var DeploymentAllocHealth = Define(73, "DeploymentAllocHealth", func(w *state.WriteTx, p *DeploymentAllocHealthRequest) (any, error) {
	d := state.Deployments.Get(w, p.DeploymentID)
	switch {
	case d == nil:
		return nil, deploymentNotFound()
	case !state.Active(d):
		return nil, api.CodeErrorf(api.ClassConflict, 500, "can't set health of allocations for a terminal deployment")
	}
	for healthy, ids := range [][]string{p.Unhealthy, p.Healthy} {
		for _, id := range ids {
			if err := setAllocHealth(w, d.ID, id, healthy == 1, p.Status.Time); err != nil {
				return nil, err
			}
		}
	}
	var reverted *uint64
	if p.Status.Update != nil {
		reverted = rollback(w, &p.Status)
		setDeploymentStatus(w, p.Status.Update, p.Status.Time)
	}
	if p.Status.Eval != nil {
		state.Evals.Put(w, p.Status.Eval)
	}
	return reverted, nil
})

func setAllocHealth(w *state.WriteTx, deployment, id string, healthy bool, now int64) error {
	old := state.Allocs.Get(w, id)
	switch {
	case old == nil:
		return api.CodeErrorf(api.ClassNotFound, 500, "unknown alloc %q", id)
	case old.DeploymentID != deployment:
		return api.CodeErrorf(api.ClassInvalid, 500, "alloc %q is not part of deployment %q", id, deployment)
	}
	a := *old
	s := api.AllocDeploymentStatus{}
	if old.DeploymentStatus != nil {
		s = *old.DeploymentStatus
	}
	s.Healthy, s.Timestamp, s.ModifyIndex = &healthy, at(now), w.Index()
	a.DeploymentStatus, a.AllocModifyIndex = &s, w.Index()
	if now > 0 {
		a.ModifyTime = now
	}
	state.Allocs.Put(w, &a)
	return nil
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
