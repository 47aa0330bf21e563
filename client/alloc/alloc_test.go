// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

func TestBatchTaskRunsToItsEnd(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeBatch, tk("t", "run_for=10s"))))
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		pass(10 * time.Second)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		wantState(t, r, "t", api.TaskStateDead, false, 0)
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Started: Task started by client
			Terminated: Exit Code: 0`)
		s := r.Report().TaskStates["t"]
		if s.FinishedAt.Sub(*s.StartedAt) != 10*time.Second || s.LastRestart != nil {
			t.Errorf("times are %v and %v, restarted %v", s.StartedAt, s.FinishedAt, s.LastRestart)
		}
		if d := s.Events[3].Details; d["exit_code"] != "0" || d["signal"] != "0" || d["oom_killed"] != "false" {
			t.Errorf("details of the end are %v", d)
		}
	})
}

func TestServiceIsRestartedAndThenFails(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "run_for=5s", "exit_code=1"))))
		pass(5 * time.Second)
		wantStatus(t, r, api.AllocClientPending, "No tasks have started")
		wantState(t, r, "t", api.TaskStatePending, false, 1)
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientFailed, "Failed tasks")
		wantState(t, r, "t", api.TaskStateDead, true, 2)
		b.wantTimeline(`
			0s start t
			20s start t
			40s start t`)
		wantEvents(t, r, "t", `
			Task Setup: Building Task Directory
			Started: Task started by client
			Terminated: Exit Code: 1
			Restarting: Task restarting in 15s
			Started: Task started by client
			Terminated: Exit Code: 1
			Restarting: Task restarting in 15s
			Started: Task started by client
			Terminated: Exit Code: 1
			Not Restarting: Exceeded allowed attempts 2 in interval 30m0s and mode is "fail"`)
	})
}

func TestStopOrder(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		leader, side := tk("leader", "stop_takes=2s"), hooked(tk("side", "stop_takes=1s"), api.HookPrestart, true)
		leader.Leader, leader.KillSignal = true, "SIGTERM"
		slow := tk("slow", "stop_takes=1h")
		slow.KillTimeout = new(time.Hour) // bounded by the client
		other := tk("other", "stop_takes=3s")
		after := hooked(tk("after", "run_for=4s"), api.HookPoststop, false)
		j := job(api.JobTypeService, slow, after, side, leader, other)
		j.TaskGroups[0].ShutdownDelay = new(10 * time.Second)
		r := b.run(allocation(j))
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		pass(time.Minute)
		r.Update(stopped(r))
		pass(time.Hour)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		got := b.timeline()
		// Tasks of one stage are stopped at once, in any order.
		for _, part := range []string{
			"0s start side", "0s start leader", "0s start slow", "0s start other",
			"1m10s stop leader SIGTERM 5s", "1m12s stop other  5s", "1m12s stop slow  30s", "1m42s stop side  5s", "1m43s start after",
		} {
			if !strings.Contains(got, part) {
				t.Errorf("driver was not asked %q:\n%s", part, got)
			}
		}
		if strings.Contains(got, "stop after") {
			t.Error("the poststop task was stopped")
		}
		wantEvents(t, r, "leader", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Started: Task started by client
			Killing: Sent interrupt. Waiting 5s before force killing
			Terminated: Exit Code: 130, Signal: 2
			Killed: Task successfully killed`)
		if s := r.Report().TaskStates["slow"].Events; s[len(s)-2].Signal != 9 {
			t.Errorf("the slow task ended with %+v", s[len(s)-2])
		}
	})
}

