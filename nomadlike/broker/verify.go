// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// verified is what is left of a plan after the check against the newest state.
type verified struct {
	result *api.PlanResult
	// flying are the allocations whose claims the write changes.
	flying []*api.Allocation
	// evicted are the allocations that the plan preempts.
	evicted []*api.Allocation
}

// verify checks the plan node by node (scheduler.md 7): what does not fit any more is dropped, with the
// whole plan when it is all-at-once. The view includes everything in flight; row returns an allocation
// as it is there.
func verify(v view, plan *api.Plan, row func(id string) *api.Allocation) verified {
	r := &api.PlanResult{Deployment: plan.Deployment, DeploymentUpdates: plan.DeploymentUpdates}
	out := verified{result: r}
	overlay := usage.NewOverlay(v.Usage())
	for _, nodeID := range planNodes(plan) {
		evict := livePreemptions(plan.NodePreemptions[nodeID], row)
		stops, places := plan.NodeUpdate[nodeID], plan.NodeAllocation[nodeID]
		part := usage.Part{NodeID: nodeID, Place: places, Stop: stops}
		if len(evict) > 0 {
			part.Stop = slices.Concat(stops, evict)
		}
		if _, ok := usage.Fits(overlay, part, row); !ok {
			r.RejectedNodes = append(r.RejectedNodes, nodeID)
			if plan.AllAtOnce {
				break
			}
			continue
		}
		add(&r.NodeUpdate, nodeID, stops)
		add(&r.NodeAllocation, nodeID, places)
		add(&r.NodePreemptions, nodeID, evict)
		out.evicted = append(out.evicted, evict...)
		out.flying = append(out.flying, places...)
		for _, stop := range stops {
			// A stop frees its room only when the client is done, or here when it says so itself (lost).
			if stop.ClientTerminalStatus() {
				out.flying = append(out.flying, stop)
			}
		}
	}
	if len(r.RejectedNodes) == 0 {
		return out
	}
	if plan.AllAtOnce {
		return verified{result: &api.PlanResult{RejectedNodes: r.RejectedNodes}}
	}
	r.Deployment = dropCanaries(r.Deployment, r.NodeAllocation)
	return out
}

// planNodes returns the nodes that the plan touches, in the order of their IDs.
func planNodes(plan *api.Plan) []string {
	ids := make([]string, 0, len(plan.NodeAllocation)+len(plan.NodeUpdate))
	for _, m := range [3]map[string][]*api.Allocation{plan.NodeUpdate, plan.NodeAllocation, plan.NodePreemptions} {
		for id := range m {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func add(m *map[string][]*api.Allocation, nodeID string, allocs []*api.Allocation) {
	if len(allocs) == 0 {
		return
	}
	if *m == nil {
		*m = map[string][]*api.Allocation{}
	}
	(*m)[nodeID] = allocs
}

// livePreemptions leaves out what ended meanwhile.
func livePreemptions(allocs []*api.Allocation, row func(id string) *api.Allocation) []*api.Allocation {
	gone := func(a *api.Allocation) bool {
		now := row(a.ID)
		return now == nil || now.TerminalStatus()
	}
	if !slices.ContainsFunc(allocs, gone) {
		return allocs
	}
	return slices.DeleteFunc(slices.Clone(allocs), gone)
}

// dropCanaries takes the canaries out of a new deployment that were not placed.
func dropCanaries(d *api.Deployment, placed map[string][]*api.Allocation) *api.Deployment {
	if d == nil {
		return nil
	}
	ids := map[string]bool{}
	for _, allocs := range placed {
		for _, a := range allocs {
			ids[a.ID] = true
		}
	}
	c := *d
	c.TaskGroups = make(map[string]*api.DeploymentState, len(d.TaskGroups))
	for name, group := range d.TaskGroups {
		if group != nil && len(group.PlacedCanaries) > 0 {
			g := *group
			g.PlacedCanaries = slices.DeleteFunc(slices.Clone(g.PlacedCanaries), func(id string) bool { return !ids[id] })
			group = &g
		}
		c.TaskGroups[name] = group
	}
	return &c
}
