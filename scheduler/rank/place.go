// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Want is one allocation to place.
type Want struct {
	// Penalty lists nodes on which earlier attempts failed.
	Penalty []int32
	// Prefer is a node to try first, or NoNode.
	Prefer int32
	// Only is the one node that comes into question, or NoNode for any.
	Only int32
	// Index is the number in the name of the allocation.
	Index int
	// Explain asks for the metrics of this placement.
	Explain bool
}

// Placement is where an allocation goes and what it gets there.
type Placement struct {
	Ord       int
	Resources *api.AllocatedResources
	// Evict are the allocations of other jobs that have to go.
	Evict []*api.Allocation
	// Metrics is nil unless asked for.
	Metrics *api.AllocMetric
}

// Place chooses the best node, takes the resources there and reports whether there was one. With false
// nothing changed.
func (p *Placer) Place(w Want) (Placement, bool) {
	p.penalise(w.Penalty, true)
	defer p.penalise(w.Penalty, false)
	var metrics *api.AllocMetric
	if w.Explain && p.best() != noHeap { // what cannot be placed is explained once a group, by the caller
		metrics = p.Explain()
	}
	placement, ok := p.choose(w)
	if !ok {
		return p.preempt(w)
	}
	placement.Metrics = metrics
	return placement, true
}

func (p *Placer) choose(w Want) (Placement, bool) {
	if p.feasible.PerAlloc() {
		return p.chooseOwn(w)
	}
	if w.Only != NoNode {
		if i := p.byOrdinal[w.Only]; i > 0 && p.candidates[i-1].heap != noHeap {
			return p.take(i - 1)
		}
		return Placement{}, false
	}
	if w.Prefer != NoNode {
		if i := p.byOrdinal[w.Prefer]; i > 0 && p.candidates[i-1].heap != noHeap {
			if placement, ok := p.take(i - 1); ok {
				return placement, true
			}
		}
	}
	for {
		i := p.best()
		if i == noHeap {
			return Placement{}, false
		}
		if placement, ok := p.take(i); ok {
			return placement, true
		}
	}
}

// chooseOwn chooses among the nodes with the volumes of this one allocation, which are few.
func (p *Placer) chooseOwn(w Want) (Placement, bool) {
	for {
		best := int32(noHeap)
		for i := range p.candidates {
			c := &p.candidates[i]
			if c.heap == noHeap || w.Only != NoNode && c.ord != w.Only || !p.hasOwn(c, w) {
				continue
			}
			if best == noHeap || p.ahead(int32(i), best) {
				best = int32(i)
			}
		}
		if best == noHeap {
			return Placement{}, false
		}
		if placement, ok := p.take(best); ok {
			return placement, true
		}
	}
}

// hasOwn reports whether the candidate has the volumes that only this allocation may use.
func (p *Placer) hasOwn(c *candidate, w Want) bool {
	return !p.feasible.PerAlloc() || p.feasible.HasVolumesOf(p.overlay.Node(int(c.ord)), w.Index)
}

// Release frees what an allocation of the group holds, for one that the plan replaces. The caller takes
// its claim off the overlay before.
func (p *Placer) Release(r Resident) { p.move(r, -1) }

// Restore undoes Release. The caller puts the claim back on the overlay before.
func (p *Placer) Restore(r Resident) { p.move(r, 1) }

func (p *Placer) move(r Resident, delta int32) {
	p.resident(r, delta)
	if len(p.properties) > 0 && delta < 0 {
		p.readmit()
	}
	if i := p.byOrdinal[r.Ord]; i > 0 {
		p.refresh(i - 1)
	}
	if p.spread != nil {
		p.spread.refresh()
	}
}

// readmit re-scores the nodes that a distinct rule had ruled out.
func (p *Placer) readmit() {
	for i := range p.candidates {
		if out := p.candidates[i].out; out != 0 && p.ruled[out] {
			p.refresh(int32(i))
		}
	}
}

func (p *Placer) penalise(ords []int32, on bool) {
	for _, ord := range ords {
		i := p.byOrdinal[ord]
		if i == 0 {
			continue
		}
		c := &p.candidates[i-1]
		c.penalty = on
		if c.heap != noHeap {
			p.refresh(i - 1)
		}
	}
}

// best returns the index of the best candidate, or noHeap.
func (p *Placer) best() int32 {
	if p.spread == nil {
		if len(p.heaps[0]) == 0 {
			return noHeap
		}
		return p.heaps[0][0]
	}
	best, bestScore := int32(noHeap), 0.0
	for _, h := range p.heaps {
		if len(h) == 0 {
			continue
		}
		c := &p.candidates[h[0]]
		score := p.final(c)
		if best == noHeap || score > bestScore || score == bestScore && c.before(&p.candidates[best]) {
			best, bestScore = h[0], score
		}
	}
	return best
}

// final is what the candidates are chosen by: the normalised score, where a node that would be stranded counts as
// one without a fit.
func (p *Placer) final(c *candidate) float64 {
	return p.mean(c, c.rank())
}

// mean is the mean of the scores that apply, whose sum without the spread boost is given.
func (p *Placer) mean(c *candidate, sum float64) float64 {
	terms := float64(c.terms)
	if p.spread != nil {
		if boost := p.spread.boost[c.bucket]; boost != 0 {
			sum += boost
			terms++
		}
	}
	return sum / terms
}

// rank is the sum of the scores that decides.
func (c *candidate) rank() float64 {
	if c.stranded > 0 {
		return c.sum - c.fit
	}
	return c.sum
}

// before decides between candidates of the same score.
func (c *candidate) before(o *candidate) bool {
	if c.fit != o.fit {
		return c.fit > o.fit
	}
	return c.tie < o.tie
}

// take places an allocation on the candidate, or drops the candidate.
func (p *Placer) take(i int32) (Placement, bool) {
	c := &p.candidates[i]
	ord := int(c.ord)
	for r := range p.properties {
		if reason := p.properties[r].refuses(p.overlay.Node(ord)); reason != "" {
			p.drop(i, reason, true)
			return Placement{}, false
		}
	}
	resources, reason := p.grant(ord)
	if reason != "" {
		p.drop(i, reason, false)
		return Placement{}, false
	}
	claim := p.need.claim
	if resources != p.need.shared {
		claim = usage.ClaimOfResources(resources)
		if len(p.need.cores) > 0 {
			if reason := p.overlay.ExhaustedSums(ord, claim.CPU, claim.MemoryMB, claim.DiskMB); reason != "" {
				p.drop(i, reason, false)
				return Placement{}, false
			}
		}
	}
	p.overlay.Add(ord, claim)
	p.resident(Resident{Ord: c.ord, Group: p.group.Name}, 1)
	p.refresh(i)
	if p.spread != nil {
		p.spread.refresh()
	}
	return Placement{Ord: ord, Resources: resources}, true
}
