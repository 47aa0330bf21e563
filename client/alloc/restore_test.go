// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/task"
)

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

// TestTaskNotRecoveredIsFreed checks that a plugin which does not recover a task of the one before ends what runs of it
// before another attempt begins.
func TestTaskNotRecoveredIsFreed(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "recover_error=unreadable"))))
		b.machine.CrashPlugin()
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		if got := b.machine.Running(); len(got) != 1 {
			t.Errorf("running are %v", got)
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

// TestOutputOutlivesTheAgent checks that the output of tasks is collected without the agent too if their driver is not
// the agent's, by what was started for them.
func TestOutputOutlivesTheAgent(t *testing.T) {
	for name, foreign := range map[string]bool{"a driver of the agent": false, "another driver": true} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				var records []string
				if foreign {
					b.machine.SetForeign()
					records = []string{"", "collector 1", "collector 2"}
				} else {
					records = []string{"", "", ""}
				}
				b.run(allocation(job(api.JobTypeBatch, tk("t", "run_for=1h"))))
				b.restart()
				b.restart()
				if len(b.collected) != len(records) {
					t.Fatalf("collected is %+v", b.collected)
				}
				for i, cfg := range b.collected {
					if cfg.Outlive != foreign || cfg.Running != (i > 0) || cfg.Earlier != records[i] {
						t.Errorf("agent %d collects as %+v, want the process %q", i+1, cfg, records[i])
					}
				}
			})
		})
	}
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

// TestAgentEndsBeforeItsTasksBegin: a task that the last agent knew of and did not come to has been received, once.
func TestAgentEndsBeforeItsTasksBegin(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.run(allocation(job(api.JobTypeService, tk("t"))))
		b.halt()
		b.machine.Reboot()
		if err := b.state.PutTaskHandle(testID, "t", &statedb.TaskHandle{}); err != nil {
			t.Fatal(err)
		}
		if err := b.state.PutTaskState(testID, "t", &api.TaskState{State: api.TaskStatePending}); err != nil {
			t.Fatal(err)
		}
		r := b.restart()
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
		b.halt()
		r = b.restart()
		if got := events(r, "t"); strings.Count(got, "Task received by client") != 1 {
			t.Errorf("events\n%s", got)
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

// TestEndedTaskRunsOnce kills the agent at each step between the end of a task and the decision what follows.
func TestEndedTaskRunsOnce(t *testing.T) {
	now := time.Unix(0, 0)
	ended := &api.TaskEvent{Type: "Terminated"}
	for name, tc := range map[string]struct {
		kind   string
		exit   statedb.TaskExit
		state  api.TaskState
		handle bool
		want   string
		starts int
	}{
		"driver knows the task still": {
			kind: api.JobTypeBatch, state: api.TaskState{State: api.TaskStateRunning, StartedAt: &now}, handle: true, want: api.AllocClientComplete, starts: 1,
		},
		"driver has forgotten the task": {
			kind: api.JobTypeBatch, state: api.TaskState{State: api.TaskStateRunning, StartedAt: &now, Events: []*api.TaskEvent{ended}},
			want: api.AllocClientComplete, starts: 1,
		},
		"failed and not to be restarted": {
			kind: api.JobTypeBatch, exit: statedb.TaskExit{Code: 7}, state: api.TaskState{State: api.TaskStateRunning, StartedAt: &now},
			want: api.AllocClientFailed, starts: 1,
		},
		"to be restarted": {
			kind: api.JobTypeService, state: api.TaskState{State: api.TaskStateRunning, StartedAt: &now}, want: api.AllocClientRunning, starts: 2,
		},
		"restart is decided": {
			kind: api.JobTypeService, exit: statedb.TaskExit{Code: 7}, state: api.TaskState{State: api.TaskStatePending, StartedAt: &now, Restarts: 1},
			want: api.AllocClientRunning, starts: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				main := tk("t")
				if tc.exit.Code != 0 && tc.kind == api.JobTypeBatch {
					main.RestartPolicy = &api.RestartPolicy{Attempts: new(0)}
				}
				b.run(allocation(job(tc.kind, main)))
				records, err := b.state.Allocs()
				if err != nil {
					t.Fatal(err)
				}
				handle := records[0].Tasks["t"].Handle
				if handle.Handle == nil {
					t.Fatal("no handle is stored")
				}
				b.halt()
				b.machine.Exit("t", tc.exit.Code)
				if handle.Exit = &tc.exit; !tc.handle {
					handle.Handle = nil
					b.machine.Reboot()
				}
				if err := b.state.PutTaskHandle(testID, "t", &handle); err != nil {
					t.Fatal(err)
				}
				if err := b.state.PutTaskState(testID, "t", &tc.state); err != nil {
					t.Fatal(err)
				}
				r := b.restart()
				pass(time.Minute)
				if got := r.Report().ClientStatus; got != tc.want {
					t.Errorf("the allocation is %s, want %s:\n%s", got, tc.want, events(r, "t"))
				}
				if got := strings.Count(b.timeline(), "start t"); got != tc.starts {
					t.Errorf("%d starts, want %d", got, tc.starts)
				}
				if got := strings.Count(events(r, "t"), "Terminated"); tc.state.State == api.TaskStateRunning && got != 1 {
					t.Errorf("%d ends are told:\n%s", got, events(r, "t"))
				}
				if strings.Contains(events(r, "t"), "Failed Restoring") {
					t.Errorf("events\n%s", events(r, "t"))
				}
				if records, err = b.state.Allocs(); err != nil || records[0].Tasks["t"].Handle.Exit != nil {
					t.Errorf("the end is stored still: %+v, %v", records[0].Tasks["t"].Handle, err)
				}
			})
		})
	}
}

