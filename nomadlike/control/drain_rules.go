// SPDX-License-Identifier: MPL-2.0

package control

import (
	"cmp"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// drainingNode is a node that drains, with the allocations that its client has not ended.
type drainingNode struct {
	row *api.Node
	// forced is set when the deadline has passed, or there was none to wait for.
	forced bool
	// services migrate at the pace of their groups, batch ones may finish, system ones go last.
	services, batch, system []*api.Allocation
	gone                    bool
}

func newDrainingNode(snap *state.Snapshot, row *api.Node, now time.Time) *drainingNode {
	s := row.DrainStrategy
	n := &drainingNode{
		row:    row,
		forced: s.Deadline < 0 || s.ForceDeadline != nil && !s.ForceDeadline.After(now),
		// The scheduler loses what is on a node that is down, there is nothing left to drain.
		gone: row.Status == api.NodeStatusDown,
	}
	for a := range state.Allocs.By(snap, state.ByNode, row.ID) {
		if a.ClientTerminalStatus() {
			continue
		}
		switch typeOf(snap, a) {
		case api.JobTypeSystem, api.JobTypeSysBatch:
			if !s.IgnoreSystemJobs {
				n.system = append(n.system, a)
			}
		case api.JobTypeBatch:
			n.batch = append(n.batch, a)
		default:
			n.services = append(n.services, a)
		}
	}
	return n
}

func typeOf(snap *state.Snapshot, a *api.Allocation) string {
	if a.Job != nil {
		return a.Job.Type
	}
	if job := state.Jobs.Get(snap, a.Namespace, a.JobID); job != nil {
		return job.Type
	}
	return api.JobTypeService
}

func (n *drainingNode) all() []*api.Allocation { return slices.Concat(n.services, n.batch, n.system) }

// isEmpty reports whether the drain is over.
func (n *drainingNode) isEmpty() bool {
	return n.gone || len(n.services)+len(n.batch)+len(n.system) == 0
}

// isPlaced reports whether the allocation still has to be told to leave.
func isPlaced(a *api.Allocation) bool {
	return !a.ServerTerminalStatus() && !a.DesiredTransition.ShouldMigrate()
}

// drainable returns the allocations that are to migrate now, those of one node after the other.
func drainable(snap *state.Snapshot, nodes []*drainingNode) []*api.Allocation {
	var out []*api.Allocation
	paced := map[groupRef][]*api.Allocation{}
	var groups []groupRef
	for _, n := range nodes {
		switch {
		case n.gone:
		case n.forced:
			out = append(out, placed(n.all())...)
		default:
			for _, a := range placed(n.services) {
				ref := groupRef{jobRef{a.Namespace, a.JobID}, a.TaskGroup}
				if paced[ref] == nil {
					groups = append(groups, ref)
				}
				paced[ref] = append(paced[ref], a)
			}
			if len(n.services)+len(n.batch) == 0 {
				out = append(out, placed(n.system)...)
			}
		}
	}
	for _, ref := range groups {
		out = append(out, pace(snap, ref, paced[ref])...)
	}
	return out
}

func placed(allocs []*api.Allocation) []*api.Allocation {
	var out []*api.Allocation
	for _, a := range allocs {
		if isPlaced(a) {
			out = append(out, a)
		}
	}
	return out
}

// groupRef names a task group of a job.
type groupRef struct {
	jobRef

	group string
}

// pace returns which of the allocations on draining nodes may migrate so that the group keeps all but
// max_parallel of its count healthy, wherever they run. Those that are not healthy go first.
func pace(snap *state.Snapshot, ref groupRef, allocs []*api.Allocation) []*api.Allocation {
	job := state.Jobs.Get(snap, ref.namespace, ref.id)
	if job.Stopped() {
		return allocs
	}
	tg := job.LookupTaskGroup(ref.group)
	if tg == nil {
		return allocs
	}
	parallel := 1
	if tg.Migrate != nil {
		parallel = api.Or(tg.Migrate.MaxParallel, 1)
	}
	healthy := 0
	for a := range state.Allocs.By(snap, state.ByJob, ref.namespace, ref.id) {
		if a.TaskGroup == ref.group && isPlaced(a) && isHealthy(a) {
			healthy++
		}
	}
	spare := healthy - (tg.CountOrDefault() - parallel)
	if spare <= 0 {
		return nil
	}
	allocs = slices.Clone(allocs)
	slices.SortStableFunc(allocs, func(a, b *api.Allocation) int {
		return cmp.Or(compareBool(isHealthy(a), isHealthy(b)), cmp.Compare(a.CreateIndex, b.CreateIndex), cmp.Compare(a.ID, b.ID))
	})
	return allocs[:min(spare, len(allocs))]
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// isHealthy reports whether the allocation runs and its client found it healthy.
func isHealthy(a *api.Allocation) bool {
	return a.ClientStatus == api.AllocClientRunning && a.DeploymentStatus.IsHealthy()
}
