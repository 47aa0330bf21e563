// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Values of numa.affinity (jobspec.md 7.1).
const (
	numaPrefer  = "prefer"
	numaRequire = "require"
)

// chooseCores chooses free cores of the node for each task that reserves some: the lowest ones, or with a
// NUMA preference those of the one NUMA node that is left with the fewest. Tasks that insist on one NUMA node
// choose first, those that prefer one after them.
func (p *Placer) chooseCores(ord int) (granted [][]usage.Core, reason string) {
	layout, used := p.overlay.Layout(ord), p.overlay.UsedCores(ord)
	free := make([]usage.Core, 0, len(layout.Cores))
	for _, c := range layout.Cores {
		if !used.Has(c.ID) {
			free = append(free, c)
		}
	}
	if len(free) < int(p.need.total) {
		return nil, usage.DimensionCores
	}
	granted = make([][]usage.Core, len(p.need.cores))
	for _, affinity := range []string{numaRequire, numaPrefer, ""} {
		for i, ask := range p.need.cores {
			if ask.numa != affinity {
				continue
			}
			var chosen []usage.Core
			if affinity != "" {
				chosen = oneNumaNode(free, ask.count)
			}
			if chosen == nil && affinity == numaRequire {
				return nil, usage.DimensionNumaCores
			}
			if chosen == nil {
				chosen = slices.Clone(free[:ask.count])
			}
			granted[i] = chosen
			free = slices.DeleteFunc(free, func(c usage.Core) bool { return slices.Contains(chosen, c) })
		}
	}
	return granted, ""
}

// oneNumaNode returns count cores of the NUMA node with the fewest free ones that are enough, nil when there is
// none.
func oneNumaNode(free []usage.Core, count int) []usage.Core {
	perNode := map[uint8]int{}
	for _, c := range free {
		perNode[c.Numa]++
	}
	best, found := uint8(0), false
	for _, c := range free {
		n := perNode[c.Numa]
		if n >= count && (!found || n < perNode[best]) {
			best, found = c.Numa, true
		}
	}
	if !found {
		return nil
	}
	var chosen []usage.Core
	for _, c := range free {
		if c.Numa == best && len(chosen) < count {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// coresFit returns why the cores of one allocation are not to be had on the node, or "".
func (p *Placer) coresFit(ord int) string {
	switch {
	case p.need.total == 0:
		return ""
	case len(p.overlay.Layout(ord).Cores)-p.overlay.UsedCores(ord).Len() < int(p.need.total):
		return usage.DimensionCores
	case !p.need.insists:
		return ""
	}
	_, reason := p.chooseCores(ord)
	return reason
}

// grantCores gives the tasks their cores; the speed of these becomes the CPU share of the task.
func (p *Placer) grantCores(ord int, granted *api.AllocatedResources) string {
	if len(p.need.cores) == 0 {
		return ""
	}
	chosen, reason := p.chooseCores(ord)
	if reason != "" {
		return reason
	}
	for i, ask := range p.need.cores {
		task := p.ownTask(granted, ask.task)
		task.Cpu.CpuShares, task.Cpu.ReservedCores = 0, nil
		for _, c := range chosen[i] {
			task.Cpu.ReservedCores = append(task.Cpu.ReservedCores, c.ID)
			task.Cpu.CpuShares += c.MHz
		}
	}
	return ""
}
