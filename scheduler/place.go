// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"maps"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/rank"
	"github.com/nomadlike/nomadlike/scheduler/reconcile"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// ownMetrics is how many replacements of a group get placement metrics of their own in one pass.
const ownMetrics = 16

// maxRounds bounds how often what found no node is tried again after updates have made room.
const maxRounds = 8

// placeAll places what the groups miss and replaces what they update. A replacement or an eviction may free what
// another group, or an earlier allocation of the same one, lacked; then what was not placed is tried again.
func (p *pass) placeAll(groups []*reconcile.Group) {
	for _, g := range groups {
		if g.TaskGroup != nil {
			p.queued[g.Name] = len(g.Place) + len(g.Replace)
		}
	}
	work := make([]groupWork, len(groups))
	for i, g := range groups {
		work[i] = groupWork{Group: g, place: g.Place, replace: g.Replace}
	}
	for range maxRounds {
		p.failed, p.lost = nil, nil
		released := false
		for i := range work {
			w := &work[i]
			if w.TaskGroup == nil || w.isEmpty() {
				continue
			}
			before, evicted := len(w.replace), len(p.evicted)
			p.placeGroup(w)
			released = released || len(w.replace) < before || len(p.evicted) > evicted
		}
		if len(p.failed) == 0 || !released {
			break
		}
	}
	for _, w := range work {
		for _, want := range w.place {
			if want.Reschedules() && !want.Previous.ServerTerminalStatus() {
				p.annotate(want.Previous, reconcile.RescheduleNoPlacement, want.Previous.FollowupEvalID)
			}
		}
	}
}

// findUnsuited says of the groups of system and sysbatch jobs for which all nodes are filtered what filtered them. A group
// that has allocations where it began when nodes suited it lacks nothing.
func (p *pass) findUnsuited() {
	if p.job == nil || !perNode(p.job) || len(p.newest.nodes.Candidates()) == 0 {
		return
	}
	for _, tg := range p.job.TaskGroups {
		if p.suits(tg) || p.placed(tg) > 0 {
			continue
		}
		if p.unsuited == nil {
			p.unsuited = map[string]*api.AllocMetric{}
		}
		gp := p.newGroupPlacer(p.newest, tg, "")
		p.unsuited[tg.Name] = gp.complete(gp.placer.ExplainFiltered())
	}
}

// groupWork is what a group still has to place and to replace.
type groupWork struct {
	*reconcile.Group
	place, replace []reconcile.Placement
}

func (w *groupWork) isEmpty() bool { return len(w.place)+len(w.replace) == 0 }

// groupPlacer places the allocations of one group in one version.
type groupPlacer struct {
	*pass
	*version
	group  *api.TaskGroup
	placer *rank.Placer
	start  time.Duration
	// deploymentID is the deployment that the allocations belong to, or "".
	deploymentID string
	// shared are the metrics of the placements that have none of their own.
	shared *api.AllocMetric
	own    int
}

// placeGroup places and replaces what it can and leaves the rest in the work. Replacements of an older
// version, while canaries of the newest one are tried, come first.
func (p *pass) placeGroup(w *groupWork) {
	var left []reconcile.Placement
	byJob, jobs := map[*api.Job][]reconcile.Placement{}, []*api.Job(nil)
	for _, want := range w.place {
		if want.Job == nil {
			continue
		}
		if byJob[want.Job] == nil {
			jobs = append(jobs, want.Job)
		}
		byJob[want.Job] = append(byJob[want.Job], want)
	}
	for _, job := range jobs {
		if p.older[job] == nil {
			p.older[job] = p.newVersion(job)
		}
		gp := p.newGroupPlacer(p.older[job], job.LookupTaskGroup(w.Name), "")
		for _, want := range byJob[job] {
			if !gp.place(want) {
				left = append(left, want)
			}
		}
	}
	gp := p.newGroupPlacer(p.newest, w.TaskGroup, w.DeploymentID)
	for _, want := range w.place {
		if want.Job == nil && !gp.place(want) {
			left = append(left, want)
		}
	}
	w.place = left
	left = nil
	for _, want := range w.replace {
		if !gp.replace(want) {
			left = append(left, want)
		}
	}
	w.replace = left
}

func (p *pass) newGroupPlacer(v *version, tg *api.TaskGroup, deploymentID string) *groupPlacer {
	gp := &groupPlacer{pass: p, version: v, group: tg, deploymentID: deploymentID, start: p.elapsed()}
	gp.placer = rank.New(p.placerInput(v, tg))
	return gp
}

