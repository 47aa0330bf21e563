// SPDX-License-Identifier: MPL-2.0

//go:build unix

package rawexec_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/drivers/rawexec"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/testkit"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

const patience = 30 * time.Second

// world is a driver in this process with a directory for its tasks.
type world struct {
	t      *testing.T
	ctx    context.Context
	driver *rawexec.Driver
	dir    string
	count  int
}

var worlds atomic.Int64

func newWorld(t *testing.T, config drivertest.Config) *world {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	w := &world{t: t, ctx: ctx, dir: t.TempDir()}
	w.driver = newDriver(t, config)
	return w
}

func newDriver(t *testing.T, config drivertest.Config) *rawexec.Driver {
	t.Helper()
	values, err := hclspec.Encode(config)
	if err != nil {
		t.Fatal(err)
	}
	d := rawexec.New(hclog.NewNullLogger())
	if err := d.SetConfig(t.Context(), &base.Config{Values: values}); err != nil {
		t.Fatal(err)
	}
	return d
}

// task returns a task with its directories and a note for its logs.
func (w *world) task(config drivertest.Config) *drivers.TaskConfig {
	w.t.Helper()
	w.count++
	allocID := fmt.Sprintf("00000000-0000-4000-9000-%06d%06d", os.Getpid()%1000000, worlds.Add(1))
	dir := filepath.Join(w.dir, allocID)
	for _, sub := range []string{"alloc/logs", "web/local", "web/private"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			w.t.Fatal(err)
		}
	}
	err := logspec.Write(dir, []string{"alloc", "logs"}, "web", logspec.Spec{
		StdoutPrefix: "web.stdout", StderrPrefix: "web.stderr", MaxFiles: 3, MaxFileSizeBytes: 1 << 20,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	encoded, err := hclspec.Encode(config)
	if err != nil {
		w.t.Fatal(err)
	}
	logs := filepath.Join(dir, "alloc", "logs")
	return &drivers.TaskConfig{
		ID: allocID + "/web/" + fmt.Sprintf("%08x", w.count), Name: "web", AllocID: allocID,
		DriverConfig: encoded, AllocDir: dir,
		Env: map[string]string{
			"PATH": os.Getenv("PATH"), "NOMAD_ALLOC_ID": allocID, "NOMAD_TASK_NAME": "web", "SECRET_KEY": "x",
		},
		StdoutPath: filepath.Join(logs, ".web.stdout.fifo"), StderrPath: filepath.Join(logs, ".web.stderr.fifo"),
		Resources: &drivers.Resources{CPUShares: 500, MemoryMB: 64, Linux: &drivers.LinuxResources{}},
	}
}

func (w *world) start(task *drivers.TaskConfig) *drivers.TaskHandle {
	w.t.Helper()
	handle, override, err := w.driver.StartTask(w.ctx, task)
	if err != nil {
		w.t.Fatal(err)
	}
	if override != nil {
		w.t.Errorf("there is an override: %+v", override)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := w.driver.DestroyTask(ctx, task.ID, true); err != nil && !errors.Is(err, drivers.ErrTaskNotFound) {
			w.t.Error(err)
		}
	})
	return handle
}

func (w *world) wait(task *drivers.TaskConfig) *drivers.ExitResult {
	w.t.Helper()
	exit, err := w.driver.WaitTask(w.ctx, task.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return exit
}

// run runs a script to its end and returns what it printed.
func (w *world) run(task *drivers.TaskConfig) string {
	w.t.Helper()
	w.start(task)
	if exit := w.wait(task); !exit.Successful() {
		w.t.Errorf("exit is %+v", exit)
	}
	return output(w.t, task)
}

func output(t *testing.T, task *drivers.TaskConfig) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(task.AllocDir, "alloc", "logs", "web.stdout.0"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func awaitOutput(t *testing.T, task *drivers.TaskConfig, want string) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	end := time.After(patience)
	for !strings.Contains(output(t, task), want) {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("the task printed %q and never %q", output(t, task), want)
		}
	}
}

// shimOf returns the process of a task's shim.
func shimOf(t *testing.T, handle *drivers.TaskHandle) int {
	t.Helper()
	var state struct {
		Shim shim.State `codec:"shim"`
	}
	if err := handle.GetDriverState(&state); err != nil {
		t.Fatal(err)
	}
	return state.Shim.ShimPID
}

var enabled = drivertest.Config{"enabled": true}

func TestDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{})
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	health, err := w.driver.Fingerprint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if first := <-health; first.Health != drivers.HealthUndetected || first.HealthDescription != "disabled" {
		t.Errorf("health is %+v", first)
	}
	if _, _, err := w.driver.StartTask(w.ctx, w.task(script("true"))); err == nil || !strings.Contains(err.Error(), "disabled") {
		t.Errorf("start: %v", err)
	}
	values, err := hclspec.Encode(enabled)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.driver.SetConfig(w.ctx, &base.Config{Values: values}); err != nil {
		t.Fatal(err)
	}
	second := <-health
	if second.Health != drivers.HealthHealthy || second.Attributes["driver.raw_exec"].Render() != "true" {
		t.Errorf("health after a change of configuration is %+v", second)
	}
}

// TestNotedLogs checks that with a note beside them the pipes are not needed.
func TestNotedLogs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	task := w.task(script("echo hello; echo oops >&2"))
	if got := w.run(task); got != "hello\n" {
		t.Errorf("output is %q", got)
	}
	if text, err := os.ReadFile(filepath.Join(task.AllocDir, "alloc", "logs", "web.stderr.0")); string(text) != "oops\n" {
		t.Errorf("errors are %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(task.TaskDir(), "executor.out")); err != nil {
		t.Error(err)
	}
}

func TestLogsDisabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	noted := w.task(script("echo x"))
	err := logspec.Write(noted.AllocDir, []string{"alloc", "logs"}, "web", logspec.Spec{Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	null := w.task(script("echo x"))
	null.StdoutPath, null.StderrPath = os.DevNull, os.DevNull
	for _, task := range []*drivers.TaskConfig{noted, null} {
		w.start(task)
		if exit := w.wait(task); !exit.Successful() {
			t.Errorf("exit is %+v", exit)
		}
		if found, _ := filepath.Glob(filepath.Join(task.AllocDir, "alloc", "logs", "web.*")); len(found) != 0 {
			t.Errorf("logs are %v", found)
		}
	}
}

// TestStartErrors checks that a task that cannot be started says why, whether
// trying again could help, and is not known afterwards.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"enabled": true, "denied_host_uids": strconv.Itoa(os.Geteuid())})
	allowed := newWorld(t, enabled)
	for name, test := range map[string]struct {
		world       *world
		config      drivertest.Config
		change      func(task *drivers.TaskConfig)
		want        string
		recoverable bool
	}{
		"denied":    {w, script("true"), nil, "denied_host_uids", false},
		"not found": {allowed, drivertest.Config{"command": "no-such-command"}, nil, "could not be found", false},
		"not a program": {
			allowed,
			drivertest.Config{"command": "broken"},
			func(task *drivers.TaskConfig) {
				_ = os.WriteFile(filepath.Join(task.TaskDir(), "local", "broken"), []byte("\x7fELF nonsense"), 0o600)
			},
			"another kind of machine", false,
		},
		"no interpreter": {
			allowed,
			drivertest.Config{"command": "broken"},
			func(task *drivers.TaskConfig) {
				_ = os.WriteFile(filepath.Join(task.TaskDir(), "local", "broken"), []byte("#!/no/such/shell\n"), 0o600)
			},
			"missing is the interpreter", false,
		},
		"work dir missing": {
			allowed, drivertest.Config{"command": "true", "work_dir": "/no/such/directory"}, nil, "enter the working directory /no/such/directory: no such file", false,
		},
		"both overrides": {
			allowed, drivertest.Config{
				"command": "true", "cgroup_v2_override": "a", "cgroup_v1_override": []any{map[string]any{"pids": "b"}},
			}, nil, "only one of", false,
		},
		"limit in an override": {
			allowed, drivertest.Config{"command": "true", "cgroup_v2_override": "a", "pids_limit": 5}, nil, "pids_limit has no effect", false,
		},
		"override missing": {
			allowed, drivertest.Config{"command": "true", "cgroup_v2_override": "no/such/group"}, nil, "no/such/group", true,
		},
		"unknown user": {
			allowed, script("true"), func(task *drivers.TaskConfig) { task.User = "no-such-user" }, "no-such-user", false,
		},
		"no log directory": {
			allowed, script("true"),
			func(task *drivers.TaskConfig) { _ = os.RemoveAll(filepath.Join(task.AllocDir, "alloc")) },
			"fifo", true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			task := test.world.task(test.config)
			if test.change != nil {
				test.change(task)
			}
			_, _, err := test.world.driver.StartTask(test.world.ctx, task)
			if err == nil || !strings.Contains(err.Error(), test.want) || drivers.IsRecoverable(err) != test.recoverable {
				t.Errorf("error is %v, recoverable %t; want %q in it", err, drivers.IsRecoverable(err), test.want)
			}
			if _, err := test.world.driver.InspectTask(test.world.ctx, task.ID); !errors.Is(err, drivers.ErrTaskNotFound) {
				t.Errorf("the task is known: %v", err)
			}
		})
	}
}

