// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
)

// ImplicitTarget as the value of a spread target stands for every value that is not named.
const ImplicitTarget = "*"

// missingValue is the value index of a node without the attribute.
const missingValue = -1

// spreadRule is one spread block and how many allocations of the group each attribute value has.
type spreadRule struct {
	target feasible.Target
	// share is the weight of the block divided by the sum of all weights.
	share float64
	// even is set for a block without targets.
	even bool

	index  map[string]int32
	counts []int
	// desired holds the wanted number by value index; negative when the block says nothing about it.
	desired []float64
	byName  map[string]float64
	rest    float64
}

// undesired marks a value that no target names when nothing is left for the others.
const undesired = -1

// newSpreadRules compiles the spread blocks of the job and the group for a group of count.
func newSpreadRules(job *api.Job, group *api.TaskGroup, count int) []*spreadRule {
	var rules []*spreadRule
	total := 0.0
	for _, blocks := range [2][]*api.Spread{job.Spreads, group.Spreads} {
		for _, b := range blocks {
			if b == nil {
				continue
			}
			total += float64(b.WeightOrDefault())
			rules = append(rules, newSpreadRule(b, count))
		}
	}
	for _, r := range rules {
		if total > 0 {
			r.share /= total
		}
	}
	return rules
}

func newSpreadRule(b *api.Spread, count int) *spreadRule {
	r := &spreadRule{
		target: feasible.NewTarget(b.Attribute),
		share:  float64(b.WeightOrDefault()),
		even:   len(b.SpreadTarget) == 0,
		index:  map[string]int32{},
		byName: map[string]float64{},
		rest:   undesired,
	}
	percents := 0
	for _, t := range b.SpreadTarget {
		if t == nil {
			continue
		}
		percents += t.Percent
		want := float64(t.Percent) / 100 * float64(count)
		if t.Value == ImplicitTarget {
			r.rest = want
			continue
		}
		r.byName[t.Value] = want
	}
	if percents < 100 && r.rest == undesired {
		r.rest = float64(100-percents) / 100 * float64(count)
	}
	return r
}

// valueOf returns the index of the node's value of the attribute, or missingValue.
func (r *spreadRule) valueOf(n *api.Node) int32 {
	text, ok := r.target.Value(n)
	if !ok {
		return missingValue
	}
	if i, ok := r.index[text]; ok {
		return i
	}
	i := int32(len(r.counts))
	r.index[text] = i
	r.counts = append(r.counts, 0)
	want, ok := r.byName[text]
	if !ok {
		want = r.rest
	}
	r.desired = append(r.desired, want)
	return i
}

// boosts computes the boost of each value for one more allocation.
func (r *spreadRule) boosts(into []float64) []float64 {
	into = into[:0]
	if r.even {
		return r.evenBoosts(into)
	}
	lowest := -1.0
	for v, want := range r.desired {
		if want > 0 {
			lowest = min(lowest, r.targetBoost(v, want))
		}
	}
	for v, want := range r.desired {
		switch {
		case want > 0:
			into = append(into, r.targetBoost(v, want))
		case want == 0:
			into = append(into, lowest)
		default:
			into = append(into, -1)
		}
	}
	return into
}

func (r *spreadRule) targetBoost(value int, want float64) float64 {
	return (want - float64(r.counts[value]+1)) / want * r.share
}

// missingBoost rates nodes without the attribute: worst, unless an even spread has nothing placed yet.
func (r *spreadRule) missingBoost() float64 {
	if r.even && slices.Max(append(r.counts, 0)) == 0 {
		return 0
	}
	return -1
}

// evenBoosts follows scheduler.md 5.4: values in use are those with at least one allocation.
func (r *spreadRule) evenBoosts(into []float64) []float64 {
	lowest, highest := 0, 0
	for _, n := range r.counts {
		if n > 0 && (lowest == 0 || n < lowest) {
			lowest = n
		}
		highest = max(highest, n)
	}
	for _, n := range r.counts {
		into = append(into, evenBoost(n, lowest, highest))
	}
	return into
}

// evenBoost rates one more allocation for a value that has current ones, where the values in use have
// between lowest and highest.
func evenBoost(current, lowest, highest int) float64 {
	switch {
	case highest == 0:
		return 0
	case current != lowest && lowest == 0:
		return -1
	case current != lowest:
		return float64(lowest-current) / float64(lowest)
	case lowest == highest:
		return -1
	}
	return float64(highest-lowest) / float64(lowest)
}

// spread groups the candidates whose attribute values are equal, since their boost is equal.
type spread struct {
	rules []*spreadRule
	// values holds the value index of each rule for each bucket.
	values [][]int32
	byKey  map[bucketKey]int32
	// boost is the sum of the boosts by bucket.
	boost   []float64
	scratch []float64
}

// bucketKey extends the bucket of the first rules by the value of the next one.
type bucketKey struct{ bucket, value int32 }

func newSpread(rules []*spreadRule) *spread {
	if len(rules) == 0 {
		return nil
	}
	return &spread{rules: rules, byKey: map[bucketKey]int32{}}
}

// bucketOf returns the bucket of the node and makes one when it is the first of its kind.
func (s *spread) bucketOf(n *api.Node) int32 {
	const root = -1
	id := int32(root)
	for i, r := range s.rules {
		key := bucketKey{bucket: id, value: r.valueOf(n)}
		next, ok := s.byKey[key]
		if !ok {
			next = int32(len(s.values))
			s.byKey[key] = next
			var prefix []int32
			if i > 0 {
				prefix = s.values[id]
			}
			s.values = append(s.values, append(append([]int32(nil), prefix...), key.value))
		}
		id = next
	}
	return id
}

// count records that the bucket has delta more allocations.
func (s *spread) count(bucket int32, delta int) {
	for i, v := range s.values[bucket] {
		if v != missingValue {
			s.rules[i].counts[v] += delta
		}
	}
}

// refresh computes the boost of every bucket for one more allocation.
func (s *spread) refresh() {
	if cap(s.boost) < len(s.values) {
		s.boost = make([]float64, len(s.values))
	}
	s.boost = s.boost[:len(s.values)]
	clear(s.boost)
	for i, r := range s.rules {
		s.scratch = r.boosts(s.scratch)
		for b, values := range s.values {
			if len(values) != len(s.rules) {
				continue // a prefix of buckets, not one itself
			}
			if values[i] == missingValue {
				s.boost[b] += r.missingBoost()
			} else {
				s.boost[b] += s.scratch[values[i]]
			}
		}
	}
}
