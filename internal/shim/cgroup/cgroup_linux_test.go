// SPDX-License-Identifier: MPL-2.0

package cgroup

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestForTask(t *testing.T) {
	t.Parallel()
	const v2 = "/sys/fs/cgroup/nomad.slice/share.slice/a.t.scope"
	v1 := func(controller string) string { return "/sys/fs/cgroup/" + controller + "/nomad/a.t" }
	own := []string{v1("freezer"), v1("memory"), v1("cpu"), v1("pids")}
	reserved := "/sys/fs/cgroup/cpuset/nomad/reserve/a.t"
	for name, test := range map[string]struct {
		cpuset string
		want   Group
	}{
		"none":     {"", Group{}},
		"nonsense": {"/etc", Group{}},
		"escape":   {"/sys/fs/cgroup/../../etc", Group{}},
		"unified":  {v2, Group{V2: v2, Owned: v2, Memory: v2, Remove: []string{v2}}},
		"shared": {"/sys/fs/cgroup/cpuset/nomad/share", Group{
			V1:    append([]string{"/sys/fs/cgroup/cpuset/nomad/share"}, own...),
			Owned: own[0], Memory: own[1], Remove: own,
		}},
		"reserved": {reserved, Group{
			V1:    append([]string{reserved}, own...),
			Owned: own[0], Memory: own[1], Remove: append(own[:4:4], reserved),
		}},
	} {
		if got := ForTask(test.cpuset, "a", "t"); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestForOverride(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		v2   string
		v1   map[string]string
		want Group
	}{
		{"mine", nil, Group{V2: "/sys/fs/cgroup/mine", Required: true}},
		{"/sys/fs/cgroup/a/../b", nil, Group{V2: "/sys/fs/cgroup/b", Required: true}},
		{"", map[string]string{"pids": "x/y"}, Group{V1: []string{"/sys/fs/cgroup/pids/x/y"}, Required: true}},
		{"", map[string]string{"pids": "/c/p"}, Group{V1: []string{"/c/p"}, Required: true}},
	} {
		if got := ForOverride(test.v2, test.v1); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q %v: %+v, want %+v", test.v2, test.v1, got, test.want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limits                     Limits
		shares, weight, hard, soft int64
	}{
		{Limits{}, 2, 1, 0, 0},
		{Limits{CPU: 1, Memory: 5}, 2, 1, 5, 0},
		{Limits{CPU: 1024, Memory: 5, MemoryMax: 9}, 1024, 39, 9, 5},
		{Limits{CPU: 262144, Memory: 5, MemoryMax: -1}, 262144, 10000, 0, 5},
		{Limits{CPU: 1 << 40}, 262144, 10000, 0, 0},
	} {
		hard, soft := test.limits.memory()
		if s, w := test.limits.shares(), test.limits.weight(); s != test.shares || w != test.weight ||
			hard != test.hard || soft != test.soft {
			t.Errorf("%+v: shares %d, weight %d, memory %d and %d", test.limits, s, w, hard, soft)
		}
	}
}

// fakeGroup is a directory with the given files, as a kernel shows a group.
func fakeGroup(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func contents(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestApply(t *testing.T) {
	t.Parallel()
	empty := map[string]string{
		"cpu.weight": "", "memory.max": "", "memory.low": "", "cpuset.cpus": "",
		"memory.limit_in_bytes": "", "memory.soft_limit_in_bytes": "",
	}
	limits := Limits{CPU: 1024, Memory: 100, MemoryMax: 200, Cores: "0-1"}
	dir := fakeGroup(t, empty)
	if problems := limits.applyV2(dir); len(problems) != 0 {
		t.Error(problems)
	}
	if err := limits.applyMemoryV1(dir); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"cpu.weight": "39", "memory.max": "200", "memory.low": "100", "cpuset.cpus": "0-1",
		"memory.limit_in_bytes": "200", "memory.soft_limit_in_bytes": "100",
	} {
		if got := contents(t, dir, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	dir = fakeGroup(t, empty)
	unlimited := Limits{Memory: 100, MemoryMax: -1}
	_ = unlimited.applyV2(dir)
	_ = unlimited.applyMemoryV1(dir)
	if v2, v1 := contents(t, dir, "memory.max"), contents(t, dir, "memory.limit_in_bytes"); v2 != "max" || v1 != "-1" {
		t.Errorf("without a limit: %q and %q", v2, v1)
	}
	if problems := limits.applyV2(t.TempDir()); len(problems) != 4 {
		t.Errorf("a group without files: %v", problems)
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	v2 := fakeGroup(t, map[string]string{
		"memory.stat": "anon 10\nfile 20\nkernel 5\n", "memory.current": "40\n", "memory.peak": "50\n",
		"memory.swap.current": "7\n", "memory.events": "low 0\noom 3\noom_kill 2\n",
		"cpu.stat": "usage_usec 3000\nuser_usec 2000\nsystem_usec 1000\nnr_periods 9\nnr_throttled 4\nthrottled_usec 6\n",
	})
	if got, err := ReadMemory(v2); err != nil || got != (Memory{RSS: 10, Cache: 20, Swap: 7, Usage: 40, MaxUsage: 50, Kernel: 5, MaxKnown: true}) {
		t.Errorf("memory is %+v, %v", got, err)
	}
	want := CPU{User: 2 * time.Millisecond, System: time.Millisecond, ThrottledPeriods: 4, ThrottledTime: 6 * time.Microsecond}
	if got, err := ReadCPU(v2); err != nil || got != want {
		t.Errorf("processor is %+v, %v", got, err)
	}
	if n, err := OOMKills(v2); err != nil || n != 2 {
		t.Errorf("%d out of memory, %v", n, err)
	}
	v1 := fakeGroup(t, map[string]string{
		"memory.stat":           "rss 1\ntotal_rss 10\ntotal_cache 20\ntotal_swap 7\n",
		"memory.usage_in_bytes": "40\n", "memory.max_usage_in_bytes": "50\n",
		"memory.kmem.usage_in_bytes": "5\n", "memory.kmem.max_usage_in_bytes": "6\n",
		"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
		"cpu.stat":           "nr_periods 9\nnr_throttled 4\nthrottled_time 6000\n",
	})
	if got, err := ReadMemory(v1); err != nil ||
		got != (Memory{RSS: 10, Cache: 20, Swap: 7, Usage: 40, MaxUsage: 50, Kernel: 5, KernelMax: 6, MaxKnown: true, KernelKnown: true}) {
		t.Errorf("memory is %+v, %v", got, err)
	}
	if got, err := ReadCPU(v1); err != nil || got.ThrottledPeriods != 4 || got.ThrottledTime != 6*time.Microsecond {
		t.Errorf("processor is %+v, %v", got, err)
	}
	if n, err := OOMKills(v1); err != nil || n != 1 {
		t.Errorf("%d out of memory, %v", n, err)
	}
}

// TestEnterNothing checks what is said of groups that cannot be entered, as a job may name them.
func TestEnterNothing(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]error{"/sys/fs/cgroup/nonsense/x": unix.ENOENT, t.TempDir(): unix.EINVAL} {
		_, refused, err := Enter([]string{dir})
		if !errors.Is(err, want) || len(refused) != 1 {
			t.Errorf("%s: %v, %q; want %v", dir, err, refused, want)
		}
	}
}

func TestHomeOf(t *testing.T) {
	t.Parallel()
	own := []byte("9:name=systemd:/user\n4:memory:/process/5\n3:cpu,cpuacct:/\n0::/\n")
	for dir, want := range map[string]string{
		"/sys/fs/cgroup/memory/nomad/a.t":      "/sys/fs/cgroup/memory/process/5",
		"/sys/fs/cgroup/cpu/nomad/a.t":         "/sys/fs/cgroup/cpu",
		"/sys/fs/cgroup/cpu,cpuacct/nomad/a.t": "/sys/fs/cgroup/cpu,cpuacct",
		"/sys/fs/cgroup/freezer/nomad/a.t":     "",
		"/somewhere/else":                      "",
	} {
		got, ok := homeOf(own, dir)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t", dir, got, ok)
		}
	}
}

func TestKillNothing(t *testing.T) {
	t.Parallel()
	if err := Kill(filepath.Join(t.TempDir(), "none"), time.Now()); err != nil {
		t.Error(err)
	}
	if err := Kill(fakeGroup(t, map[string]string{"cgroup.procs": ""}), time.Now()); err != nil {
		t.Error(err)
	}
}

// TestPrepareLeavesOut checks that what cannot be made is left out and named.
func TestPrepareLeavesOut(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	g := Group{V1: []string{base + "/a", base + "/b"}, Owned: base + "/a", Memory: base + "/b"}
	ready, problems := g.Prepare(Limits{})
	if len(ready.V1) != 0 || ready.Owned != "" || ready.Memory != "" || len(problems) != 2 {
		t.Errorf("ready is %+v, problems are %v", ready, problems)
	}
	if left, _ := os.ReadDir(base); len(left) != 0 {
		t.Errorf("directories are left: %v", left)
	}
	g = Group{V2: base + "/c", Owned: base + "/c"}
	ready, problems = g.Prepare(Limits{})
	if !reflect.DeepEqual(ready, Group{}) || len(problems) != 1 || !strings.Contains(problems[0].Error(), base) {
		t.Errorf("ready is %+v, problems are %v", ready, problems)
	}
}

// headless has the test program end its first thread and go on with the others.
const headless = "CGROUP_TEST_HEADLESS"

func init() {
	if os.Getenv(headless) != "" {
		go func() { select {} }()
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT, 0, 0, 0)
	}
}

// TestKillHeadless: a process whose first thread has ended lives, although the kernel shows it as ended.
func TestKillHeadless(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), headless+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	for deadline := time.After(30 * time.Second); ; {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(stat), ") Z ") {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("its first thread goes on: %s", stat)
		case <-time.After(time.Millisecond):
		}
	}
	dir := fakeGroup(t, map[string]string{"cgroup.procs": pid + "\n"})
	if err := Kill(dir, time.Now().Add(30*time.Second)); err != nil {
		t.Error(err)
	}
	tasks, err := os.ReadDir("/proc/" + pid + "/task")
	if err != nil || len(tasks) > 1 {
		t.Errorf("%d threads are left, %v", len(tasks), err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
