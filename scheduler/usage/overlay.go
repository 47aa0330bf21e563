// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"strconv"

	"github.com/nomadlike/nomadlike/api"
)

// Dimensions that can run out, as the placement metrics name them.
const (
	DimensionCPU       = "cpu"
	DimensionMemory    = "memory"
	DimensionDisk      = "disk"
	DimensionCores     = "cores"
	DimensionNumaCores = "numa-cores"
	DimensionMaxAllocs = "max allocation exceeded"
)

// Overlay is a snapshot plus changes that are not committed yet: the plan of a scheduling pass, or the
// plans that the applier has accepted but not written. It is not safe for concurrent use.
type Overlay struct {
	*Snapshot

	epoch uint64
	// index holds 1 + the position in rows of each touched ordinal.
	index []int32
	rows  []row
}

// NewOverlay returns an overlay without changes.
func NewOverlay(s *Snapshot) *Overlay { return &Overlay{Snapshot: s, epoch: nextEpoch()} }

// Used returns what the allocations of the node take with the changes: MHz, MiB, MiB and their number.
func (o *Overlay) Used(ord int) (cpu, memory, disk int64, allocs int) {
	r := o.current(ord)
	return r.cpu, r.memory, r.disk, int(r.allocs)
}

// UsedPorts returns the ports in use on one address with the changes; nil means none.
func (o *Overlay) UsedPorts(ord int, ip string) *IDSet { return o.current(ord).ports.of(ip) }

// UsedCores returns the reserved cores of the node with the changes; nil means none.
func (o *Overlay) UsedCores(ord int) *IDSet { return o.current(ord).cores }

// UsesDevice reports whether an allocation of the node has the device instance, with the changes.
func (o *Overlay) UsesDevice(ord int, d Device) bool { return o.current(ord).devices.has(d) }

// Add puts a claim on the node.
func (o *Overlay) Add(ord int, c Claim) { o.writable(ord).add(o.epoch, c) }

// Remove takes a claim off the node.
func (o *Overlay) Remove(ord int, c Claim) { o.writable(ord).remove(o.epoch, c) }

// RemoveAlloc takes the allocation off its node if it counts there and reports whether it did.
func (o *Overlay) RemoveAlloc(a *api.Allocation) bool {
	if !Counts(a) {
		return false
	}
	ord, ok := o.Ordinal(a.NodeID)
	if ok {
		o.Remove(ord, ClaimOf(a))
	}
	return ok
}

// AddAlloc puts the allocation on its node if it counts there and reports whether it did.
func (o *Overlay) AddAlloc(a *api.Allocation) bool {
	if !Counts(a) {
		return false
	}
	ord, ok := o.Ordinal(a.NodeID)
	if ok {
		o.Add(ord, ClaimOf(a))
	}
	return ok
}

// Exhausted returns the dimension in which the claim does not fit beside what the node holds, or "" when
// it fits: "cpu", "memory", "disk", "cores", "max allocation exceeded", "devices: <text>" or "network: <text>".
func (o *Overlay) Exhausted(ord int, c Claim) string {
	if d := o.ExhaustedSums(ord, c.CPU, c.MemoryMB, c.DiskMB); d != "" {
		return d
	}
	r, layout := o.current(ord), o.Layout(ord)
	if layout == nil {
		return DimensionCPU
	}
	for core := range c.Cores() {
		if r.cores.Has(core) || !layout.HasCore(core) {
			return DimensionCores
		}
	}
	for d := range c.Devices() {
		if r.devices.has(d) || !layout.HasDevice(d) {
			return DimensionDevices
		}
	}
	for p := range c.Ports() {
		if p.Shared {
			continue
		}
		address := layout.AddressOf(p.IP)
		if r.ports.of(p.IP).Has(p.Value) || (address != nil && address.Reserved(p.Value)) {
			return PortCollision(p.Label, int(p.Value))
		}
	}
	return ""
}

// ExhaustedSums is Exhausted for the sums alone, which every candidate of a ranking goes through.
func (o *Overlay) ExhaustedSums(ord int, cpu, memory, disk int64) string {
	r, limit := o.current(ord), o.offer(ord)
	switch {
	case r.cpu+cpu > limit.cpu:
		return DimensionCPU
	case r.memory+memory > limit.memory:
		return DimensionMemory
	case r.disk+disk > limit.disk:
		return DimensionDisk
	case limit.maxAllocs > 0 && r.allocs >= limit.maxAllocs:
		return DimensionMaxAllocs
	}
	return ""
}

// PortCollision is the dimension of a static port that is taken.
func PortCollision(label string, port int) string {
	return "network: reserved port collision " + label + "=" + strconv.Itoa(port)
}

func (o *Overlay) current(ord int) *row {
	if o.index != nil {
		if at := o.index[ord]; at > 0 {
			return &o.rows[at-1]
		}
	}
	return o.row(ord)
}

// writable returns the overlay's own row of the node. The pointer is valid until the next call.
func (o *Overlay) writable(ord int) *row {
	if o.index == nil {
		o.index = make([]int32, o.Len())
	}
	if at := o.index[ord]; at > 0 {
		return &o.rows[at-1]
	}
	o.rows = append(o.rows, *o.row(ord))
	o.index[ord] = int32(len(o.rows))
	return &o.rows[len(o.rows)-1]
}
