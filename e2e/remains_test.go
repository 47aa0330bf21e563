// SPDX-License-Identifier: MPL-2.0

//go:build linux

package e2e

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

// owner matches what has an allocation or a container in its name.
var owner = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}`)

// controlGroups returns the groups that are named after one of the allocations or containers, with what runs in them,
// whatever the version of control groups and whoever manages them.
func controlGroups(ids []string) (left []string) {
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() || !known[owner.FindString(e.Name())] {
			return nil //nolint:nilerr // it went meanwhile
		}
		left = append(left, "control group "+path)
		text, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		for pid := range strings.FieldsSeq(string(text)) {
			left = append(left, fmt.Sprintf("process %s %q in control group %s", pid, words(filepath.Join("/proc", pid, "cmdline")), path))
		}
		return nil
	})
	return left
}

// adminChain has rules of whole networks, which stay; forwardChain has rules of single addresses, without names.
const (
	adminChain   = "NOMAD-ADMIN"
	forwardChain = "CNI-FORWARD"
)

// networkRemains returns what there is on the host of the networks of allocations, whose addresses begin with subnet:
// namespaces, addresses, rules.
func networkRemains(allocs []string, subnet string) (left []string) {
	names := slices.Clone(allocs)
	for _, id := range allocs {
		// The names of the chains of CNI's plugins.
		sum := sha512.Sum512([]byte("nomad" + id))
		for _, prefix := range []string{"CNI-", "CNI-DN-", "CNI-SN-"} {
			names = append(names, (prefix + hex.EncodeToString(sum[:]))[:28])
		}
	}
	has := func(text string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(text, name) })
	}
	for _, dir := range []string{"/var/run/netns", "/var/run/cni", "/var/lib/cni"} {
		_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil //nolint:nilerr // it went meanwhile
			}
			text := ""
			if dir != "/var/run/netns" {
				content, _ := os.ReadFile(path)
				text = string(content)
			}
			if has(path + text) {
				left = append(left, "file "+path)
			}
			return nil
		})
	}
	for _, tool := range []string{"iptables-save", "ip6tables-save"} {
		out, _ := exec.Command(tool).Output() // where it is missing nobody has made rules
		for line := range strings.Lines(string(out)) {
			if has(line) || strings.Contains(line, subnet) && strings.HasPrefix(line, "-A "+forwardChain+" ") {
				left = append(left, "rule "+strings.TrimSpace(line))
			}
		}
	}
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
