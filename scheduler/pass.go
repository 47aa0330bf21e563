// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"encoding/hex"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/rank"
	"github.com/nomadlike/nomadlike/scheduler/reconcile"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// pass is the state of one run over a job.
type pass struct {
	view   View
	eval   *api.Evaluation
	cfg    Config
	job    *api.Job // nil when stopped or gone
	random *rand.Rand
	ports  *rand.Rand
	newID  func() string

	overlay *usage.Overlay
	// newest is the newest version of the job, nil when it is stopped or gone. older are versions that
	// allocations are replaced in while canaries of the newest one are tried.
	newest    *version
	older     map[*api.Job]*version
	allocs    []*api.Allocation
	residents []rank.Resident
	// evicted holds the IDs of the allocations of other jobs that the plan preempts, losses how many of each
	// group.
	evicted map[string]bool
	losses  map[rank.EvictedGroup]int
	// stopped holds the IDs of the allocations that the plan stops, rows those of the plan that may still
	// be completed, by ID of the allocation.
	stopped map[string]bool
	rows    map[string]*api.Allocation

	plan      *api.Plan
	followUps []*api.Evaluation
	failed    map[string]*api.AllocMetric
	// unsuited are the groups that run once on each node that suits them and that none does: nothing waits to be placed.
	unsuited map[string]*api.AllocMetric
	// lost is the number in the name of the first allocation of a group that found no node.
	lost        map[string]int
	queued      map[string]int
	annotations *api.PlanAnnotations
}

// version is one version of the job with the nodes that it may use and the configuration of its pool.
type version struct {
	job    *api.Job
	config *api.SchedulerConfiguration
	nodes  *feasible.Job
	groups map[string]*feasible.Group
}

func (p *pass) newVersion(job *api.Job) *version {
	config := p.view.SchedulerConfig(job.NodePool)
	if config == nil {
		config = &api.SchedulerConfiguration{PreemptionConfig: api.PreemptionConfig{SystemSchedulerEnabled: true}}
	}
	return &version{job: job, config: config, nodes: feasible.NewJob(p.view.Usage(), job, p.cfg.Cache), groups: map[string]*feasible.Group{}}
}

// group returns the compiled feasibility checks of a group.
func (v *version) group(tg *api.TaskGroup) *feasible.Group {
	g := v.groups[tg.Name]
	if g == nil {
		g = v.nodes.Group(tg)
		v.groups[tg.Name] = g
	}
	return g
}

func newPass(view View, eval *api.Evaluation, cfg Config) *pass {
	p := &pass{
		view:        view,
		eval:        eval,
		cfg:         cfg,
		overlay:     usage.NewOverlay(view.Usage()),
		older:       map[*api.Job]*version{},
		stopped:     map[string]bool{},
		rows:        map[string]*api.Allocation{},
		evicted:     map[string]bool{},
		losses:      map[rank.EvictedGroup]int{},
		queued:      map[string]int{},
		annotations: &api.PlanAnnotations{DesiredTGUpdates: map[string]*api.DesiredUpdates{}},
	}
	job := view.Job(eval.Namespace, eval.JobID)
	p.allocs = view.AllocsByJob(eval.Namespace, eval.JobID)
	p.random = rand.New(rand.NewPCG(cfg.Seed, jobHash(eval, job)))
	p.ports = rand.New(rand.NewPCG(cfg.Seed, jobHash(eval, job)^newestIndex(p.allocs)))
	p.newID = cfg.NewID
	if p.newID == nil {
		// IDs have a source of their own, so that what is chosen is the same whoever makes them.
		ids := rand.New(rand.NewPCG(cfg.Seed^view.Index(), textHash(eval.ID)))
		p.newID = func() string { return derivedID(ids) }
	}
	if !job.Stopped() {
		p.job = job
		p.newest = p.newVersion(job)
	}
	p.plan = &api.Plan{
		EvalID:          eval.ID,
		Priority:        eval.Priority,
		Job:             p.job,
		SnapshotIndex:   view.Index(),
		NodeUpdate:      map[string][]*api.Allocation{},
		NodeAllocation:  map[string][]*api.Allocation{},
		NodePreemptions: map[string][]*api.Allocation{},
		Annotations:     p.annotations,
	}
	if p.job != nil {
		p.plan.AllAtOnce = p.job.AllAtOnce
	}
	return p
}

