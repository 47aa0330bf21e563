// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"cmp"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// groupPass is the state of one group of a service or batch job while it is reconciled.
type groupPass struct {
	*Group
	in    *Input
	roll  *rollout
	count int

	// live run or will run and hold a place; done are successful batch allocations, which hold theirs for
	// good; failed hold theirs until the policy replaces them or for good; away are unknown and hold theirs
	// until they are back, replaced or lost.
	live, done, failed, away []*api.Allocation
	migrating, lost          []*api.Allocation
	// returned were unknown and are back.
	returned []*api.Allocation
	// canaries run beside the places of the group until they are promoted; moving ones leave their node.
	canaries, moving []*api.Allocation
	// over were told to stop and hold no place.
	over []*api.Allocation
	// due are failed or unknown allocations to replace now.
	due []Placement
	// outdated are live or failed allocations of older versions that have to be replaced.
	outdated []*api.Allocation
	// canarying is set while canaries are to be promoted before anything else of the rollout happens.
	canarying bool
	// blocked is set while nothing may be placed.
	blocked bool
	// waits is set when a failed allocation waits for the deployment to let it be replaced.
	waits bool
	// uncounted are stops that had been decided before, or that count as migrations.
	uncounted int
	// replaces caches the answer of GroupNeedsDestructiveUpdate per job version.
	replaces map[*api.Job]bool
}

func newGroupPass(in *Input, r *rollout, tg *api.TaskGroup, allocs []*api.Allocation) *groupPass {
	p := &groupPass{
		Group: &Group{Name: tg.Name, TaskGroup: tg},
		in:    in, roll: r,
		count:    max(tg.CountOrDefault(), 0),
		replaces: map[*api.Job]bool{},
	}
	p.sort(allocs)
	return p
}

func (p *groupPass) run() *Group {
	p.reconnect()
	p.stopLost()
	p.stopSurplus()
	p.split()
	p.chooseCanaries()
	p.place()
	p.migrate()
	p.replace()
	p.follow()
	p.Desired.Stop = len(p.Stop) - p.uncounted
	return p.Group
}

// sort classifies the allocations and splits the finished ones.
func (p *groupPass) sort(allocs []*api.Allocation) {
	for _, a := range allocs {
		switch classify(p.in, a) {
		case classIgnored:
			p.over = append(p.over, a)
			if p.reap(p.in, a) {
				p.uncounted++
			}
		case classMigrate:
			p.leave(a)
		case classLost:
			p.lost = append(p.lost, a)
		case classDisconnecting:
			p.disconnect(a)
		case classReconnecting:
			p.returned = append(p.returned, a)
		case classKept:
			if p.reap(p.in, a) {
				p.uncounted++
			}
			p.keep(a)
		}
	}
	for _, list := range []*[]*api.Allocation{&p.live, &p.done, &p.failed, &p.away, &p.migrating, &p.lost, &p.canaries} {
		slices.SortFunc(*list, byIndex)
	}
}

// leave sorts an allocation that has to leave its node.
func (p *groupPass) leave(a *api.Allocation) {
	switch {
	case !isCanary(a):
		p.migrating = append(p.migrating, a)
	case p.isOwnCanary(a):
		p.moving = append(p.moving, a)
	default:
		p.keepCanary(a)
	}
}

// byIndex orders by the number in the name, older allocations first.
func byIndex(a, b *api.Allocation) int {
	return cmp.Or(cmp.Compare(a.Index(), b.Index()), cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.ID, b.ID))
}

