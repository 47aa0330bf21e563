// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Figures of which drivers.CPUUsage and drivers.MemoryUsage say that they are
// measured.
var (
	cpuMeasured       = []string{drivers.CPUSystemMode, drivers.CPUUserMode, drivers.CPUPercent}
	throttledMeasured = append(slices.Clip(cpuMeasured),
		drivers.CPUThrottledPeriods, drivers.CPUThrottledTime)
	memoryMeasured  = []string{drivers.MemoryRSS}
	groupedMeasured = []string{drivers.MemoryRSS, drivers.MemoryCache, drivers.MemorySwap, drivers.MemoryInUse}
	kernelMeasured  = []string{drivers.MemoryKernelUsage, drivers.MemoryKernelMaxUsage}
)

// TaskStats implements drivers.Driver.
func (t *Tasks) TaskStats(ctx context.Context, taskID string, interval time.Duration) (
	<-chan *drivers.TaskStats, error,
) {
	task, err := t.Task(taskID)
	if err != nil {
		return nil, err
	}
	if interval <= 0 {
		interval = time.Second
	}
	topology := t.Topology()
	out := make(chan *drivers.TaskStats)
	go func() {
		defer close(out)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		var last *shim.Usage
		for {
			usage, err := task.handle.Usage()
			sample := &drivers.TaskStats{}
			switch {
			case errors.Is(err, shim.ErrExited):
				return
			case errors.Is(err, shim.ErrUnsupported):
				sample.Err = drivers.ErrStatsUnsupported
			case err != nil:
				sample.Err = err
			default:
				sample = newSample(last, usage, topology)
				last = usage
			}
			select {
			case out <- sample:
			case <-ctx.Done():
				return
			}
			if sample.Err != nil {
				return
			}
			select {
			case <-ticker.C:
			case <-task.handle.Done():
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// newSample turns totals into rates by comparison with the sample before, which
// is nil for the first.
func newSample(last, now *shim.Usage, topology *base.Topology) *drivers.TaskStats {
	var elapsed time.Duration
	var before shim.ProcessUsage
	if last != nil {
		elapsed, before = now.At.Sub(last.At), last.Total
	}
	sample := &drivers.TaskStats{
		Timestamp: now.At,
		Usage: drivers.ResourceUsage{
			CPU: rates(before, now.Total, elapsed, topology),
			Memory: drivers.MemoryUsage{
				RSS: now.Total.RSS, Cache: now.Cache, Swap: now.Swap,
				Usage: now.InUse, MaxUsage: now.MaxInUse,
				KernelUsage: now.Kernel, KernelMaxUsage: now.KernelMax,
				Measured: memoryMeasuredIn(now),
			},
		},
		Pids: make(map[string]*drivers.ResourceUsage, len(now.PIDs)),
	}
	if now.Throttled {
		cpu := &sample.Usage.CPU
		cpu.Measured = throttledMeasured
		cpu.ThrottledPeriods, cpu.ThrottledTime = now.ThrottledPeriods, uint64(now.ThrottledTime)
	}
	for pid, usage := range now.PIDs {
		since, at := elapsed, shim.ProcessUsage{}
		if last != nil {
			var known bool
			if at, known = last.PIDs[pid]; !known {
				since = 0
			}
		}
		sample.Pids[strconv.Itoa(pid)] = &drivers.ResourceUsage{
			CPU:    rates(at, usage, since, topology),
			Memory: drivers.MemoryUsage{RSS: usage.RSS, Measured: memoryMeasured},
		}
	}
	return sample
}

// memoryMeasuredIn are the figures of memory that are known.
func memoryMeasuredIn(now *shim.Usage) []string {
	if !now.Grouped {
		return memoryMeasured
	}
	known := slices.Clip(groupedMeasured)
	if now.MaxKnown {
		known = append(known, drivers.MemoryMaxUsage)
	}
	if now.KernelKnown {
		known = append(known, kernelMeasured...)
	}
	return known
}

// rates returns processor usage between two totals, in percent of one core. It
// is zero where there is nothing to compare with.
func rates(before, now shim.ProcessUsage, elapsed time.Duration, topology *base.Topology) drivers.CPUUsage {
	cpu := drivers.CPUUsage{Measured: cpuMeasured}
	if elapsed <= 0 {
		return cpu
	}
	percent := func(from, to time.Duration) float64 {
		return max(0, float64(to-from)/float64(elapsed)*100)
	}
	cpu.UserMode = percent(before.User, now.User)
	cpu.SystemMode = percent(before.System, now.System)
	cpu.Percent = cpu.UserMode + cpu.SystemMode
	cpu.TotalTicks = topology.Ticks(cpu.Percent)
	return cpu
}
