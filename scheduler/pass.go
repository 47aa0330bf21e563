// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"encoding/hex"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/rank"
	"github.com/nomadlike/nomadlike/scheduler/reconcile"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// pass is the state of one run over a service or batch job.
type pass struct {
	view   View
	eval   *api.Evaluation
	cfg    Config
	job    *api.Job // nil when stopped or gone
	config api.SchedulerConfiguration
	random *rand.Rand
	newID  func() string

	overlay   *usage.Overlay
	nodes     *feasible.Job
	groups    map[string]*feasible.Group
	allocs    []*api.Allocation
	residents []rank.Resident
	// stopped holds the IDs of the allocations that the plan stops.
	stopped map[string]bool

	plan        *api.Plan
	followUps   []*api.Evaluation
	failed      map[string]*api.AllocMetric
	queued      map[string]int
	annotations *api.PlanAnnotations
}

func newPass(view View, eval *api.Evaluation, cfg Config) *pass {
	p := &pass{
		view:        view,
		eval:        eval,
		cfg:         cfg,
		overlay:     usage.NewOverlay(view.Usage()),
		groups:      map[string]*feasible.Group{},
		stopped:     map[string]bool{},
		queued:      map[string]int{},
		annotations: &api.PlanAnnotations{DesiredTGUpdates: map[string]*api.DesiredUpdates{}},
	}
	if c := view.SchedulerConfig(); c != nil {
		p.config = *c
	}
	source := rand.NewPCG(cfg.Seed^view.Index(), textHash(eval.ID))
	p.random = rand.New(source)
	p.newID = cfg.NewID
	if p.newID == nil {
		p.newID = func() string { return derivedID(p.random) }
	}
	if job := view.Job(eval.Namespace, eval.JobID); !job.Stopped() {
		p.job = job
		p.nodes = feasible.NewJob(view.Usage(), job, cfg.Cache)
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
func (p *pass) run(isBatch bool) *Outcome {
	p.allocs = p.view.AllocsByJob(p.eval.Namespace, p.eval.JobID)
	result := reconcile.Run(reconcile.Input{
		Job:         p.job,
		IsBatch:     isBatch,
		Allocs:      p.allocs,
		Node:        p.overlay.NodeByID,
		FitsInPlace: p.fitsInPlace,
		Deployment:  p.view.LatestDeployment(p.eval.Namespace, p.eval.JobID),
		EvalID:      p.eval.ID,
		Trigger:     p.eval.TriggeredBy,
		Now:         p.cfg.Now,
	})
	p.plan.DeploymentUpdates = result.DeploymentUpdates
	for _, g := range result.Groups {
		p.change(g)
	}
	p.settle()
	p.placeAll(result.Groups)
	p.followDelayed(result.Groups)
	p.followRollout(result.Groups)
	return p.outcome()
}

// change plans what does not depend on placements: stops and updates in place.
func (p *pass) change(g *reconcile.Group) {
	desired := g.Desired
	p.annotations.DesiredTGUpdates[g.Name] = &desired
	for _, s := range g.Stop {
		p.stop(s.Alloc, s.ClientStatus, s.Description)
		p.overlay.RemoveAlloc(s.Alloc)
	}
	for _, a := range g.InPlace {
		updated := p.inPlace(a, g.TaskGroup)
		p.overlay.RemoveAlloc(a)
		p.overlay.AddAlloc(updated)
		p.plan.NodeAllocation[a.NodeID] = append(p.plan.NodeAllocation[a.NodeID], updated)
	}
}

// stop plans the stop of an allocation.
func (p *pass) stop(a *api.Allocation, clientStatus, description string) {
	p.stopped[a.ID] = true
	row := *a
	row.DesiredStatus = api.AllocDesiredStop
	row.DesiredDescription = description
	if clientStatus != "" {
		row.ClientStatus = clientStatus
	}
	row.ModifyTime = p.cfg.Now.UnixNano()
	p.plan.NodeUpdate[a.NodeID] = append(p.plan.NodeUpdate[a.NodeID], &row)
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

// checks returns the compiled feasibility checks of the group.
func (p *pass) checks(tg *api.TaskGroup) *feasible.Group {
	g := p.groups[tg.Name]
	if g == nil {
		g = p.nodes.Group(tg)
		p.groups[tg.Name] = g
	}
	return g
}

// fitsInPlace reports whether the allocation may go on running on its node as part of the newest version.
func (p *pass) fitsInPlace(a *api.Allocation, tg *api.TaskGroup) bool {
	ord, ok := p.overlay.Ordinal(a.NodeID)
	if !ok || !p.nodes.Allows(ord) || p.checks(tg).Filtered(ord) != "" {
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
