// SPDX-License-Identifier: MPL-2.0

package reconcile

import "github.com/nomadlike/nomadlike/api"

// pace applies max_parallel to destructive updates (scheduler.md 9.3): that many allocations of the
// deployment may be placed and not yet healthy, what migrates now included; an unhealthy or failed one
// stops the rollout until it is replaced, and so do a deployment that is paused or has failed and canaries
// that wait for their promotion. limited is false when all updates may start at once.
func (p *groupPass) pace() (limit int, limited bool) {
	update := p.TaskGroup.Update
	switch {
	case p.blocked:
		return 0, true
	case p.in.IsBatch || update.IsEmpty():
		return 0, false
	case p.roll.holds() || p.canarying:
		return 0, true
	}
	limit = update.MaxParallelOrDefault()
	for _, a := range p.live {
		if isOlder(a, p.in.Job) || !p.isDeployed(a) {
			continue
		}
		healthy := a.DeploymentStatus != nil && a.DeploymentStatus.Healthy != nil
		switch {
		case healthy && !*a.DeploymentStatus.Healthy:
			return 0, true
		case !healthy:
			limit--
		}
	}
	for _, a := range p.failed {
		if !isOlder(a, p.in.Job) {
			return 0, true
		}
	}
	for _, want := range p.Place {
		limit -= want.paced(p.in.Job)
	}
	return max(limit, 0), true
}

// isDeployed reports whether the allocation belongs to the deployment that is under way.
func (p *groupPass) isDeployed(a *api.Allocation) bool {
	d := p.roll.active()
	return d != nil && a.DeploymentID == d.ID
}

// paced returns 1 when the allocation to place is part of a rollout or a migration and so counts for
// max_parallel: the successor of one that migrates, that was stopped by an update before, or that failed
// in the newest version. Plain additions and replacements of lost ones do not count.
func (w *Placement) paced(job *api.Job) int {
	switch {
	case w.Kind == KindMigrate, w.Kind == KindNew && w.Previous != nil,
		w.Kind == KindReschedule && !isOlder(w.Previous, job):
		return 1
	}
	return 0
}
