// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// killWait bounds how long Remove waits for killed processes.
const killWait = 5 * time.Second

// controllers are those that version 2 needs.
var controllers = []string{"cpuset", "cpu", "io", "memory", "pids"}

// detect tells the version from what is mounted at root.
func detect(root string) tree {
	var st unix.Statfs_t
	if unix.Statfs(root, &st) != nil {
		return nil
	}
	switch st.Type {
	case unix.CGROUP2_SUPER_MAGIC:
		have, err := sysfs.Read(filepath.Join(root, "cgroup.controllers"))
		if err != nil {
			return nil
		}
		for _, c := range controllers {
			if !slices.Contains(strings.Fields(string(have)), c) {
				return nil
			}
		}
		return &unified{root: root}
	case unix.TMPFS_MAGIC:
		if _, err := os.Stat(filepath.Join(root, "cpuset", "cgroup.procs")); err != nil {
			return nil
		}
		return &legacy{root: root}
	}
	return nil
}

// unified is version 2.
type unified struct{ root string }

func (u *unified) version() string { return "2" }

func (u *unified) slice(partition string) string {
	return filepath.Join(u.root, ParentV2, partition+".slice")
}

func (u *unified) setup(usable []uint16) error {
	dirs := []string{filepath.Join(u.root, ParentV2), u.slice("share"), u.slice("reserve")}
	if err := enable(u.root); err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := mkdir(dir); err != nil {
			return err
		}
		if err := enable(dir); err != nil {
			return err
		}
	}
	if err := u.admits(); err != nil {
		return err
	}
	return u.partition(usable, nil)
}

// admits says why this process may not move others to its groups. The kernel asks for the right to write to the group that
// the old and the new one of a process have in common, which an owner of the groups need not have.
func (u *unified) admits() error {
	common := u.root
	if own, err := sysfs.Read("/proc/self/cgroup"); err == nil && strings.Contains(string(own), "0::/"+ParentV2+"/") {
		common = filepath.Join(u.root, ParentV2)
	}
	file, err := os.OpenFile(filepath.Join(common, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("move processes to %s; an agent that does not run as root has to be started below it, with systemd by Slice=%s and Delegate=yes: %w", ParentV2, ParentV2, err)
	}
	return file.Close()
}

// enable lets the children of a group use all controllers.
func enable(dir string) error {
	file := filepath.Join(dir, "cgroup.subtree_control")
	have, err := sysfs.Read(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	for _, c := range controllers {
		if slices.Contains(strings.Fields(string(have)), c) {
			continue
		}
		if err := write(file, "+"+c); err != nil {
			return err
		}
	}
	return nil
}

func (u *unified) partition(shared, reserved []uint16) error {
	// Growing comes first so that no core is in neither for long.
	return errors.Join(
		write(filepath.Join(u.slice("reserve"), "cpuset.cpus"), list(reserved)),
		write(filepath.Join(u.slice("share"), "cpuset.cpus"), list(shared)),
	)
}

func (u *unified) create(id string, cores []uint16) (string, error) {
	partition := "share"
	if len(cores) > 0 {
		partition = "reserve"
	}
	dir := filepath.Join(u.slice(partition), id+".scope")
	if err := mkdir(dir); err != nil {
		return "", err
	}
	if len(cores) > 0 {
		if err := write(filepath.Join(dir, "cpuset.cpus"), list(cores)); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func (u *unified) remove(id string) error {
	var errs []error
	for _, partition := range []string{"share", "reserve"} {
		dir := filepath.Join(u.slice(partition), id+".scope")
		if err := cgroup.Kill(dir, time.Now().Add(killWait)); err != nil {
			errs = append(errs, fmt.Errorf("kill what is in %s: %w", dir, err))
			continue
		}
		errs = append(errs, rmdir(dir))
	}
	return errors.Join(errs...)
}

func (u *unified) idle(before time.Time, may func(string) bool) []string {
	var out []string
	for _, partition := range []string{"share", "reserve"} {
		for _, name := range namesOf(u.slice(partition)) {
			dir := filepath.Join(u.slice(partition), name)
			id, ok := strings.CutSuffix(name, ".scope")
			if !ok || !may(id) || !olderThan(dir, before) {
				continue
			}
			events, err := sysfs.Read(filepath.Join(dir, "cgroup.events"))
			if err == nil && slices.Contains(strings.Split(string(events), "\n"), "populated 0") {
				out = append(out, id)
			}
		}
	}
	return out
}

func (u *unified) drop(id string) bool {
	return errors.Join(rmdir(filepath.Join(u.slice("share"), id+".scope")), rmdir(filepath.Join(u.slice("reserve"), id+".scope"))) == nil
}

// legacy is version 1, with one hierarchy a controller.
type legacy struct{ root string }

func (l *legacy) version() string { return "1" }

func (l *legacy) cpuset(parts ...string) string {
	return filepath.Join(append([]string{l.root, "cpuset", "nomad"}, parts...)...)
}

func (l *legacy) setup(usable []uint16) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("control groups of version 1 need root: %w", fs.ErrPermission)
	}
	// A cpuset takes processes only once it has cores and memory nodes.
	mems, err := sysfs.Read(filepath.Join(l.root, "cpuset", "cpuset.mems"))
	if err != nil {
		return fmt.Errorf("read the memory nodes: %w", err)
	}
	cpus, err := sysfs.Read(filepath.Join(l.root, "cpuset", "cpuset.cpus"))
	if err != nil {
		return fmt.Errorf("read the cores: %w", err)
	}
	for _, dir := range []string{l.cpuset(), l.cpuset("share"), l.cpuset("reserve")} {
		if err := mkdir(dir); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, "cpuset.mems"), strings.TrimSpace(string(mems))); err != nil {
			return err
		}
	}
	for _, dir := range []string{l.cpuset(), l.cpuset("reserve")} {
		if err := write(filepath.Join(dir, "cpuset.cpus"), strings.TrimSpace(string(cpus))); err != nil {
			return err
		}
	}
	return l.partition(usable, nil)
}

