// SPDX-License-Identifier: MPL-2.0

package api

// JobPlacement tells where the allocations of a job can run, and why those that have no node have none. It is
// computed for the job as it is and the cluster as it is now; nothing of it is stored.
type JobPlacement struct {
	Namespace  string
	JobID      string
	JobVersion uint64
	// Groups are in the order of the job.
	Groups []*GroupPlacement
}

// Group returns the placement of the group with that name, or nil.
func (p *JobPlacement) Group(name string) *GroupPlacement {
	for _, g := range p.Groups {
		if g.Group == name {
			return g
		}
	}
	return nil
}

// GroupPlacement is JobPlacement for one task group.
type GroupPlacement struct {
	Group string
	// Missing is the number of allocations that find no node now.
	Missing int
	// Placed is the number of allocations that have a node, with those that would find one now.
	Placed int
	// Nodes is the number of nodes in the cluster, Suitable that of those that would take one more allocation.
	Nodes    int
	Suitable int
	// Obstacles are all reasons for which nodes take no allocation, the one of most nodes first. A node with
	// several counts for each of them.
	Obstacles []*PlacementObstacle
	// NearestMisses are the nodes that lack least, at most five.
	NearestMisses []*PlacementMiss
	// Corrections say what the job asks for and no node has, and what may have been meant.
	Corrections []string `json:",omitempty"`
	// Suggestions are the smallest changes that would place at least one allocation, in words: each by itself does.
	Suggestions []string
	// Notes name the preferences of the job and the group that the nodes cannot follow, such as a spread over an
	// attribute that no node has.
	Notes []string `json:",omitempty"`
}

// Kinds of a PlacementObstacle.
const (
	// ObstacleNode is about the node itself: its status, eligibility, datacenter or pool.
	ObstacleNode = "node"
	// ObstacleConstraint is a constraint, driver, volume, device or network that the node does not satisfy.
	ObstacleConstraint = "constraint"
	// ObstacleRoom is a dimension in which the node lacks room.
	ObstacleRoom = "room"
)

// PlacementObstacle is one reason and the nodes that it concerns.
type PlacementObstacle struct {
	Kind   string
	Reason string
	// Nodes counts the nodes with this reason, Alone those without any other.
	Nodes int
	Alone int
	// Classes counts the nodes by node class, those without one under "".
	Classes map[string]int
	// Values counts what nodes have where an unmet constraint looks, the five most frequent values; OtherValues
	// is how many more there are. Unset counts the nodes that have nothing there.
	Values      map[string]int `json:",omitempty"`
	OtherValues int            `json:",omitempty"`
	Unset       int            `json:",omitempty"`
	// Similar is the target, such as attr.kernel.name, that was probably meant when no node has what the
	// constraint looks at.
	Similar string `json:",omitempty"`
}

// PlacementMiss is a node that satisfies everything but lacks room.
type PlacementMiss struct {
	NodeID    string
	NodeName  string
	NodeClass string
	Lacks     []*Shortage
}

// Shortage is a dimension in which a node lacks room: cpu in MHz, memory and disk in MiB, cores and
// allocations in numbers. Ports have a reason and no numbers.
type Shortage struct {
	Dimension string
	Wanted    int64
	Free      int64
}

// Short returns how much is missing.
func (s *Shortage) Short() int64 { return max(0, s.Wanted-s.Free) }
