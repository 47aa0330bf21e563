// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// isOwnCanary reports whether the allocation is a canary of the deployment that is under way.
func (p *groupPass) isOwnCanary(a *api.Allocation) bool {
	d := p.roll.active()
	return isCanary(a) && d != nil && a.DeploymentID == d.ID && !p.roll.promoted(p.Name)
}

// keepCanary keeps a canary of the deployment that is under way and stops one of any other: promotion
// makes canaries ordinary allocations.
func (p *groupPass) keepCanary(a *api.Allocation) {
	if p.isOwnCanary(a) {
		p.canaries = append(p.canaries, a)
		return
	}
	p.stop(a, "", api.AllocDescNotNeeded)
}

// stopDoubles stops the older ones of allocations that share a name: those that promoted canaries stand in
// for.
func (p *groupPass) stopDoubles() {
	newest := make(map[string]*api.Allocation, len(p.live))
	for _, a := range p.live {
		if other := newest[a.Name]; other == nil || other.CreateIndex < a.CreateIndex {
			newest[a.Name] = a
		}
	}
	double := func(a *api.Allocation) bool {
		if other := newest[a.Name]; other == nil || other == a {
			return false
		}
		p.stop(a, "", api.AllocDescNotNeeded)
		return true
	}
	if len(newest) < len(p.live) {
		p.live = slices.DeleteFunc(p.live, double)
	}
	p.failed = slices.DeleteFunc(p.failed, double)
}

// chooseCanaries places the canaries that the rollout still lacks: beside the allocations whose names they
// take. The first run of a job has none, because nothing is updated.
func (p *groupPass) chooseCanaries() {
	p.Desired.Ignore += len(p.canaries)
	if p.in.IsBatch || p.TaskGroup.Update.IsEmpty() || p.roll.promoted(p.Name) {
		return
	}
	wanted := p.TaskGroup.Update.CanaryOrDefault()
	if state := p.roll.group(p.Name); state != nil {
		wanted = state.DesiredCanaries
	} else if len(p.outdated) == 0 {
		wanted = 0
	}
	if p.roll.current != nil && !isActive(p.roll.current) && !p.roll.failed() {
		wanted = 0
	}
	if wanted == 0 {
		return
	}
	p.canarying = true
	missing := wanted - len(p.canaries) - len(p.moving)
	for _, d := range p.due {
		if d.Canary {
			missing--
		}
	}
	if missing <= 0 || p.roll.holds() || p.blocked {
		return
	}
	p.Desired.Canary = missing
	for _, name := range p.canaryNames(missing) {
		p.Place = append(p.Place, Placement{Name: name, Canary: true})
	}
}

// canaryNames returns the lowest names of allocations that are to be updated, then free ones.
func (p *groupPass) canaryNames(n int) []string {
	taken := map[string]bool{}
	for _, a := range slices.Concat(p.canaries, p.moving) {
		taken[a.Name] = true
	}
	for _, d := range p.due {
		if d.Canary {
			taken[d.Previous.Name] = true
		}
	}
	var names []string
	outdated := slices.Clone(p.outdated)
	slices.SortFunc(outdated, byIndex)
	for _, a := range outdated {
		if len(names) < n && !taken[a.Name] {
			taken[a.Name] = true
			names = append(names, a.Name)
		}
	}
	free := newNameIndex(p.in.Job.ID, p.Name)
	for _, list := range [][]*api.Allocation{p.live, p.done, p.failed, p.away, p.migrating, p.canaries} {
		for _, a := range list {
			free.hold(a)
		}
	}
	for len(names) < n {
		if name := free.free(); !taken[name] {
			names = append(names, name)
		}
	}
	return names
}
