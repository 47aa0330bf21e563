// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/statedb"
)

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
				task := tk("t")
				if tc.exit.Code != 0 && tc.kind == api.JobTypeBatch {
					task.RestartPolicy = &api.RestartPolicy{Attempts: new(0)}
				}
				b.run(allocation(job(tc.kind, task)))
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
