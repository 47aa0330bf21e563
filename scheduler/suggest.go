// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/rank"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Limits of the suggestions: how many changes in one place are named, and how many combinations of several.
const (
	maxSingle   = 6
	maxCombined = 3
)

// suggestion is a change that would place an allocation on some nodes.
type suggestion struct {
	// change is what to do, node one of the nodes that then take one, nodes how many do.
	change string
	node   string
	nodes  int
	cost   float64
}

func (s suggestion) String() string {
	switch {
	case s.nodes == 0:
		return s.change
	case s.nodes > 1:
		return fmt.Sprintf("%s: %d nodes then take one", s.change, s.nodes)
	}
	return fmt.Sprintf("%s: node %s then takes one", s.change, s.node)
}

// suggest names the smallest changes that would place an allocation, the cheapest first: for the nodes with the fewest
// obstacles, and those where it is cheaper although there are more, what has to change for all of these to go away.
func (p *pass) suggest(x *explanation) {
	x.Corrections = append(p.corrections(x), x.corrections()...)
	fewest := 0
	for _, set := range x.sets {
		if n := len(set.obstacles); fewest == 0 || n < fewest {
			fewest = n
		}
	}
	cheapest := math.Inf(1)
	for _, set := range x.sets {
		if len(set.obstacles) == fewest {
			cheapest = min(cheapest, set.cost())
		}
	}
	var list []suggestion
	for _, set := range x.sets {
		if len(set.obstacles) == fewest || set.cost() < cheapest {
			list = append(list, x.change(set))
		}
	}
	list = append(list, p.lowerCount(x)...)
	list = append(list, p.allowPreemption(x)...)
	slices.SortFunc(list, func(a, b suggestion) int {
		return cmp.Or(cmp.Compare(a.cost, b.cost), cmp.Compare(b.nodes, a.nodes), cmp.Compare(a.change, b.change))
	})
	list = merge(list)
	limit := maxSingle
	if fewest > 1 {
		limit = maxCombined
	}
	for _, s := range list[:min(limit, len(list))] {
		x.Suggestions = append(x.Suggestions, s.String())
	}
	x.Suggestions = append(x.Suggestions, x.addNode())
}

// merge joins equal changes, which are neighbours, into one.
func merge(list []suggestion) []suggestion {
	var out []suggestion
	for _, s := range list {
		if last := len(out) - 1; last >= 0 && out[last].change == s.change {
			out[last].nodes += s.nodes
			continue
		}
		out = append(out, s)
	}
	return out
}

// lowerCount suggests to be content with the allocations that have a node.
func (p *pass) lowerCount(x *explanation) []suggestion {
	wanted := x.group.CountOrDefault()
	if perNode(x.job) || x.Placed == 0 || x.Missing == 0 || x.Placed >= wanted {
		return nil
	}
	return []suggestion{{
		change: fmt.Sprintf("lower the count of group %q from %d to %d, for which there are nodes", x.Group, wanted, x.Placed),
		cost:   0.9 + float64(x.Missing)/float64(wanted),
	}}
}

// allowPreemption suggests to let jobs of this type preempt, if that is all that it takes.
func (p *pass) allowPreemption(x *explanation) []suggestion {
	if len(x.misses) == 0 || p.preemption(p.newest) != nil || x.job.PriorityOrDefault() <= rank.PriorityDelta {
		return nil
	}
	in := p.placerInput(p.newest, x.group)
	in.Preemption = &rank.Preemption{Allocs: p.nodeAllocs, Evicted: map[rank.EvictedGroup]int{}}
	ord, ok := rank.New(in).CouldPreempt()
	if !ok {
		return nil
	}
	return []suggestion{{
		change: fmt.Sprintf("let %s jobs preempt others of lower priority (operator scheduler set-config -preempt-%s-scheduler=true)", x.job.Type, x.job.Type),
		node:   p.overlay.Node(ord).Name,
		nodes:  1,
		cost:   0.95,
	}}
}

