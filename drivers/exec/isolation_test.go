// SPDX-License-Identifier: MPL-2.0

//go:build linux

package exec_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/exec"
	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

const patience = 30 * time.Second

// world is a driver in this process with a directory for its tasks.
type world struct {
	t      *testing.T
	ctx    context.Context
	driver *exec.Driver
	dir    string
}

var worlds atomic.Int64

func newWorld(t *testing.T, settings drivertest.Config) *world {
	t.Helper()
	testkit.Need(t, "linux", "root", "mounts")
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, driver: exec.New(hclog.NewNullLogger()), dir: t.TempDir()}
	if err := os.Chmod(filepath.Dir(w.dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := w.configure(settings); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) configure(settings drivertest.Config) error {
	spec, err := w.driver.ConfigSchema(w.ctx)
	if err != nil {
		return err
	}
	return w.driver.SetConfig(w.ctx, &base.Config{Values: encode(w.t, spec, settings)})
}

func encode(t *testing.T, spec *hclspec.Spec, values drivertest.Config) []byte {
	t.Helper()
	schema, err := config.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := schema.Encode(values, &config.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// task returns a task with its directories and a note for its logs.
func (w *world) task(options drivertest.Config) *drivers.TaskConfig {
	w.t.Helper()
	allocID := fmt.Sprintf("00000000-0000-4000-b000-%06d%06d", os.Getpid()%1000000, worlds.Add(1))
	dir := filepath.Join(w.dir, allocID)
	for _, sub := range []string{"alloc/logs", "web/local", "web/secrets", "web/tmp"} {
		path := filepath.Join(dir, sub)
		if err := os.MkdirAll(path, 0o777); err != nil {
			w.t.Fatal(err)
		}
		for ; path != w.dir; path = filepath.Dir(path) {
			if err := os.Chmod(path, 0o777); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "web", "private"), 0o700); err != nil {
		w.t.Fatal(err)
	}
	err := logspec.Write(dir, []string{"alloc", "logs"}, "web", logspec.Spec{
		StdoutPrefix: "web.stdout", StderrPrefix: "web.stderr", MaxFiles: 3, MaxFileSizeBytes: 1 << 20,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	spec, err := w.driver.TaskConfigSchema(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	return &drivers.TaskConfig{
		ID: allocID + "/web/0000000a", Name: "web", AllocID: allocID, DriverConfig: encode(w.t, spec, options), AllocDir: dir,
		Env:        map[string]string{"PATH": "/usr/local/bin:/usr/bin:/bin", "NOMAD_ALLOC_ID": allocID, "NOMAD_TASK_NAME": "web", "HOME": "/root"},
		StdoutPath: filepath.Join(dir, "x"), StderrPath: filepath.Join(dir, "y"),
		Resources: &drivers.Resources{CPUShares: 200, MemoryMB: 64, Linux: &drivers.LinuxResources{}},
	}
}

func (w *world) start(task *drivers.TaskConfig) {
	w.t.Helper()
	if _, _, err := w.driver.StartTask(w.ctx, task); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = w.driver.DestroyTask(ctx, task.ID, true) // most tests did so themselves
	})
}

// run runs a task to its end and returns what it printed, errors last.
func (w *world) run(task *drivers.TaskConfig) (string, *drivers.ExitResult) {
	w.t.Helper()
	w.start(task)
	exit, err := w.driver.WaitTask(w.ctx, task.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return logOf(task, "stdout") + logOf(task, "stderr"), exit
}

func logOf(task *drivers.TaskConfig, stream string) string {
	text, _ := os.ReadFile(filepath.Join(task.AllocDir, "alloc", "logs", "web."+stream+".0"))
	return string(text)
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s did not come", what)
		}
	}
}

func (w *world) expect(task *drivers.TaskConfig, want ...string) {
	w.t.Helper()
	got, _ := w.run(task)
	for _, one := range want {
		if !strings.Contains(got, one) {
			w.t.Errorf("the task printed %q, want %q in it", got, one)
		}
	}
}

// TestWhatATaskSees checks the root, the namespaces and the privileges.
func TestWhatATaskSees(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	task := w.task(script(`
		id -un; pwd; echo "home $HOME"; [ $(ls -d /proc/[0-9]* | wc -l) -lt 8 ] && echo few
		for f in /usr/x /etc/x /alloc/logs/x /sys/x /proc/sys/kernel/hostname; do echo x 2>/dev/null >$f && echo "wrote $f"; done
		for f in /x /local/x /secrets/x /alloc/x /tmp/x /dev/shm/x; do echo x 2>/dev/null >$f || echo "cannot write $f"; done
		for f in /private /proc/acpi /sys/firmware; do ls -A $f; done; cat /etc/shadow /proc/kcore /executor.out 2>/dev/null
		grep -E 'CapEff|NoNewPrivs|Seccomp:' /proc/self/status
		ls -d %s 2>/dev/null && echo "sees the host"
		mknod /tmp/disk b 1 0 2>/dev/null && cat /tmp/disk 2>/dev/null && echo "read a device"
		unshare -m true 2>/dev/null && echo "made a namespace"
		ls -l /proc/self/fd | grep -v -E ' [0-3] -> ' | grep -- '->' && echo "inherited something"
		echo end`, w.dir))
	got, exit := w.run(task)
	want := "nobody\n/\nhome /nonexistent\nfew\nCapEff:\t00000000a80405fb\nNoNewPrivs:\t1\nSeccomp:\t2\nend\n"
	if got != want || !exit.Successful() {
		t.Errorf("the task printed %q, want %q; exit %+v", got, want, exit)
	}
	for _, name := range []string{"web/x", "web/local/x", "web/secrets/x", "alloc/x"} {
		if _, err := os.Stat(filepath.Join(task.AllocDir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestRefusedCalls checks that the filter refuses what a task has no capability
// for, and not what it has.
func TestRefusedCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	plain := w.task(script("unshare -U true || echo refused; mount -t tmpfs none /tmp || echo refused too"))
	w.expect(plain, "refused\n", "refused too\n")
	root := w.task(script("unshare -m true && echo parted; mount -t tmpfs none /tmp && echo mounted"))
	root.User = "root"
	w.expect(root, "parted\n", "mounted\n")
}

func TestRootUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	task := w.task(script("id -u; grep -c ^Cap /proc/self/status; echo x >/etc/x || echo read-only; [ $(ls -d /proc/[0-9]* | wc -l) -lt 8 ] && echo few"))
	task.User = "root"
	w.expect(task, "0\n", "read-only", "few")
	denied := newWorld(t, drivertest.Config{"denied_host_uids": "0,65534"})
	task = denied.task(script("true"))
	if _, _, err := denied.driver.StartTask(denied.ctx, task); err == nil || !strings.Contains(err.Error(), "denied_host_uids") {
		t.Errorf("the default user is denied: %v", err)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"allow_caps": []any{"chown", "CAP_NET_RAW", "kill"}})
	options := script("grep -E 'Cap(Eff|Bnd)' /proc/self/status")
	options["cap_add"], options["cap_drop"] = []any{"net_raw"}, []any{"kill"}
	w.expect(w.task(options), "CapEff:\t0000000000002001", "CapBnd:\t0000000000002001")
	for want, change := range map[string]drivertest.Config{
		"does not allow the following capabilities: sys_admin; name them in allow_caps": {"cap_add": []any{"sys_admin"}},
		"is not known to this kernel":           {"cap_drop": []any{"flying"}},
		"pid_mode must be":                      {"pid_mode": "shared"},
		"could not be found in the task's root": {"command": "no-such-program"},
		"pids_limit must not be negative":       {"pids_limit": -1},
	} {
		options := script("true")
		maps.Copy(options, change)
		task := w.task(options)
		if _, _, err := w.driver.StartTask(w.ctx, task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		} else if drivers.IsRecoverable(err) {
			t.Errorf("%q counts as worth another try", want)
		}
	}
	if err := w.configure(drivertest.Config{"allow_caps": []any{"flying"}, "default_pid_mode": "x"}); err == nil || !strings.Contains(err.Error(), "flying") || !strings.Contains(err.Error(), "default_pid_mode") {
		t.Errorf("a wrong configuration: %v", err)
	}
}

func TestMountsAndNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	volume := filepath.Join(w.dir, "volume")
	if err := os.MkdirAll(filepath.Join(volume, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(volume, "bin", "tool"), []byte("#!/bin/sh\ncat /etc/resolv.conf; echo x 2>/dev/null >/data/ro/x || echo ro; echo y >/data/rw/y; ls -l /dev/given | cut -c1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	task := w.task(drivertest.Config{"command": "bin/tool"})
	task.Mounts = []*drivers.Mount{
		{HostPath: volume, TaskPath: "/data/ro", Readonly: true}, {HostPath: volume, TaskPath: "/data/rw"},
	}
	task.Devices = []*drivers.Device{{HostPath: "/dev/null", TaskPath: "/dev/given", Permissions: "rwm"}}
	task.DNS = &drivers.DNSConfig{Servers: []string{"10.9.8.7"}, Searches: []string{"example.org"}}
	task.User = "root"
	w.expect(task, "search example.org\nnameserver 10.9.8.7\n", "ro\n", "\nc\n")
	if _, err := os.Stat(filepath.Join(volume, "y")); err != nil {
		t.Error(err)
	}
}

// TestFetchedCommand runs programs that are not executable: those of the task's own directories are made so, whichever
// way they are called; one of a volume is not, nor one that a link of the task leads to.
func TestFetchedCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	put := func(t *testing.T, file string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("#!/bin/sh\necho ran $0\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	for command, file := range map[string]string{
		"app": "web/local/app", "local/app": "web/local/app", "/local/app": "web/local/app", "/local/bin/app": "web/local/bin/app",
		"/alloc/data/app": "alloc/data/app", "alloc/data/app": "alloc/data/app", "/app": "web/app", "/opt/own/app": "web/opt/own/app",
	} {
		task := w.task(drivertest.Config{"command": command})
		put(t, filepath.Join(task.AllocDir, file), 0o644)
		if got, exit := w.run(task); !strings.HasPrefix(got, "ran /") || !exit.Successful() {
			t.Errorf("%s printed %q; exit %+v", command, got, exit)
		}
	}

	volume := filepath.Join(w.dir, "kept")
	put(t, filepath.Join(volume, "app"), 0o600)
	for _, command := range []string{"/data/app", "data/app", "/local/link/app", "link/app"} {
		task := w.task(drivertest.Config{"command": command})
		task.Mounts = []*drivers.Mount{{HostPath: volume, TaskPath: "/data"}}
		if err := os.Symlink("/data", filepath.Join(task.TaskDir(), "local", "link")); err != nil {
			t.Fatal(err)
		}
		_, _, err := w.driver.StartTask(w.ctx, task)
		if err == nil {
			_ = w.driver.DestroyTask(w.ctx, task.ID, true)
		}
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v", command, err)
		}
	}
	if st, err := os.Stat(filepath.Join(volume, "app")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the file of the volume has mode %v, %v", st.Mode(), err)
	}
}

// TestHostName checks that tasks and commands beside them call the machine as the network of the group is called, and
// that no task can give the host another name.
func TestHostName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	before, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	root := w.task(script("hostname evil && hostname; grep -c evil /etc/hosts"))
	root.User = "root"
	w.expect(root, "evil\n0\n")
	if now, err := os.Hostname(); err != nil || now != before {
		t.Fatalf("the host is called %q now, %v", now, err)
	}
	for mode, address := range map[string]string{"host": "10.1.2.3", "private": ""} {
		task := w.task(drivertest.Config{
			"command": "/bin/sh", "args": []any{"-c", "hostname; grep shop /etc/hosts; exec sleep 3600"}, "userns_mode": mode, "uts_mode": mode,
		})
		task.NetworkIsolation = &drivers.NetworkIsolationSpec{
			Mode: drivers.NetworkIsolationGroup, Path: "/proc/self/ns/net", Hosts: &drivers.HostsConfig{Hostname: "shop", Address: address},
		}
		w.start(task)
		if address == "" {
			address = "127.0.0.1"
		}
		await(t, "the output", func() bool { return strings.Count(logOf(task, "stdout"), "\n") == 2 })
		if got, want := logOf(task, "stdout"), "shop\n"+address+" shop\n"; got != want {
			t.Errorf("userns_mode %s: the task printed %q, want %q", mode, got, want)
		}
		result, err := w.driver.ExecTask(w.ctx, task.ID, []string{"hostname"}, patience)
		if err != nil || string(result.Stdout) != "shop\n" {
			t.Errorf("userns_mode %s: the command printed %+v, %v", mode, result, err)
		}
	}
}

// TestTerminal checks that the terminal of a command is one of the task's own, which has a name there and belongs to
// its user, and that a task which hides these gets one all the same.
func TestTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	run := func(user, mode, before string) string {
		t.Helper()
		task := w.task(drivertest.Config{
			"command": "/bin/sh", "args": []any{"-c", before + "; echo ready; exec sleep 3600"}, "userns_mode": mode,
		})
		task.User = user
		w.start(task)
		await(t, "the task", func() bool { return strings.Contains(logOf(task, "stdout"), "ready") })
		var out bytes.Buffer
		exit, err := w.driver.ExecTaskStreaming(w.ctx, task.ID, &drivers.ExecOptions{
			Command: []string{"sh", "-c", "tty; test -O $(tty) && echo mine; echo x >/dev/tty"}, TTY: true, Stdin: strings.NewReader(""), Stdout: &out,
		})
		if err != nil || exit == nil || exit.Signal != 0 {
			t.Errorf("%+v, %v", exit, err)
		}
		return strings.ReplaceAll(out.String(), "\r", "")
	}
	for _, mode := range []string{"host", "private"} {
		if got, want := run("nobody", mode, "true"), "/dev/pts/0\nmine\nx\n"; got != want {
			t.Errorf("userns_mode %s: the command printed %q, want %q", mode, got, want)
		}
	}
	if got := run("root", "host", "umount -l /dev/pts && mkfifo /dev/pts/ptmx && echo hidden >/local/x"); !strings.HasPrefix(got, "not a tty\n") {
		t.Errorf("where there are no terminals the command printed %q", got)
	}
}

// TestLinksInTheRoot checks that links which a task has left in its directory
// lead nowhere outside of it at its next start.
func TestLinksInTheRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	outside := filepath.Join(w.dir, "outside")
	if err := os.Mkdir(outside, 0o777); err != nil {
		t.Fatal(err)
	}
	task := w.task(script("echo x >/data/file; echo done"))
	for _, name := range []string{"data", "dev", "proc"} {
		if err := os.Symlink(outside, filepath.Join(task.TaskDir(), name)); err != nil {
			t.Fatal(err)
		}
	}
	task.Mounts = []*drivers.Mount{{HostPath: task.SharedDir(), TaskPath: "/data"}}
	w.expect(task, "done")
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("outside there is %v, %v", left, err)
	}
}

// TestExecInside checks that a command is inside with the task, and no better
// off than it.
func TestExecInside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	task := w.task(script("ulimit -Sn 77; echo $$ >/local/pid; exec sleep 3600"))
	w.start(task)
	await(t, "the work of the task", func() bool {
		text, _ := os.ReadFile(filepath.Join(task.LocalDir(), "pid"))
		return len(text) > 1
	})
	result, err := w.driver.ExecTask(w.ctx, task.ID, []string{"sh", "-c", "tr '\\0' ' ' </proc/1/cmdline; cat /local/pid; id -un; grep -E 'CapEff|NoNew|Seccomp:' /proc/self/status; kill -0 1 && echo may signal; ulimit -n"}, patience)
	if err != nil {
		t.Fatal(err)
	}
	want := "sleep 3600 1\nnobody\nCapEff:\t00000000a80405fb\nNoNewPrivs:\t1\nSeccomp:\t2\nmay signal\n77\n"
	if string(result.Stdout) != want {
		t.Errorf("the command printed %q, want %q", result.Stdout, want)
	}
	var out bytes.Buffer
	exit, err := w.driver.ExecTaskStreaming(w.ctx, task.ID, &drivers.ExecOptions{Command: []string{"no-such-program"}, Stdout: &out})
	if err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a command that does not exist: %+v, %v", exit, err)
	}
	// Signals from outside reach the first process of the namespace only if it
	// handles them, but the end does.
	begin := time.Now()
	if err := w.driver.StopTask(w.ctx, task.ID, 50*time.Millisecond, "SIGTERM"); err != nil {
		t.Error(err)
	}
	if exit, err := w.driver.WaitTask(w.ctx, task.ID); err != nil || exit.Signal != 9 || time.Since(begin) < 50*time.Millisecond {
		t.Errorf("exit is %+v, %v", exit, err)
	}
}

