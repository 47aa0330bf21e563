// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

// grouped gives a task control groups of its own, whichever version the machine
// has.
func (b *bench) grouped(spec *Spec, limits cgroup.Limits) {
	b.t.Helper()
	testkit.Need(b.t, "root")
	name := strings.ReplaceAll(strings.ReplaceAll(b.t.Name(), "/", "-"), " ", "-") + itoa(os.Getpid())
	cpuset := "/sys/fs/cgroup/cpuset/nomad/none"
	if slice := testkit.Slice(b.t); slice != "" {
		cpuset = filepath.Join(slice, name+".task.scope")
	}
	group, problems := cgroup.ForTask(cpuset, name, "task").Prepare(limits)
	if group.Owned == "" {
		b.t.Fatalf("no control group: %v", problems)
	}
	spec.Cgroup = group
}

// TestGroups checks that a task is in its groups from its first instruction, and
// the shim is not; that the group is the whole task; and that it goes away.
func TestGroups(t *testing.T) {
	b := newBench(t)
	spec := b.spec("family", "3", "stay")
	b.grouped(spec, cgroup.Limits{CPU: 500, Memory: 512 << 20})
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	h := b.start(spec)
	if warnings := h.Warnings(); len(warnings) != 0 {
		t.Errorf("warnings: %q", warnings)
	}
	pids := b.awaitFamily(4)
	members, err := cgroup.PIDs(spec.Cgroup.Owned)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(members)
	slices.Sort(pids)
	if !slices.Equal(members, pids) {
		t.Errorf("the group holds %v, the task is %v", members, pids)
	}
	for _, pid := range []int{os.Getpid(), h.state.ShimPID} {
		threads, err := sysfs.Numbers("/proc/" + itoa(pid) + "/task")
		if err != nil {
			t.Fatal(err)
		}
		for _, tid := range threads {
			text, err := os.ReadFile("/proc/" + itoa(pid) + "/task/" + itoa(tid) + "/cgroup")
			if err != nil || !bytes.Equal(text, own) {
				t.Errorf("thread %d of process %d is in %s, %v", tid, pid, text, err)
			}
		}
	}
	usage, err := h.Usage()
	if err != nil || !usage.Grouped || usage.InUse == 0 || len(usage.PIDs) != 4 {
		t.Errorf("usage is %+v, %v", usage, err)
	}
	b.destroy(h)
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is alive", pid)
		}
	}
	for _, dir := range spec.Cgroup.Remove {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}

// TestGroupsAfterShimDeath checks that the group finds the processes that the
// shim cannot any more.
func TestGroupsAfterShimDeath(t *testing.T) {
	b := newBench(t)
	spec := b.spec("family", "4", "stay")
	spec.Marks = nil
	b.grouped(spec, cgroup.Limits{})
	h := b.start(spec)
	pids := b.awaitFamily(5)
	if err := unix.Kill(h.state.ShimPID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.wait(h)
	for _, pid := range pids {
		if alive(pid) {
			t.Errorf("process %d is alive", pid)
		}
	}
}

func TestOutOfMemory(t *testing.T) {
	b := newBench(t)
	spec := b.spec("eat")
	b.grouped(spec, cgroup.Limits{Memory: 64 << 20})
	if spec.Cgroup.Memory == "" {
		t.Fatal("no memory control group")
	}
	exit := b.wait(b.start(spec))
	if !exit.OOMKilled || exit.Signal != 9 {
		t.Errorf("exit is %+v", exit)
	}
}

// runners is a shell script that is never the same process for long: it starts
// itself anew in a session of its own and ends. Six of them run at a time, and
// each gives up after some generations should a test fail to end them.
const runners = `#!/bin/sh
n=${1:-0}
if [ "$n" = 0 ]; then
	for i in 1 2 3 4 5 6; do setsid "$0" 1 & done
	echo started
	exec sleep 3600
fi
[ "$n" -lt 3000 ] || exit
trap '' TERM INT HUP
[ "$n" != 10 ] || echo running
setsid "$0" $((n + 1)) &
`

// TestRunaways checks that a task whose processes run away from every signal is
// ended to the last process, with a control group and without.
func TestRunaways(t *testing.T) {
	testkit.Need(t, "setsid")
	for name, grouped := range map[string]bool{"in a group": true, "without a group": false} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			spec := b.spec("")
			spec.Path, spec.Args = filepath.Join(b.base, "runners"), nil
			spec.Env = append(spec.Env, "PATH="+os.Getenv("PATH"))
			if err := os.WriteFile(spec.Path, []byte(runners), 0o700); err != nil {
				t.Fatal(err)
			}
			if grouped {
				b.grouped(spec, cgroup.Limits{})
			}
			h := b.start(spec)
			b.await("all run", func() bool {
				return strings.Count(b.output("task.stdout"), "running") == 6
			})
			if err := h.Stop(patient(t), syscall.SIGTERM, 0); err != nil {
				t.Fatal(err)
			}
			all, err := proc.All()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range all {
				if !p.Zombie && marked(p.PID, spec.Marks) {
					t.Errorf("process %d is left", p.PID)
				}
			}
			if said := b.messages(); said != "" {
				t.Errorf("the shim said %q", said)
			}
		})
	}
}

