// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/clienttest"
	"github.com/nomadlike/nomadlike/client/task"
)

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

// TestAbandonedIsLost: what the client stops because it hears of no server has neither failed nor done its work, also if
// another agent has to finish that.
func TestAbandonedIsLost(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeBatch, tk("t", "stop_takes=4s"), hooked(tk("clean", "run_for=1s"), api.HookPoststop, false))))
		r.Abandon()
		pass(2 * time.Second)
		wantStatus(t, r, api.AllocClientRunning, "Tasks are running")
		r = b.restart()
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientLost, api.AllocClientDescNoContact)
		if !strings.Contains(b.timeline(), "start clean") {
			t.Errorf("the poststop task did not run:\n%s", b.timeline())
		}
		wantStatus(t, b.restart(), api.AllocClientLost, api.AllocClientDescNoContact)
	})
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeBatch, tk("t", "run_for=1s"))))
		pass(2 * time.Second)
		r.Abandon()
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
	})
}

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
		"denied user":   {&api.Task{Name: "t", Driver: clienttest.DriverName, User: "root"}, api.AllocClientFailed, 0, "Failed Validation: running as user \"root\" is disallowed; the client options user.denylist and user.checked_drivers say who may not run which drivers\nNot Restarting: Error was unrecoverable"},
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
