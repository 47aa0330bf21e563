// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec/codectest"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// untold are the fields of a placement that do not travel: clients and rules set them.
var untold = cmpopts.IgnoreFields(api.Allocation{},
	"Resources", "SharedResources", "TaskResources", "TaskStates", "NetworkStatus", "NextAllocation", "DesiredTransition",
	"CreateIndex", "ModifyIndex", "AllocModifyIndex", "CreateTime", "ModifyTime")

// registered returns a machine with a job of two versions and a node, at index 10.
func registered(t *testing.T) (*FSM, *api.Job, *api.Node) {
	t.Helper()
	f := newFSM()
	f.apply(2, NodeRegister.Encode(&NodeRegisterRequest{Node: &api.Node{ID: "n1", Name: "node-1", NodeResources: &api.NodeResources{}}}))
	for i := range uint64(2) {
		r := f.apply(3+i, JobRegister.Encode(&JobRegisterRequest{Job: &api.Job{
			Namespace: "default", ID: "web", Type: api.JobTypeService, TaskGroups: []*api.TaskGroup{{Name: "g"}},
		}}))
		if err, ok := r.(error); ok {
			t.Fatal(err)
		}
	}
	return f, state.Jobs.Get(f.store.Snapshot(), "default", "web"), state.Nodes.Get(f.store.Snapshot(), "n1")
}

func commit(t *testing.T, f *FSM, index uint64, plans ...*PlanCommit) {
	t.Helper()
	if err, ok := f.apply(index, PlanApply.Encode(&PlanApplyRequest{Plans: plans, Time: int64(index) * 1e9})).(error); ok {
		t.Fatal(err)
	}
}

func alloc(f *FSM, id string) *api.Allocation { return state.Allocs.Get(f.store.Snapshot(), id) }

// TestPlacementsTravel fills every field of placements and expects the same in the rows.
func TestPlacementsTravel(t *testing.T) {
	f, job, node := registered(t)
	fill := codectest.New(3)
	placements := map[string]*api.Allocation{}
	p := &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{}}}
	for i := range 6 {
		a := codectest.Fill[api.Allocation](fill)
		a.Namespace, a.JobID, a.NodeID, a.NodeName, a.Job, a.PreviousAllocation = "default", job.ID, node.ID, node.Name, job, ""
		a.ClientStatus = api.AllocClientPending
		switch i {
		case 1:
			a.Name, a.TaskGroup = "web.g[12]", "g"
		case 2: // shares with the one before
			before := placements[p.Result.NodeAllocation[node.ID][1].ID]
			a.AllocatedResources, a.Metrics, a.DeploymentStatus, a.RescheduleTracker = before.AllocatedResources, before.Metrics, before.DeploymentStatus, before.RescheduleTracker
			a.AllocStates, a.Name = before.AllocStates, "web."+a.TaskGroup+"[007]"
		case 3: // shares the tasks only
			before := p.Result.NodeAllocation[node.ID][0]
			a.AllocatedResources.Tasks, a.AllocatedResources.TaskLifecycles = before.AllocatedResources.Tasks, before.AllocatedResources.TaskLifecycles
		case 4: // has nothing that is not needed
			a = &api.Allocation{ID: a.ID, Namespace: "default", JobID: job.ID, Job: job, Name: "x", NodeID: node.ID, NodeName: node.Name, EvalID: "eval"}
		case 5: // an older version, in the usual form of IDs
			old := state.JobVersions.Get(f.store.Snapshot(), "default", "web", 0)
			a.ID, a.Job, a.DeploymentID = "01234567-89ab-cdef-0123-456789abcdef", old, "11234567-89ab-cdef-0123-456789abcdef"
			a.PreemptedAllocations = []string{"21234567-89ab-cdef-0123-456789abcdef", "21234567-89AB-cdef-0123-456789abcdef"}
		}
		placements[a.ID] = a
		p.Result.NodeAllocation[node.ID] = append(p.Result.NodeAllocation[node.ID], a)
	}
	commit(t, f, 10, p)
	for id, want := range placements {
		got := alloc(f, id)
		if diff := cmp.Diff(want, got, untold); diff != "" {
			t.Errorf("placement arrived as something else: %s", diff)
		}
		if got != nil && (got.CreateIndex != 10 || got.ModifyIndex != 10 || got.AllocModifyIndex != 10 || got.CreateTime != 10e9 || got.ModifyTime != 10e9) {
			t.Errorf("indexes and times %+v", got)
		}
	}
	list := p.Result.NodeAllocation[node.ID]
	first, second, third, fourth := alloc(f, list[0].ID), alloc(f, list[1].ID), alloc(f, list[2].ID), alloc(f, list[3].ID)
	if second.AllocatedResources != third.AllocatedResources || second.Metrics != third.Metrics || second.RescheduleTracker != third.RescheduleTracker {
		t.Error("what placements shared is not shared by the rows")
	}
	if diff := cmp.Diff(first.AllocatedResources.Tasks, fourth.AllocatedResources.Tasks); diff != "" {
		t.Error(diff)
	}
}

