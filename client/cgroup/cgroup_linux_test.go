// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

// fakeTree records what a manager asks for.
type fakeTree struct {
	shared, reserved []uint16
	groups           map[string][]uint16
	fail             error
}

func (f *fakeTree) version() string             { return "2" }
func (f *fakeTree) setup(usable []uint16) error { f.shared = usable; return f.fail }
func (f *fakeTree) partition(shared, reserved []uint16) error {
	if f.fail == nil {
		f.shared, f.reserved = shared, reserved
	}
	return f.fail
}

func (f *fakeTree) create(id string, cores []uint16) (string, error) {
	f.groups[id] = cores
	return "/cg/" + id, f.fail
}
func (f *fakeTree) remove(id string) error { delete(f.groups, id); return nil }
func (f *fakeTree) idle(time.Time, func(string) bool) []string {
	return slices.Sorted(maps.Keys(f.groups))
}
func (f *fakeTree) drop(id string) bool { delete(f.groups, id); return true }

func fake() (*Manager, *fakeTree) {
	f := &fakeTree{groups: map[string][]uint16{}}
	m := New(hclog.NewNullLogger())
	m.tree = f
	return m, f
}

func TestReservedCoresLeaveTheSharedPartition(t *testing.T) {
	m, f := fake()
	m.Setup([]uint16{0, 1, 2, 3})
	want := func(shared, reserved []uint16) {
		t.Helper()
		if !slices.Equal(f.shared, shared) || !slices.Equal(f.reserved, reserved) {
			t.Errorf("shared %v, reserved %v, want %v and %v", f.shared, f.reserved, shared, reserved)
		}
	}
	if path, err := m.Create("a", "plain", nil); err != nil || path != "/cg/a.plain" {
		t.Errorf("Create = %q, %v", path, err)
	}
	want([]uint16{0, 1, 2, 3}, nil)
	for _, c := range []struct {
		task  string
		cores []uint16
	}{{"x", []uint16{2, 3}}, {"y", []uint16{0}}, {"x", []uint16{2, 3}}} {
		if _, err := m.Create("a", c.task, c.cores); err != nil {
			t.Fatal(err)
		}
	}
	want([]uint16{1}, []uint16{0, 2, 3})
	if _, err := m.Create("a", "z", []uint16{1}); err != nil {
		t.Fatal(err)
	}
	want([]uint16{0, 1, 2, 3}, []uint16{0, 1, 2, 3}) // the shared partition cannot be empty
	for _, task := range []string{"z", "x", "plain", "never-made"} {
		if err := m.Remove("a", task); err != nil {
			t.Fatal(err)
		}
	}
	want([]uint16{1, 2, 3}, []uint16{0})
	f.fail = errors.New("busy")
	if _, err := m.Create("a", "w", []uint16{3}); err == nil {
		t.Error("cores were reserved although the partition did not change")
	}
	f.fail = nil
	if err := m.Remove("a", "y"); err != nil {
		t.Fatal(err)
	}
	want([]uint16{0, 1, 2, 3}, nil)
}

func TestWithoutPermissionTasksRunWithoutGroups(t *testing.T) {
	m, f := fake()
	f.fail = os.ErrPermission
	m.Setup([]uint16{0})
	if m.Enabled() {
		t.Fatal("groups are enabled after a failed setup")
	}
	f.fail = nil
	if path, err := m.Create("a", "t", nil); path != "" || err != nil || len(f.groups) > 0 {
		t.Errorf("Create = %q, %v", path, err)
	}
	if err := m.Remove("a", "t"); err != nil {
		t.Error(err)
	}
}