// run reconciles, places and returns the outcome.
func (p *pass) run(jobType string) *Outcome {
	in := reconcile.Input{
		Job:         p.job,
		IsBatch:     jobType == api.JobTypeBatch || jobType == api.JobTypeSysBatch,
		Allocs:      p.allocs,
		Node:        p.overlay.NodeByID,
		FitsInPlace: p.fitsInPlace,
		Nodes:       p.systemNodes,
		Deployment:  p.view.LatestDeployment(p.eval.Namespace, p.eval.JobID),
		EvalID:      p.eval.ID,
		Trigger:     p.eval.TriggeredBy,
		Priority:    p.eval.Priority,
		NewID:       p.newID,
		Now:         p.cfg.Now,
	}
	reconciled := reconcile.Run
	if jobType == api.JobTypeSystem || jobType == api.JobTypeSysBatch {
		reconciled = reconcile.RunSystem
	}
	result := reconciled(in)
	p.plan.Deployment = result.Deployment
	p.plan.DeploymentUpdates = result.DeploymentUpdates
	for _, g := range result.Groups {
		p.change(g)
	}
	p.settle()
	p.placeAll(result.Groups)
	p.findUnsuited()
	p.followDelayed(result.Groups)
	return p.outcome(result)
}

// systemNodes returns the nodes that a system group may run on.
func (p *pass) systemNodes(tg *api.TaskGroup) []string {
	checks := p.newest.group(tg)
	var ids []string
	for _, ord := range p.newest.nodes.Candidates() {
		if checks.Filtered(int(ord)) == "" {
			ids = append(ids, p.overlay.NodeID(int(ord)))
		}
	}
	return ids
}

// change plans what does not depend on placements: stops, updates in place and changes of contact.
func (p *pass) change(g *reconcile.Group) {
	desired := g.Desired
	p.annotations.DesiredTGUpdates[g.Name] = &desired
	for _, s := range g.Stop {
		row := p.stop(s.Alloc, s.ClientStatus, s.Description)
		if s.States != nil {
			row.AllocStates = s.States
		}
		p.overlay.RemoveAlloc(s.Alloc)
	}
	for _, a := range g.Disconnect {
		row := p.update(a)
		row.ClientStatus, row.ClientDescription = api.AllocClientUnknown, api.AllocDescUnknown
		row.DesiredDescription = api.AllocDescUnknown
		row.AllocStates = reconcile.WithState(a, api.AllocClientUnknown, p.cfg.Now)
	}
	for _, a := range g.Reconnect {
		row := p.update(a)
		row.AllocStates = reconcile.WithState(a, a.ClientStatus, p.cfg.Now)
		row.DesiredDescription = ""
		// What was to be done about its absence is no concern of a failure or an absence to come.
		row.FollowupEvalID, row.RescheduleTracker = "", reconcile.Undelayed(a.RescheduleTracker)
	}
	for _, a := range g.InPlace {
		updated := p.inPlace(a, g.TaskGroup)
		if g.DeploymentID != "" && g.DeploymentID != a.DeploymentID {
			updated.DeploymentID, updated.DeploymentStatus = g.DeploymentID, nil
		}
		if row := p.rows[a.ID]; row != nil {
			updated.AllocStates, updated.DesiredDescription = row.AllocStates, "" // it came back in this pass
			updated.FollowupEvalID, updated.RescheduleTracker = row.FollowupEvalID, row.RescheduleTracker
			*row = *updated
			continue
		}
		p.overlay.RemoveAlloc(a)
		p.overlay.AddAlloc(updated)
		p.plan.NodeAllocation[a.NodeID] = append(p.plan.NodeAllocation[a.NodeID], updated)
	}
}