func TestShutdownDelays(t *testing.T) {
	for name, tc := range map[string]struct {
		hurryAt time.Duration // 0: from the start, -1: never
		stopAt  time.Duration
		event   string
	}{
		"waited for":   {-1, 30 * time.Second, "Waiting for shutdown delay: Waiting for shutdown_delay of 30s before killing the task."},
		"skipped":      {0, 0, "Skipping shutdown delay: Skipping shutdown_delay of 30s before killing the task."},
		"cut short":    {10 * time.Second, 10 * time.Second, "Skipping shutdown delay: Skipping shutdown_delay of 30s before killing the task."},
		"of the group": {-1, 50 * time.Second, "Waiting for shutdown delay: Waiting for shutdown_delay of 30s before killing the task."},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				main := tk("t")
				main.ShutdownDelay = 30 * time.Second
				j := job(api.JobTypeService, main)
				if name == "of the group" {
					j.TaskGroups[0].ShutdownDelay = new(20 * time.Second)
				}
				r := b.run(allocation(j))
				stop := stopped(r)
				if tc.hurryAt == 0 {
					stop.DesiredTransition.NoShutdownDelay = new(true)
				}
				r.Update(stop)
				synctest.Wait()
				if tc.hurryAt > 0 {
					pass(tc.hurryAt)
					hurry := *stop
					hurry.AllocModifyIndex++
					hurry.DesiredTransition.NoShutdownDelay = new(true)
					r.Update(&hurry)
				}
				pass(time.Minute)
				calls := b.machine.Calls()
				if len(calls) != 2 || calls[1].At.Sub(calls[0].At) != tc.stopAt {
					t.Errorf("driver was asked\n%s\nwant a stop after %v", b.timeline(), tc.stopAt)
				}
				if !strings.Contains(events(r, "t"), tc.event) {
					t.Errorf("events\n%s\nlack %q", events(r, "t"), tc.event)
				}
				wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
			})
		})
	}
}

func TestLifecycleOrder(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		j := job(api.JobTypeBatch,
			tk("main", "run_for=10s"),
			hooked(tk("init", "run_for=3s"), api.HookPrestart, false),
			hooked(tk("proxy"), api.HookPrestart, true),
			hooked(tk("hello", "run_for=1s"), api.HookPoststart, false),
			hooked(tk("clean", "run_for=2s"), api.HookPoststop, false),
		)
		r := b.run(allocation(j))
		pass(time.Minute)
		b.wantTimelineSorted(`
			0s start init
			0s start proxy
			3s start main
			3s start hello
			13s stop proxy  5s
			13s start clean`)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		if got := events(r, "proxy"); !strings.Contains(got, "Main Tasks Dead: Main tasks in the group died\nKilling: ") {
			t.Errorf("events of the sidecar\n%s", got)
		}
	})
}

// wantTimelineSorted compares without the order of calls at the same time.
func (b *bench) wantTimelineSorted(want string) {
	b.t.Helper()
	got := map[string]bool{}
	for l := range strings.SplitSeq(b.timeline(), "\n") {
		got[l] = true
	}
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(want), "\t", ""), "\n")
	for _, l := range lines {
		if !got[l] {
			b.t.Errorf("driver was not asked %q:\n%s", l, b.timeline())
		}
	}
	if len(got) != len(lines) {
		b.t.Errorf("driver was asked\n%s\nwant\n%s", b.timeline(), strings.Join(lines, "\n"))
	}
}

func TestFailedPrestartKeepsMainFromRunning(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		init := hooked(tk("init", "run_for=1s", "exit_code=7"), api.HookPrestart, false)
		init.RestartPolicy = &api.RestartPolicy{Attempts: new(0)}
		r := b.run(allocation(job(api.JobTypeService, init, tk("main"), hooked(tk("clean", "run_for=1s"), api.HookPoststop, false))))
		pass(time.Minute)
		b.wantTimeline(`
			0s start init
			1s start clean`)
		wantStatus(t, r, api.AllocClientFailed, "Failed tasks")
		wantState(t, r, "main", api.TaskStateDead, false, 0)
		wantEvents(t, r, "main", `
			Received: Task received by client
			Sibling Task Failed: Task's sibling "init" failed
			Killing: Sent interrupt. Waiting 5s before force killing
			Killed: Task successfully killed`)
		if got := events(r, "init"); !strings.HasSuffix(got, "Not Restarting: Policy allows no restarts") {
			t.Errorf("events of the failed task\n%s", got)
		}
	})
}

func TestLeaderEndsTheRest(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		leader := tk("leader", "run_for=5s")
		leader.Leader = true
		r := b.run(allocation(job(api.JobTypeBatch, leader, tk("follower"))))
		pass(time.Minute)
		b.wantTimelineSorted(`
			0s start leader
			0s start follower
			5s stop follower  5s`)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		if got := events(r, "follower"); !strings.Contains(got, "Leader Task Dead: Leader Task in Group dead\n") {
			t.Errorf("events\n%s", got)
		}
	})
}

