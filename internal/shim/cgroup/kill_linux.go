// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// Pauses while the kernel freezes a group and while processes die.
const (
	freezePause = 2 * time.Millisecond
	freezeTries = 25
	killPause   = 5 * time.Millisecond
)

// Kill ends every process in a group and waits until it is empty, at most until
// the deadline. The caller itself is spared. dir is a unified group or a group
// of the freezer controller. A group that does not exist is empty.
func Kill(dir string, deadline time.Time) error {
	for {
		pids, err := members(dir)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			return nil
		}
		killOnce(dir, pids)
		if !time.Now().Before(deadline) {
			return unix.ETIMEDOUT
		}
		time.Sleep(killPause)
	}
}

// killOnce sends every member SIGKILL in such a way that none escapes by
// forking: with the kernel's own switch, or while the group is frozen.
func killOnce(dir string, pids []int) {
	if sysfs.Write(dir+"/cgroup.kill", "1") == nil {
		return
	}
	thaw := freeze(dir)
	defer thaw()
	if now, err := members(dir); err == nil {
		pids = now
	}
	for _, pid := range pids {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// members lists the processes of a group other than the caller. Zombies have
// left their group as far as the kernel's list is concerned in version 2, not
// in version 1, so they are left out.
func members(dir string) ([]int, error) {
	pids, err := sysfs.PIDs(dir + "/cgroup.procs")
	if err != nil {
		return nil, err
	}
	self := os.Getpid()
	kept := pids[:0]
	for _, pid := range pids {
		if pid == self || pid == 0 {
			continue
		}
		if st, err := proc.Get(pid); err != nil || !st.Zombie {
			kept = append(kept, pid)
		}
	}
	return kept, nil
}

// freeze halts a group, as far as it can within a few milliseconds, and returns
// the way back.
func freeze(dir string) (thaw func()) {
	if sysfs.Write(dir+"/freezer.state", "FROZEN") == nil {
		for range freezeTries {
			b, err := sysfs.Read(dir + "/freezer.state")
			if err != nil || string(b) == "FROZEN\n" {
				break
			}
			time.Sleep(freezePause)
		}
		return func() { _ = sysfs.Write(dir+"/freezer.state", "THAWED") }
	}
	if sysfs.Write(dir+"/cgroup.freeze", "1") == nil {
		for range freezeTries {
			if n, err := sysfs.Field(dir+"/cgroup.events", "frozen"); err != nil || n == 1 {
				break
			}
			time.Sleep(freezePause)
		}
		return func() { _ = sysfs.Write(dir+"/cgroup.freeze", "0") }
	}
	return func() {}
}

// OOMKills returns how many processes of a group the kernel has killed for want
// of memory. dir is a unified group or a group of the memory controller.
func OOMKills(dir string) (uint64, error) {
	if n, err := sysfs.Field(dir+"/memory.events", "oom_kill"); err == nil {
		return n, nil
	}
	return sysfs.Field(dir+"/memory.oom_control", "oom_kill")
}
