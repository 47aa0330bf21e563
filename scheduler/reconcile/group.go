// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"cmp"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// groupPass is the state of one group while it is reconciled.
type groupPass struct {
	*Group
	in    *Input
	count int

	// live run or will run and hold a place; done are successful batch allocations, which hold theirs for
	// good; failed hold theirs until the policy replaces them or for good.
	live, done, failed []*api.Allocation
	migrating, lost    []*api.Allocation
	// over were told to stop and hold no place.
	over []*api.Allocation
	// due are failed allocations to replace now.
	due []Placement
	// destructive caches the answer of GroupNeedsDestructiveUpdate per job version.
	destructive map[*api.Job]bool
}

func newGroupPass(in *Input, tg *api.TaskGroup, allocs []*api.Allocation) *groupPass {
	p := &groupPass{
		Group: &Group{Name: tg.Name, TaskGroup: tg},
		in:    in,
		count: max(tg.CountOrDefault(), 0),
	}
	p.sort(allocs)
	return p
}

func (p *groupPass) run() *Group {
	p.stopSurplus()
	p.stopLost()
	p.place()
	p.update()
	p.Desired.Stop += len(p.Stop)
	return p.Group
}

// sort classifies the allocations and splits the finished ones.
func (p *groupPass) sort(allocs []*api.Allocation) {
	for _, a := range allocs {
		switch classify(p.in, a) {
		case classIgnored:
			p.over = append(p.over, a)
			p.reap(p.in, a)
		case classMigrate:
			p.migrating = append(p.migrating, a)
		case classLost:
			p.lost = append(p.lost, a)
		case classKept:
			p.keep(a)
		}
	}
	p.Desired.Stop -= len(p.Stop) // reaped ones are stopped already
	for _, list := range []*[]*api.Allocation{&p.live, &p.done, &p.failed, &p.migrating, &p.lost} {
		slices.SortFunc(*list, byIndex)
	}
}

// byIndex orders by the number in the name, older allocations first.
func byIndex(a, b *api.Allocation) int {
	return cmp.Or(cmp.Compare(a.Index(), b.Index()), cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.ID, b.ID))
}

// keep sorts an allocation that is neither lost nor migrating nor ignored.
func (p *groupPass) keep(a *api.Allocation) {
	switch {
	case !a.TerminalStatus():
		p.live = append(p.live, a)
	case p.in.IsBatch && (a.ClientStatus == api.AllocClientComplete || a.ServerTerminalStatus()):
		p.done = append(p.done, a)
	case a.ClientStatus == api.AllocClientFailed:
		p.fail(a)
	default:
		// A service allocation that completed, or one that the client reported lost, is replaced by a
		// new one of its name.
		p.Desired.Ignore++
	}
}

// fail applies the reschedule policy to a failed allocation.
func (p *groupPass) fail(a *api.Allocation) {
	if a.NextAllocation != "" {
		p.Desired.Ignore++
		return
	}
	d := reschedule(a, p.TaskGroup.ReschedulePolicy)
	if !d.allowed || p.heldByDeployment(a) {
		p.failed = append(p.failed, a)
		return
	}
	if a.FollowupEvalID == p.in.EvalID && p.in.EvalID != "" || !d.at.After(p.in.Now.Add(nowTolerance)) {
		p.due = append(p.due, Placement{Kind: KindReschedule, Previous: a, Delay: d.delay})
		return
	}
	p.failed = append(p.failed, a)
	p.Desired.RescheduleLater++
	if a.FollowupEvalID == "" {
		p.Later = append(p.Later, Delayed{Alloc: a, At: d.at})
	}
}

// heldByDeployment reports whether the active deployment still decides about the failed allocation.
func (p *groupPass) heldByDeployment(a *api.Allocation) bool {
	d := p.in.Deployment
	return isActive(d) && a.DeploymentID == d.ID &&
		!a.DesiredTransition.ShouldReschedule() && !a.DesiredTransition.ShouldForceReschedule()
}

// stopSurplus stops what is more than count, always the highest index first.
//
// Compat: the reference goes by the index alone after the migrating ones; here failed allocations go
// before running ones.
func (p *groupPass) stopSurplus() {
	surplus := len(p.live) + len(p.done) + len(p.failed) + len(p.migrating) - p.count
	p.migrating, surplus = p.cut(p.migrating, surplus)
	before := len(p.failed)
	p.failed, surplus = p.cut(p.failed, surplus)
	p.live, _ = p.cut(p.live, surplus)
	if len(p.failed) < before {
		p.Later = slices.DeleteFunc(p.Later, func(d Delayed) bool { return !slices.Contains(p.failed, d.Alloc) })
	}
}

// cut stops up to n allocations from the end of the list.
func (p *groupPass) cut(list []*api.Allocation, n int) (rest []*api.Allocation, left int) {
	for n > 0 && len(list) > 0 {
		p.stop(list[len(list)-1], "", api.AllocDescNotNeeded)
		list = list[:len(list)-1]
		n--
	}
	return list, n
}

func (p *groupPass) stopLost() {
	for _, a := range p.lost {
		p.stop(a, api.AllocClientLost, api.AllocDescLost)
	}
}

