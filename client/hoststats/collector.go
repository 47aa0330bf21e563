// SPDX-License-Identifier: MPL-2.0

package hoststats

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// A sample younger than fresh is used as it is; one older than stale is too old to compare with, and
// settle is how long two samples then lie apart.
const (
	fresh  = time.Second
	stale  = time.Minute
	settle = 250 * time.Millisecond
)

// cpuTimes are the processor times of one core in clock ticks.
type cpuTimes struct {
	name                      string
	user, system, idle, total uint64
}

// Collector measures the machine.
type Collector struct {
	allocDir string
	// coreMHz is the speed of a core, for ticks.
	coreMHz float64
	source  source

	mu struct {
		sync.Mutex
		times []cpuTimes
		at    time.Time
		last  *api.HostStats
	}
}

// source is the machine, or a test.
type source struct {
	times  func() ([]cpuTimes, error)
	memory func() (*api.HostMemoryStats, error)
	disks  func() ([]*api.HostDiskStats, error)
	uptime func() (uint64, error)
}

// New returns a collector. The disk of allocDir is reported apart; coreMHz is the mean speed of a core.
func New(allocDir string, coreMHz float64) *Collector {
	return &Collector{allocDir: allocDir, coreMHz: coreMHz, source: machine}
}

// Collect measures the machine. The first call for a while takes a quarter of a second. What cannot be
// measured is left zero.
func (c *Collector) Collect(ctx context.Context) (*api.HostStats, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.mu.last != nil && now.Sub(c.mu.at) < fresh {
		return c.mu.last, nil
	}
	var errs []error
	note := func(err error) {
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			errs = append(errs, err)
		}
	}
	before := c.mu.times
	if before == nil || now.Sub(c.mu.at) > stale {
		var err error
		before, err = c.source.times()
		note(err)
		if err := run.Sleep(ctx, settle); err != nil {
			return nil, err
		}
	}
	times, err := c.source.times()
	note(err)
	stats := &api.HostStats{CPU: c.use(before, times), Timestamp: time.Now().UnixNano()}
	for _, u := range stats.CPU {
		stats.CPUTicksConsumed += u.TotalTicks
	}
	stats.Memory, err = c.source.memory()
	note(err)
	if stats.Memory == nil {
		stats.Memory = &api.HostMemoryStats{}
	}
	stats.DiskStats, err = c.source.disks()
	note(err)
	stats.AllocDirStats, err = Disk(c.allocDir)
	note(err)
	stats.Uptime, err = c.source.uptime()
	note(err)
	if len(stats.CPU) == 0 && stats.Memory.Total == 0 && stats.AllocDirStats == nil {
		return nil, errors.Join(errs...)
	}
	c.mu.times, c.mu.at, c.mu.last = times, time.Now(), stats
	return stats, nil
}

// use compares two samples of the same cores.
func (c *Collector) use(before, after []cpuTimes) []*api.HostCPUStats {
	old := map[string]cpuTimes{}
	for _, t := range before {
		old[t.name] = t
	}
	out := make([]*api.HostCPUStats, 0, len(after))
	for _, now := range after {
		was := old[now.name]
		u := &api.HostCPUStats{CPU: now.name}
		if total := float64(now.total - was.total); now.total > was.total && now.idle >= was.idle {
			u.User = percent(now.user, was.user, total)
			u.System = percent(now.system, was.system, total)
			u.Idle = percent(now.idle, was.idle, total)
			u.TotalPercent = max(100-u.Idle, 0)
			u.TotalTicks = u.TotalPercent / 100 * c.coreMHz
		} else {
			u.Idle = 100
		}
		out = append(out, u)
	}
	return out
}

func percent(now, was uint64, total float64) float64 {
	if now < was {
		return 0
	}
	return float64(now-was) / total * 100
}