// TestPluginDiesInStart ends the plugin while it starts a task: a few times in a row that is nothing, and then it is for the
// restart policy to go on.
func TestPluginDiesInStart(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		main := tk("t", "start_takes=1s")
		main.RestartPolicy = &api.RestartPolicy{Attempts: new(10), Mode: api.RestartModeFail, Interval: new(time.Hour), Delay: new(time.Second)}
		r := b.run(allocation(job(api.JobTypeService, main)))
		crash := func(times int) {
			for range times {
				pass(500 * time.Millisecond)
				b.machine.CrashPlugin()
				synctest.Wait()
			}
			pass(10 * time.Second)
		}
		crash(2)
		wantState(t, r, "t", api.TaskStateRunning, false, 0)
		b.machine.Exit("t", 1)
		pass(time.Second)
		wantState(t, r, "t", api.TaskStatePending, false, 1)
		crash(3)
		wantState(t, r, "t", api.TaskStateRunning, false, 2)
	})
}

// TestAgentDiesInRestart ends the agent while a task is stopped to start again, before and after the end of the task. The
// next one starts it, however little the restart policy allows; a failed check counts as a failure there too.
func TestAgentDiesInRestart(t *testing.T) {
	for name, tc := range map[string]struct {
		failure, ended bool
		attempts       int
		want           string
	}{
		"stopping":                {want: api.AllocClientRunning},
		"stopped":                 {ended: true, want: api.AllocClientRunning},
		"unhealthy, stopping":     {failure: true, want: api.AllocClientFailed},
		"unhealthy, stopped":      {failure: true, ended: true, want: api.AllocClientFailed},
		"unhealthy, once allowed": {failure: true, attempts: 1, want: api.AllocClientRunning},
	} {
		t.Run(name, func(t *testing.T) {
			inBench(t, func(t *testing.T, b *bench) {
				main := tk("t", "stop_takes=1m")
				main.KillTimeout = new(20 * time.Second)
				main.RestartPolicy = &api.RestartPolicy{Attempts: new(tc.attempts), Mode: api.RestartModeFail, Interval: new(time.Hour), Delay: new(time.Second)}
				r := b.run(allocation(job(api.JobTypeService, main)))
				pass(time.Minute)
				if tc.failure {
					r.Task("t").Fail(task.RestartSignaled("unhealthy"))
				} else {
					r.Task("t").RestartSoon(task.RestartSignaled("because"))
				}
				pass(time.Second)
				b.halt()
				if tc.ended {
					b.machine.Exit("t", 130)
				}
				r = b.restart()
				pass(time.Hour)
				if got := r.Report().ClientStatus; got != tc.want {
					t.Errorf("the allocation is %s, want %s:\n%s", got, tc.want, events(r, "t"))
				}
				starts := strings.Count(b.timeline(), "start t")
				if want := map[string]int{api.AllocClientRunning: 2, api.AllocClientFailed: 1}[tc.want]; starts != want {
					t.Errorf("%d starts, want %d:\n%s\n%s", starts, want, b.timeline(), events(r, "t"))
				}
				b.restart()
				pass(time.Hour)
				if again := strings.Count(b.timeline(), "start t"); again != starts {
					t.Errorf("%d starts, want %d after another restart of the agent:\n%s", again, starts, b.timeline())
				}
			})
		})
	}
}
