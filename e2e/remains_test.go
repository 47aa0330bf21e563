// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process is what the process table tells of one process.
type process struct {
	pid, parent int
	args        []string
	env         []string
	cwd, root   string
	// alloc is the allocation in whose directory a shim works.
	alloc string
}

func (p *process) String() string { return fmt.Sprintf("%d %q in %s", p.pid, p.args, p.cwd) }

// processes returns all processes of the machine, without those that have ended and wait to be collected.
func processes() (list []process) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join("/proc", e.Name())
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		p := process{pid: pid}
		state := ""
		if _, err := fmt.Sscan(string(stat[bytes.LastIndexByte(stat, ')')+1:]), &state, &p.parent); err != nil || state == "Z" {
			continue
		}
		p.args, p.env = words(filepath.Join(dir, "cmdline")), words(filepath.Join(dir, "environ"))
		p.cwd, _ = os.Readlink(filepath.Join(dir, "cwd"))
		p.root, _ = os.Readlink(filepath.Join(dir, "root"))
		if _, after, ok := strings.Cut(p.cwd, "/data/alloc/"); ok {
			p.alloc, _, _ = strings.Cut(after, "/")
		}
		list = append(list, p)
	}
	return list
}

func words(file string) []string {
	text, err := os.ReadFile(file)
	if err != nil || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// isPlugin reports whether it is the process of a driver of the agent that works in dir.
func (p *process) isPlugin(dir, driver string) bool {
	return len(p.args) > 2 && p.args[1] == "driver" && p.args[2] == driver && slices.Contains(p.env, ownerMark+"="+dir)
}

// isShim reports whether it is the shim of a task of the agent that works in dir.
func (p *process) isShim(dir string) bool {
	return p.alloc != "" && strings.HasPrefix(p.cwd, dir) && strings.Contains(p.cwd, "/private/shim-")
}

// belongs reports whether it has to do with the agent that works in dir, or with one of the allocations.
func (p *process) belongs(dir string, allocs []string) bool {
	if p.pid == os.Getpid() {
		return false
	}
	if strings.HasPrefix(p.cwd, dir) || strings.HasPrefix(p.root, dir) || len(p.args) > 1 && p.args[1] == "driver" && slices.Contains(p.env, ownerMark+"="+dir) {
		return true
	}
	return slices.ContainsFunc(p.env, func(v string) bool {
		id, ok := strings.CutPrefix(v, "NOMAD_ALLOC_ID=")
		return ok && slices.Contains(allocs, id)
	})
}

// controlGroups returns the groups that are named after one of the allocations.
func controlGroups(allocs []string) (left []string) {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && slices.ContainsFunc(allocs, func(id string) bool { return strings.Contains(e.Name(), id) }) {
			left = append(left, "control group "+path)
		}
		return nil
	})
	return left
}

// mountsBelow returns what is mounted below dir, the deepest first.
func mountsBelow(dir string) (left []string) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			left = append(left, f[4])
		}
	}
	slices.Sort(left)
	slices.Reverse(left)
	return left
}

// sweep ends what an agent that works in dir has left for the next one.
func sweep(dir string) {
	for _, p := range processes() {
		if p.belongs(dir, nil) {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
	for _, m := range mountsBelow(dir) {
		_ = syscall.Unmount(m, syscall.MNT_DETACH)
	}
}
