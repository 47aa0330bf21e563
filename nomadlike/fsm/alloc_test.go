// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"maps"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// A client that tells again what is known changes nothing, and one that tells anything new does.
func TestReportsAlike(t *testing.T) {
	report := func(change func(u *AllocUpdate)) *AllocUpdate {
		u := &AllocUpdate{
			ID: "a", ClientStatus: api.AllocClientRunning, ClientDescription: "Tasks are running",
			TaskStates: map[string]*api.TaskState{"t": {
				State: "running", StartedAt: new(time.Unix(9, 0).UTC()), Events: []*api.TaskEvent{{Type: "Started", Time: 9, Details: map[string]string{"a": "b"}}},
			}},
			DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(true), Timestamp: new(time.Unix(10, 0).UTC())},
			NetworkStatus:    &api.AllocNetworkStatus{InterfaceName: "eth0", Address: "172.26.64.2"},
		}
		if change != nil {
			change(u)
		}
		return u
	}
	for name, test := range map[string]struct {
		change func(u *AllocUpdate)
		same   bool
	}{
		"the same":          {nil, true},
		"only the status":   {func(u *AllocUpdate) { u.TaskStates, u.DeploymentStatus, u.NetworkStatus = nil, nil, nil }, true},
		"another status":    {func(u *AllocUpdate) { u.ClientStatus = api.AllocClientComplete }, false},
		"another text":      {func(u *AllocUpdate) { u.ClientDescription = "" }, false},
		"another event":     {func(u *AllocUpdate) { u.TaskStates["t"].Events[0].Time++ }, false},
		"one event more":    {func(u *AllocUpdate) { s := u.TaskStates["t"]; s.Events = append(s.Events, &api.TaskEvent{}) }, false},
		"one task more":     {func(u *AllocUpdate) { u.TaskStates["side"] = &api.TaskState{State: "pending"} }, false},
		"not healthy":       {func(u *AllocUpdate) { u.DeploymentStatus.Healthy = new(false) }, false},
		"another address":   {func(u *AllocUpdate) { u.NetworkStatus.Address = "172.26.64.3" }, false},
		"no word on health": {func(u *AllocUpdate) { u.DeploymentStatus.Healthy = nil }, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, job, node := registered(t)
			commit(t, f, 10, &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{node.ID: {{
				ID: "a", Name: "web.g[0]", TaskGroup: "g", NodeID: node.ID, DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending,
				AllocatedResources: &api.AllocatedResources{}, EvalID: "eval",
			}}}}})
			f.apply(11, AllocsClientUpdate.Encode(&AllocsClientUpdateRequest{Allocs: []*AllocUpdate{report(nil)}, Time: 11e9}))
			before := state.Allocs.Get(f.store.Snapshot(), "a")
			if before == nil || before.ModifyIndex != 11 || !maps.Equal(before.TaskStates["t"].Events[0].Details, map[string]string{"a": "b"}) {
				t.Fatalf("the first report left %+v", before)
			}
			f.apply(12, AllocsClientUpdate.Encode(&AllocsClientUpdateRequest{Allocs: []*AllocUpdate{report(test.change)}, Time: 12e9}))
			after := state.Allocs.Get(f.store.Snapshot(), "a")
			if same := after.ModifyIndex == 11 && after.ModifyTime == 11e9; same != test.same {
				t.Errorf("modified at index %d, time %d; want it as it was: %t", after.ModifyIndex, after.ModifyTime, test.same)
			}
		})
	}
}

// A report that a server held back until a newer one had come by way of another does not count any more.
func TestLateReports(t *testing.T) {
	report := func(status string, events ...int64) *AllocUpdate {
		s := &api.TaskState{State: "any"}
		for _, at := range events {
			s.Events = append(s.Events, &api.TaskEvent{Type: "Started", Time: at})
		}
		return &AllocUpdate{ID: "a", ClientStatus: status, TaskStates: map[string]*api.TaskState{"t": s}}
	}
	for name, test := range map[string]struct {
		first, then *AllocUpdate
		late        bool
	}{
		"starting after running":         {report(api.AllocClientRunning, 1, 2), report(api.AllocClientPending, 1), true},
		"starting again after running":   {report(api.AllocClientRunning, 1, 2), report(api.AllocClientPending, 2, 3), false},
		"clock set back":                 {report(api.AllocClientRunning, 5, 6), report(api.AllocClientPending, 6, 3), false},
		"two events at one time":         {report(api.AllocClientRunning, 5, 5), report(api.AllocClientPending, 5), false},
		"running after an end":           {report(api.AllocClientComplete), report(api.AllocClientRunning), true},
		"running after a failure":        {report(api.AllocClientFailed, 1), report(api.AllocClientRunning, 1, 2), true},
		"running after being lost":       {report(api.AllocClientLost, 1), report(api.AllocClientRunning, 1), false},
		"running after unknown":          {report(api.AllocClientUnknown, 1), report(api.AllocClientRunning, 1), false},
		"failed after complete":          {report(api.AllocClientComplete, 1), report(api.AllocClientFailed, 1), false},
		"only the status after an event": {report(api.AllocClientPending, 1), &AllocUpdate{ID: "a", ClientStatus: api.AllocClientRunning}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, job, node := registered(t)
			commit(t, f, 10, &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{node.ID: {{
				ID: "a", Name: "web.g[0]", TaskGroup: "g", NodeID: node.ID, DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending,
				AllocatedResources: &api.AllocatedResources{}, EvalID: "eval",
			}}}}})
			for i, u := range []*AllocUpdate{test.first, test.then} {
				f.apply(11+uint64(i), AllocsClientUpdate.Encode(&AllocsClientUpdateRequest{Allocs: []*AllocUpdate{u}, Time: 11e9}))
			}
			want := test.then.ClientStatus
			if test.late {
				want = test.first.ClientStatus
			}
			if a := state.Allocs.Get(f.store.Snapshot(), "a"); a.ClientStatus != want || (a.ModifyIndex == 11) != test.late {
				t.Errorf("the allocation is %s at %d, want %s", a.ClientStatus, a.ModifyIndex, want)
			}
		})
	}
}

// TestNoShutdownDelay: allocations that are being stopped already are told to skip the rest of their delay, those that have ended are left.
func TestNoShutdownDelay(t *testing.T) {
	f, job, node := registered(t)
	alloc := func(id, desired, status string) *api.Allocation {
		return &api.Allocation{
			ID: id, Name: "web.g[0]", TaskGroup: "g", NodeID: node.ID, DesiredStatus: desired, ClientStatus: status,
			AllocatedResources: &api.AllocatedResources{}, EvalID: "eval",
		}
	}
	all := []*api.Allocation{
		alloc("runs", api.AllocDesiredRun, api.AllocClientRunning), alloc("stops", api.AllocDesiredStop, api.AllocClientRunning),
		alloc("ended", api.AllocDesiredStop, api.AllocClientComplete),
	}
	commit(t, f, 10, &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{node.ID: all}}})
	f.apply(11, JobDeregister.Encode(&JobDeregisterRequest{Namespace: job.Namespace, JobID: job.ID, NoShutdownDelay: true}))
	for id, want := range map[string]bool{"runs": true, "stops": true, "ended": false} {
		a := state.Allocs.Get(f.store.Snapshot(), id)
		if a.DesiredTransition.ShouldSkipShutdownDelay() != want || (a.AllocModifyIndex == 11) != want {
			t.Errorf("%s: skips its delay: %t, modified at %d", id, a.DesiredTransition.ShouldSkipShutdownDelay(), a.AllocModifyIndex)
		}
	}
}
