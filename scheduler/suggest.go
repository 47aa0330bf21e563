// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// suggest names the changes that would place an allocation, the smallest first: one that has to be made in
// one place, on the nodes that have no other obstacle, before those that need several.
func (x *explanation) suggest() {
	x.lower()
	x.drop()
	x.include()
	if len(x.Suggestions) == 0 {
		x.lowerAll()
	}
	x.Suggestions = append(x.Suggestions, x.addNode())
}

// lower suggests to ask for less of the one thing that nodes lack.
func (x *explanation) lower() {
	best := map[string]*api.Shortage{}
	for _, m := range x.misses {
		if len(m.Lacks) != 1 || m.Lacks[0].Free <= 0 {
			continue
		}
		if s := m.Lacks[0]; unitOf(s.Dimension) != "" && (best[s.Dimension] == nil || s.Free > best[s.Dimension].Free) {
			best[s.Dimension] = s
		}
	}
	list := make([]*api.Shortage, 0, len(best))
	for _, s := range best {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *api.Shortage) int {
		return cmp.Compare(float64(a.Short())/float64(a.Wanted), float64(b.Short())/float64(b.Wanted))
	})
	for _, s := range list {
		x.Suggestions = append(x.Suggestions, fmt.Sprintf("lower %s of the group from %d to %d %s: it then fits on a node that lacks nothing else",
			s.Dimension, s.Wanted, s.Free, unitOf(s.Dimension)))
	}
}

// unitOf is the unit of a dimension that a job can ask less of, "" for others.
func unitOf(dimension string) string {
	switch dimension {
	case usage.DimensionCPU:
		return "MHz"
	case usage.DimensionMemory, usage.DimensionDisk:
		return "MiB"
	case usage.DimensionCores:
		return "cores"
	}
	return ""
}

// drop suggests to give up the one constraint, or the one fixed port, that nodes do not satisfy.
func (x *explanation) drop() {
	for _, o := range x.Obstacles {
		switch {
		case o.Alone == 0:
		case o.Kind == api.ObstacleRoom && strings.HasPrefix(o.Reason, "network: reserved port"):
			x.Suggestions = append(x.Suggestions, fmt.Sprintf("make the port dynamic (%s): %s", strings.TrimPrefix(o.Reason, "network: "), takes(o.Alone)))
		case o.Kind == api.ObstacleRoom && o.Reason == usage.DimensionMaxAllocs:
			x.Suggestions = append(x.Suggestions, fmt.Sprintf("raise the limit of allocations of a node: %s", takes(o.Alone)))
		case o.Kind != api.ObstacleConstraint:
		case strings.HasPrefix(o.Reason, "missing driver "):
			x.Suggestions = append(x.Suggestions, fmt.Sprintf("make the driver %s work on a node: %s", strings.TrimPrefix(o.Reason, "missing driver "), takes(o.Alone)))
		case strings.HasPrefix(o.Reason, "missing "):
			x.Suggestions = append(x.Suggestions, fmt.Sprintf("provide what nodes lack (%s): %s", o.Reason, takes(o.Alone)))
		default:
			x.Suggestions = append(x.Suggestions, fmt.Sprintf("drop or relax the constraint %q: %s", o.Reason, takes(o.Alone)))
		}
	}
}

func takes(nodes int) string {
	if nodes == 1 {
		return "1 node then takes it"
	}
	return fmt.Sprintf("%d nodes then take it", nodes)
}

// include suggests to use nodes that do not come into question now.
func (x *explanation) include() {
	for _, o := range x.Obstacles {
		if o.Kind != api.ObstacleNode || o.Alone == 0 {
			continue
		}
		verb := "use them"
		switch {
		case o.Reason == "node is ineligible":
			verb = "make them eligible (node eligibility -enable)"
		case o.Reason == "node is draining":
			verb = "end their drain"
		case strings.HasPrefix(o.Reason, "node is "):
			verb = "bring them back"
		case strings.HasPrefix(o.Reason, "datacenter "):
			verb = "add the datacenter to the job"
		case strings.HasPrefix(o.Reason, "node pool "):
			verb = "change the node pool of the job"
		}
		x.Suggestions = append(x.Suggestions, fmt.Sprintf("%s, %s: %s", o.Reason, verb, takes(o.Alone)))
	}
}

// lowerAll suggests what would fit on the node that lacks least, when no single change does.
func (x *explanation) lowerAll() {
	if len(x.misses) == 0 {
		return
	}
	var parts []string
	for _, s := range x.misses[0].Lacks {
		if unitOf(s.Dimension) == "" || s.Free <= 0 {
			return
		}
		parts = append(parts, fmt.Sprintf("%s from %d to %d %s", s.Dimension, s.Wanted, s.Free, unitOf(s.Dimension)))
	}
	x.Suggestions = append(x.Suggestions, "lower "+strings.Join(parts, " and ")+": it then fits on node "+x.misses[0].NodeName)
}

// addNode describes a node that would take the allocation.
func (x *explanation) addNode() string {
	cpu, memory, cores := 0, 0, 0
	for _, t := range x.group.Tasks {
		if t != nil {
			cpu += t.Resources.CPUOrDefault()
			memory += t.Resources.MemoryMBOrDefault()
			if t.Resources != nil {
				cores += t.Resources.Cores
			}
		}
	}
	text := fmt.Sprintf("add a node with at least %d MHz, %d MiB of memory and %d MiB of disk free", cpu, memory, x.group.DiskMB())
	if cores > 0 {
		text = fmt.Sprintf("add a node with at least %d cores, %d MiB of memory and %d MiB of disk free", cores, memory, x.group.DiskMB())
	}
	if class := x.bestClass(); class != "" {
		text += " of class " + class
	}
	for _, o := range x.Obstacles {
		if o.Kind == api.ObstacleConstraint && o.Nodes == x.Nodes {
			return text + " that satisfies " + o.Reason
		}
	}
	return text
}

// bestClass is the class of the node that lacks nothing but room, and least of that.
func (x *explanation) bestClass() string {
	if len(x.misses) == 0 {
		return ""
	}
	return x.misses[0].NodeClass
}
