// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// controllersV1 are the version 1 hierarchies in which each task has a group.
// The freezer is what its processes are found and ended by.
var controllersV1 = []string{"freezer", "memory", "cpu", "pids"}

// ForTask returns the groups of a task whose agent says that its cpuset is in
// the group cpuset. It is the zero Group if the agent keeps no groups.
func ForTask(cpuset, allocID, task string) Group {
	if cpuset == "" || filepath.Clean(cpuset) != cpuset || !strings.HasPrefix(cpuset, mount+"/") {
		return Group{}
	}
	if !strings.HasPrefix(cpuset, mount+"/cpuset/") {
		return Group{V2: cpuset, Owned: cpuset, Memory: cpuset, Remove: []string{cpuset}}
	}
	g := Group{V1: []string{cpuset}}
	for _, controller := range controllersV1 {
		dir := filepath.Join(mount, controller, "nomad", allocID+"."+task)
		g.V1 = append(g.V1, dir)
		g.Remove = append(g.Remove, dir)
		switch controller {
		case "freezer":
			g.Owned = dir
		case "memory":
			g.Memory = dir
		}
	}
	if isReserved(cpuset) {
		g.Remove = append(g.Remove, cpuset)
	}
	return g
}

// ForOverride returns the groups that a job itself names: a unified one, or
// version 1 groups by controller. Relative paths lie below the usual place.
func ForOverride(v2 string, v1 map[string]string) Group {
	if v2 != "" {
		return Group{V2: below(mount, v2), Required: true}
	}
	g := Group{Required: true}
	for controller, path := range v1 {
		g.V1 = append(g.V1, below(filepath.Join(mount, controller), path))
	}
	return g
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// isReserved reports whether a cpuset group holds a single task, as opposed to
// the one in which all tasks without cores of their own are.
func isReserved(cpuset string) bool {
	return strings.Contains(cpuset, "/reserve/") || strings.Contains(cpuset, "/reserve.slice/")
}

// Prepare makes sure that the groups exist and sets the limits. What cannot be
// done is left out of the group that is returned, with the reasons.
func (g Group) Prepare(l Limits) (ready Group, problems []error) {
	ready = g
	if g.V2 != "" {
		if err := ensure(g.V2); err != nil {
			return Group{}, []error{err}
		}
		return ready, l.applyV2(g.V2)
	}
	ready.V1 = nil
	for _, dir := range g.V1 {
		if l.PIDs == 0 && strings.HasPrefix(dir, mount+"/pids/") && !exists(mount+"/pids") {
			continue // there is nothing to limit and nothing to do it with
		}
		if err := prepareV1(dir, l); err != nil {
			problems = append(problems, err)
			if !exists(dir) {
				ready = ready.without(dir)
				continue
			}
		}
		ready.V1 = append(ready.V1, dir)
	}
	return ready, problems
}

// without forgets a group that does not exist.
func (g Group) without(dir string) Group {
	if g.Owned == dir {
		g.Owned = ""
	}
	if g.Memory == dir {
		g.Memory = ""
	}
	return g
}

func prepareV1(dir string, l Limits) error {
	controller, _, _ := strings.Cut(strings.TrimPrefix(dir, mount+"/"), "/")
	if controller == "cpuset" && !isReserved(dir) {
		// The agent's own group, shared by many tasks.
		if !exists(dir) {
			return fmt.Errorf("use control group %s: %w", dir, fs.ErrNotExist)
		}
		return nil
	}
	if err := ensure(dir); err != nil {
		return err
	}
	switch controller {
	case "cpu":
		return write(dir, "cpu.shares", strconv.FormatInt(l.shares(), 10))
	case "memory":
		return l.applyMemoryV1(dir)
	case "cpuset":
		return l.applyCores(dir)
	case "pids":
		return write(dir, "pids.max", l.pids())
	}
	return nil
}

// ensure creates a group. A hierarchy that is not mounted is not created as an
// ordinary directory.
func ensure(dir string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil && !exists(filepath.Join(dir, "cgroup.procs")) {
		err = errors.ErrUnsupported
		_ = unix.Rmdir(dir)
	}
	if err != nil {
		return fmt.Errorf("create control group %s: %w", dir, err)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func write(dir, file, value string) error {
	if err := sysfs.Write(filepath.Join(dir, file), value); err != nil {
		return fmt.Errorf("set %s to %s in %s: %w", file, value, dir, err)
	}
	return nil
}