// TestOrphansDieSlowly checks that a process left of a task whose shim is gone is waited for when it takes its time to die.
// One that is frozen does; with version 2 of control groups it dies at once.
func TestOrphansDieSlowly(t *testing.T) {
	testkit.Need(t, "root")
	const freezer = "/sys/fs/cgroup/freezer"
	if _, err := os.Stat(freezer); err != nil {
		return
	}
	dir := filepath.Join(freezer, t.Name()+itoa(os.Getpid()))
	state := filepath.Join(dir, "freezer.state")
	set := func(file, value string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	mark := "TEST_ORPHAN=" + dir
	cmd := exec.Command("sleep", "3600")
	cmd.Env = []string{mark}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = os.WriteFile(state, []byte("THAWED"), 0)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = os.Remove(dir)
	})
	pid := cmd.Process.Pid
	set(filepath.Join(dir, "cgroup.procs"), itoa(pid))
	set(state, "FROZEN")
	await(t, "the process is frozen", func() bool {
		text, err := os.ReadFile(state)
		return err == nil && string(text) == "FROZEN\n"
	})
	over := make(chan struct{})
	go func() {
		defer close(over)
		killOrphans(&State{ShimPID: math.MaxInt32, Marks: []string{mark}}, time.Now().Add(time.Hour))
	}()
	await(t, "the process is killed", func() bool {
		text, err := os.ReadFile("/proc/" + itoa(pid) + "/status")
		return err == nil && bytes.Contains(text, []byte("ShdPnd:\t0000000000000100\n"))
	})
	select {
	case <-over:
		t.Error("it was not waited for")
	case <-time.After(time.Second):
	}
	set(state, "THAWED")
	<-over
	if alive(pid) {
		t.Error("the process is alive")
	}
}

// TestGroupRefuses checks that a task starts without a group that cannot be
// entered, and that this is said.
func TestGroupRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("sleep")
	spec.Cgroup.V1 = []string{"/sys/fs/cgroup/memory/no/such/group", "/somewhere/else"}
	h := b.start(spec)
	if warnings := h.Warnings(); len(warnings) != 2 {
		t.Errorf("warnings are %q", warnings)
	}
	b.awaitLine("task.stdout")
}

// TestUsage checks processor time against a task that is known to use some.
func TestUsage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec("")
	spec.Path, spec.Args = "/bin/sh", []string{"-c", "while :; do :; done & wait"}
	h := b.start(spec)
	var last time.Duration
	await(t, "processor time is used", func() bool {
		usage, err := h.Usage()
		if err != nil {
			t.Fatal(err)
		}
		now := usage.Total.User + usage.Total.System
		if now < last {
			t.Errorf("processor time fell from %v to %v", last, now)
		}
		last = now
		return now >= 50*time.Millisecond && usage.Total.RSS > 0 && len(usage.PIDs) == 2
	})
	b.destroy(h)
	if _, err := h.Usage(); err == nil {
		t.Error("a task that has ended uses something")
	}
}

// TestNetwork checks that a task and the commands beside it see the network
// namespace that was asked for, and the shim's socket works all the same.
func TestNetwork(t *testing.T) {
	testkit.Need(t, "root", "mounts", "unshare")
	b := newBench(t)
	holder := b.spec("")
	holder.Place.Names = []string{"holder"}
	holder.Path, holder.Args = "/bin/sh", []string{"-c", "exec unshare --net sh -c 'echo ready; exec sleep 3600'"}
	space := b.start(holder)
	b.awaitLine("task.stdout")
	spec := b.spec("")
	spec.Logs.Files.StdoutPrefix = "second.stdout"
	spec.NetNS = "/proc/" + itoa(space.PID()) + "/ns/net"
	spec.Path, spec.Args = "/bin/sh", []string{"-c", "readlink /proc/self/ns/net; exec sleep 3600"}
	h := b.start(spec)
	want, err := os.Readlink(spec.NetNS)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.awaitLine("second.stdout"); got != want {
		t.Errorf("the task is in %s, want %s", got, want)
	}
	var out bytes.Buffer
	if _, err := h.Exec(patient(t), &Command{Path: "/bin/readlink", Args: []string{"/proc/self/ns/net"}, Stdout: &out}); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != want {
		t.Errorf("the command is in %s, want %s", got, want)
	}
	if own, _ := os.Readlink("/proc/self/ns/net"); own == want {
		t.Error("this is not another network")
	}
}

// TestRecordSurvivesFullDisk checks that the exit of a task whose disk is full is
// written down all the same.
func TestRecordSurvivesFullDisk(t *testing.T) {
	testkit.Need(t, "root", "mounts")
	b := newBench(t)
	disk := filepath.Join(b.base, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	spec := b.spec("print", strconv.Itoa(1<<20))
	spec.Place.Names = []string{"disk", "state"}
	spec.Logs.Files.Dir.Names = []string{"disk"}
	spec.Logs.Files.MaxFileSize = 10 << 20
	h, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	state := h.State()
	h.Close()
	await(t, "the shim leaves", func() bool { return !same(state.ShimPID, state.ShimStartTime) })
	again, err := Attach(t.Context(), state)
	if err != nil {
		t.Fatal(err)
	}
	exit, known := again.Exited()
	if !known || exit.Code != 0 || exit.LogDropped == 0 || !errors.Is(exit.LogErr, syscall.ENOSPC) {
		t.Errorf("exit is %+v, known %t", exit, known)
	}
	if said := b.messages(); !strings.Contains(said, "is being dropped") {
		t.Errorf("the shim said %q", said)
	}
	b.destroy(again)
}
