// SPDX-License-Identifier: MPL-2.0

package usage

import "github.com/nomadlike/nomadlike/api"

const (
	pageBits = 8
	pageSize = 1 << pageBits
)

// offer is what a node is and offers; it changes when the node row changes.
type offer struct {
	id     string
	node   *api.Node
	layout *Layout

	cpu, memory, disk int64
	maxAllocs         int32

	datacenter, pool, class, drivers int32
	ready                            bool
}

type offerPage struct {
	epoch uint64
	rows  [pageSize]offer
}

type usedPage struct {
	epoch uint64
	rows  [pageSize]row
}

// Snapshot is an immutable view of all nodes. Ordinals run from 0 to Len()-1; one without a node row
// answers nil from Node: it is free, or only allocations of a node that is gone refer to it.
type Snapshot struct {
	ids    *idMap
	offers []*offerPage
	used   []*usedPage
	n      int

	datacenters, pools, classes, drivers []string
	nodes                                int
}

// Len returns the number of ordinals handed out, free ones among them included.
func (s *Snapshot) Len() int { return s.n }

// Nodes returns the number of node rows.
func (s *Snapshot) Nodes() int { return s.nodes }

// Ordinal returns the ordinal of the node with that ID.
func (s *Snapshot) Ordinal(nodeID string) (int, bool) {
	ord, ok := s.ids.get(nodeID)
	return int(ord), ok
}

// NodeID returns the ID at the ordinal, "" for a free one.
func (s *Snapshot) NodeID(ord int) string { return s.offer(ord).id }

// Node returns the node row at the ordinal, or nil.
func (s *Snapshot) Node(ord int) *api.Node { return s.offer(ord).node }

// NodeByID returns the node row with that ID, or nil.
func (s *Snapshot) NodeByID(nodeID string) *api.Node {
	ord, ok := s.Ordinal(nodeID)
	if !ok {
		return nil
	}
	return s.Node(ord)
}

// Ready reports whether the node takes new allocations: status ready, eligible, not draining.
func (s *Snapshot) Ready(ord int) bool { return s.offer(ord).ready }

// Layout returns the addresses, ports and cores of the node, or nil without a node row.
func (s *Snapshot) Layout(ord int) *Layout { return s.offer(ord).layout }

// Capacity returns what the node can give to allocations, reserved resources taken off: MHz, MiB, MiB.
func (s *Snapshot) Capacity(ord int) (cpu, memory, disk int64) {
	o := s.offer(ord)
	return o.cpu, o.memory, o.disk
}

// MaxAllocs returns the limit of allocations on the node, 0 for none.
func (s *Snapshot) MaxAllocs(ord int) int { return int(s.offer(ord).maxAllocs) }

// Used returns what the counted allocations of the node take: MHz, MiB, MiB and their number.
func (s *Snapshot) Used(ord int) (cpu, memory, disk int64, allocs int) {
	r := s.row(ord)
	return r.cpu, r.memory, r.disk, int(r.allocs)
}

// UsedPorts returns the ports in use on one address of the node; nil means none.
func (s *Snapshot) UsedPorts(ord int, ip string) *IDSet { return s.row(ord).ports.of(ip) }

// UsedCores returns the reserved cores of the node; nil means none.
func (s *Snapshot) UsedCores(ord int) *IDSet { return s.row(ord).cores }

// UsesDevice reports whether an allocation of the node has the device instance.
func (s *Snapshot) UsesDevice(ord int, d Device) bool { return s.row(ord).devices.has(d) }

// Datacenter, Pool and Class return small integers that stand for the name; equal names have equal
// integers within a snapshot and they index Datacenters, Pools and Classes.
func (s *Snapshot) Datacenter(ord int) int { return int(s.offer(ord).datacenter) }

// Pool returns the index of the node pool in Pools.
func (s *Snapshot) Pool(ord int) int { return int(s.offer(ord).pool) }

// Class returns the index of the computed class in Classes.
func (s *Snapshot) Class(ord int) int { return int(s.offer(ord).class) }

// DriverSet returns the index of the node's set of usable drivers in DriverSets.
func (s *Snapshot) DriverSet(ord int) int { return int(s.offer(ord).drivers) }

// DriverSets returns the sets of drivers that are detected and healthy together on some node, each as its
// sorted names joined by DriverSeparator. Callers must not change it.
func (s *Snapshot) DriverSets() []string { return s.drivers }

// Datacenters returns the datacenter names by index. Callers must not change it.
func (s *Snapshot) Datacenters() []string { return s.datacenters }

// Pools returns the node pool names by index. Callers must not change it.
func (s *Snapshot) Pools() []string { return s.pools }

// Classes returns the computed classes by index. Callers must not change it.
func (s *Snapshot) Classes() []string { return s.classes }

func (s *Snapshot) offer(ord int) *offer {
	return &s.offers[ord>>pageBits].rows[ord&(pageSize-1)]
}

func (s *Snapshot) row(ord int) *row {
	return &s.used[ord>>pageBits].rows[ord&(pageSize-1)]
}
