// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// assumedMHz is the speed of cores that tell nothing.
const assumedMHz = 1000

// processor is what the operating system says of the processors.
type processor struct {
	model string
	cores []api.NodeProcessorCore
	// distances between NUMA nodes, nil when unknown.
	distances [][]int
}

// speed is the best known speed of a core in MHz.
func speed(c api.NodeProcessorCore) uint64 {
	switch {
	case c.BaseSpeed > 0:
		return c.BaseSpeed
	case c.MaxSpeed > 0:
		return c.MaxSpeed
	}
	return c.GuessSpeed
}

func cpu(cfg *Config, f *Facts) error {
	p, err := processors()
	if len(p.cores) == 0 {
		if err == nil {
			err = fmt.Errorf("the operating system names no processors")
		}
		return err
	}
	topology := &api.NodeProcessorTopology{
		Cores: p.cores, OverrideTotalCompute: uint64(max(cfg.TotalCompute, 0)), OverrideWitholdCompute: uint64(max(cfg.ReservedCPU, 0)),
	}
	var total, usable uint64
	var reservable []uint16
	for i := range topology.Cores {
		c := &topology.Cores[i]
		if speed(*c) == 0 {
			c.GuessSpeed = assumedMHz
		}
		c.Disable = slices.Contains(cfg.ReservedCores, c.ID)
		if !slices.Contains(topology.Nodes, int(c.NodeID)) {
			topology.Nodes = append(topology.Nodes, int(c.NodeID))
		}
		total += speed(*c)
		if c.Disable {
			continue
		}
		usable += speed(*c)
		if cfg.CanReserveCores && (cfg.ReservableCores == nil || slices.Contains(cfg.ReservableCores, c.ID)) {
			reservable = append(reservable, c.ID)
		}
	}
	slices.Sort(topology.Nodes)
	if len(topology.Nodes) > 1 {
		topology.Distances = p.distances
	}
	if cfg.TotalCompute > 0 {
		total, usable = uint64(cfg.TotalCompute), uint64(cfg.TotalCompute)
	}
	usable -= min(usable, uint64(max(cfg.ReservedCPU, 0)))

	f.Resources.Processors.Topology = topology
	f.Resources.Cpu = api.NodeCpuResources{CpuShares: int64(total), TotalCpuCores: uint16(len(p.cores)), ReservableCpuCores: reservable}
	f.set("cpu.modelname", p.model)
	f.set("cpu.numcores", strconv.Itoa(len(p.cores)))
	f.set("cpu.reservablecores", strconv.Itoa(len(reservable)))
	f.set("cpu.totalcompute", strconv.FormatUint(total, 10))
	f.set("cpu.usablecompute", strconv.FormatUint(usable, 10))
	f.frequencies(topology)
	f.set("numa.node.count", strconv.Itoa(len(topology.Nodes)))
	for _, n := range topology.Nodes {
		var ids []uint16
		for _, c := range topology.Cores {
			if int(c.NodeID) == n {
				ids = append(ids, c.ID)
			}
		}
		f.set(fmt.Sprintf("numa.node%d.cores", n), FormatCores(ids))
	}
	return err
}

// frequencies sets the speed of the cores, apart for fast and slow ones where there are both.
func (f *Facts) frequencies(topology *api.NodeProcessorTopology) {
	count, mhz := map[bool]int{}, map[bool]uint64{}
	for _, c := range topology.Cores {
		count[c.Grade]++
		mhz[c.Grade] = max(mhz[c.Grade], speed(c))
	}
	if count[false] == 0 || count[true] == 0 {
		f.set("cpu.frequency", strconv.FormatUint(max(mhz[true], mhz[false]), 10))
		return
	}
	f.set("cpu.frequency.performance", strconv.FormatUint(mhz[true], 10))
	f.set("cpu.frequency.efficiency", strconv.FormatUint(mhz[false], 10))
	f.set("cpu.numcores.performance", strconv.Itoa(count[true]))
	f.set("cpu.numcores.efficiency", strconv.Itoa(count[false]))
}

// ParseCores reads a cpuset such as "0-3,8"; an empty one is nil.
func ParseCores(text string) ([]uint16, error) {
	var cores []uint16
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		to := from
		if err == nil && isRange {
			to, err = strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		}
		if err != nil || to < from {
			return nil, fmt.Errorf("cpuset %q: %q is not a core or a range of cores", text, part)
		}
		for c := from; c <= to; c++ {
			cores = append(cores, uint16(c))
		}
	}
	slices.Sort(cores)
	return slices.Compact(cores), nil
}

// FormatCores renders core IDs, which are in order, as a cpuset.
func FormatCores(cores []uint16) string {
	var parts []string
	for i := 0; i < len(cores); {
		end := i
		for end+1 < len(cores) && cores[end+1] == cores[end]+1 {
			end++
		}
		part := strconv.Itoa(int(cores[i]))
		if end > i {
			part += "-" + strconv.Itoa(int(cores[end]))
		}
		parts = append(parts, part)
		i = end + 1
	}
	return strings.Join(parts, ",")
}