// stop plans the stop of an allocation.
func (p *pass) stop(a *api.Allocation, clientStatus, description string) *api.Allocation {
	p.stopped[a.ID] = true
	row := *a
	row.DesiredStatus = api.AllocDesiredStop
	row.DesiredDescription = description
	if clientStatus != "" {
		row.ClientStatus = clientStatus
	}
	row.ModifyTime = p.cfg.Now.UnixNano()
	if before := p.rows[a.ID]; before != nil {
		row.AllocStates = before.AllocStates
		p.retract(before)
	}
	p.plan.NodeUpdate[a.NodeID] = append(p.plan.NodeUpdate[a.NodeID], &row)
	p.rows[a.ID] = &row
	return &row
}

// retract takes a row out of the plan that another one is to stand for.
func (p *pass) retract(row *api.Allocation) {
	for _, m := range [2]map[string][]*api.Allocation{p.plan.NodeAllocation, p.plan.NodeUpdate} {
		list := slices.DeleteFunc(m[row.NodeID], func(a *api.Allocation) bool { return a == row })
		if len(list) == 0 {
			delete(m, row.NodeID)
		} else {
			m[row.NodeID] = list
		}
	}
}

// update plans a change of an allocation that takes what it took.
func (p *pass) update(a *api.Allocation) *api.Allocation {
	row := *a
	row.EvalID = p.eval.ID
	row.ModifyTime = p.cfg.Now.UnixNano()
	p.plan.NodeAllocation[a.NodeID] = append(p.plan.NodeAllocation[a.NodeID], &row)
	p.rows[a.ID] = &row
	return &row
}

// settle lists the allocations of the job that go on running. Those that were told to stop still take
// their resources but no longer count for anti-affinity, spread and the distinct rules.
func (p *pass) settle() {
	if p.job == nil {
		return
	}
	for _, a := range p.allocs {
		if !usage.Counts(a) || a.ServerTerminalStatus() || p.stopped[a.ID] {
			continue
		}
		if ord, ok := p.overlay.Ordinal(a.NodeID); ok {
			p.residents = append(p.residents, rank.Resident{Ord: int32(ord), Group: a.TaskGroup})
		}
	}
}

// fitsInPlace reports whether the allocation may go on running on its node as part of the newest version.
func (p *pass) fitsInPlace(a *api.Allocation, tg *api.TaskGroup) bool {
	ord, ok := p.overlay.Ordinal(a.NodeID)
	if !ok || !p.newest.nodes.Allows(ord) || p.newest.group(tg).Filtered(ord) != "" {
		return false
	}
	return usage.FitsInstead(p.overlay, ord, a, p.inPlace(a, tg))
}

// inPlace returns the row of an allocation that changes to the newest version and keeps its resources.
func (p *pass) inPlace(a *api.Allocation, tg *api.TaskGroup) *api.Allocation {
	row := *a
	row.Job = p.job
	row.EvalID = p.eval.ID
	row.ModifyTime = p.cfg.Now.UnixNano()
	row.AllocatedResources = rank.WithLifecycles(a.AllocatedResources, tg)
	return &row
}

// elapsed returns the time since the pass started, 0 when nobody measures.
func (p *pass) elapsed() time.Duration {
	if p.cfg.Elapsed == nil {
		return 0
	}
	return p.cfg.Elapsed()
}

// jobHash tells job versions apart: the order among equal nodes and the dynamic ports follow from the version
// and the state, so that a plan that is made twice is the same twice.
func jobHash(eval *api.Evaluation, job *api.Job) uint64 {
	h := textHash(eval.Namespace + "\x00" + eval.JobID)
	if job != nil {
		h ^= (job.Version + 1) * 0x9e3779b97f4a7c15
	}
	return h
}

// newestIndex tells the placements of one job version apart: what replaces an allocation draws other ports, since that
// one may have ended because something else on its node has its port.
func newestIndex(allocs []*api.Allocation) (newest uint64) {
	for _, a := range allocs {
		newest = max(newest, a.CreateIndex)
	}
	return newest
}

func textHash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // a hash never fails to write
	return h.Sum64()
}

// derivedID makes an ID in the form of a UUID from the seeded source.
func derivedID(r *rand.Rand) string {
	var raw [16]byte
	for i := 0; i < len(raw); i += 8 {
		v := r.Uint64()
		for b := range 8 {
			raw[i+b] = byte(v >> (8 * b))
		}
	}
	text := hex.EncodeToString(raw[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