// cost orders the changes: to ask for a little less is cheaper than to give something up, that is cheaper than to
// use other nodes, and that than to change what a node is.
func (s *obstacleSet) cost() float64 {
	sum := 0.0
	for _, o := range s.obstacles {
		switch {
		case o.Kind == api.ObstacleRoom:
			lack := s.lack(o.Reason)
			if lack == nil || lack.Free < least(o.Reason) {
				sum += 3
			} else {
				sum += float64(lack.Short()) / float64(max(lack.Wanted, 1))
			}
		case o.Kind == api.ObstacleConstraint && slices.ContainsFunc([]string{missingDriver, missingDevice, missingPlugins}, func(prefix string) bool {
			return strings.HasPrefix(o.Reason, prefix)
		}):
			sum += 3
		case o.Kind == api.ObstacleConstraint:
			sum++
		case strings.HasPrefix(o.Reason, "node is "):
			sum += 1.5
		case strings.HasPrefix(o.Reason, "datacenter "):
			sum += 2
		default:
			sum += 2.2
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
func (x *explanation) change(s *obstacleSet) suggestion {
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
			parts = append(parts, s.include(o.Reason, x.Placed > 0))
		}
	}
	out := suggestion{change: list(parts), node: s.names[0], nodes: nodes, cost: s.cost()}
	if s.nearest != nil {
		out.node = s.nearest.NodeName
	}
	return out
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

// least is the smallest amount of a dimension that a job may ask for.
func least(dimension string) int64 {
	if dimension == usage.DimensionMemory || dimension == usage.DimensionDisk {
		return 10
	}
	return 1
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
	case s.Dimension == usage.DimensionNumaCores:
		return `set affinity = "prefer" in the numa block, so that the cores may be of several NUMA nodes`
	case unit == "":
		return fmt.Sprintf("make room (%s)", s.Dimension)
	case s.Free < least(s.Dimension):
		amount := fmt.Sprintf("%d %s of %s", s.Short(), unit, s.Dimension)
		if unit == s.Dimension {
			amount = fmt.Sprintf("%d %s", s.Short(), unit)
		}
		return fmt.Sprintf("free %s on a node (%d of %d are free)", amount, max(s.Free, 0), s.Wanted)
	}
	if s.Dimension == usage.DimensionCores {
		return fmt.Sprintf("lower cores of %s from %d to %d", x.whose(s.Dimension), s.Wanted, s.Free)
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

// What begins the reasons of some obstacles.
const (
	missingDriver   = "missing driver "
	missingDevice   = "missing device "
	missingVolume   = "missing host volume "
	missingNetwork  = "missing host network "
	missingMode     = "missing network "
	missingPlugins  = "missing CNI plugins "
	missingProperty = "missing property "
	unknownSignals  = "${attr.os.signals} " + api.OpSetContains + " "
	unhealthyDevice = "missing healthy instances of device "
	forWriting      = " for writing"
)

// giveUp says how to do without what a node does not satisfy.
func giveUp(reason string) string {
	for prefix, text := range map[string]string{
		missingDriver:   "make the driver %s work on a node",
		missingDevice:   "provide the device %s on a node",
		missingVolume:   "define the host volume %s on a node",
		missingNetwork:  "define the host network %s on a node",
		missingMode:     "provide the network %s on a node",
		missingPlugins:  "install the CNI plugins %s in the cni_path of a node",
		missingProperty: "set %s on a node",
		unknownSignals:  "ask for signals that a node knows, which are written in capitals, instead of %s",
	} {
		name, ok := strings.CutPrefix(reason, prefix)
		if !ok {
			continue
		}
		if volume, ok := strings.CutSuffix(name, forWriting); ok && prefix == missingVolume {
			return fmt.Sprintf("ask for the host volume %s with read_only = true or make it writable on a node", volume)
		}
		return fmt.Sprintf(text, strings.ReplaceAll(name, `"`, ""))
	}
	if property, _, ok := cutProperty(reason); ok {
		return fmt.Sprintf("allow more allocations for each %s (the value of distinct_property)", property)
	}
	switch {
	case reason == api.OpDistinctHosts:
		return "drop distinct_hosts"
	case strings.HasPrefix(reason, unhealthyDevice):
		return fmt.Sprintf("ask for fewer of the device %s or mend its unhealthy instances", strings.TrimPrefix(reason, unhealthyDevice))
	case strings.HasPrefix(reason, "missing "):
		return fmt.Sprintf("provide what nodes lack (%s)", reason)
	}
	return fmt.Sprintf("drop or relax the constraint %q", reason)
}

// include says how to use nodes that do not come into question now; placed says that the group has nodes which it
// would have to leave for another pool.
func (s *obstacleSet) include(reason string, placed bool) string {
	which := "nodes"
	switch {
	case s.nearest != nil && s.near == 1:
		which = s.nearest.NodeName
	case s.nodes <= len(s.names):
		which = list(s.names)
	}
	switch reason {
	case "node is ineligible":
		return "make " + which + " eligible (node eligibility -enable)"
	case "node is draining":
		return "end the drain of " + which + " (node drain -disable)"
	}
	if rest, ok := strings.CutPrefix(reason, "node is "); ok {
		return fmt.Sprintf("bring back %s (%s)", which, rest)
	}
	if rest, ok := strings.CutPrefix(reason, "datacenter "); ok {
		name, _, _ := strings.Cut(rest, " is none of ")
		return fmt.Sprintf("add the datacenter %s to the job", name)
	}
	if rest, ok := strings.CutPrefix(reason, "node pool "); ok {
		name, _, _ := strings.Cut(rest, " is not ")
		if placed {
			name = api.NodePoolAll + " (the nodes of every pool)"
		}
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
	return strings.HasPrefix(reason, "missing device ") || strings.HasPrefix(reason, unhealthyDevice) || strings.HasPrefix(reason, "device ")
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
