// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Bounds of the time between two looks at a rolling update.
const (
	minPoll = time.Second
	maxPoll = 30 * time.Second
)

// pace is how fast destructive updates of a group may go.
type pace struct {
	// limited is false when all may start at once.
	limited bool
	limit   int
	// inProgress counts allocations of the newest version that are not healthy yet; failed ones, which
	// wait for their successor, count as one.
	inProgress int
	// placing counts those of them that are placed by this very pass.
	placing int
	// next is when another one may start.
	next time.Time
}

// pace applies max_parallel: that many allocations of the newest version may be placed and not yet
// healthy, migrations included; a failed one stops the rollout until it is replaced.
//
// Compat: the reference paces by the health that the deployment watcher decides. A health verdict on the
// allocation is used when there is one; else an allocation is healthy once it has been running for
// min_healthy_time, and the next step comes from a follow-up evaluation ("rolling-update") instead of
// the watcher. A deployment that is paused or failed stops the rollout.
func (p *groupPass) pace() pace {
	update := p.TaskGroup.Update
	if p.in.IsBatch || update.IsEmpty() {
		return pace{}
	}
	minHealthy := update.MinHealthyTimeOrDefault()
	out := pace{limited: true, limit: update.MaxParallelOrDefault()}
	poll := p.in.Now.Add(min(max(minHealthy, minPoll), maxPoll))
	out.next = poll
	for _, a := range p.live {
		if isOlder(a, p.in.Job) {
			continue
		}
		at, healthy := healthyAt(a, minHealthy)
		if healthy && !at.After(p.in.Now) {
			continue
		}
		out.inProgress++
		if healthy && at.Before(out.next) {
			out.next = at
		}
	}
	for _, want := range p.Place {
		out.placing += want.paced(p.in.Job)
	}
	out.inProgress += out.placing
	out.limit = max(out.limit-out.inProgress, 0)
	if p.newestFailed() {
		out.inProgress++
		out.limit = 0
	}
	if p.deploymentHolds() {
		out.limit = 0
	}
	return out
}

// paced returns 1 when the allocation to place is part of a rollout or a migration and so counts for
// max_parallel: the successor of one that migrates, that was stopped by an update before, or that failed
// in the newest version. Plain additions and replacements of lost ones do not count.
func (w Placement) paced(job *api.Job) int {
	switch {
	case w.Kind == KindMigrate, w.Kind == KindNew && w.Previous != nil,
		w.Kind == KindReschedule && !isOlder(w.Previous, job):
		return 1
	}
	return 0
}

// newestFailed reports whether an allocation of the newest version failed and is not replaced yet.
func (p *groupPass) newestFailed() bool {
	for _, a := range p.failed {
		if !isOlder(a, p.in.Job) {
			return true
		}
	}
	return false
}

// deploymentHolds reports whether the deployment of the newest version lets nothing start.
func (p *groupPass) deploymentHolds() bool {
	d := p.in.Deployment
	if d == nil || d.JobVersion != p.in.Job.Version || d.JobCreateIndex != p.in.Job.CreateIndex {
		return false
	}
	return d.Status == api.DeploymentPaused || d.Status == api.DeploymentFailed
}

// healthyAt returns when the allocation counts as healthy if it goes on running; false when it does not
// run yet or was found unhealthy.
func healthyAt(a *api.Allocation, minHealthy time.Duration) (time.Time, bool) {
	if s := a.DeploymentStatus; s != nil && s.Healthy != nil {
		return time.Time{}, *s.Healthy
	}
	if a.ClientStatus != api.AllocClientRunning {
		return time.Time{}, false
	}
	started := time.Time{}
	for _, state := range a.TaskStates {
		if state != nil && state.State == api.TaskStateRunning && state.StartedAt != nil && state.StartedAt.After(started) {
			started = *state.StartedAt
		}
	}
	if started.IsZero() {
		started = time.Unix(0, a.ModifyTime)
	}
	return started.Add(minHealthy), true
}
