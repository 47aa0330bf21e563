// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/rank"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// preemption returns what lets placements of the job evict others, nil unless the scheduler configuration
// allows jobs of its type to.
func (p *pass) preemption(v *version) *rank.Preemption {
	job, c := v.job, v.config.PreemptionConfig
	allowed := map[string]bool{
		api.JobTypeService: c.ServiceSchedulerEnabled, api.JobTypeBatch: c.BatchSchedulerEnabled,
		api.JobTypeSystem: c.SystemSchedulerEnabled, api.JobTypeSysBatch: c.SysBatchSchedulerEnabled,
	}
	if !allowed[job.Type] || job.PriorityOrDefault() <= rank.PriorityDelta {
		return nil
	}
	return &rank.Preemption{Allocs: p.nodeAllocs, Evicted: p.losses}
}

// nodeAllocs returns the allocations that take something of the node and that the plan neither stops nor
// evicts.
func (p *pass) nodeAllocs(ord int) []*api.Allocation {
	var out []*api.Allocation
	for _, a := range p.view.AllocsByNode(p.overlay.NodeID(ord)) {
		if usage.Counts(a) && !p.stopped[a.ID] && !p.evicted[a.ID] {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b *api.Allocation) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// evict plans the eviction of allocations for the one with that ID, and returns their IDs.
func (p *pass) evict(group, by string, victims []*api.Allocation) []string {
	ids := make([]string, len(victims))
	for i, v := range victims {
		ids[i] = v.ID
		p.evicted[v.ID] = true
		row := *v
		row.DesiredStatus = api.AllocDesiredEvict
		row.DesiredDescription = api.AllocDescPreempted + by
		row.PreemptedByAllocation = by
		row.ModifyTime = p.cfg.Now.UnixNano()
		p.plan.NodePreemptions[v.NodeID] = append(p.plan.NodePreemptions[v.NodeID], &row)
		p.annotations.PreemptedAllocs = append(p.annotations.PreemptedAllocs, row.Stub())
	}
	if desired := p.annotations.DesiredTGUpdates[group]; desired != nil {
		desired.Preemptions += len(victims)
	}
	return ids
}
