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
	text := list(parts)
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

// devicePrefix begins the dimension of a device of which too few instances are free.
const devicePrefix = "device "

// makeRoom says how the group would fit in one dimension.
func (x *explanation) makeRoom(s *api.Shortage) string {
	unit := unitOf(s.Dimension)
	switch {
	case s.Dimension == usage.DimensionMaxAllocs:
		return "raise node_max_allocs of a node or stop another allocation there"
	case strings.HasPrefix(s.Dimension, "network: reserved port"):
		return fmt.Sprintf("make the port dynamic (%s)", strings.TrimPrefix(s.Dimension, "network: "))
	case strings.HasPrefix(s.Dimension, devicePrefix):
		return fmt.Sprintf("free %d of the device %s on a node (%d of %d are free)", s.Short(), strings.TrimPrefix(s.Dimension, devicePrefix), s.Free, s.Wanted)
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
	if name, ok := strings.CutPrefix(reason, "missing device "); ok {
		return fmt.Sprintf("provide the device %s on a node", name)
	}
	if property, used, ok := cutProperty(reason); ok {
		return fmt.Sprintf("allow more allocations for each %s (now %s)", property, used)
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

// addNode describes a node that would take the allocation: its size and devices, where it has to be, and everything
// that some node lacks now.
func (x *explanation) addNode() string {
	cpu, memory, disk, cores := x.placer.Wanted()
	size := []string{fmt.Sprintf("%d MHz", cpu)}
	if cores > 0 {
		size[0] = fmt.Sprintf("%d cores", cores)
	}
	size = append(size, fmt.Sprintf("%d MiB of memory", memory), fmt.Sprintf("%d MiB of disk", disk))
	size = append(size, x.checks.Devices().Requests()...)
	text := "add a node with at least " + list(size) + " free"
	if len(x.misses) > 0 && x.misses[0].NodeClass != "" {
		text += " of class " + x.misses[0].NodeClass // lacks nothing but room
	}
	if x.outside("datacenter ") {
		text += " in the datacenter " + strings.Join(x.job.Datacenters, " or ")
	}
	if x.outside("node pool ") {
		text += " in the node pool " + x.job.NodePool
	}
	if wanted := x.properties(); len(wanted) > 0 {
		text += " that " + list(wanted)
	}
	return text
}

// outside reports whether some nodes do not come into question for a reason that begins so.
func (x *explanation) outside(prefix string) bool {
	return slices.ContainsFunc(x.Obstacles, func(o *api.PlacementObstacle) bool {
		return o.Kind == api.ObstacleNode && strings.HasPrefix(o.Reason, prefix)
	})
}

// properties lists what a new node has to have besides its size and devices, as far as some node lacks it.
func (x *explanation) properties() []string {
	var wanted []string
	for _, o := range x.Obstacles {
		if o.Kind != api.ObstacleConstraint || o.Reason == api.OpDistinctHosts || isDevice(o.Reason) {
			continue
		}
		text := "satisfies " + o.Reason
		if property, _, ok := cutProperty(o.Reason); ok {
			text = "has another value of " + property
		} else if name, ok := strings.CutPrefix(o.Reason, "missing "); ok {
			text = "has the " + name
		}
		wanted = append(wanted, text)
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// isDevice reports whether a reason is about devices, which the size of a new node says.
func isDevice(reason string) bool {
	return strings.HasPrefix(reason, "missing device ") || strings.HasPrefix(reason, "missing healthy instances ") || strings.HasPrefix(reason, "device ")
}

// cutProperty splits the reason of distinct_property into the property, and its value and use.
func cutProperty(reason string) (property, used string, ok bool) {
	rest, ok := strings.CutPrefix(reason, "distinct_property: ")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "=")
}

// list joins texts as "a, b and c".
func list(texts []string) string {
	last := len(texts) - 1
	if last < 1 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}