// place names what is missing: replacements of lost and failed allocations first, then new ones, then
// the replacements of migrating ones.
func (p *groupPass) place() {
	names := newNameIndex(p.in.Job.ID, p.Name)
	for _, list := range [][]*api.Allocation{p.live, p.done, p.failed, p.migrating} {
		for _, a := range list {
			names.hold(a)
		}
	}
	room := max(p.count-len(p.live)-len(p.done)-len(p.failed)-len(p.migrating), 0)
	for _, a := range p.lost[:min(room, len(p.lost))] {
		p.Place = append(p.Place, Placement{Name: names.keepOrNext(a), Kind: KindLost, Previous: a})
		room--
	}
	slices.SortFunc(p.due, func(a, b Placement) int { return byIndex(a.Previous, b.Previous) })
	for _, d := range p.due {
		if room == 0 {
			p.stop(d.Previous, "", api.AllocDescNotNeeded)
			continue
		}
		d.Name = names.keepOrNext(d.Previous)
		p.Place = append(p.Place, d)
		p.Desired.RescheduleNow++
		room--
	}
	if room > 0 {
		waiting := p.waiting()
		for range room {
			name := names.free()
			p.Place = append(p.Place, takeOver(name, waiting[name], p.TaskGroup))
		}
	}
	p.Desired.Place = len(p.Place)
	p.migrate()
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

// takeOver makes the placement of a name, as the successor of the allocation that still waits for one.
func takeOver(name string, a *api.Allocation, tg *api.TaskGroup) Placement {
	p := Placement{Name: name, Kind: KindNew}
	if a == nil || a.NextAllocation != "" {
		return p
	}
	switch a.DesiredDescription {
	case api.AllocDescRescheduled:
		p.Kind, p.Previous = KindReschedule, a
		p.Delay = NextDelay(tg.ReschedulePolicy, a.RescheduleTracker, failureTime(a))
	case api.AllocDescLost:
		p.Kind, p.Previous = KindLost, a
	case api.AllocDescMigrating:
		p.Kind, p.Previous = KindMigrate, a
	case api.AllocDescUpdating:
		p.Previous = a
	}
	return p
}

// migrate stops what leaves its node and places its replacement, except for batch allocations whose drain
// wants none.
func (p *groupPass) migrate() {
	for _, a := range p.migrating {
		p.Stop = append(p.Stop, Stop{Alloc: a, Description: api.AllocDescMigrating})
		p.Desired.Stop-- // counted as migrated
		p.Desired.Migrate++
		if p.in.IsBatch && a.DesiredTransition.ShouldDisableMigrationPlacement() {
			continue
		}
		p.Place = append(p.Place, Placement{Name: a.Name, Kind: KindMigrate, Previous: a})
	}
}

// update brings allocations of older versions to the newest one.
func (p *groupPass) update() {
	p.destructive = map[*api.Job]bool{}
	var replace []*api.Allocation
	for _, a := range slices.Concat(p.failed, p.live) {
		switch {
		case !isOlder(a, p.in.Job):
			p.Desired.Ignore++
		case p.needsReplacing(a):
			replace = append(replace, a)
		case a.ClientTerminalStatus():
			p.Desired.Ignore++
		case p.in.FitsInPlace(a, p.TaskGroup):
			p.InPlace = append(p.InPlace, a)
			p.Desired.InPlaceUpdate++
		default:
			replace = append(replace, a)
		}
	}
	p.Desired.Ignore += len(p.done)
	p.replace(replace)
}

func (p *groupPass) needsReplacing(a *api.Allocation) bool {
	if a.Job == nil {
		return true
	}
	answer, known := p.destructive[a.Job]
	if !known {
		answer = api.GroupNeedsDestructiveUpdate(a.Job, p.in.Job, p.Name)
		p.destructive[a.Job] = answer
	}
	return answer
}

// replace starts as many destructive updates as the pace of the group allows.
func (p *groupPass) replace(all []*api.Allocation) {
	if len(all) == 0 {
		return
	}
	pace := p.pace()
	start := all
	if pace.limited && len(all) > pace.limit {
		start = all[:pace.limit]
	}
	for _, a := range start {
		p.Replace = append(p.Replace, Placement{Name: a.Name, Kind: KindUpdate, Previous: a})
	}
	p.Desired.DestructiveUpdate = len(start)
	p.Desired.Ignore += len(all) - len(start)
	if len(start) < len(all) {
		p.Continue = p.continueAt(pace, len(start))
	}
}

// continueAt is when the rest of the destructive updates is looked at again, zero when another
// evaluation of the rollout will do it: nothing was set in motion now, and what is in progress was by a
// pass that has a follow-up of its own.
func (p *groupPass) continueAt(pace pace, started int) time.Time {
	if started == 0 && pace.placing == 0 && pace.inProgress > 0 && !continues(p.in.Trigger) {
		return time.Time{}
	}
	return pace.next
}

// continues reports whether an evaluation of this trigger is itself what takes a rollout forward.
func continues(trigger string) bool {
	switch trigger {
	case api.TriggerRollingUpdate, api.TriggerFailedFollowUp, api.TriggerMaxPlans:
		return true
	}
	return false
}
