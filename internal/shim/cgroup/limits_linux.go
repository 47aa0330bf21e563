// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// The range of processor shares that kernels take.
const (
	minShares = 2
	maxShares = 262144
)

// shares are the processor shares, one for each MHz.
func (l Limits) shares() int64 {
	return min(max(l.CPU, minShares), maxShares)
}

// weight converts shares to the scale of version 2, as the OCI runtime
// specification does: 2…262144 become 1…10000.
func (l Limits) weight() int64 {
	return 1 + (l.shares()-minShares)*9999/(maxShares-minShares)
}

// hard is the limit in bytes, 0 if there is none, and soft what is reserved
// below it, 0 if that is the same.
func (l Limits) memory() (hard, soft int64) {
	switch {
	case l.MemoryMax < 0:
		return 0, l.Memory
	case l.MemoryMax > 0:
		return l.MemoryMax, l.Memory
	default:
		return l.Memory, 0
	}
}

// pids is the limit on processes as the kernel takes it.
func (l Limits) pids() string {
	if l.PIDs > 0 {
		return strconv.FormatInt(l.PIDs, 10)
	}
	return "max"
}

// BoundsProcesses reports whether one of the groups holds the task to so many
// processes.
func (g Group) BoundsProcesses(limit int64) bool {
	return slices.ContainsFunc(append([]string{g.V2}, g.V1...), func(dir string) bool {
		if dir == "" {
			return false
		}
		most, err := sysfs.ReadUint(filepath.Join(dir, "pids.max"))
		return err == nil && most == uint64(limit)
	})
}

// applyV2 sets the limits in a unified group.
func (l Limits) applyV2(dir string) []error {
	var problems []error
	set := func(file, value string) {
		if err := write(dir, file, value); err != nil {
			problems = append(problems, err)
		}
	}
	set("cpu.weight", strconv.FormatInt(l.weight(), 10))
	hard, soft := l.memory()
	if hard > 0 {
		set("memory.max", strconv.FormatInt(hard, 10))
	} else {
		set("memory.max", "max")
	}
	if soft > 0 {
		set("memory.low", strconv.FormatInt(soft, 10))
	}
	if l.PIDs > 0 {
		set("pids.max", l.pids())
	}
	if l.Cores != "" {
		set("cpuset.cpus", l.Cores)
	}
	return problems
}

// applyMemoryV1 sets the memory limits in a group of the memory controller.
func (l Limits) applyMemoryV1(dir string) error {
	hard, soft := l.memory()
	limit := "-1"
	if hard > 0 {
		limit = strconv.FormatInt(hard, 10)
	}
	err := write(dir, "memory.limit_in_bytes", limit)
	if soft > 0 {
		err = errors.Join(err, write(dir, "memory.soft_limit_in_bytes", strconv.FormatInt(soft, 10)))
	}
	// Not every kernel has this one, and none needs it.
	_ = write(dir, "memory.swappiness", "0")
	return err
}

// applyCores gives a version 1 cpuset its cores. It needs memory nodes as well,
// which it does not inherit.
func (l Limits) applyCores(dir string) error {
	if l.Cores == "" {
		return nil
	}
	mems := filepath.Join(dir, "cpuset.mems")
	if own, err := os.ReadFile(mems); err == nil && strings.TrimSpace(string(own)) == "" {
		if parent, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "cpuset.mems")); err == nil {
			_ = write(dir, "cpuset.mems", strings.TrimSpace(string(parent)))
		}
	}
	return write(dir, "cpuset.cpus", l.Cores)
}