// keep sorts an allocation that is neither lost nor migrating nor ignored.
func (p *groupPass) keep(a *api.Allocation) {
	switch {
	case a.ClientStatus == api.AllocClientUnknown:
		p.standIn(a, unknownSince(a))
	case isCanary(a) && !a.TerminalStatus():
		p.keepCanary(a)
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
	if isCanary(a) && !p.isOwnCanary(a) {
		p.Desired.Ignore++ // of a rollout that is over
		return
	}
	held := &p.failed
	if isCanary(a) {
		held = &p.canaries
	}
	d := p.policy(a, failureTime(a))
	if !d.allowed || p.heldByDeployment(a) {
		p.waits = p.waits || d.allowed
		*held = append(*held, a)
		return
	}
	if a.FollowupEvalID == p.in.EvalID && p.in.EvalID != "" || !d.at.After(p.in.Now.Add(nowTolerance)) {
		p.due = append(p.due, Placement{Kind: KindReschedule, Previous: a, Delay: d.delay, Canary: isCanary(a)})
		return
	}
	*held = append(*held, a)
	p.Desired.RescheduleLater++
	if a.FollowupEvalID == "" || needsReconnect(a) { // or it is one for its absence
		p.Later = append(p.Later, Delayed{Alloc: a, At: d.at})
	}
}

// heldByDeployment reports whether the deployment decides about the failed allocation: an active one does
// until it marks it, a failed one does not replace what is its own.
func (p *groupPass) heldByDeployment(a *api.Allocation) bool {
	d := p.in.Deployment
	if d == nil || a.DeploymentID != d.ID || d != p.roll.current {
		return false
	}
	if d.Status == api.DeploymentFailed {
		return !a.DesiredTransition.ShouldForceReschedule()
	}
	return isActive(d) && !a.DesiredTransition.ShouldReschedule() && !a.DesiredTransition.ShouldForceReschedule()
}

// held counts the places that are taken.
func (p *groupPass) held() int {
	return len(p.live) + len(p.done) + len(p.failed) + len(p.away) + len(p.migrating)
}

// stopSurplus stops what is more than count: first what promoted canaries stand in for, then what migrates,
// is unknown or failed, always the highest index first.
//
// Compat: the reference goes by the index alone after the migrating ones; here failed allocations go
// before running ones.
func (p *groupPass) stopSurplus() {
	before := len(p.failed) + len(p.away)
	p.stopDoubles()
	surplus := p.held() - p.count
	for _, list := range []*[]*api.Allocation{&p.migrating, &p.away, &p.failed, &p.live} {
		*list, surplus = p.cut(*list, surplus)
	}
	if len(p.failed)+len(p.away) < before {
		p.dropLater()
	}
}

// dropLater forgets to reschedule what is stopped now.
func (p *groupPass) dropLater() {
	stopped := func(a *api.Allocation) bool {
		return slices.ContainsFunc(p.Stop, func(s Stop) bool { return s.Alloc == a })
	}
	p.Later = slices.DeleteFunc(p.Later, func(d Delayed) bool { return d.Kind != DelayStop && stopped(d.Alloc) })
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

// split sorts the allocations of older versions: those that change in place, and those that do not.
func (p *groupPass) split() {
	for _, a := range slices.Concat(p.failed, p.live) {
		switch {
		case !isOlder(a, p.in.Job):
			p.Desired.Ignore++
		case p.needsReplacing(a):
			p.outdated = append(p.outdated, a)
		case a.ClientTerminalStatus():
			p.Desired.Ignore++
		case p.in.FitsInPlace(a, p.TaskGroup):
			p.InPlace = append(p.InPlace, a)
			p.Desired.InPlaceUpdate++
		default:
			p.outdated = append(p.outdated, a)
		}
	}
	p.Desired.Ignore += len(p.done) + len(p.away)
}

func (p *groupPass) needsReplacing(a *api.Allocation) bool {
	if a.Job == nil {
		return true
	}
	answer, known := p.replaces[a.Job]
	if !known {
		answer = api.GroupNeedsDestructiveUpdate(a.Job, p.in.Job, p.Name)
		p.replaces[a.Job] = answer
	}
	return answer
}

// migrate stops what leaves its node and places its replacement, except for batch allocations whose drain
// wants none.
func (p *groupPass) migrate() {
	for _, a := range slices.Concat(p.migrating, p.moving) {
		p.stop(a, "", api.AllocDescMigrating)
		p.uncounted++
		p.Desired.Migrate++
		if p.in.IsBatch && a.DesiredTransition.ShouldDisableMigrationPlacement() || p.blocked {
			continue
		}
		p.Place = append(p.Place, Placement{
			Name: a.Name, Kind: KindMigrate, Previous: a, Job: p.jobOf(a), Canary: isCanary(a),
		})
	}
}

// replace starts as many destructive updates as the pace of the group allows.
func (p *groupPass) replace() {
	start := p.outdated
	if limit, limited := p.pace(); limited && len(start) > limit {
		start = start[:limit]
	}
	for _, a := range start {
		p.Replace = append(p.Replace, Placement{Name: a.Name, Kind: KindUpdate, Previous: a})
	}
	p.Desired.DestructiveUpdate = len(start)
	p.Desired.Ignore += len(p.outdated) - len(start)
}

// follow tells the rollout what this group does.
func (p *groupPass) follow() {
	if p.in.IsBatch {
		return
	}
	canaries := 0
	if p.canarying {
		canaries = p.TaskGroup.Update.CanaryOrDefault()
	}
	p.roll.join(p.TaskGroup, p.count, canaries)
	updates := len(p.InPlace) + len(p.outdated)
	first := len(p.Place) > 0 && !p.hasVersion()
	if updates > 0 || first {
		p.roll.want(p.TaskGroup)
	}
	if updates > 0 || len(p.Place) > 0 || len(p.migrating) > 0 || p.blocked ||
		p.waits || p.Desired.RescheduleLater > 0 {
		p.roll.busy = true
	}
}

// hasVersion reports whether the newest version has run before.
func (p *groupPass) hasVersion() bool {
	for _, a := range p.in.Allocs {
		if a.TaskGroup == p.Name && !isOlder(a, p.in.Job) {
			return true
		}
	}
	return false
}