// placerInput is what a placer of the group needs to know.
func (p *pass) placerInput(v *version, tg *api.TaskGroup) rank.Input {
	return rank.Input{
		Overlay:       p.overlay,
		Job:           v.job,
		Group:         tg,
		Nodes:         v.nodes.Candidates(),
		Feasible:      v.group(tg),
		Residents:     p.residents,
		Spread:        v.config.SchedulerAlgorithm == api.AlgorithmSpread,
		Limit:         nodeLimit(v, tg),
		Oversubscribe: v.config.MemoryOversubscriptionEnabled,
		Preemption:    p.preemption(v),
		Random:        p.random,
		Ports:         p.ports,
		Cache:         p.cfg.Cache,
	}
}

// nodeLimit returns how many feasible nodes are scored for a group with spreads or affinities, 0 for all:
// node_limit_for_feasibility_checks, but not fewer than the group has allocations.
//
// Compat: the reference looks at a sample in all cases, of 100 nodes here by default; without the setting
// every feasible node is scored.
func nodeLimit(v *version, tg *api.TaskGroup) int {
	job, limit := v.job, v.config.NodeLimitForFeasibilityChecks
	if limit <= 0 || job.Type == api.JobTypeSystem || job.Type == api.JobTypeSysBatch {
		return 0
	}
	choosy := len(job.Spreads)+len(tg.Spreads)+len(job.Affinities)+len(tg.Affinities) > 0
	for _, task := range tg.Tasks {
		choosy = choosy || task != nil && len(task.Affinities) > 0
	}
	if !choosy {
		return 0
	}
	return max(limit, tg.CountOrDefault())
}

// place places one missing allocation; a failed one that it takes over from stops only then.
func (gp *groupPlacer) place(want reconcile.Placement) bool {
	placement, ok := gp.placer.Place(gp.want(want))
	if !ok {
		gp.fail(want)
		return false
	}
	if want.Kind == reconcile.KindReschedule && !want.Previous.ServerTerminalStatus() {
		gp.stop(want.Previous, "", api.AllocDescRescheduled)
	}
	gp.add(want, placement)
	return true
}

// replace makes room by the old allocation and gives it back when its successor finds no node.
func (gp *groupPlacer) replace(want reconcile.Placement) bool {
	old := want.Previous
	ord, known := gp.overlay.Ordinal(old.NodeID)
	resident := rank.Resident{Ord: int32(ord), Group: gp.group.Name}
	holds := known && usage.Counts(old)
	if holds {
		gp.overlay.RemoveAlloc(old)
		gp.placer.Release(resident)
	}
	placement, ok := gp.placer.Place(gp.want(want))
	if !ok {
		if holds {
			gp.overlay.AddAlloc(old)
			gp.placer.Restore(resident)
		}
		gp.fail(want)
		return false
	}
	if i := slices.Index(gp.residents, resident); holds && i >= 0 {
		gp.residents = slices.Delete(gp.residents, i, i+1)
	}
	gp.stop(old, "", api.AllocDescUpdating)
	gp.add(want, placement)
	return true
}

// want translates a missing allocation into what the ranking has to know.
//
// Compat: the reference computes metrics for every allocation; here those of one group and pass share
// them, except the first replacements, whose scores carry the history of what they replace.
func (gp *groupPlacer) want(w reconcile.Placement) rank.Want {
	out := rank.Want{Prefer: rank.NoNode, Only: rank.NoNode}
	out.Index = indexOf(w)
	out.Explain = gp.shared == nil
	if w.NodeID != "" {
		if ord, ok := gp.overlay.Ordinal(w.NodeID); ok {
			out.Only = int32(ord)
		}
		return out
	}
	if w.Previous != nil && gp.own < ownMetrics {
		gp.own++
		out.Explain = true
	}
	if w.Previous == nil {
		return out
	}
	if disk := gp.group.EphemeralDisk; disk != nil && (disk.Sticky || disk.Migrate) && looksWhere(gp.version.job, w.Previous.Job) {
		if ord, ok := gp.overlay.Ordinal(w.Previous.NodeID); ok {
			out.Prefer = int32(ord)
		}
	}
	if w.Reschedules() {
		out.Penalty = gp.penalties(w.Previous)
	}
	return out
}

