// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"bytes"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// Memory are the memory counters of a group, in bytes.
type Memory struct {
	RSS, Cache, Swap, Usage, MaxUsage, Kernel, KernelMax uint64
	// MaxKnown says whether the kernel tells MaxUsage, KernelKnown whether Kernel and KernelMax.
	MaxKnown, KernelKnown bool
}

// CPU are the processor counters of a group.
type CPU struct {
	User, System     time.Duration
	ThrottledPeriods uint64
	ThrottledTime    time.Duration
}

// PIDs lists the processes of a group.
func PIDs(dir string) ([]int, error) { return sysfs.PIDs(dir + "/cgroup.procs") }

// ReadMemory reads the memory counters of a unified group or one of version 1.
func ReadMemory(dir string) (Memory, error) {
	stat, err := fields(dir + "/memory.stat")
	if err != nil {
		return Memory{}, err
	}
	if usage, err := sysfs.ReadUint(dir + "/memory.current"); err == nil {
		m := Memory{RSS: stat["anon"], Cache: stat["file"], Usage: usage, Kernel: stat["kernel"]}
		m.Swap, _ = sysfs.ReadUint(dir + "/memory.swap.current")
		m.MaxUsage, err = sysfs.ReadUint(dir + "/memory.peak")
		m.MaxKnown = err == nil
		return m, nil
	}
	usage, err := sysfs.ReadUint(dir + "/memory.usage_in_bytes")
	if err != nil {
		return Memory{}, err
	}
	m := Memory{RSS: stat["total_rss"], Cache: stat["total_cache"], Swap: stat["total_swap"], Usage: usage}
	m.MaxUsage, err = sysfs.ReadUint(dir + "/memory.max_usage_in_bytes")
	m.MaxKnown = err == nil
	m.Kernel, _ = sysfs.ReadUint(dir + "/memory.kmem.usage_in_bytes")
	m.KernelMax, err = sysfs.ReadUint(dir + "/memory.kmem.max_usage_in_bytes")
	m.KernelKnown = err == nil
	return m, nil
}

// ReadCPU reads the processor counters of a unified group, or the throttling
// counters of a group of the version 1 cpu controller.
func ReadCPU(dir string) (CPU, error) {
	stat, err := fields(dir + "/cpu.stat")
	if err != nil {
		return CPU{}, err
	}
	if _, ok := stat["nr_periods"]; !ok && stat["usage_usec"] == 0 {
		return CPU{}, unix.ENODATA
	}
	throttled := time.Duration(stat["throttled_time"])
	if usec, ok := stat["throttled_usec"]; ok {
		throttled = time.Duration(usec) * time.Microsecond
	}
	return CPU{
		User:             time.Duration(stat["user_usec"]) * time.Microsecond,
		System:           time.Duration(stat["system_usec"]) * time.Microsecond,
		ThrottledPeriods: stat["nr_throttled"],
		ThrottledTime:    throttled,
	}, nil
}

// fields reads a file of "word number" lines.
func fields(path string) (map[string]uint64, error) {
	b, err := sysfs.Read(path)
	if err != nil {
		return nil, err
	}
	found := make(map[string]uint64)
	for line := range bytes.Lines(b) {
		key, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte{' '})
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(string(value), 10, 64); err == nil {
			found[string(key)] = n
		}
	}
	return found, nil
}
