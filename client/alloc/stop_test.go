// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

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

// TestDriverThatHangs checks that a driver which never starts a task is told of, and keeps nobody from stopping it.
func TestDriverThatHangs(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		r := b.run(allocation(job(api.JobTypeService, tk("t", "start_takes=10000h"))))
		pass(time.Hour)
		wantStatus(t, r, api.AllocClientPending, "No tasks have started")
		wantEvents(t, r, "t", `
			Received: Task received by client
			Task Setup: Building Task Directory
			Driver: Driver has not started the task after 30s`)
		r.Update(stopped(r))
		pass(time.Minute - time.Second)
		if got := events(r, "t"); strings.Contains(got, "Killed") {
			t.Errorf("the driver was given no time:\n%s", got)
		}
		pass(time.Minute)
		wantStatus(t, r, api.AllocClientComplete, "All tasks have completed")
		if got := events(r, "t"); !strings.HasSuffix(got, "Killed: Task successfully killed") {
			t.Errorf("events\n%s", got)
		}
		if left := b.machine.Running(); len(left) > 0 {
			t.Errorf("%v run still", left)
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