func TestEnvironmentOfTask(t *testing.T) {
	t.Parallel()
	w := newWorld(t, drivertest.Config{"enabled": true, "denied_envvars": []any{"SECRET_*"}})
	config := script("env; pwd")
	config["denied_envvars"] = []any{"NOMAD_TASK_*"}
	task := w.task(config)
	got := w.run(task)
	for _, absent := range []string{"SECRET_KEY", "NOMAD_TASK_NAME"} {
		if strings.Contains(got, absent) {
			t.Errorf("the task has %s", absent)
		}
	}
	if !strings.Contains(got, "NOMAD_ALLOC_ID="+task.AllocID) || !strings.HasSuffix(got, "\n"+task.TaskDir()+"\n") {
		t.Errorf("the task printed %q", got)
	}
	config = script("pwd")
	config["work_dir"] = "/"
	if got := w.run(w.task(config)); got != "/\n" {
		t.Errorf("the working directory is %q", got)
	}
}

func TestUserOfTask(t *testing.T) {
	testkit.Need(t, "root")
	t.Parallel()
	w := newWorld(t, enabled)
	for dir := w.dir; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config := script("id -u; cat /proc/self/oom_score_adj 2>/dev/null || echo 77; echo > /dev/stdout")
	config["oom_score_adj"] = 77
	task := w.task(config)
	task.User = "nobody"
	if got := w.run(task); got != "65534\n77\n\n" {
		t.Errorf("the task printed %q", got)
	}
	for _, name := range []string{"web/private", "web/private/shim-00000001"} {
		if _, err := os.Stat(filepath.Join(task.AllocDir, name)); err != nil {
			t.Error(err)
		}
	}
	st, err := os.Stat(filepath.Join(task.TaskDir(), "private", "shim-00000001"))
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("the shim's directory has mode %v, %v", st.Mode(), err)
	}
}

// TestUserMayNot checks that what keeps a user from its program can be told from the error.
func TestUserMayNot(t *testing.T) {
	testkit.Need(t, "root")
	t.Parallel()
	w := newWorld(t, enabled)
	if err := os.Chmod(w.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	task := w.task(script("true"))
	task.User = "nobody"
	if _, _, err := w.driver.StartTask(w.ctx, task); err == nil || !strings.Contains(err.Error(), `user "nobody" may not execute`) || drivers.IsRecoverable(err) {
		t.Errorf("got %v", err)
	}
}

// TestShimKilled checks what is told of a task whose shim was killed, to a
// plugin that watches and to one that comes later.
func TestShimKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	for name, later := range map[string]bool{"watching": false, "coming later": true} {
		t.Run(name, func(t *testing.T) {
			task := w.task(script("echo ready; setsid sleep 3600 & sleep 3600"))
			handle := w.start(task)
			awaitOutput(t, task, "ready")
			watcher := w.driver
			if err := unix.Kill(shimOf(t, handle), unix.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if later {
				watcher = newDriver(t, enabled)
				if err := watcher.RecoverTask(w.ctx, handle); err != nil {
					t.Fatal(err)
				}
			}
			exit, err := watcher.WaitTask(w.ctx, task.ID)
			if err != nil || exit.ExitCode != 137 || exit.Signal != 9 || !errors.Is(exit.Err, shim.ErrLost) {
				t.Errorf("exit is %+v, %v", exit, err)
			}
			if err := watcher.DestroyTask(w.ctx, task.ID, true); err != nil {
				t.Error(err)
			}
			environs, _ := filepath.Glob("/proc/[0-9]*/environ")
			for _, path := range environs {
				if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), task.AllocID) {
					t.Errorf("%s is a process of the task", path)
				}
			}
		})
	}
}

// TestStartAgain checks that an attempt nobody learnt of does not run beside the
// next one with the same ID.
func TestStartAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	task := w.task(script("echo $$; sleep 3600"))
	first := w.start(task)
	awaitOutput(t, task, "\n")
	other := newDriver(t, enabled)
	if _, _, err := other.StartTask(w.ctx, task); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.DestroyTask(w.ctx, task.ID, true); err != nil {
			t.Error(err)
		}
	}()
	if exit := w.wait(task); exit.Signal != 9 {
		t.Errorf("the first attempt ended with %+v", exit)
	}
	if err := unix.Kill(shimOf(t, first), 0); err == nil {
		if state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", shimOf(t, first))); err == nil && !strings.Contains(string(state), ") Z") {
			t.Errorf("the first shim is alive: %s", state)
		}
	}
	status, err := other.InspectTask(w.ctx, task.ID)
	if err != nil || status.State != drivers.TaskStateRunning {
		t.Errorf("the second attempt is %+v, %v", status, err)
	}
}