// looksWhere reports whether a version of the job looks for nodes where another one did: a disk that should stay with
// its allocation prefers its node only then (scheduler.md 5.7).
func looksWhere(job, before *api.Job) bool {
	return before != nil && job.NodePool == before.NodePool && slices.Equal(job.Datacenters, before.Datacenters)
}

// indexOf is the number in the name of the allocation.
func indexOf(w reconcile.Placement) int { return (&api.Allocation{Name: w.Name}).Index() }

// penalties returns the nodes on which the chain of a failed allocation has failed before.
func (gp *groupPlacer) penalties(failed *api.Allocation) []int32 {
	nodes := []string{failed.NodeID}
	if failed.RescheduleTracker != nil {
		for _, e := range failed.RescheduleTracker.Events {
			nodes = append(nodes, e.PrevNodeID)
		}
	}
	var ords []int32
	for _, id := range nodes {
		if ord, ok := gp.overlay.Ordinal(id); ok && !slices.Contains(ords, int32(ord)) {
			ords = append(ords, int32(ord))
		}
	}
	return ords
}

// add plans the new allocation.
func (gp *groupPlacer) add(want reconcile.Placement, placement rank.Placement) {
	metrics := gp.shared
	if placement.Metrics != nil {
		metrics = gp.complete(placement.Metrics)
		if gp.shared == nil {
			gp.shared = metrics
		}
	}
	node := gp.overlay.Node(placement.Ord)
	now := gp.cfg.Now.UnixNano()
	row := &api.Allocation{
		ID:                 gp.newID(),
		Namespace:          gp.version.job.Namespace,
		EvalID:             gp.eval.ID,
		Name:               want.Name,
		NodeID:             node.ID,
		NodeName:           node.Name,
		JobID:              gp.version.job.ID,
		Job:                gp.version.job,
		TaskGroup:          gp.group.Name,
		AllocatedResources: placement.Resources,
		Metrics:            metrics,
		DesiredStatus:      api.AllocDesiredRun,
		ClientStatus:       api.AllocClientPending,
		DeploymentID:       gp.deploymentID,
		CreateTime:         now,
		ModifyTime:         now,
	}
	if len(placement.Evict) > 0 {
		row.PreemptedAllocations = gp.evict(gp.group.Name, row.ID, placement.Evict)
	}
	if want.Canary && gp.deploymentID != "" {
		row.DeploymentStatus = canaryStatus
	}
	if want.Previous != nil {
		row.PreviousAllocation = want.Previous.ID
	}
	if want.Reschedules() {
		row.RescheduleTracker = reconcile.Track(want.Previous, gp.group.ReschedulePolicy, want.Delay, gp.cfg.Now)
	}
	gp.plan.NodeAllocation[node.ID] = append(gp.plan.NodeAllocation[node.ID], row)
	gp.residents = append(gp.residents, rank.Resident{Ord: int32(placement.Ord), Group: gp.group.Name})
	gp.queued[gp.group.Name]--
}

// canaryStatus marks new canaries; rows are not modified, so they share it.
var canaryStatus = &api.AllocDeploymentStatus{Canary: true}

// fail records that an allocation of the group found no node.
func (gp *groupPlacer) fail(want reconcile.Placement) {
	m := gp.failed[gp.group.Name]
	if gp.failed == nil {
		gp.failed, gp.lost = map[string]*api.AllocMetric{}, map[string]int{}
	}
	if m == nil {
		gp.lost[gp.group.Name] = indexOf(want)
	}
	switch {
	case m != nil:
		m.CoalescedFailures++
	case want.NodeID != "":
		m = gp.complete(gp.placer.ExplainFiltered())
	default:
		m = gp.complete(gp.placer.Explain())
		gp.placer.ExplainOwn(m, rank.Want{Only: rank.NoNode, Index: indexOf(want)})
	}
	gp.failed[gp.group.Name] = m
	if ord, ok := gp.overlay.Ordinal(want.NodeID); ok && want.NodeID != "" {
		gp.placer.ExplainNode(m, ord)
	}
}

// complete adds to the metrics what the ranking does not know.
func (gp *groupPlacer) complete(m *api.AllocMetric) *api.AllocMetric {
	m.NodesInPool = gp.nodes.InPool()
	m.NodesAvailable = maps.Clone(gp.nodes.Available())
	m.AllocationTime = gp.elapsed() - gp.start
	return m
}
