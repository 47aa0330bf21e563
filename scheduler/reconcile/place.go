// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// place names what is missing: replacements of lost and failed allocations first, then new ones.
//
// While the deployment is paused, has failed or waits for the promotion of canaries, only what was there
// before is replaced, in the version that it ran.
func (p *groupPass) place() {
	if p.blocked {
		return
	}
	names := newNameIndex(p.in.Job.ID, p.Name)
	for _, list := range [][]*api.Allocation{p.live, p.done, p.failed, p.away, p.migrating} {
		for _, a := range list {
			names.hold(a)
		}
	}
	room := max(p.count-p.held(), 0)
	for _, a := range p.lost {
		if p.isOwnCanary(a) {
			continue // its place is beside the others; another canary is chosen
		}
		if room == 0 {
			break
		}
		p.Place = append(p.Place, Placement{Name: names.keepOrNext(a), Kind: KindLost, Previous: a, Job: p.jobOf(a)})
		room--
	}
	room = p.placeDue(names, room)
	if room > 0 {
		waiting := p.waiting()
		for range room {
			name := names.free()
			previous := p.beyond(waiting)
			if previous == nil {
				previous = waiting[name]
			}
			want := p.takeOver(name, previous)
			if want.Previous == nil && (p.canarying || p.roll.holds()) {
				continue
			}
			p.Place = append(p.Place, want)
		}
	}
	p.Desired.Place += len(p.Place) - p.Desired.Canary
}

// placeDue places what the reschedule policies replace now.
func (p *groupPass) placeDue(names *nameIndex, room int) int {
	slices.SortFunc(p.due, func(a, b Placement) int { return byIndex(a.Previous, b.Previous) })
	for _, d := range p.due {
		switch {
		case d.Canary:
			d.Name = d.Previous.Name
		case room == 0 && d.Kind == KindDisconnect:
			continue // it goes on, and is looked at again when it is back or lost
		case room == 0:
			p.stop(d.Previous, "", api.AllocDescNotNeeded)
			continue
		default:
			d.Name = names.keepOrNext(d.Previous)
			d.Job = p.jobOf(d.Previous)
			room--
		}
		p.Place = append(p.Place, d)
		p.Desired.RescheduleNow++
	}
	return room
}

// jobOf returns the version that the replacement of an allocation runs while canaries of the newest one
// are tried; nil for the newest.
func (p *groupPass) jobOf(a *api.Allocation) *api.Job {
	if p.canarying && !isCanary(a) && isOlder(a, p.in.Job) && a.Job != nil && a.Group() != nil {
		return a.Job
	}
	return nil
}

// waiting returns, by name, the allocations that were stopped in favour of a successor which found no
// node then, or whose part of the plan was refused. The newest allocation of a name decides.
func (p *groupPass) waiting() map[string]*api.Allocation {
	newest := make(map[string]*api.Allocation, len(p.over))
	for _, a := range p.over {
		if other := newest[a.Name]; other == nil || a.CreateIndex > other.CreateIndex {
			newest[a.Name] = a
		}
	}
	return newest
}

// beyond takes from the waiting allocations one that left its node and whose number the group no longer
// reaches, so that its successor gets a lower one.
func (p *groupPass) beyond(waiting map[string]*api.Allocation) *api.Allocation {
	var first *api.Allocation
	for _, a := range waiting {
		if a.Index() < p.count || a.NextAllocation != "" || a.DesiredDescription != api.AllocDescMigrating {
			continue
		}
		if first == nil || byIndex(a, first) < 0 {
			first = a
		}
	}
	if first != nil {
		delete(waiting, first.Name)
	}
	return first
}

// takeOver makes the placement of a name, as the successor of the allocation that still waits for one.
func (p *groupPass) takeOver(name string, a *api.Allocation) Placement {
	w := Placement{Name: name, Kind: KindNew}
	if a == nil || a.NextAllocation != "" || isCanary(a) {
		return w
	}
	switch a.DesiredDescription {
	case api.AllocDescRescheduled:
		w.Kind, w.Previous = KindReschedule, a
		w.Delay = NextDelay(p.TaskGroup.ReschedulePolicy, a.RescheduleTracker, failureTime(a))
	case api.AllocDescLost:
		w.Kind, w.Previous = KindLost, a
	case api.AllocDescMigrating:
		w.Kind, w.Previous = KindMigrate, a
	case api.AllocDescUpdating:
		w.Previous = a
	}
	if w.Previous != nil && w.Kind != KindNew {
		w.Job = p.jobOf(a)
	}
	return w
}