// TestRecoverWithoutConfig checks recovery under a host that keeps less of the
// handle than it was given.
func TestRecoverWithoutConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	task := w.task(script("echo ready; sleep 3600"))
	handle := w.start(task).Copy()
	handle.Config.DriverConfig = nil
	other := newDriver(t, enabled)
	if err := other.RecoverTask(w.ctx, handle); err != nil {
		t.Fatal(err)
	}
	result, err := other.ExecTask(w.ctx, task.ID, []string{"pwd"}, patience)
	if err != nil || string(result.Stdout) != task.TaskDir()+"\n" {
		t.Errorf("a command printed %q, %v", result.Stdout, err)
	}
	for _, bad := range []*drivers.TaskHandle{nil, {}, {Config: &drivers.TaskConfig{ID: "x"}}, {Config: &drivers.TaskConfig{ID: "x"}, Version: 1}} {
		if err := other.RecoverTask(w.ctx, bad); err == nil {
			t.Errorf("%+v was recovered", bad)
		}
	}
}

// TestExecTaskKeepsTheOrder: what a script says on both outputs is told in the order in which it says it.
func TestExecTaskKeepsTheOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	task := w.task(script("echo ready; sleep 3600"))
	w.start(task)
	result, err := w.driver.ExecTask(w.ctx, task.ID, []string{"/bin/sh", "-c", "for i in 1 2 3 4 5; do echo $i; echo -$i >&2; done"}, patience)
	if want := "1\n-1\n2\n-2\n3\n-3\n4\n-4\n5\n-5\n"; err != nil || string(result.Stdout) != want || len(result.Stderr) > 0 {
		t.Errorf("it said %q and %q, %v", result.Stdout, result.Stderr, err)
	}
}

// TestStopWithAnySignal checks that a job with a signal that does not exist can
// be stopped.
func TestStopWithAnySignal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, enabled)
	task := w.task(script("trap 'exit 5' INT; echo ready; %s", untilKilled))
	w.start(task)
	awaitOutput(t, task, "ready")
	if err := w.driver.StopTask(w.ctx, task.ID, patience, "SIGNONSENSE"); err != nil {
		t.Fatal(err)
	}
	if exit := w.wait(task); exit.ExitCode != 5 {
		t.Errorf("exit is %+v", exit)
	}
}

func TestPluginConfigErrors(t *testing.T) {
	t.Parallel()
	values, err := hclspec.Encode(drivertest.Config{"denied_host_uids": "1-x"})
	if err != nil {
		t.Fatal(err)
	}
	err = rawexec.New(hclog.NewNullLogger()).SetConfig(t.Context(), &base.Config{Values: values})
	if err == nil || !strings.Contains(err.Error(), "denied_host_uids") {
		t.Errorf("error is %v", err)
	}
}

// TestLimits checks the control groups of a task end to end.
func TestLimits(t *testing.T) {
	testkit.Need(t, "root", "cgroups")
	w := newWorld(t, enabled)
	task := w.task(script("echo ready; sleep 3600"))
	group := "/sys/fs/cgroup/memory/nomad/" + task.AllocID + ".web"
	file, want := "memory.limit_in_bytes", strconv.Itoa(64<<20)
	task.Resources.Linux.CpusetCgroup = "/sys/fs/cgroup/cpuset/nomad/share"
	if slice := testkit.Slice(t); slice != "" {
		group = filepath.Join(slice, task.AllocID+".web.scope")
		file, task.Resources.Linux.CpusetCgroup = "memory.max", group
	}
	handle := w.start(task)
	text, err := os.ReadFile(filepath.Join(group, file))
	if err != nil || strings.TrimSpace(string(text)) != want {
		t.Errorf("%s is %q, %v; want %s", file, text, err, want)
	}
	status, err := w.driver.InspectTask(w.ctx, task.ID)
	if err != nil {
		t.Fatal(err)
	}
	members, err := os.ReadFile(filepath.Join(group, "cgroup.procs"))
	if err != nil || !strings.Contains("\n"+string(members), "\n"+status.DriverAttributes["pid"]+"\n") ||
		strings.Contains("\n"+string(members), "\n"+strconv.Itoa(shimOf(t, handle))+"\n") {
		t.Errorf("the group holds %q, %v; the task is %s and its shim %d",
			members, err, status.DriverAttributes["pid"], shimOf(t, handle))
	}
	if err := w.driver.DestroyTask(w.ctx, task.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(group); err == nil {
		t.Error("the group is left")
	}
}
