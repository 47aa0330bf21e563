// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"cmp"
	"math"
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// PriorityDelta is how much lower the priority of a job must be for its allocations to be preempted.
const PriorityDelta = 10

// parallelPenalty is added to the distance of an allocation for each one that its group loses beyond the
// max_parallel of its migrate block.
const parallelPenalty = 50

// Preemption lets a Placer evict allocations of jobs of lower priority where there is no room; nil forbids it.
type Preemption struct {
	// Allocs returns the allocations that take something of the node, without those that the plan stops or
	// evicts, in an order that does not change between calls.
	Allocs func(ord int) []*api.Allocation
	// Evicted counts what the plan evicts so far; placements add to it.
	Evicted map[EvictedGroup]int
}

// EvictedGroup is a task group that loses allocations.
type EvictedGroup struct{ Namespace, JobID, Group string }

func evictedGroup(a *api.Allocation) EvictedGroup {
	return EvictedGroup{a.Namespace, a.JobID, a.TaskGroup}
}

// PreemptionScore rates victims: the lower the sum of their priorities, weighed by the highest, the better
// (scheduler.md 5.3).
func PreemptionScore(victims []*api.Allocation) float64 {
	highest, sum := 0, 0
	for _, v := range victims {
		priority := v.Job.PriorityOrDefault()
		highest = max(highest, priority)
		sum += priority
	}
	p := float64(highest)
	if highest > 0 {
		p += float64(sum) / float64(highest)
	}
	return 1 / (1 + math.Exp(0.0048*(p-2048)))
}

// eviction is what would have to go from one node for an allocation of the group.
type eviction struct {
	victims []*api.Allocation
	// rated is the candidate as it would be then, score the normalised score.
	rated candidate
	score float64
	bonus float64
	// losses is how many evictions of the plan the choice knew about.
	losses int
}

// knownEviction is what was found out about a candidate; nil as eviction means that nothing helps.
type knownEviction struct {
	*eviction

	known bool
}

// preempt places an allocation where allocations of lower priority have to go.
func (p *Placer) preempt(w Want) (Placement, bool) {
	if p.preemption == nil || w.Only == NoNode && p.hopeless && !p.feasible.PerAlloc() {
		return Placement{}, false
	}
	if p.evictions == nil {
		p.evictions = make([]knownEviction, len(p.candidates))
	}
	for {
		i, e := p.bestEviction(w)
		if e == nil {
			p.hopeless = p.hopeless || w.Only == NoNode
			return Placement{}, false
		}
		var metrics *api.AllocMetric
		if w.Explain {
			metrics = p.Explain()
			p.explainEvictions(metrics, w.Only)
		}
		if placement, ok := p.evict(i, e); ok {
			placement.Metrics = metrics
			return placement, true
		}
		p.evictions[i] = knownEviction{known: true}
	}
}

// CouldPreempt returns a node where allocations could be evicted for one more, if there is one. Nothing changes.
func (p *Placer) CouldPreempt() (ord int, ok bool) {
	if p.preemption == nil {
		return 0, false
	}
	for i := range p.candidates {
		c := &p.candidates[i]
		if c.out != 0 && !p.ruled[c.out] && p.findEviction(c) != nil {
			return int(c.ord), true
		}
	}
	return 0, false
}

// bestEviction returns the candidate with the best eviction; of those that want may use.
func (p *Placer) bestEviction(w Want) (int32, *eviction) {
	first, end := 0, len(p.candidates)
	if w.Only != NoNode {
		first = int(p.byOrdinal[w.Only]) - 1
		end = first + 1
	}
	if first < 0 {
		return noHeap, nil
	}
	for {
		best, found := int32(noHeap), (*eviction)(nil)
		for i := first; i < end; i++ {
			c := &p.candidates[i]
			if c.out == 0 || p.ruled[c.out] || !p.hasOwn(c, w) {
				continue
			}
			if !p.evictions[i].known {
				p.evictions[i] = knownEviction{p.findEviction(c), true}
			}
			e := p.evictions[i].eviction
			if e == nil {
				continue
			}
			if found == nil || e.score > found.score || e.score == found.score && c.tie < p.candidates[best].tie {
				best, found = int32(i), e
			}
		}
		if found == nil || found.losses == p.losses {
			return best, found
		}
		// What the plan evicts since counts for max_parallel: look again.
		p.evictions[best] = knownEviction{}
	}
}

// evict takes the victims off the node and places an allocation there.
func (p *Placer) evict(i int32, e *eviction) (Placement, bool) {
	ord := int(p.candidates[i].ord)
	for _, v := range e.victims {
		p.overlay.Remove(ord, usage.ClaimOf(v))
	}
	p.refresh(i)
	placement, ok := Placement{}, false
	if p.candidates[i].heap != noHeap {
		placement, ok = p.take(i)
	}
	if !ok {
		for _, v := range e.victims {
			p.overlay.Add(ord, usage.ClaimOf(v))
		}
		p.refresh(i)
		return Placement{}, false
	}
	placement.Evict = e.victims
	for _, v := range e.victims {
		p.preemption.Evicted[evictedGroup(v)]++
		p.losses++
	}
	return placement, true
}

// findEviction looks for the allocations of the node that have to go; nil when that does not help. The
// overlay is as before when it returns.
func (p *Placer) findEviction(c *candidate) *eviction {
	ord := int(c.ord)
	if len(p.Rules(ord)) > 0 {
		return nil
	}
	s := p.newVictimSearch(ord)
	if len(s.spare) == 0 {
		return nil
	}
	defer s.restore()
	if !s.freePorts() || !s.freeDevices() || !s.freeSums() || !s.freeDynamicPorts() {
		return nil
	}
	s.prune()
	e := &eviction{victims: s.chosen(), rated: *c, losses: p.losses}
	if reason, _ := p.rate(&e.rated); reason != "" {
		return nil
	}
	e.bonus = PreemptionScore(e.victims)
	sum, terms := e.rated.sum+e.bonus, float64(e.rated.terms+1)
	if p.spread != nil {
		if boost := p.spread.boost[c.bucket]; boost != 0 {
			sum += boost
			terms++
		}
	}
	e.score = sum / terms
	return e
}

// explainEvictions lists the best nodes with what preemption makes of them.
func (p *Placer) explainEvictions(m *api.AllocMetric, only int32) {
	var known []*eviction
	for i := range p.evictions {
		e := p.evictions[i].eviction
		if e != nil && (only == NoNode || p.candidates[i].ord == only) {
			known = append(known, e)
		}
	}
	slices.SortFunc(known, func(a, b *eviction) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.rated.tie, b.rated.tie))
	})
	m.ScoreMetaData = nil
	for _, e := range known[:min(len(known), topScores)] {
		meta := p.scores(&e.rated)
		meta.Scores[ScorePreemption] = e.bonus
		meta.NormScore = e.score
		m.ScoreMetaData = append(m.ScoreMetaData, meta)
	}
}
