// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"maps"

	"github.com/nomadlike/nomadlike/api"
)

// rollout is what the deployment of the newest version allows (scheduler.md 9). One serves all groups.
type rollout struct {
	in *Input
	// current is the deployment of the newest version, whatever its status; nil when there is none.
	current *api.Deployment
	// wanted is set once a group changes something that a new deployment has to follow.
	wanted bool
	// groups are the states of the groups in a new deployment.
	groups map[string]*api.DeploymentState
	// totals are the numbers of allocations that the groups of system jobs want by now.
	totals map[string]int
	// busy is set when a group of the current deployment is not done.
	busy bool
}

func newRollout(in *Input) *rollout {
	r := &rollout{in: in, groups: map[string]*api.DeploymentState{}, totals: map[string]int{}}
	if d := in.Deployment; d != nil && !in.Job.Stopped() && d.JobVersion == in.Job.Version && d.JobCreateIndex == in.Job.CreateIndex {
		r.current = d
	}
	return r
}

// active returns the current deployment if it is not at its end, or nil.
func (r *rollout) active() *api.Deployment {
	if isActive(r.current) {
		return r.current
	}
	return nil
}

// holds reports whether the deployment lets nothing of the rollout start: it is paused, or has failed.
func (r *rollout) holds() bool {
	return r.current != nil && (r.current.Status == api.DeploymentPaused || r.current.Status == api.DeploymentFailed)
}

func (r *rollout) failed() bool { return r.current != nil && r.current.Status == api.DeploymentFailed }

// group returns the state of a group in the current deployment, or nil.
func (r *rollout) group(name string) *api.DeploymentState {
	if r.current == nil {
		return nil
	}
	return r.current.TaskGroups[name]
}

// promoted reports whether the canaries of the group were promoted.
func (r *rollout) promoted(name string) bool {
	s := r.group(name)
	return s != nil && s.Promoted
}

// join makes the group part of a new deployment, should there be one.
func (r *rollout) join(tg *api.TaskGroup, total, canaries int) {
	u := tg.Update
	if u.IsEmpty() || total == 0 {
		return
	}
	r.groups[tg.Name] = &api.DeploymentState{
		AutoRevert: api.Val(u.AutoRevert), AutoPromote: api.Val(u.AutoPromote), ProgressDeadline: u.ProgressDeadlineOrDefault(),
		DesiredTotal: total, DesiredCanaries: canaries,
	}
}

// total notes how many allocations a group wants, which changes with the nodes.
func (r *rollout) total(name string, n int) { r.totals[name] = n }

// revised returns the active deployment with the totals as they are by now, and whether that changes it.
func (r *rollout) revised(d *api.Deployment) (*api.Deployment, bool) {
	c := *d
	changed := false
	for name, n := range r.totals {
		g := c.TaskGroups[name]
		if g == nil || g.DesiredTotal == n {
			continue
		}
		if !changed {
			changed, c.TaskGroups = true, maps.Clone(c.TaskGroups)
		}
		s := *g
		s.DesiredTotal = n
		c.TaskGroups[name] = &s
	}
	return &c, changed
}

// want asks for a deployment: the group updates something, or runs this version for the first time.
func (r *rollout) want(tg *api.TaskGroup) {
	if r.current == nil && !tg.Update.IsEmpty() {
		r.wanted = true
	}
}

// finish returns the deployment to create or change, and what becomes of the one that exists.
func (r *rollout) finish(stopped bool) (fresh *api.Deployment, updates []*api.DeploymentStatusUpdate) {
	updates = endDeployment(r.in, stopped)
	if d := r.active(); d != nil {
		d, changed := r.revised(d)
		if changed {
			fresh = d
		}
		if d.Status != api.DeploymentPaused && !r.busy && isHealthy(d) {
			updates = append(updates, &api.DeploymentStatusUpdate{
				DeploymentID: d.ID, Status: api.DeploymentSuccessful, StatusDescription: api.DeploymentDescSuccessful,
			})
		}
		return fresh, updates
	}
	if !r.wanted || len(r.groups) == 0 || r.in.NewID == nil {
		return nil, updates
	}
	job := r.in.Job
	fresh = &api.Deployment{
		ID: r.in.NewID(), Namespace: job.Namespace, JobID: job.ID, JobVersion: job.Version,
		JobModifyIndex: job.ModifyIndex, JobSpecModifyIndex: job.JobModifyIndex, JobCreateIndex: job.CreateIndex,
		TaskGroups: r.groups, Status: api.DeploymentRunning, StatusDescription: runningDescription(r.groups),
		EvalPriority: r.in.Priority, CreateTime: r.in.Now.UnixNano(), ModifyTime: r.in.Now.UnixNano(),
	}
	return fresh, updates
}

// runningDescription says what the deployment waits for.
func runningDescription(groups map[string]*api.DeploymentState) string {
	manual, automatic := false, false
	for _, g := range groups {
		if g.DesiredCanaries == 0 {
			continue
		}
		automatic = automatic || g.AutoPromote
		manual = manual || !g.AutoPromote
	}
	switch {
	case manual:
		return api.DeploymentDescNeedsPromotion
	case automatic:
		return api.DeploymentDescAutoPromotion
	}
	return api.DeploymentDescRunning
}

// isHealthy reports whether every group has as many healthy allocations as it wants and no canaries that
// wait for their promotion.
func isHealthy(d *api.Deployment) bool {
	for _, g := range d.TaskGroups {
		if g == nil {
			continue
		}
		if g.DesiredCanaries > 0 && !g.Promoted || g.HealthyAllocs < max(g.DesiredTotal, g.DesiredCanaries) {
			return false
		}
	}
	return true
}

// endDeployment cancels the active deployment of a stopped job or of an older version.
func endDeployment(in *Input, stopped bool) []*api.DeploymentStatusUpdate {
	d := in.Deployment
	if !isActive(d) {
		return nil
	}
	description := ""
	switch {
	case stopped:
		description = api.DeploymentDescStopped
	case d.JobVersion != in.Job.Version || d.JobCreateIndex != in.Job.CreateIndex:
		description = api.DeploymentDescNewer
	default:
		return nil
	}
	return []*api.DeploymentStatusUpdate{{
		DeploymentID: d.ID, Status: api.DeploymentCancelled, StatusDescription: description,
	}}
}

// isActive reports whether the deployment still steers its job.
func isActive(d *api.Deployment) bool {
	if d == nil {
		return false
	}
	switch d.Status {
	case api.DeploymentSuccessful, api.DeploymentFailed, api.DeploymentCancelled:
		return false
	}
	return true
}
