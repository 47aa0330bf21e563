// SPDX-License-Identifier: MPL-2.0

package base

// Topology is the processor layout of a node as drivers are told of it. All
// speeds are in MHz.
type Topology struct {
	// NodeIDs are the NUMA nodes.
	NodeIDs []uint32

	// Distances is the square matrix of distances between NUMA nodes, or
	// empty when it is not known.
	Distances [][]uint32

	// Cores are all logical cores, those reserved for the system included.
	Cores []Core

	// OverrideTotal replaces the sum of core speeds when it is not zero.
	OverrideTotal uint64

	// OverrideWithheld is what the operator reserved for the system.
	OverrideWithheld uint64
}

// Core is one logical core.
type Core struct {
	SocketID uint32
	NodeID   uint32
	ID       uint32

	// Efficiency is true for the slow cores of a mixed processor.
	Efficiency bool

	// Disabled is true for cores that are reserved for the system.
	Disabled bool

	BaseSpeed  uint64
	MaxSpeed   uint64
	GuessSpeed uint64
}

// Speed is the best known speed of the core: base, else maximum, else guess.
func (c Core) Speed() uint64 {
	switch {
	case c.BaseSpeed > 0:
		return c.BaseSpeed
	case c.MaxSpeed > 0:
		return c.MaxSpeed
	}
	return c.GuessSpeed
}

// TotalCompute is the compute of the whole node.
func (t *Topology) TotalCompute() uint64 {
	if t == nil {
		return 0
	}
	if t.OverrideTotal > 0 {
		return t.OverrideTotal
	}
	var total uint64
	for _, core := range t.Cores {
		total += core.Speed()
	}
	return total
}

// UsableCompute is the compute that tasks may use.
func (t *Topology) UsableCompute() uint64 {
	if t == nil {
		return 0
	}
	if t.OverrideTotal > 0 {
		return t.OverrideTotal
	}
	var usable uint64
	for _, core := range t.Cores {
		if !core.Disabled {
			usable += core.Speed()
		}
	}
	return usable - min(usable, t.OverrideWithheld)
}

// Ticks converts a CPU percentage, where 100 is one full core, to MHz. It is
// zero when the topology has no cores.
func (t *Topology) Ticks(percent float64) float64 {
	if t == nil || len(t.Cores) == 0 {
		return 0
	}
	return percent / 100 * float64(t.TotalCompute()) / float64(len(t.Cores))
}
