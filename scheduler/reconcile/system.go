// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"cmp"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// systemPass is the state of one group of a system or sysbatch job while it is reconciled: it wants one
// allocation on each node that may run it (scheduler.md 2).
type systemPass struct {
	*Group
	in    *Input
	roll  *rollout
	nodes map[string]bool

	// held are nodes that have an allocation, or that shall get none.
	held map[string]bool
	// deployed counts allocations of the deployment that are not healthy; unhealthy is set when one was
	// found so, or failed.
	deployed  int
	unhealthy bool
	canaries  int
	outdated  []*api.Allocation
	uncounted int
	hasRun    bool
	// finished holds the last allocation of each node that came to its end.
	finished map[string]*api.Allocation
	replaces map[*api.Job]bool
}

func newSystemPass(in *Input, r *rollout, tg *api.TaskGroup, allocs []*api.Allocation) *systemPass {
	p := &systemPass{
		Group: &Group{Name: tg.Name, TaskGroup: tg}, in: in, roll: r,
		nodes: map[string]bool{}, held: map[string]bool{}, replaces: map[*api.Job]bool{},
		finished: map[string]*api.Allocation{},
	}
	if tg.CountOrDefault() > 0 {
		for _, id := range in.Nodes(tg) {
			p.nodes[id] = true
		}
	}
	allocs = slices.Clone(allocs)
	// Newer ones first: the newest allocation of a node decides about it.
	slices.SortFunc(allocs, func(a, b *api.Allocation) int {
		return cmp.Or(cmp.Compare(b.CreateIndex, a.CreateIndex), cmp.Compare(a.ID, b.ID))
	})
	for _, a := range allocs {
		p.sort(a)
	}
	return p
}

// sort decides about one allocation that exists.
func (p *systemPass) sort(a *api.Allocation) {
	p.hasRun = p.hasRun || !isOlder(a, p.in.Job)
	if a.ServerTerminalStatus() {
		p.sortStopped(a)
		return
	}
	c := classifyNode(p.in.Node(a.NodeID), a)
	if a.ClientStatus == api.AllocClientUnknown && expired(a, p.in.Now) {
		c = classLost
	}
	switch {
	case a.ClientTerminalStatus():
		p.sortFinished(a)
	case c == classLost:
		p.stop(a, api.AllocClientLost, api.AllocDescLost)
	case p.held[a.NodeID]:
		p.stop(a, "", api.AllocDescNotNeeded) // a node has one at most
	case c == classDisconnecting:
		p.disconnect(a)
	case a.ClientStatus == api.AllocClientUnknown:
		p.held[a.NodeID] = true
		p.Desired.Ignore++
	case a.DesiredTransition.ShouldMigrate():
		p.leave(a)
	case needsReconnect(a):
		p.Reconnect = append(p.Reconnect, a)
		p.Desired.Reconnect++
		p.sortRunning(a)
	default:
		p.sortRunning(a)
	}
}

// leave stops what a drain or a user sends away. On a node that takes allocations, another one follows, but not one of a
// sysbatch job unless the user wants that.
func (p *systemPass) leave(a *api.Allocation) {
	if !p.nodes[a.NodeID] {
		p.stop(a, "", api.AllocDescNodeTainted)
		return
	}
	p.stop(a, "", api.AllocDescMigrating)
	p.finished[a.NodeID] = a
	if p.in.IsBatch && a.DesiredTransition.ShouldDisableMigrationPlacement() && !isOlder(a, p.in.Job) {
		p.held[a.NodeID] = true
	}
}

// sortStopped looks at an allocation that was told to stop: one of a sysbatch job that was sent away, or that ended well
// anyway, stays the last of its node until the job changes, everything else holds nothing.
func (p *systemPass) sortStopped(a *api.Allocation) {
	if p.reap(p.in, a) {
		p.uncounted++
	}
	sent := a.DesiredTransition.ShouldDisableMigrationPlacement()
	if p.in.IsBatch && !isOlder(a, p.in.Job) && (sent || a.ClientStatus == api.AllocClientComplete && a.RanSuccessfully()) {
		p.held[a.NodeID] = true
	}
}

// sortFinished looks at an allocation that came to its end: one of a sysbatch job stays the last of its
// node until the job changes, one of a system job is replaced.
func (p *systemPass) sortFinished(a *api.Allocation) {
	p.Desired.Ignore++
	if p.finished[a.NodeID] == nil {
		p.finished[a.NodeID] = a
	}
	if p.in.IsBatch && !isOlder(a, p.in.Job) && a.ClientStatus != api.AllocClientLost {
		p.held[a.NodeID] = true
	}
	if p.isDeployed(a) && a.ClientStatus == api.AllocClientFailed {
		p.unhealthy = p.unhealthy || p.lastOf(a)
	}
}

// lastOf reports whether nothing followed the allocation on its node.
func (p *systemPass) lastOf(a *api.Allocation) bool {
	return a.NextAllocation == "" && !p.held[a.NodeID]
}

