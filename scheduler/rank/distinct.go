// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
)

// property counts the allocations per value of one distinct_property rule.
type property struct {
	feasible.DistinctProperty
	counts map[string]int
}

func newProperties(rules []feasible.DistinctProperty) []property {
	if len(rules) == 0 {
		return nil
	}
	out := make([]property, len(rules))
	for i, r := range rules {
		out[i] = property{DistinctProperty: r, counts: map[string]int{}}
	}
	return out
}

// count records delta more allocations on the node, of the placed group or of another one of the job.
func (p *property) count(n *api.Node, ofGroup bool, delta int) {
	if !ofGroup && !p.JobWide {
		return
	}
	if value, ok := p.Target.Value(n); ok {
		p.counts[value] += delta
	}
}

// refuses returns why one more allocation on the node would break the rule, or "".
func (p *property) refuses(n *api.Node) string {
	value, ok := p.Target.Value(n)
	if !ok {
		return "missing property " + strconv.Quote(p.Text)
	}
	if used := p.counts[value]; used >= p.Allowed {
		return "distinct_property: " + p.Text + "=" + value + " used by " + strconv.Itoa(used) + " allocs"
	}
	return ""
}