// partition leaves the reserved part with all cores: each group below it has just its own.
func (l *legacy) partition(shared, _ []uint16) error {
	return write(filepath.Join(l.cpuset("share"), "cpuset.cpus"), list(shared))
}

func (l *legacy) create(id string, cores []uint16) (string, error) {
	if len(cores) == 0 {
		return l.cpuset("share"), nil
	}
	dir := l.cpuset("reserve", id)
	if err := mkdir(dir); err != nil {
		return "", err
	}
	mems, err := sysfs.Read(filepath.Join(l.cpuset("reserve"), "cpuset.mems"))
	if err != nil {
		return "", err
	}
	return dir, errors.Join(
		write(filepath.Join(dir, "cpuset.mems"), strings.TrimSpace(string(mems))),
		write(filepath.Join(dir, "cpuset.cpus"), list(cores)),
	)
}

// remove ends what is in the freezer group, which drivers put tasks into, and removes the groups of all
// hierarchies.
func (l *legacy) remove(id string) error {
	freezer := filepath.Join(l.root, "freezer", "nomad", id)
	if err := cgroup.Kill(freezer, time.Now().Add(killWait)); err != nil {
		return fmt.Errorf("kill what is in %s: %w", freezer, err)
	}
	return l.rmdir(id)
}

// parents are the groups that those of tasks are in.
func (l *legacy) parents() []string {
	out := []string{l.cpuset("reserve")}
	for _, c := range []string{"freezer", "memory", "cpu", "pids"} {
		out = append(out, filepath.Join(l.root, c, "nomad"))
	}
	return out
}

func (l *legacy) rmdir(id string) error {
	var errs []error
	for _, dir := range l.parents() {
		errs = append(errs, rmdir(filepath.Join(dir, id)))
	}
	return errors.Join(errs...)
}

func (l *legacy) idle(before time.Time, may func(string) bool) []string {
	idle := map[string]bool{}
	for _, parent := range l.parents() {
		for _, id := range namesOf(parent) {
			if others, seen := idle[id]; seen && !others || !may(id) {
				continue
			}
			dir := filepath.Join(parent, id)
			idle[id] = olderThan(dir, before) && len(namesOf(dir)) == 0 && unused(dir)
		}
	}
	maps.DeleteFunc(idle, func(_ string, empty bool) bool { return !empty })
	return slices.Sorted(maps.Keys(idle))
}

func (l *legacy) drop(id string) bool { return l.rmdir(id) == nil }

// namesOf are the groups in a group.
func namesOf(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // there is none
	}
	var out []string
	for _, entry := range entries {
		if entry.IsDir() {
			out = append(out, entry.Name())
		}
	}
	return out
}

func unused(dir string) bool {
	procs, err := sysfs.Read(filepath.Join(dir, "cgroup.procs"))
	return err == nil && len(procs) == 0
}

func olderThan(dir string, before time.Time) bool {
	info, err := os.Stat(dir)
	return err == nil && info.ModTime().Before(before)
}

func mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func rmdir(dir string) error {
	if err := unix.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", dir, err)
	}
	return nil
}

func write(file, value string) error {
	if err := sysfs.Write(file, value+"\n"); err != nil {
		return fmt.Errorf("set %s to %q: %w", file, value, err)
	}
	return nil
}

// list renders cores as the kernel reads them.
func list(cores []uint16) string {
	parts := make([]string, len(cores))
	for i, c := range cores {
		parts[i] = strconv.Itoa(int(c))
	}
	return strings.Join(parts, ",")
}
