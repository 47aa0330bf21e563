// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Rules returns the distinct rules that keep one more allocation off the node.
func (p *Placer) Rules(ord int) []string {
	var rules []string
	if i := p.byOrdinal[ord]; i > 0 {
		c := &p.candidates[i-1]
		if p.distinctJob && c.all > 0 || p.distinctGroup && c.own > 0 {
			rules = append(rules, api.OpDistinctHosts)
		}
	}
	for i := range p.properties {
		if reason := p.properties[i].refuses(p.overlay.Node(ord)); reason != "" {
			rules = append(rules, reason)
		}
	}
	return rules
}

// Wanted returns what one allocation of the group takes of a node: MHz, MiB, MiB and reserved cores.
func (p *Placer) Wanted() (cpu, memory, disk, cores int64) {
	return p.need.claim.CPU, p.need.claim.MemoryMB, p.need.claim.DiskMB, p.need.total
}

// Shortages returns every dimension in which the node lacks room for one more allocation, where the metrics
// name the first only.
func (p *Placer) Shortages(ord int) []*api.Shortage {
	var lacks []*api.Shortage
	layout := p.overlay.Layout(ord)
	cpu := p.need.cpu(layout.CoreMHz)
	usedCPU, usedMemory, usedDisk, allocs := p.overlay.Used(ord)
	capCPU, capMemory, capDisk := p.overlay.Capacity(ord)
	if p.need.total > 0 {
		free := int64(len(layout.Cores) - p.overlay.UsedCores(ord).Len())
		if short := cpu - (capCPU - usedCPU); short > 0 && short < p.need.total*layout.CoreMHz {
			// Fewer cores take less processor time.
			free = min(free, p.need.total-(short+layout.CoreMHz-1)/layout.CoreMHz)
			cpu = 0
		}
		if free < p.need.total {
			lacks = append(lacks, &api.Shortage{Dimension: usage.DimensionCores, Wanted: p.need.total, Free: free})
		} else if reason := p.coresFit(ord); reason != "" {
			lacks = append(lacks, &api.Shortage{Dimension: reason, Wanted: 1})
		}
	}
	for _, d := range []api.Shortage{
		{Dimension: usage.DimensionCPU, Wanted: cpu, Free: capCPU - usedCPU},
		{Dimension: usage.DimensionMemory, Wanted: p.need.claim.MemoryMB, Free: capMemory - usedMemory},
		{Dimension: usage.DimensionDisk, Wanted: p.need.claim.DiskMB, Free: capDisk - usedDisk},
	} {
		if d.Wanted > d.Free {
			lacks = append(lacks, &d)
		}
	}
	if limit := p.overlay.MaxAllocs(ord); limit > 0 && allocs >= limit {
		lacks = append(lacks, &api.Shortage{Dimension: usage.DimensionMaxAllocs, Wanted: 1})
	}
	offered, _, _ := p.devices.Short(layout.Devices, func(usage.Device) bool { return true })
	if name, wanted, free := p.devices.Short(layout.Devices, p.freeDevice(ord)); name != "" && offered == "" {
		lacks = append(lacks, &api.Shortage{Dimension: "device " + name, Wanted: int64(wanted), Free: int64(free)})
	}
	granted := &api.AllocatedResources{Tasks: p.need.shared.Tasks, Shared: p.need.shared.Shared}
	if reason := p.grantPorts(ord, granted); reason != "" {
		lacks = append(lacks, &api.Shortage{Dimension: reason, Wanted: 1})
	}
	return lacks
}