// TestStoppedCommand has a task stop whatever is started beside it: that is the task's loss, and nobody else waits for it.
func TestStoppedCommand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	task := w.task(script("trap '' INT; while :; do kill -STOP 2 3 4 5 6 7 8 9 2>/dev/null; done"))
	w.start(task)
	for range 20 { // a command may be faster than the task is
		if _, err := w.driver.ExecTask(w.ctx, task.ID, []string{"true"}, time.Second); err != nil {
			break
		}
	}
	if err := w.driver.StopTask(w.ctx, task.ID, 50*time.Millisecond, "SIGINT"); err != nil {
		t.Error(err)
	}
	if exit, err := w.driver.WaitTask(w.ctx, task.ID); err != nil || exit.Signal != 9 || exit.Err != nil {
		t.Errorf("exit is %+v, %v", exit, err)
	}
}

// limited returns a task with control groups of its own.
func (w *world) limited(options drivertest.Config) *drivers.TaskConfig {
	w.t.Helper()
	task := w.task(options)
	// The agent makes this one; without it the rest is made all the same.
	task.Resources.Linux.CpusetCgroup = "/sys/fs/cgroup/cpuset/nomad/share"
	if slice := testkit.Slice(w.t); slice != "" {
		task.Resources.Linux.CpusetCgroup = filepath.Join(slice, task.AllocID+".web.scope")
	}
	return task
}

// TestForkBomb checks that a task which forks without end stays within its limit
// and is gone when it is stopped.
func TestForkBomb(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"pids_limit": 30})
	task := w.limited(script("f() { f | f & }; while :; do f; done 2>/local/errors"))
	w.start(task)
	await(t, "a fork that fails", func() bool {
		text, _ := os.ReadFile(filepath.Join(task.LocalDir(), "errors"))
		status, err := w.driver.InspectTask(w.ctx, task.ID)
		// The shell may also have given up.
		return bytes.Contains(text, []byte("fork")) || err != nil || status.State != drivers.TaskStateRunning
	})
	if err := w.driver.DestroyTask(w.ctx, task.ID, true); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob("/sys/fs/cgroup/*/nomad/" + task.AllocID + "*")
	if len(left) > 0 {
		t.Errorf("groups are left: %v", left)
	}
}

func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	task := w.limited(drivertest.Config{"command": "/usr/bin/tail", "args": []any{"/dev/zero"}})
	task.Resources.MemoryMB = 32
	if _, exit := w.run(task); !exit.OOMKilled {
		t.Errorf("exit is %+v", exit)
	}
}