// TestPlanUpdates: a plan over rows that exist keeps what clients said of them.
func TestPlanUpdates(t *testing.T) {
	f, job, node := registered(t)
	place := func(index uint64, allocs ...*api.Allocation) {
		commit(t, f, index, &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{node.ID: allocs}}})
	}
	placement := func(id string) *api.Allocation {
		return &api.Allocation{
			ID: id, Name: "web.g[0]", TaskGroup: "g", NodeID: node.ID, DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending,
			AllocatedResources: &api.AllocatedResources{}, Metrics: &api.AllocMetric{NodesEvaluated: 1}, EvalID: "first",
		}
	}
	place(10, placement("updated"), placement("stopped"), placement("lost"), placement("done"), placement("evicted"))
	r := &AllocsClientUpdateRequest{Time: 11e9}
	for _, id := range []string{"updated", "stopped", "lost", "done", "evicted"} {
		status := api.AllocClientRunning
		if id == "done" {
			status = api.AllocClientComplete
		}
		r.Allocs = append(r.Allocs, &AllocUpdate{
			ID: id, ClientStatus: status, TaskStates: map[string]*api.TaskState{"t": {State: "running"}},
			DeploymentStatus: &api.AllocDeploymentStatus{Healthy: new(true), Timestamp: new(time.Unix(11, 0).UTC())},
		})
	}
	f.apply(11, AllocsClientUpdate.Encode(r))

	update := placement("updated")
	update.EvalID, update.AllocatedResources, update.Metrics = "second", &api.AllocatedResources{Shared: api.AllocatedSharedResources{DiskMB: 5}}, nil
	stop := func(id, client string) *api.Allocation {
		return &api.Allocation{
			ID: id, NodeID: node.ID, DesiredStatus: api.AllocDesiredStop, DesiredDescription: "why", ClientStatus: client, ClientDescription: "because",
			FollowupEvalID: "followup", AllocStates: []*api.AllocState{{Field: "ClientStatus", Value: client}}, Name: "not looked at",
		}
	}
	evict := &api.Allocation{ID: "evicted", NodeID: node.ID, DesiredStatus: api.AllocDesiredEvict, PreemptedByAllocation: "updated"}
	commit(t, f, 12, &PlanCommit{EvalID: "eval", Job: job, Result: &api.PlanResult{
		NodeAllocation:  map[string][]*api.Allocation{node.ID: {update}},
		NodeUpdate:      map[string][]*api.Allocation{node.ID: {stop("stopped", ""), stop("lost", api.AllocClientLost), stop("done", api.AllocClientLost), stop("gone", "")}},
		NodePreemptions: map[string][]*api.Allocation{node.ID: {evict}},
	}})
	type row struct {
		Desired, Client, Eval, Followup, By, Name string
		States, Disk                              int
		Healthy                                   bool
	}
	for id, want := range map[string]row{
		"updated": {"run", "running", "second", "", "", "web.g[0]", 0, 5, true},
		"stopped": {"stop", "running", "first", "followup", "", "web.g[0]", 1, 0, true},
		"lost":    {"stop", "lost", "first", "followup", "", "web.g[0]", 1, 0, true},
		"done":    {"stop", "complete", "first", "followup", "", "web.g[0]", 1, 0, true},
		"evicted": {"evict", "running", "first", "", "updated", "web.g[0]", 0, 0, true},
	} {
		a := alloc(f, id)
		got := row{
			a.DesiredStatus, a.ClientStatus, a.EvalID, a.FollowupEvalID, a.PreemptedByAllocation, a.Name,
			len(a.AllocStates), a.AllocatedResources.Shared.DiskMB, *a.DeploymentStatus.Healthy,
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
		if a.CreateIndex != 10 || a.ModifyIndex != 12 || a.AllocModifyIndex != 12 || a.TaskStates["t"] == nil || a.Metrics.NodesEvaluated != 1 {
			t.Errorf("%s: %+v", id, a)
		}
	}
	if alloc(f, "gone") != nil {
		t.Error("the stop of an allocation that is gone made one")
	}

	// A replacement is linked from the one it replaces; a plan for a purged job is dropped.
	next := placement("next")
	next.PreviousAllocation = "stopped"
	place(13, next)
	if got := alloc(f, "stopped").NextAllocation; got != "next" {
		t.Errorf("next allocation %q", got)
	}
	f.apply(14, JobDeregister.Encode(&JobDeregisterRequest{Namespace: "default", JobID: "web", Purge: true}))
	moved := placement("updated")
	moved.ClientStatus = api.AllocClientUnknown
	place(15, placement("too late"), moved)
	if alloc(f, "too late") != nil {
		t.Error("a placement of a purged job was stored")
	}
	if a := alloc(f, "updated"); a.ClientStatus != api.AllocClientUnknown || a.Job == nil {
		t.Errorf("update of an allocation of a purged job: %+v", a)
	}
}