// The files of version 2, on an ordinary file system.
func TestUnifiedFiles(t *testing.T) {
	root := t.TempDir()
	u := &unified{root: root}
	at := func(parts ...string) string { return filepath.Join(append([]string{root}, parts...)...) }
	control := func(dir string) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"cgroup.subtree_control", "cpuset.cpus", "cgroup.procs"} {
			if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, d := range []string{at(), at("nomad.slice"), at("nomad.slice/share.slice"), at("nomad.slice/reserve.slice"), at("nomad.slice/reserve.slice/id.task.scope")} {
		control(d)
	}
	if err := u.setup([]uint16{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(at("cgroup.procs"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := unable(t, func() error { return u.setup([]uint16{0, 1, 2}) }); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "Slice=nomad.slice") {
		t.Errorf("who cannot move processes has the groups: %v", err)
	}
	if got, err := u.create("id.other", nil); err != nil || got != at("nomad.slice/share.slice/id.other.scope") {
		t.Errorf("create = %s, %v", got, err)
	}
	if got, err := u.create("id.task", []uint16{1, 2}); err != nil || got != at("nomad.slice/reserve.slice/id.task.scope") {
		t.Errorf("create = %s, %v", got, err)
	}
	if err := u.partition([]uint16{0}, []uint16{1, 2}); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"nomad.slice/share.slice/cpuset.cpus":                 "0",
		"nomad.slice/reserve.slice/cpuset.cpus":               "1,2",
		"nomad.slice/reserve.slice/id.task.scope/cpuset.cpus": "1,2",
		"cgroup.subtree_control":                              "+pids",
		"nomad.slice/share.slice/cgroup.subtree_control":      "+pids",
	} {
		got, err := os.ReadFile(at(file))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s = %q, %v, want %q", file, got, err, want)
		}
	}
	if err := u.remove("id.other"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(at("nomad.slice/share.slice/id.other.scope")); err == nil {
		t.Error("the group is still there")
	}
}

// unable calls f without the power to write to files that forbid it, of which that with the processes at the root is one.
func unable(t *testing.T, f func() error) error {
	t.Helper()
	result := make(chan error)
	go func() {
		// Capabilities are those of a thread; this one ends with the function, since it is not unlocked.
		runtime.LockOSThread()
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		err := unix.Capget(&header, &sets[0])
		sets[0].Effective &^= 1 << unix.CAP_DAC_OVERRIDE
		if err == nil {
			err = unix.Capset(&header, &sets[0])
		}
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}

func TestAbandonedGroups(t *testing.T) {
	m, f := fake()
	const gone, known = "11111111-aaaa-bbbb-cccc-222222222222", "22222222-aaaa-bbbb-cccc-222222222222"
	for _, id := range []string{gone + ".a", gone + ".b.c", known + ".a", "somebody.else", "plain"} {
		f.groups[id] = nil
	}
	keep := func(alloc string) bool { return alloc == known }
	if n := m.RemoveAbandoned(t.Context(), time.Now(), keep); n != 0 {
		t.Errorf("%d groups were removed by a client without groups", n)
	}
	m.Setup([]uint16{0})
	if n := m.RemoveAbandoned(t.Context(), time.Now(), keep); n != 2 {
		t.Errorf("%d were removed, want 2", n)
	}
	if got, want := slices.Sorted(maps.Keys(f.groups)), []string{known + ".a", "plain", "somebody.else"}; !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// The files of both versions, on an ordinary file system, where a directory can be removed only without files. So
// what is idle is looked at here, and what is removed is in TestRealGroups.
func TestIdleGroups(t *testing.T) {
	root := t.TempDir()
	now := time.Now()
	group := func(age time.Duration, dir, file, text string) {
		t.Helper()
		dir = filepath.Join(root, dir)
		err := os.MkdirAll(dir, 0o755)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644)
		}
		if err == nil {
			err = os.Chtimes(dir, now.Add(-age), now.Add(-age))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	may := func(id string) bool { return id != "known" }
	const v2 = "nomad.slice/share.slice/"
	group(time.Hour, v2+"known.scope", "cgroup.events", "populated 0\nfrozen 0\n")
	group(time.Hour, v2+"old.scope", "cgroup.events", "populated 0\nfrozen 0\n")
	group(0, v2+"new.scope", "cgroup.events", "populated 0\nfrozen 0\n")
	group(time.Hour, v2+"used.scope", "cgroup.events", "populated 1\nfrozen 0\n")
	group(time.Hour, v2+"other", "cgroup.events", "populated 0\n")
	group(time.Hour, "nomad.slice/reserve.slice/cores.scope", "cgroup.events", "populated 0\n")
	if got := (&unified{root: root}).idle(now.Add(-time.Minute), may); !slices.Equal(got, []string{"old", "cores"}) {
		t.Errorf("in version 2 %q are idle", got)
	}
	for _, c := range []string{"freezer", "pids"} {
		group(time.Hour, c+"/nomad/old", "cgroup.procs", "")
		group(time.Hour, c+"/nomad/known", "cgroup.procs", "")
		group(time.Hour, c+"/nomad/parent/child", "cgroup.procs", "1\n")
		group(time.Hour, c+"/nomad/parent", "cgroup.procs", "")
	}
	group(time.Hour, "freezer/nomad/used", "cgroup.procs", "7\n")
	group(time.Hour, "pids/nomad/used", "cgroup.procs", "")
	group(time.Hour, "memory/nomad/used2", "cgroup.procs", "")
	group(time.Hour, "cpuset/nomad/reserve/used2", "cgroup.procs", "8\n")
	group(time.Hour, "freezer/nomad/half", "cgroup.procs", "")
	group(0, "cpu/nomad/half", "cgroup.procs", "")
	if got := (&legacy{root: root}).idle(now.Add(-time.Minute), may); !slices.Equal(got, []string{"old"}) {
		t.Errorf("in version 1 %q are idle", got)
	}
}

// The hierarchy of this machine, whichever it is.
func TestRealGroups(t *testing.T) {
	m := New(hclog.NewNullLogger())
	// All cores, because an agent may be running here.
	var all []uint16
	for i := range runtime.NumCPU() {
		all = append(all, uint16(i))
	}
	m.Setup(all)
	if !m.Enabled() {
		testkit.Lacks(t, "a control group hierarchy that can be written, version %q cannot", m.Version())
	}
	const alloc, task = "11111111-aaaa-bbbb-cccc-222222222222", "test"
	t.Cleanup(func() { _ = m.Remove(alloc, task) })
	path, err := m.Create(alloc, task, []uint16{0})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(path, "reserve") {
		t.Errorf("a task with a core of its own is at %s", path)
	}
	got, err := os.ReadFile(filepath.Join(path, "cpuset.cpus"))
	if err != nil || strings.TrimSpace(string(got)) != "0" {
		t.Errorf("cores of the group are %q, %v", got, err)
	}
	if err := m.Remove(alloc, task); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the group is still there")
	}
	// The same of an agent that never came back. Those of others, who may be at work here, are kept.
	if path, err = m.Create(alloc, task, []uint16{0}); err != nil {
		t.Fatal(err)
	}
	others := func(id string) bool { return id != alloc }
	if n := m.RemoveAbandoned(t.Context(), time.Now(), others); n != 0 {
		t.Error("a group that was made just now is abandoned")
	}
	process := exec.Command("sleep", "60")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Process.Kill() })
	if err := os.WriteFile(filepath.Join(path, "cgroup.procs"), fmt.Append(nil, process.Process.Pid), 0); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(abandonedAfter + time.Hour)
	if n := m.RemoveAbandoned(t.Context(), later, others); n != 0 {
		t.Error("a group with a process in it is abandoned")
	}
	_ = process.Process.Kill()
	_ = process.Wait() // it was killed
	if n := m.RemoveAbandoned(t.Context(), later, others); n != 1 {
		t.Errorf("%d groups are abandoned, want 1", n)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the abandoned group is still there")
	}
}
