// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"math"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// affinities rates nodes by the affinities of job, group and tasks together.
type affinities struct {
	rules []affinityRule
	total float64
	// escaped is set when a rule looks at something unique to a node.
	escaped bool
	byClass []float64
}

type affinityRule struct {
	*feasible.Condition
	weight float64
}

// newAffinities returns nil when there are none.
func newAffinities(s *usage.Snapshot, job *api.Job, group *api.TaskGroup, cache *feasible.Cache) *affinities {
	blocks := [][]*api.Affinity{job.Affinities, group.Affinities}
	for _, task := range group.Tasks {
		if task != nil {
			blocks = append(blocks, task.Affinities)
		}
	}
	a := &affinities{}
	for _, list := range blocks {
		for _, x := range list {
			if x == nil {
				continue
			}
			c := feasible.NewCondition(x.LTarget, x.Operand, x.RTarget, cache)
			weight := float64(x.WeightOrDefault())
			a.rules = append(a.rules, affinityRule{Condition: c, weight: weight})
			a.total += math.Abs(weight)
			a.escaped = a.escaped || c.IsUnique()
		}
	}
	if len(a.rules) == 0 || a.total == 0 {
		return nil
	}
	a.byClass = make([]float64, len(s.Classes()))
	for i := range a.byClass {
		a.byClass[i] = math.NaN()
	}
	return a
}

// of returns the sum of the weights of the matching rules over the sum of all absolute weights.
func (a *affinities) of(s *usage.Snapshot, ord int) float64 {
	class := s.Class(ord)
	if a.escaped || s.Classes()[class] == "" {
		return a.rate(s.Node(ord))
	}
	if math.IsNaN(a.byClass[class]) {
		a.byClass[class] = a.rate(s.Node(ord))
	}
	return a.byClass[class]
}

func (a *affinities) rate(n *api.Node) float64 {
	sum := 0.0
	for _, r := range a.rules {
		if r.Holds(n) {
			sum += r.weight
		}
	}
	return sum / a.total
}
