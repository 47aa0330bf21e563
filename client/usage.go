// SPDX-License-Identifier: MPL-2.0

package client

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// sumUsage makes the answer for the tasks, whose samples may be nil.
func sumUsage(names []string, samples []*drivers.TaskStats) *api.AllocResourceUsage {
	out := &api.AllocResourceUsage{
		ResourceUsage: &api.ResourceUsage{MemoryStats: &api.MemoryStats{}, CpuStats: &api.CpuStats{}, DeviceStats: []*api.DeviceGroupStats{}},
		Tasks:         map[string]*api.TaskResourceUsage{},
	}
	for i, name := range names {
		s := samples[i]
		if s == nil {
			continue
		}
		u := &api.TaskResourceUsage{ResourceUsage: usage(&s.Usage), Timestamp: s.Timestamp.UnixNano()}
		for pid, p := range s.Pids {
			if p == nil {
				continue
			}
			if u.Pids == nil {
				u.Pids = map[string]*api.ResourceUsage{}
			}
			u.Pids[pid] = usage(p)
		}
		out.Tasks[name] = u
		out.Timestamp = max(out.Timestamp, u.Timestamp)
		addUsage(out.ResourceUsage, u.ResourceUsage)
	}
	return out
}

func usage(u *drivers.ResourceUsage) *api.ResourceUsage {
	return &api.ResourceUsage{
		MemoryStats: &api.MemoryStats{
			RSS: u.Memory.RSS, Cache: u.Memory.Cache, Swap: u.Memory.Swap, Usage: u.Memory.Usage, MaxUsage: u.Memory.MaxUsage,
			KernelUsage: u.Memory.KernelUsage, KernelMaxUsage: u.Memory.KernelMaxUsage, Measured: u.Memory.Measured,
		},
		CpuStats: &api.CpuStats{
			SystemMode: u.CPU.SystemMode, UserMode: u.CPU.UserMode, Percent: u.CPU.Percent, TotalTicks: u.CPU.TotalTicks,
			ThrottledPeriods: u.CPU.ThrottledPeriods, ThrottledTime: u.CPU.ThrottledTime, Measured: u.CPU.Measured,
		},
	}
}

func addUsage(sum, u *api.ResourceUsage) {
	m, a := sum.MemoryStats, u.MemoryStats
	m.RSS += a.RSS
	m.Cache += a.Cache
	m.Swap += a.Swap
	m.Usage += a.Usage
	m.MaxUsage += a.MaxUsage
	m.KernelUsage += a.KernelUsage
	m.KernelMaxUsage += a.KernelMaxUsage
	m.Measured = union(m.Measured, a.Measured)
	c, b := sum.CpuStats, u.CpuStats
	c.SystemMode += b.SystemMode
	c.UserMode += b.UserMode
	c.Percent += b.Percent
	c.TotalTicks += b.TotalTicks
	c.ThrottledPeriods += b.ThrottledPeriods
	c.ThrottledTime += b.ThrottledTime
	c.Measured = union(c.Measured, b.Measured)
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(slices.Clip(a), s)
		}
	}
	return a
}