func TestSiblingsOfAFailedTaskAreKilled(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		bad := tk("bad", "run_for=5s", "exit_code=2")
		bad.RestartPolicy = &api.RestartPolicy{Attempts: new(0)}
		r := b.run(allocation(job(api.JobTypeService, bad, tk("good"))))
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientFailed, "Failed tasks")
		wantState(t, r, "bad", api.TaskStateDead, true, 0)
		wantState(t, r, "good", api.TaskStateDead, false, 0)
		if got := events(r, "good"); !strings.Contains(got, `Sibling Task Failed: Task's sibling "bad" failed`) {
			t.Errorf("events\n%s", got)
		}
	})
}

func TestMaxRunDuration(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		j := job(api.JobTypeBatch, tk("t"), hooked(tk("clean"), api.HookPoststop, false))
		j.TaskGroups[0].MaxRunDuration = new(time.Minute)
		b.run(allocation(j))
		pass(20 * time.Second)
		r := b.restart() // the clock goes on
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		pass(39 * time.Second)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		pass(2 * time.Second)
		wantStatus(t, r, api.AllocClientComplete, "allocation exceeded max_run_duration")
		if strings.Contains(b.timeline(), "start clean") {
			t.Error("the poststop task ran")
		}
	})
}

func TestFailedStarts(t *testing.T) {
	for name, tc := range map[string]struct {
		task   *api.Task
		status string
		starts int
		last   string
	}{
		"unrecoverable": {tk("t", "start_error=no such image"), api.AllocClientFailed, 1, "Driver Failure: no such image\nNot Restarting: Error was unrecoverable"},
		"recoverable":   {tk("t", "start_error=busy", "start_error_recoverable=true"), api.AllocClientFailed, 3, `Not Restarting: Exceeded allowed attempts 2 in interval 30m0s and mode is "fail"`},
		"recovers":      {tk("t", "start_error=busy", "start_error_recoverable=true", "start_errors=2"), api.AllocClientRunning, 3, "Started: Task started by client"},
		"bad config":    {tk("t", "nonsense=1"), api.AllocClientFailed, 0, "Not Restarting: Error was unrecoverable"},
		"bad reference": {tk("t", "print=${nope}"), api.AllocClientFailed, 0, "Not Restarting: Error was unrecoverable"},
		"bad driver":    {&api.Task{Name: "t", Driver: "none"}, api.AllocClientFailed, 0, "Not Restarting: Error was unrecoverable"},
		"denied user":   {&api.Task{Name: "t", Driver: clienttest.DriverName, User: "root"}, api.AllocClientFailed, 0, "Failed Validation: running as user \"root\" is disallowed\nNot Restarting: Error was unrecoverable"},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				r := b.run(allocation(job(api.JobTypeService, tc.task)))
				pass(10 * time.Minute)
				if got := r.Report().ClientStatus; got != tc.status {
					t.Errorf("status %s, want %s", got, tc.status)
				}
				if got := len(b.machine.Calls()); got != tc.starts {
					t.Errorf("%d starts, want %d", got, tc.starts)
				}
				if got := events(r, "t"); !strings.HasSuffix(got, tc.last) {
					t.Errorf("events\n%s\ndo not end with\n%s", got, tc.last)
				}
				if strings.HasPrefix(name, "bad ") && name != "bad driver" && !strings.Contains(events(r, "t"), "Failed Validation: failed to parse config: ") {
					t.Errorf("events\n%s", events(r, "t"))
				}
			})
		})
	}
}

func TestConfigIsInterpolated(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		main := tk("t", `print=${env["GREETING"]} ${NOMAD_TASK_NAME} on ${node.unique.name}, ${upper(node.datacenter)}`)
		main.Env = map[string]string{"GREETING": "hello from ${NOMAD_ALLOC_INDEX}"}
		b.run(allocation(job(api.JobTypeService, main)))
		if got, want := b.machine.Printed("t"), "hello from 0 t on node-1, DC1"; got != want {
			t.Errorf("driver was sent %q, want %q", got, want)
		}
		cfg := b.machine.Config("t")
		if cfg.Resources.CPUShares != 100 || cfg.Resources.MemoryMB != 64 || cfg.Resources.Linux.MemoryLimitBytes != 64<<20 || cfg.Resources.Linux.PercentTicks != 0.1 {
			t.Errorf("resources = %+v %+v", cfg.Resources, cfg.Resources.Linux)
		}
		if !strings.HasPrefix(cfg.ID, testID+"/t/") || cfg.AllocDir != filepath.Join(b.dirs.Path(), testID) || cfg.Env["NOMAD_TASK_DIR"] != cfg.LocalDir() {
			t.Errorf("config = %+v", cfg)
		}
	})
}

