// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"os"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
)

// ticksPerSecond is the unit of processor times in /proc; the kernel shows the
// same one on every architecture.
const ticksPerSecond = 100

// Usage reads what the task uses, without disturbing its shim.
func (h *Handle) Usage() (*Usage, error) {
	if _, exited := h.Exited(); exited {
		return nil, ErrExited
	}
	u := &Usage{At: time.Now(), PIDs: make(map[int]ProcessUsage)}
	page := uint64(os.Getpagesize())
	list, err := h.processes()
	if err != nil {
		return nil, err
	}
	for _, p := range list {
		one := ProcessUsage{User: ticks(p.User), System: ticks(p.System), RSS: uint64(max(p.RSS, 0)) * page}
		u.PIDs[p.PID] = one
		u.Total.RSS += one.RSS
		u.Total.User += one.User + ticks(p.ChildUser)
		u.Total.System += one.System + ticks(p.ChildSystem)
	}
	// What processes that are gone have used is with whoever collected them,
	// in the end with the shim.
	if own, err := proc.Get(h.state.ShimPID); err == nil {
		u.Total.User += ticks(own.ChildUser)
		u.Total.System += ticks(own.ChildSystem)
	}
	h.grouped(u)
	return u, nil
}

// processes lists what belongs to the task.
func (h *Handle) processes() ([]proc.Stat, error) {
	if owned := h.state.Cgroup.Owned; owned != "" {
		if pids, err := cgroup.PIDs(owned); err == nil && len(pids) > 0 {
			list := make([]proc.Stat, 0, len(pids))
			for _, pid := range pids {
				if p, err := proc.Get(pid); err == nil && !p.Zombie {
					list = append(list, p)
				}
			}
			return list, nil
		}
	}
	return proc.Descendants(h.state.ShimPID)
}

// grouped adds the counters of the task's control groups.
func (h *Handle) grouped(u *Usage) {
	group := h.state.Cgroup
	if group.Memory != "" {
		if m, err := cgroup.ReadMemory(group.Memory); err == nil {
			u.Grouped = true
			u.Total.RSS, u.Cache, u.Swap = m.RSS, m.Cache, m.Swap
			u.InUse, u.MaxInUse = m.Usage, m.MaxUsage
			u.Kernel, u.KernelMax = m.Kernel, m.KernelMax
			u.MaxKnown, u.KernelKnown = m.MaxKnown, m.KernelKnown
		}
	}
	dirs := group.V1
	if group.V2 != "" {
		dirs = []string{group.V2}
		if c, err := cgroup.ReadCPU(group.V2); err == nil && group.V2 == group.Owned {
			u.Total.User, u.Total.System = c.User, c.System
		}
	}
	for _, dir := range dirs {
		if group.V2 == "" && !strings.HasPrefix(dir, "/sys/fs/cgroup/cpu") {
			continue
		}
		if c, err := cgroup.ReadCPU(dir); err == nil {
			u.Throttled = true
			u.ThrottledPeriods, u.ThrottledTime = c.ThrottledPeriods, c.ThrottledTime
			return
		}
	}
}

func ticks(n int64) time.Duration {
	return time.Duration(n) * (time.Second / ticksPerSecond)
}
