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

// Limits of the suggestions: how many changes in one place are named, and how many combinations of several.
const (
	maxSingle   = 6
	maxCombined = 3
)

// suggest names the smallest changes that would place an allocation: for the nodes with the fewest obstacles,
// what has to change for all of these to go away. The cheapest come first.
func (x *explanation) suggest() {
	x.correct()
	var sets []*obstacleSet
	fewest := 0
	for _, set := range x.sets {
		if n := len(set.obstacles); fewest == 0 || n < fewest {
			fewest, sets = n, nil
		}
		if len(set.obstacles) == fewest {
			sets = append(sets, set)
		}
	}
	slices.SortFunc(sets, func(a, b *obstacleSet) int {
		return cmp.Or(cmp.Compare(a.cost(), b.cost()), cmp.Compare(b.nodes, a.nodes), cmp.Compare(a.obstacles[0].Reason, b.obstacles[0].Reason))
	})
	limit := maxSingle
	if fewest > 1 {
		limit = maxCombined
	}
	for _, set := range sets[:min(limit, len(sets))] {
		x.Suggestions = append(x.Suggestions, x.change(set))
	}
	x.Suggestions = append(x.Suggestions, x.addNode())
}

// correct names attributes that no node has but that are spelled almost like one that nodes have.
func (x *explanation) correct() {
	for _, o := range x.Obstacles {
		if o.Similar != "" {
			x.Suggestions = append(x.Suggestions, fmt.Sprintf("no node has the attribute of %q; did you mean ${%s}?", o.Reason, o.Similar))
		}
	}
}

// cost orders the changes: to ask for a little less is cheaper than to give something up, and that is cheaper
// than to change the cluster.
func (s *obstacleSet) cost() float64 {
	sum := 0.0
	for _, o := range s.obstacles {
		switch o.Kind {
		case api.ObstacleRoom:
			lack := s.lack(o.Reason)
			if lack == nil || lack.Free <= 0 {
				sum += 3
			} else {
				sum += float64(lack.Short()) / float64(max(lack.Wanted, 1))
			}
		case api.ObstacleConstraint:
			sum += 1
		default:
			sum += 2
		}
	}
	return sum
}

// lack returns what the nearest node of the set lacks in a dimension.
func (s *obstacleSet) lack(dimension string) *api.Shortage {
	if s.nearest == nil {
		return nil
	}
	for _, lack := range s.nearest.Lacks {
		if lack.Dimension == dimension {
			return lack
		}
	}
	return nil
}

// change says what has to change for the nodes of the set to take an allocation.
func (x *explanation) change(s *obstacleSet) string {
	nodes := s.nodes
	parts := make([]string, 0, len(s.obstacles))
	for _, o := range s.obstacles {
		switch o.Kind {
		case api.ObstacleRoom:
			lack := s.lack(o.Reason)
			if unitOf(o.Reason) != "" {
				nodes = s.near
			}
			parts = append(parts, x.makeRoom(lack))
		case api.ObstacleConstraint:
			parts = append(parts, giveUp(o.Reason))
		default:
			parts = append(parts, include(o.Reason))
		}
	}
	text := strings.Join(parts, ", ")
	if last := len(parts) - 1; last > 0 {
		text = strings.Join(parts[:last], ", ") + " and " + parts[last]
	}
	switch {
	case nodes > 1:
		return fmt.Sprintf("%s: %d nodes then take one", text, nodes)
	case s.nearest != nil:
		return fmt.Sprintf("%s: node %s then takes one", text, s.nearest.NodeName)
	}
	return text + ": 1 node then takes one"
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

// makeRoom says how the group would fit in one dimension.
func (x *explanation) makeRoom(s *api.Shortage) string {
	unit := unitOf(s.Dimension)
	switch {
	case s.Dimension == usage.DimensionMaxAllocs:
		return "raise node_max_allocs of a node or stop another allocation there"
	case strings.HasPrefix(s.Dimension, "network: reserved port"):
		return fmt.Sprintf("make the port dynamic (%s)", strings.TrimPrefix(s.Dimension, "network: "))
	case unit == "":
		return fmt.Sprintf("make room (%s)", s.Dimension)
	case s.Free <= 0:
		return fmt.Sprintf("free %d %s of %s on a node (%s)", s.Short(), unit, s.Dimension, "nothing is left of it")
	}
	return fmt.Sprintf("lower %s of %s from %d to %d %s", s.Dimension, x.whose(s.Dimension), s.Wanted, s.Free, unit)
}

// whose names the task that has to ask for less, or the group when its tasks do so together.
func (x *explanation) whose(dimension string) string {
	if dimension != usage.DimensionDisk && len(x.group.Tasks) == 1 {
		return fmt.Sprintf("task %q", x.group.Tasks[0].Name)
	}
	return "the group"
}

// giveUp says how to do without what a node does not satisfy.
func giveUp(reason string) string {
	if name, ok := strings.CutPrefix(reason, "missing driver "); ok {
		return fmt.Sprintf("make the driver %s work on a node", name)
	}
	switch {
	case reason == api.OpDistinctHosts:
		return "drop distinct_hosts"
	case strings.HasPrefix(reason, "missing "):
		return fmt.Sprintf("provide what nodes lack (%s)", reason)
	}
	return fmt.Sprintf("drop or relax the constraint %q", reason)
}

// include says how to use nodes that do not come into question now.
func include(reason string) string {
	switch {
	case reason == "node is ineligible":
		return "make ineligible nodes eligible (node eligibility -enable)"
	case reason == "node is draining":
		return "end the drain of nodes (node drain -disable)"
	}
	if rest, ok := strings.CutPrefix(reason, "node is "); ok {
		return fmt.Sprintf("bring nodes back that are %s", rest)
	}
	if rest, ok := strings.CutPrefix(reason, "datacenter "); ok {
		name, _, _ := strings.Cut(rest, " is none of ")
		return fmt.Sprintf("add the datacenter %s to the job", name)
	}
	if rest, ok := strings.CutPrefix(reason, "node pool "); ok {
		name, _, _ := strings.Cut(rest, " is not ")
		return fmt.Sprintf("move the job to the node pool %s", name)
	}
	return "use nodes of which the " + reason
}

// addNode describes a node that would take the allocation: its size and what no node has now.
func (x *explanation) addNode() string {
	cpu, memory, disk, cores := x.placer.Wanted()
	size := fmt.Sprintf("%d MHz", cpu)
	if cores > 0 {
		size = fmt.Sprintf("%d cores", cores)
	}
	text := fmt.Sprintf("add a node with at least %s, %d MiB of memory and %d MiB of disk free", size, memory, disk)
	if len(x.misses) > 0 && x.misses[0].NodeClass != "" {
		text += " of class " + x.misses[0].NodeClass // lacks nothing but room
	}
	var wanted []string
	for _, o := range x.Obstacles {
		if o.Kind != api.ObstacleConstraint || o.Nodes < x.Nodes {
			continue
		}
		if name, ok := strings.CutPrefix(o.Reason, "missing "); ok {
			wanted = append(wanted, "has "+strings.TrimPrefix(name, "compatible "))
		} else if o.Reason != api.OpDistinctHosts {
			wanted = append(wanted, "satisfies "+o.Reason)
		}
	}
	if len(wanted) > 0 {
		slices.Sort(wanted)
		text += " that " + strings.Join(wanted, " and ")
	}
	return text
}