func TestImageDriversHaveTheirOwnDirectories(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.deps.Tasks.HostEnv = map[string]string{"PATH": "/host/bin"}
		b.machine.SetCapabilities(drivers.Capabilities{FSIsolation: drivers.FSIsolationImage})
		b.run(allocation(job(api.JobTypeService, tk("t"))))
		env := b.machine.Config("t").Env
		if env["NOMAD_TASK_DIR"] != "/local" || env["NOMAD_ALLOC_DIR"] != "/alloc" || env["NOMAD_SECRETS_DIR"] != "/secrets" || env["PATH"] != "" {
			t.Errorf("environment = %v", env)
		}
	})
}

func TestUserRestart(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "stop_takes=1s"), tk("u"))))
		if err := r.Restart(t.Context(), "t", false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		wantState(t, r, "u", api.TaskStateRunning, false, 0)
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Started: Task started by client
			Restart Signaled: User requested task to restart
			Terminated: Exit Code: 130, Signal: 2
			Restarting: Task restarting in 0s
			Started: Task started by client`)
		if err := r.Restart(t.Context(), "", false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantState(t, r, "t", api.TaskStateRunning, false, 2)
		wantState(t, r, "u", api.TaskStateRunning, false, 1)
		for err, want := range map[error]string{
			r.Restart(t.Context(), "nope", false): "Could not find task runner for task: nope",
			r.Restart(t.Context(), "t", true):     "task name cannot be set when restarting all tasks",
			r.Signal(t.Context(), "nope", "HUP"):  "Task not found",
		} {
			if err == nil || err.Error() != want || api.AsError(err).HTTPCode() != 500 {
				t.Errorf("error %v, want %q with code 500", err, want)
			}
		}
		if err := r.Signal(t.Context(), "t", "SIGUSR1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if got := events(r, "t"); !strings.HasSuffix(got, "Signaling: Task being sent a signal") || !strings.Contains(b.timeline(), "signal t SIGUSR1") {
			t.Errorf("events\n%s", got)
		}
		r.Update(stopped(r))
		pass(time.Minute)
		if err := r.Restart(t.Context(), "t", false); !errors.Is(err, task.ErrNotRunning) {
			t.Errorf("restart of an ended task gives %v", err)
		}
		if err := r.Signal(t.Context(), "", "SIGUSR1"); !errors.Is(err, task.ErrNotRunning) || !strings.HasPrefix(err.Error(), "Failed to signal task: t, err: Task not running") {
			t.Errorf("signal to an ended allocation gives %v", err)
		}
	})
}

func TestRestartOfAllTasksBeginsAnew(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService,
			tk("main", "stop_takes=1s"), hooked(tk("init", "run_for=3s"), api.HookPrestart, false), hooked(tk("side"), api.HookPrestart, true),
			hooked(tk("hello", "run_for=1s"), api.HookPoststart, false), hooked(tk("clean"), api.HookPoststop, false))))
		pass(time.Minute)
		if err := r.Restart(t.Context(), "", true); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		b.wantTimelineSorted(`
			0s start init
			0s start side
			3s start main
			3s start hello
			1m0s stop main  5s
			1m0s stop side  5s
			1m0s start init
			1m0s start side
			1m3s start main
			1m3s start hello`)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
	})
}

func TestFailingStopIsTriedAgain(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "stop_errors=3"))))
		r.Update(stopped(r))
		pass(time.Hour)
		b.wantTimeline(`
			0s start t
			0s stop t  5s
			5s stop t  5s
			25s stop t  5s
			1m45s stop t  5s`)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
	})
}

func TestStopThatNeverWorks(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "stop_errors=99"))))
		r.Update(stopped(r))
		pass(time.Hour)
		if got := strings.Count(b.timeline(), "stop t"); got != 5 {
			t.Errorf("%d stops, want 5", got)
		}
		if got := events(r, "t"); !strings.HasSuffix(got, "Killed: cannot stop") {
			t.Errorf("events\n%s", got)
		}
		if r.Report().TaskStates["t"].State != api.TaskStateDead {
			t.Error("the task is not given up")
		}
	})
}

func TestKillDuringEveryPhase(t *testing.T) {
	slow := tk("t", "start_takes=10s")
	gated := tk("t")
	backoff := tk("t", "run_for=1s", "exit_code=1")
	for name, tc := range map[string]struct {
		task   *api.Task
		killAt time.Duration
	}{
		"starting": {slow, time.Second}, "waiting": {gated, time.Second}, "backing off": {backoff, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				tasks := []*api.Task{tc.task}
				if name == "waiting" {
					tasks = append(tasks, hooked(tk("init", "run_for=1h"), api.HookPrestart, false))
				}
				r := b.run(allocation(job(api.JobTypeService, tasks...)))
				pass(tc.killAt)
				r.Update(stopped(r))
				pass(time.Minute)
				wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
				if got := events(r, "t"); !strings.HasSuffix(got, "Killed: Task successfully killed") {
					t.Errorf("events\n%s", got)
				}
				if left := b.machine.Running(); len(left) > 0 {
					t.Errorf("%v run still", left)
				}
			})
		})
	}
}

func TestPluginCrash(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeBatch, tk("t", "run_for=1m", "exit_code=0"))))
		b.machine.CrashPlugin()
		synctest.Wait()
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
		pass(30 * time.Second)
		b.machine.CrashPlugin()
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		b.wantTimeline(`
			0s start t
			0s recover t
			30s recover t`)
	})
}

func TestPluginCrashDuringAStop(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "stop_takes=4s"))))
		r.Update(stopped(r))
		pass(2 * time.Second)
		b.machine.CrashPlugin()
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		b.wantTimeline(`
			0s start t
			0s stop t  5s
			2s recover t
			2s stop t  5s`)
	})
}

func TestTaskLostWithItsPlugin(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t"))))
		b.machine.Reboot()
		b.machine.CrashPlugin()
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		if got := events(r, "t"); !strings.Contains(got, `Exit Message: "recover task after its plugin ended: task has gone"`) {
			t.Errorf("events\n%s", got)
		}
	})
}

func TestAgentRestartFindsTasks(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeBatch, tk("long", "run_for=1h"), tk("short", "run_for=10s"), tk("ended", "run_for=1s"))))
		pass(2 * time.Second)
		before := r.Report().TaskStates["long"]
		b.halt()
		pass(20 * time.Second) // one ends while nobody looks
		r = b.restart()
		wantState(t, r, "long", api.TaskStateRunning, false, 0)
		wantState(t, r, "short", api.TaskStateDead, false, 0)
		wantState(t, r, "ended", api.TaskStateDead, false, 0)
		after := r.Report().TaskStates["long"]
		if !after.StartedAt.Equal(*before.StartedAt) || len(after.Events) != len(before.Events) {
			t.Errorf("the restart of the agent shows: %+v", after)
		}
		pass(time.Hour)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		if got := strings.Count(b.timeline(), "start "); got != 3 {
			t.Errorf("%d starts, want 3:\n%s", got, b.timeline())
		}
	})
}

func TestLostTaskWaitsForAServer(t *testing.T) {
	for name, tc := range map[string]struct {
		kind   string
		waits  bool
		unwant bool
	}{
		"service": {api.JobTypeService, true, false}, "system": {api.JobTypeSystem, false, false}, "replaced meanwhile": {api.JobTypeService, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				b.run(allocation(job(tc.kind, tk("t"))))
				b.halt()
				b.machine.Reboot()
				r := b.restart()
				pass(time.Hour)
				starts := strings.Count(b.timeline(), "start t")
				if tc.waits != (starts == 1) {
					t.Errorf("%d starts without a server", starts)
				}
				if !strings.Contains(events(r, "t"), "Failed Restoring Task: failed to restore task; will not run until server is contacted") {
					t.Errorf("events\n%s", events(r, "t"))
				}
				if tc.unwant {
					r.Update(stopped(r))
				}
				synctest.Wait()
				r.Contact()
				synctest.Wait()
				if starts = strings.Count(b.timeline(), "start t"); tc.unwant && starts != 1 || !tc.unwant && starts != 2 {
					t.Errorf("%d starts after contact", starts)
				}
			})
		})
	}
}

// An agent that dies between the start of a task and its answer leaves a process that nobody waits for.
func TestStartThatWasCutOffIsCleanedUp(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.run(allocation(job(api.JobTypeService, tk("t"))))
		id := b.machine.Config("t").ID
		b.halt()
		if err := b.state.PutTaskHandle(testID, "t", pendingHandle(id)); err != nil {
			t.Fatal(err)
		}
		if err := b.state.PutTaskState(testID, "t", &api.TaskState{State: api.TaskStatePending}); err != nil {
			t.Fatal(err)
		}
		r := b.restart()
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("%v run, want one task", got)
		}
		if b.machine.Config("t").ID == id {
			t.Error("the task of the dead agent runs still")
		}
	})
}

func TestRestoreOfAnEndedAllocation(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.run(allocation(job(api.JobTypeBatch, tk("t", "run_for=1s"))))
		pass(2 * time.Second)
		r := b.restart()
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		select {
		case <-r.Finished():
		default:
			t.Error("the allocation is not finished")
		}
		if _, err := r.Dir().Stat("t/local"); err != nil {
			t.Errorf("its files cannot be read: %v", err)
		}
		if got := len(b.machine.Calls()); got != 1 {
			t.Errorf("driver was asked\n%s", b.timeline())
		}
	})
}

func TestDestroy(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		slow := tk("t", "stop_takes=3s")
		slow.ShutdownDelay = time.Hour
		r := b.run(allocation(job(api.JobTypeService, slow, hooked(tk("clean"), api.HookPoststop, false))))
		path := r.Dir().Path()
		r.Destroy()
		<-r.Done()
		if _, err := os.Stat(path); err == nil {
			t.Error("the directory is still there")
		}
		if left, err := b.state.Allocs(); err != nil || len(left) > 0 {
			t.Errorf("state has %v, %v", left, err)
		}
		if len(b.machine.Running()) > 0 || strings.Contains(b.timeline(), "start clean") {
			t.Errorf("driver was asked\n%s", b.timeline())
		}
		delete(b.runners, testID)
	})
}

func TestSetupFailureFailsAllTasks(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		if err := os.WriteFile(filepath.Join(b.dirs.Path(), testID), []byte("in the way"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := b.run(allocation(job(api.JobTypeService, tk("t"), tk("u"))))
		wantState(t, r, "t", api.TaskStateDead, true, 0)
		wantState(t, r, "u", api.TaskStateDead, true, 0)
		if got := r.Report().ClientStatus; got != api.AllocClientFailed {
			t.Errorf("status %s", got)
		}
		if got := events(r, "t"); !strings.Contains(got, "Setup Failure: failed to setup alloc: ") {
			t.Errorf("events\n%s", got)
		}
		if err := os.Remove(filepath.Join(b.dirs.Path(), testID)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestJobWithoutTheGroup(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		a := allocation(job(api.JobTypeService, tk("t")))
		a.TaskGroup = "other"
		r := b.run(a)
		if got := r.Report().ClientStatus; got != api.AllocClientFailed {
			t.Errorf("status %s", got)
		}
		r.Destroy()
		<-r.Done()
		delete(b.runners, testID)
	})
}

func TestStickyDataMovesToTheReplacement(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		j := job(api.JobTypeService, tk("t"))
		j.TaskGroups[0].EphemeralDisk = &api.EphemeralDisk{Sticky: true}
		prev := b.run(allocation(j))
		for _, f := range []string{"alloc/data/db", "t/local/cache"} {
			if err := os.WriteFile(filepath.Join(prev.Dir().Path(), f), []byte("data"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		a := allocation(j)
		a.ID, a.PreviousAllocation = "99999999-bd7f-3b9c-47d2-f2d8a714cc74", testID
		next := b.run(a)
		wantState(t, next, "t", api.TaskStatePending, false, 0) // waits for the end of the first
		prev.Update(stopped(prev))
		synctest.Wait()
		wantState(t, next, "t", api.TaskStateRunning, false, 0)
		for _, f := range []string{"alloc/data/db", "t/local/cache"} {
			if data, err := os.ReadFile(filepath.Join(next.Dir().Path(), f)); err != nil || string(data) != "data" {
				t.Errorf("%s = %q, %v", f, data, err)
			}
		}
	})
}

func TestPreemptingAllocationWaits(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		victim := b.run(allocation(job(api.JobTypeService, tk("t"))))
		a := allocation(job(api.JobTypeService, tk("t")))
		a.ID, a.PreemptedAllocations = "99999999-bd7f-3b9c-47d2-f2d8a714cc74", []string{testID, "00000000-bd7f-3b9c-47d2-f2d8a714cc74"}
		r := b.run(a)
		wantState(t, r, "t", api.TaskStatePending, false, 0)
		evicted := stopped(victim)
		evicted.DesiredStatus = api.AllocDesiredEvict
		victim.Update(evicted)
		synctest.Wait()
		wantState(t, victim, "t", api.TaskStateDead, false, 0)
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
	})
}

func TestDispatchPayload(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		main := tk("t", "run_for=1s", "exit_code=1")
		main.DispatchPayload = &api.DispatchPayload{File: "in/payload.json"}
		j := job(api.JobTypeBatch, main)
		j.Payload, j.Dispatched = []byte("{}"), true
		r := b.run(allocation(j))
		path := filepath.Join(r.Dir().Path(), "t", "local", "in", "payload.json")
		if data, err := os.ReadFile(path); err != nil || string(data) != "{}" {
			t.Fatalf("payload = %q, %v", data, err)
		}
		// It is written once, not again on a restart.
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Second)
		if _, err := os.Stat(path); err == nil {
			t.Error("the payload was written again")
		}
	})
}

func TestHostVolumes(t *testing.T) {
	source := t.TempDir()
	for name, tc := range map[string]struct {
		request *api.VolumeRequest
		mounts  drivers.MountConfigs
		err     string
	}{
		"mounted":      {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "data"}, drivers.MountConfigsAny, ""},
		"per alloc":    {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "data", PerAlloc: true}, drivers.MountConfigsAny, `this node has no host volume "data[0]"`},
		"unknown":      {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "nope"}, drivers.MountConfigsAny, `this node has no host volume "nope"`},
		"cannot mount": {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "data"}, drivers.MountConfigsNone, `does not support host volumes`},
		"gone":         {&api.VolumeRequest{Type: api.VolumeTypeHost, Source: "gone"}, drivers.MountConfigsAny, `host volume "gone" of this node cannot be used`},
		"csi":          {&api.VolumeRequest{Type: api.VolumeTypeCSI, Source: "data"}, drivers.MountConfigsAny, `volumes of type "csi" are not supported`},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				b.deps.Tasks.Node().HostVolumes = map[string]*api.NodeHostVolume{
					"data": {Name: "data", Path: source, ReadOnly: true}, "gone": {Name: "gone", Path: filepath.Join(source, "gone")},
				}
				b.machine.SetCapabilities(drivers.Capabilities{MountConfigs: tc.mounts})
				main := tk("t")
				main.VolumeMounts = []*api.VolumeMount{{Volume: "v", Destination: "/data"}}
				j := job(api.JobTypeService, main)
				j.TaskGroups[0].Volumes = map[string]*api.VolumeRequest{"v": tc.request}
				r := b.run(allocation(j))
				if tc.err != "" {
					if got := events(r, "t"); !strings.Contains(got, "Task hook failed: volumes: ") || !strings.Contains(got, tc.err) {
						t.Errorf("events\n%s\nlack %q", got, tc.err)
					}
					return
				}
				m := b.machine.Config("t").Mounts
				if len(m) != 1 || m[0].HostPath != source || m[0].TaskPath != "/data" || !m[0].Readonly || m[0].RequestName != "v" {
					t.Errorf("mounts = %+v", m)
				}
			})
		})
	}
}

func TestUsage(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t"))))
		u := r.Task("t").Usage(t.Context())
		if u == nil || u.Usage.Memory.RSS != 1<<20 {
			t.Fatalf("usage = %+v", u)
		}
		pass(5 * time.Second)
		if u := r.Task("t").Usage(t.Context()); u.Usage.Memory.RSS < 5<<20 {
			t.Errorf("usage is not measured again: %+v", u)
		}
		pass(10 * time.Minute) // nobody asks, nobody measures
		if u := r.Task("t").Usage(t.Context()); u == nil || u.Usage.Memory.RSS != 1<<20 {
			t.Errorf("usage after a while = %+v", u)
		}
		r.Update(stopped(r))
		pass(time.Second)
		if u := r.Task("t").Usage(t.Context()); u != nil {
			t.Errorf("an ended task uses %+v", u)
		}
	})
}

func TestDriverEvents(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t"))))
		r.DriverEvent(&drivers.TaskEvent{TaskName: "t", AllocID: testID, Message: "Downloading image", Annotations: map[string]string{"image": "x"}})
		r.DriverEvent(&drivers.TaskEvent{TaskName: "unknown", Message: "ignored"})
		synctest.Wait()
		last := r.Report().TaskStates["t"].Events[3]
		if last.Type != "Driver" || last.DisplayMessage != "Downloading image" || last.Details["image"] != "x" {
			t.Errorf("event = %+v", last)
		}
	})
}
