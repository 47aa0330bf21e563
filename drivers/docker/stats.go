// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"encoding/json"
	"runtime"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Figures of which a sample says that they are measured.
var (
	cpuMeasured      = []string{drivers.CPUThrottledPeriods, drivers.CPUThrottledTime, drivers.CPUPercent}
	memoryMeasuredV1 = []string{
		drivers.MemoryRSS, drivers.MemoryCache, drivers.MemorySwap, drivers.MemoryInUse, drivers.MemoryMaxUsage,
	}
	memoryMeasuredV2      = []string{drivers.MemoryRSS, drivers.MemoryCache, drivers.MemorySwap, drivers.MemoryInUse}
	memoryMeasuredWindows = []string{drivers.MemoryRSS, drivers.MemoryInUse, drivers.MemoryMaxUsage}
)

// TaskStats implements drivers.Driver. Samples are asked for one by one: the
// engine's own stream has a period of its own and costs it a connection.
func (d *Driver) TaskStats(ctx context.Context, taskID string, interval time.Duration) (
	<-chan *drivers.TaskStats, error,
) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	if interval <= 0 {
		interval = time.Second
	}
	out := make(chan *drivers.TaskStats)
	go func() {
		defer close(out)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		var last *container.StatsResponse
		for pause := retryMin; ; {
			now, err := t.sample(ctx)
			switch {
			case ctx.Err() != nil || t.hasEnded() || notFound(err):
				return
			case err != nil:
				// The engine is away; a later sample may be had.
				if run.Sleep(ctx, pause) != nil {
					return
				}
				pause = min(2*pause, retryMax)
				continue
			}
			pause = retryMin
			select {
			case out <- newSample(last, now, d.topology()):
			case <-ctx.Done():
				return
			}
			last = now
			select {
			case <-ticker.C:
			case <-t.ended:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

func (t *task) sample(ctx context.Context) (*container.StatsResponse, error) {
	_, engine := t.driver.settings()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	answer, err := engine.ContainerStats(ctx, t.container, client.ContainerStatsOptions{})
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	sample := &container.StatsResponse{}
	if err := json.NewDecoder(answer.Body).Decode(sample); err != nil {
		return nil, err
	}
	return sample, nil
}

// newSample turns totals into rates by comparison with the sample before, which
// is nil for the first.
func newSample(last, now *container.StatsResponse, topology *base.Topology) *drivers.TaskStats {
	cpu := drivers.CPUUsage{
		ThrottledPeriods: now.CPUStats.ThrottlingData.ThrottledPeriods,
		ThrottledTime:    now.CPUStats.ThrottlingData.ThrottledTime,
		Measured:         cpuMeasured,
	}
	if last != nil {
		elapsed := now.Read.Sub(last.Read)
		percent := func(from, to uint64) float64 {
			if elapsed <= 0 || to < from {
				return 0
			}
			unit := float64(1)
			if runtime.GOOS == "windows" {
				unit = 100 // which counts in units of 100 ns
			}
			return float64(to-from) * unit / float64(elapsed) * 100
		}
		before, after := last.CPUStats.CPUUsage, now.CPUStats.CPUUsage
		cpu.Percent = percent(before.TotalUsage, after.TotalUsage)
		cpu.SystemMode = percent(before.UsageInKernelmode, after.UsageInKernelmode)
		cpu.UserMode = percent(before.UsageInUsermode, after.UsageInUsermode)
		cpu.TotalTicks = topology.Ticks(cpu.Percent)
	}
	at := now.Read
	if at.IsZero() {
		at = time.Now()
	}
	return &drivers.TaskStats{Timestamp: at, Usage: drivers.ResourceUsage{CPU: cpu, Memory: memoryOf(&now.MemoryStats)}}
}

func memoryOf(m *container.MemoryStats) drivers.MemoryUsage {
	switch _, v1 := m.Stats["rss"]; {
	case runtime.GOOS == "windows":
		return drivers.MemoryUsage{
			RSS: m.PrivateWorkingSet, Usage: m.Commit, MaxUsage: m.CommitPeak, Measured: memoryMeasuredWindows,
		}
	case v1:
		return drivers.MemoryUsage{
			RSS: m.Stats["rss"], Cache: m.Stats["cache"], Swap: m.Stats["swap"],
			Usage: m.Usage, MaxUsage: m.MaxUsage, Measured: memoryMeasuredV1,
		}
	}
	return drivers.MemoryUsage{
		RSS: m.Stats["anon"], Cache: m.Stats["file"], Swap: m.Stats["swap"], Usage: m.Usage, Measured: memoryMeasuredV2,
	}
}
