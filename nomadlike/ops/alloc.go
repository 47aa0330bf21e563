// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) allocHandlers(set *opset.Set) {
	handleRead(e, set, api.AllocList, allocList)
	handleRead(e, set, api.AllocGet, allocGet)
	handleWrite(set, api.AllocStop, e.allocStop)
}

func allocList(tx *readTx, r *api.AllocListRequest) ([]*api.AllocListStub, error) {
	if err := checkPrefix("alloc", r.Prefix); err != nil {
		return nil, err
	}
	taskStates, err := taskStatesOf(r)
	if err != nil {
		return nil, err
	}
	p := page[api.Allocation]{
		token:     func(a *api.Allocation) string { return createdToken(a.CreateIndex, a.ID) },
		namespace: func(a *api.Allocation) string { return a.Namespace },
	}
	if r.Prefix != "" {
		p.rows = inOrder(tx, state.Allocs.Prefix(tx, uuidOf(r.Prefix)))
		p.token = func(a *api.Allocation) string { return a.ID }
	} else {
		index, id := splitCreated(r.NextToken)
		p.rows = state.Allocs.Created(tx, index, id, r.Reverse)
		p.before = func(*api.Allocation, string) bool { return false }
	}
	return list(tx, p, func(a *api.Allocation) *api.AllocListStub {
		return allocStub(a, r.Resources, taskStates)
	})
}

// taskStatesOf says whether the stubs show task states, which they do unless the request says no.
func taskStatesOf(r *api.AllocListRequest) (bool, error) {
	if r.TaskStates == "" {
		return true, nil
	}
	show, err := strconv.ParseBool(r.TaskStates)
	if err != nil {
		return false, refused("Failed to parse value of %q (%v) as a bool: %v", "task_states", r.TaskStates, err)
	}
	return show, nil
}

func allocStub(a *api.Allocation, resources, taskStates bool) *api.AllocListStub {
	s := a.Stub()
	if resources {
		s.AllocatedResources = a.AllocatedResources
	}
	if taskStates {
		s.TaskStates = a.TaskStates
	}
	return s
}

func allocGet(tx *readTx, r *api.AllocRequest) (*api.Allocation, error) {
	if err := checkID("alloc", r.AllocID); err != nil {
		return nil, err
	}
	a := state.Allocs.Get(tx, r.AllocID)
	if a == nil {
		return nil, notFound("alloc not found")
	}
	return fullAlloc(a), nil
}

// fullAlloc returns the allocation as readers outside the cluster see it, with the obsolete resource forms.
func fullAlloc(a *api.Allocation) *api.Allocation {
	c := *a
	c.FillObsoleteResources()
	return &c
}

func (e *Env) allocStop(ctx context.Context, r *api.AllocStopRequest) (*api.AllocStopResponse, error) {
	if err := checkID("alloc", r.AllocID); err != nil {
		return nil, err
	}
	snap := e.Store.Snapshot()
	a := state.Allocs.Get(snap, r.AllocID)
	if a == nil {
		return nil, notFound("allocation not found")
	}
	yes := true
	tr := api.DesiredTransition{Migrate: &yes}
	if r.Reschedule {
		// One that runs is stopped and placed again like any other; a failed one is, whatever its policy says.
		tr.Reschedule, tr.ForceReschedule = &yes, &yes
		if a.TerminalStatus() {
			tr.Migrate = nil
		}
	}
	if !r.Reschedule && a.Job != nil && a.Job.Type == api.JobTypeSysBatch {
		tr.MigrateDisablePlacement = &yes // once on each node, until the job changes
	}
	if r.NoShutdownDelay {
		tr.NoShutdownDelay = &yes
	}
	ev := e.newEval(a.Namespace, a.JobID, a.Job, api.TriggerAllocStop)
	if r.Reschedule {
		ev.TriggeredBy = api.TriggerAllocReschedule
	}
	ev.Priority = a.Job.PriorityOrDefault()
	_, index, err := e.Raft.Apply(ctx, fsm.AllocsDesiredTransition.Encode(&fsm.AllocsDesiredTransitionRequest{
		Transitions: map[string]api.DesiredTransition{a.ID: tr}, Evals: []*api.Evaluation{ev}, Time: e.Now().UnixNano(),
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.AllocStopResponse{EvalID: ev.ID}, nil
}

// newEval returns a pending evaluation of the job.
func (e *Env) newEval(namespace, jobID string, job *api.Job, trigger string) *api.Evaluation {
	now := e.Now().UnixNano()
	ev := &api.Evaluation{
		ID: api.NewID(), Namespace: namespace, JobID: jobID, TriggeredBy: trigger, Status: api.EvalStatusPending,
		Priority: api.JobDefaultPriority, Type: api.JobTypeService, CreateTime: now, ModifyTime: now,
	}
	if job != nil {
		ev.Type, ev.Priority, ev.JobModifyIndex = job.Type, job.PriorityOrDefault(), job.JobModifyIndex
	}
	return ev
}