func (p *systemPass) disconnect(a *api.Allocation) {
	p.held[a.NodeID] = true
	p.Disconnect = append(p.Disconnect, a)
	p.Desired.Disconnect++
	if after := lostAfter(disconnectOf(a)); after > 0 {
		p.Later = append(p.Later, Delayed{Alloc: a, At: p.in.Now.Add(after), Kind: DelayLost})
	}
}

// sortRunning looks at an allocation that goes on: on a node that takes no new ones it stays as long as the
// job does not change.
func (p *systemPass) sortRunning(a *api.Allocation) {
	older := isOlder(a, p.in.Job)
	if !p.nodes[a.NodeID] && (older || p.TaskGroup.CountOrDefault() == 0) {
		p.stop(a, "", api.AllocDescNotNeeded)
		return
	}
	p.held[a.NodeID] = true
	switch {
	case !older:
		p.Desired.Ignore++
		p.count(a)
	case !p.needsReplacing(a) && p.in.FitsInPlace(a, p.TaskGroup):
		p.InPlace = append(p.InPlace, a)
		p.Desired.InPlaceUpdate++
	default:
		p.outdated = append(p.outdated, a)
	}
}

// count looks at an allocation of the newest version for the pace of the rollout.
func (p *systemPass) count(a *api.Allocation) {
	if !p.isDeployed(a) {
		return
	}
	if isCanary(a) {
		p.canaries++
	}
	switch s := a.DeploymentStatus; {
	case s == nil || s.Healthy == nil:
		p.deployed++
	case !*s.Healthy:
		p.unhealthy = true
	}
}

func (p *systemPass) isDeployed(a *api.Allocation) bool {
	d := p.roll.active()
	return d != nil && a.DeploymentID == d.ID
}

func (p *systemPass) needsReplacing(a *api.Allocation) bool {
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

func (p *systemPass) run() *Group {
	p.place()
	p.update()
	p.Desired.Stop = len(p.Stop) - p.uncounted
	return p.Group
}

// place names the nodes that lack an allocation.
func (p *systemPass) place() {
	for id := range p.nodes {
		if !p.held[id] {
			w := Placement{Name: p.name(), NodeID: id}
			if a := p.finished[id]; a != nil && a.NextAllocation == "" {
				w.Previous = a
			}
			p.Place = append(p.Place, w)
		}
	}
	slices.SortFunc(p.Place, func(a, b Placement) int { return cmp.Compare(a.NodeID, b.NodeID) })
	p.Desired.Place = len(p.Place)
}

// name is that of every allocation of the group.
func (p *systemPass) name() string { return api.AllocName(p.in.Job.ID, p.Name, 0) }

// update replaces what runs older versions, as fast as the update block allows: canaries first, a share of
// the nodes, then max_parallel at a time.
func (p *systemPass) update() {
	slices.SortFunc(p.outdated, func(a, b *api.Allocation) int { return cmp.Compare(a.NodeID, b.NodeID) })
	update := p.TaskGroup.Update
	start, canaries := len(p.outdated), 0
	if !p.in.IsBatch && !update.IsEmpty() {
		canaries = p.wantedCanaries()
		start = min(start, p.pace(canaries))
	}
	canarying := canaries > 0 && !p.roll.promoted(p.Name)
	for _, a := range p.outdated[:start] {
		p.Replace = append(p.Replace, Placement{
			Name: p.name(), Kind: KindUpdate, Previous: a, NodeID: a.NodeID, Canary: canarying,
		})
	}
	if canarying {
		p.Desired.Canary = start
	}
	p.Desired.DestructiveUpdate = start
	p.Desired.Ignore += len(p.outdated) - start
	if p.in.IsBatch {
		return
	}
	p.roll.join(p.TaskGroup, len(p.nodes), canaries)
	p.roll.total(p.Name, len(p.nodes))
	updates := len(p.InPlace) + len(p.outdated)
	if updates > 0 || len(p.Place) > 0 && !p.hasRun {
		p.roll.want(p.TaskGroup)
	}
	if updates > 0 || len(p.Place) > 0 {
		p.roll.busy = true
	}
}

// wantedCanaries is how many of the nodes try the newest version first: a percentage of those that are to
// be updated, but not more than max_parallel (scheduler.md 2.1).
func (p *systemPass) wantedCanaries() int {
	if state := p.roll.group(p.Name); state != nil {
		return state.DesiredCanaries
	}
	percent := p.TaskGroup.Update.CanaryOrDefault()
	if percent == 0 || len(p.outdated) == 0 {
		return 0
	}
	all := len(p.outdated) + p.canaries
	return min((percent*all+99)/100, p.TaskGroup.Update.MaxParallelOrDefault())
}

// pace returns how many updates may start now.
func (p *systemPass) pace(canaries int) int {
	if p.roll.holds() || p.unhealthy {
		return 0
	}
	limit := max(p.TaskGroup.Update.MaxParallelOrDefault()-p.deployed, 0)
	if canaries > 0 && !p.roll.promoted(p.Name) {
		return min(limit, max(canaries-p.canaries, 0))
	}
	return limit
}
