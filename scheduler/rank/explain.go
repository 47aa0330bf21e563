// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// topScores is how many of the best nodes the metrics list.
const topScores = 5

// filterCounts counts the nodes that the feasibility checks took out.
type filterCounts struct {
	evaluated, filtered int
	byReason, byClass   map[string]int
}

func (f *filterCounts) add(reason, class string) {
	if f.byReason == nil {
		f.byReason, f.byClass = map[string]int{}, map[string]int{}
	}
	f.filtered++
	f.byReason[reason]++
	if class != "" {
		f.byClass[class]++
	}
}

// Explain returns the metrics of a placement that happens now, or of one that failed: how many nodes
// were looked at, which were filtered or lacked room and why, and the best ones with their scores. Nodes
// in the pool and per datacenter and the time are the caller's to add.
func (p *Placer) Explain() *api.AllocMetric {
	m := p.ExplainFiltered()
	for i := range p.candidates {
		p.explainCandidate(m, &p.candidates[i])
	}
	m.ResourcesExhausted = p.resourcesExhausted(m.DimensionExhausted)
	m.ScoreMetaData = p.top()
	return m
}

// ExplainOwn adds the nodes that lack the volumes of this one allocation.
func (p *Placer) ExplainOwn(m *api.AllocMetric, w Want) {
	if !p.feasible.PerAlloc() {
		return
	}
	for i := range p.candidates {
		if c := &p.candidates[i]; c.heap != noHeap && !p.hasOwn(c, w) {
			m.NodesFiltered++
			count(&m.ConstraintFiltered, feasible.ReasonHostVolumes)
			count(&m.ClassFiltered, p.overlay.Node(int(c.ord)).NodeClass)
		}
	}
}

// ExplainFiltered returns the metrics without the nodes that lack room, which ExplainNode adds one by one:
// for groups that want one allocation on each node.
func (p *Placer) ExplainFiltered() *api.AllocMetric {
	m := &api.AllocMetric{
		NodePool:       p.job.NodePool,
		NodesEvaluated: p.filtered.evaluated,
		NodesFiltered:  p.filtered.filtered,
	}
	copyCounts(&m.ConstraintFiltered, p.filtered.byReason)
	copyCounts(&m.ClassFiltered, p.filtered.byClass)
	return m
}

// ExplainNode adds why the node took no allocation to the metrics.
func (p *Placer) ExplainNode(m *api.AllocMetric, ord int) {
	if i := p.byOrdinal[ord]; i > 0 {
		p.explainCandidate(m, &p.candidates[i-1])
		m.ResourcesExhausted = p.resourcesExhausted(m.DimensionExhausted)
	}
}

func (p *Placer) explainCandidate(m *api.AllocMetric, c *candidate) {
	if c.out == 0 {
		return
	}
	class := p.overlay.Node(int(c.ord)).NodeClass
	reason := p.reasons[c.out]
	if p.ruled[c.out] {
		m.NodesFiltered++
		count(&m.ConstraintFiltered, reason)
		count(&m.ClassFiltered, class)
		return
	}
	m.NodesExhausted++
	count(&m.DimensionExhausted, reason)
	count(&m.ClassExhausted, class)
}

// resourcesExhausted lists what each task asks for of the sums that ran out on some node.
func (p *Placer) resourcesExhausted(dimensions map[string]int) map[string]*api.Resources {
	cpu, memory := dimensions[usage.DimensionCPU] > 0, dimensions[usage.DimensionMemory] > 0
	if !cpu && !memory {
		return nil
	}
	out := map[string]*api.Resources{}
	for _, task := range p.group.Tasks {
		if task == nil {
			continue
		}
		r := &api.Resources{CPU: new(0), MemoryMB: new(0)}
		if cpu {
			r.CPU = new(task.Resources.CPUOrDefault())
		}
		if memory {
			r.MemoryMB = new(task.Resources.MemoryMBOrDefault())
		}
		out[task.Name] = r
	}
	return out
}

// top returns the best nodes with their scores, best first.
func (p *Placer) top() []*api.NodeScoreMeta {
	var best [topScores]int32
	n := 0
	for i := range p.candidates {
		if p.candidates[i].heap == noHeap {
			continue
		}
		at := n
		for at > 0 && p.ahead(int32(i), best[at-1]) {
			at--
		}
		if at == topScores {
			continue
		}
		n = min(n+1, topScores)
		copy(best[at+1:n], best[at:n-1])
		best[at] = int32(i)
	}
	if n == 0 {
		return nil
	}
	list := make([]*api.NodeScoreMeta, n)
	for i := range list {
		list[i] = p.scores(&p.candidates[best[i]])
	}
	return list
}

func (p *Placer) ahead(a, b int32) bool {
	x, y := &p.candidates[a], &p.candidates[b]
	xs, ys := p.final(x), p.final(y)
	if xs != ys {
		return xs > ys
	}
	return x.before(y)
}

// scores lists the single scores of a node; those that do not apply are 0. A node that would be stranded shows by how
// much, which says why it comes after others with a lower score.
func (p *Placer) scores(c *candidate) *api.NodeScoreMeta {
	scores := map[string]float64{ScoreFit: c.fit, ScoreAntiAffinity: 0, ScorePenalty: 0, ScoreAffinity: c.affinity}
	if p.devices.HasAffinities() {
		scores[ScoreDevices] = c.device
	}
	if c.own > 0 {
		scores[ScoreAntiAffinity] = AntiAffinityScore(int(c.own), p.group.CountOrDefault())
	}
	if c.penalty {
		scores[ScorePenalty] = -1
	}
	if p.spread != nil {
		scores[ScoreSpread] = p.spread.boost[c.bucket]
	}
	if c.stranded > 0 {
		scores[ScoreStranded] = -c.stranded
	}
	return &api.NodeScoreMeta{NodeID: p.overlay.NodeID(int(c.ord)), Scores: scores, NormScore: p.mean(c, c.sum)}
}

func copyCounts(into *map[string]int, from map[string]int) {
	for k, n := range from {
		if *into == nil {
			*into = make(map[string]int, len(from))
		}
		(*into)[k] = n
	}
}

// count adds one to the key; the empty key, a node without class, is not counted.
func count(m *map[string]int, key string) {
	if key == "" {
		return
	}
	if *m == nil {
		*m = map[string]int{}
	}
	(*m)[key]++
}