// TestPlanTouchesEval: the evaluation of a plan gets its index, unless the entry stores it anyway.
func TestPlanTouchesEval(t *testing.T) {
	f, job, _ := registered(t)
	eval := func(id string) *api.Evaluation {
		return &api.Evaluation{ID: id, Namespace: "default", JobID: job.ID, Status: api.EvalStatusPending}
	}
	f.apply(10, EvalsUpsert.Encode(&EvalsUpsertRequest{Evals: []*api.Evaluation{eval("a"), eval("b"), eval("c")}}))
	done := eval("b")
	done.Status = api.EvalStatusComplete
	f.apply(11, PlanApply.Encode(&PlanApplyRequest{Plans: []*PlanCommit{{EvalID: "a", Job: job}, {EvalID: "b", Job: job}, {EvalID: "none", Job: job}}, Evals: []*api.Evaluation{done}}))
	for id, want := range map[string]uint64{"a": 11, "b": 11, "c": 10} {
		if e := state.Evals.Get(f.store.Snapshot(), id); e.ModifyIndex != want || e.CreateIndex != 10 {
			t.Errorf("evaluation %s: %+v", id, e)
		}
	}
	if e := state.Evals.Get(f.store.Snapshot(), "b"); e.Status != api.EvalStatusComplete {
		t.Errorf("status %s", e.Status)
	}
}

func TestUUIDs(t *testing.T) {
	for s, ok := range map[string]bool{
		"01234567-89ab-cdef-0123-456789abcdef": true, "01234567-89AB-cdef-0123-456789abcdef": false, "": false,
		"01234567-89ab-cdef-0123-456789abcde": false, "01234567089ab-cdef-0123-456789abcdef": false, "g1234567-89ab-cdef-0123-456789abcdef": false,
		"01234567-89ab-cdef-0123-456789abcdeg": false,
	} {
		id, got := parseUUID(s)
		if got != ok || got && formatUUID(id[:]) != s {
			t.Errorf("%q: %v, %s", s, got, formatUUID(id[:]))
		}
	}
}
