// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// cpuFields and memoryFields map display names to the enumerations of the wire.
var (
	cpuFields = newPairs("", map[string]driverspb.CPUUsage_Fields{
		CPUSystemMode:       driverspb.CPUUsage_SYSTEM_MODE,
		CPUUserMode:         driverspb.CPUUsage_USER_MODE,
		CPUTotalTicks:       driverspb.CPUUsage_TOTAL_TICKS,
		CPUThrottledPeriods: driverspb.CPUUsage_THROTTLED_PERIODS,
		CPUThrottledTime:    driverspb.CPUUsage_THROTTLED_TIME,
		CPUPercent:          driverspb.CPUUsage_PERCENT,
	})
	memoryFields = newPairs("", map[string]driverspb.MemoryUsage_Fields{
		MemoryRSS:            driverspb.MemoryUsage_RSS,
		MemoryCache:          driverspb.MemoryUsage_CACHE,
		MemoryMaxUsage:       driverspb.MemoryUsage_MAX_USAGE,
		MemoryKernelUsage:    driverspb.MemoryUsage_KERNEL_USAGE,
		MemoryKernelMaxUsage: driverspb.MemoryUsage_KERNEL_MAX_USAGE,
		MemoryInUse:          driverspb.MemoryUsage_USAGE,
		MemorySwap:           driverspb.MemoryUsage_SWAP,
	})
)

// measuredToProto drops names that the wire does not know.
func measuredToProto[P comparable](fields pairs[string, P], in []string) []P {
	var out []P
	for _, name := range in {
		if field, ok := fields.toWire[name]; ok {
			out = append(out, field)
		}
	}
	return out
}

// measuredFromProto drops fields that this side does not know.
func measuredFromProto[P comparable](fields pairs[string, P], in []P) []string {
	var out []string
	for _, field := range in {
		if name, ok := fields.fromWire[field]; ok {
			out = append(out, name)
		}
	}
	return out
}

// statsToProto sets every sub-message, because hosts dereference them.
func statsToProto(taskID string, in *TaskStats) *driverspb.TaskStats {
	out := &driverspb.TaskStats{
		Id:               taskID,
		Timestamp:        timestamppb.New(in.Timestamp),
		AggResourceUsage: usageToProto(&in.Usage),
	}
	if len(in.Pids) > 0 {
		out.ResourceUsageByPid = make(map[string]*driverspb.TaskResourceUsage, len(in.Pids))
		for pid, usage := range in.Pids {
			if usage != nil {
				out.ResourceUsageByPid[pid] = usageToProto(usage)
			}
		}
	}
	return out
}

func statsFromProto(in *driverspb.TaskStats) *TaskStats {
	out := &TaskStats{
		Timestamp: timeFromProto(in.GetTimestamp()),
		Usage:     *usageFromProto(in.GetAggResourceUsage()),
	}
	if len(in.GetResourceUsageByPid()) > 0 {
		out.Pids = make(map[string]*ResourceUsage, len(in.GetResourceUsageByPid()))
		for pid, usage := range in.GetResourceUsageByPid() {
			out.Pids[pid] = usageFromProto(usage)
		}
	}
	return out
}

func usageToProto(in *ResourceUsage) *driverspb.TaskResourceUsage {
	return &driverspb.TaskResourceUsage{
		Cpu: &driverspb.CPUUsage{
			SystemMode:       in.CPU.SystemMode,
			UserMode:         in.CPU.UserMode,
			TotalTicks:       in.CPU.TotalTicks,
			ThrottledPeriods: in.CPU.ThrottledPeriods,
			ThrottledTime:    in.CPU.ThrottledTime,
			Percent:          in.CPU.Percent,
			MeasuredFields:   measuredToProto(cpuFields, in.CPU.Measured),
		},
		Memory: &driverspb.MemoryUsage{
			Rss:            in.Memory.RSS,
			Cache:          in.Memory.Cache,
			MaxUsage:       in.Memory.MaxUsage,
			KernelUsage:    in.Memory.KernelUsage,
			KernelMaxUsage: in.Memory.KernelMaxUsage,
			Usage:          in.Memory.Usage,
			Swap:           in.Memory.Swap,
			MeasuredFields: measuredToProto(memoryFields, in.Memory.Measured),
		},
	}
}

func usageFromProto(in *driverspb.TaskResourceUsage) *ResourceUsage {
	cpu, memory := in.GetCpu(), in.GetMemory()
	return &ResourceUsage{
		CPU: CPUUsage{
			SystemMode:       values.Finite(cpu.GetSystemMode()),
			UserMode:         values.Finite(cpu.GetUserMode()),
			TotalTicks:       values.Finite(cpu.GetTotalTicks()),
			ThrottledPeriods: cpu.GetThrottledPeriods(),
			ThrottledTime:    cpu.GetThrottledTime(),
			Percent:          values.Finite(cpu.GetPercent()),
			Measured:         measuredFromProto(cpuFields, cpu.GetMeasuredFields()),
		},
		Memory: MemoryUsage{
			RSS:            memory.GetRss(),
			Cache:          memory.GetCache(),
			Swap:           memory.GetSwap(),
			Usage:          memory.GetUsage(),
			MaxUsage:       memory.GetMaxUsage(),
			KernelUsage:    memory.GetKernelUsage(),
			KernelMaxUsage: memory.GetKernelMaxUsage(),
			Measured:       measuredFromProto(memoryFields, memory.GetMeasuredFields()),
		},
	}
}
