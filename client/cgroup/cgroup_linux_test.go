// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

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
		for _, f := range []string{"cgroup.subtree_control", "cpuset.cpus"} {
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
}
