// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// AllocUpdate is the client's side of an allocation.
type AllocUpdate struct {
	ID                string                     `codec:"i"`
	ClientStatus      string                     `codec:"s,omitempty"`
	ClientDescription string                     `codec:"d,omitempty"`
	TaskStates        map[string]*api.TaskState  `codec:"t,omitempty"`
	DeploymentStatus  *api.AllocDeploymentStatus `codec:"h,omitempty"`
	NetworkStatus     *api.AllocNetworkStatus    `codec:"n,omitempty"`
}

// ClientUpdate returns the client's side of a reported allocation.
func ClientUpdate(a *api.Allocation) *AllocUpdate {
	return &AllocUpdate{
		ID: a.ID, ClientStatus: a.ClientStatus, ClientDescription: a.ClientDescription, TaskStates: a.TaskStates,
		DeploymentStatus: a.DeploymentStatus, NetworkStatus: a.NetworkStatus,
	}
}

// AllocsClientUpdateRequest stores what clients report of their allocations.
type AllocsClientUpdateRequest struct {
	Allocs []*AllocUpdate
	Evals  []*api.Evaluation
	// Nodes were away and report for the first time since.
	Nodes []string
	// Time is in unix nanoseconds.
	Time int64
}

// AllocsClientUpdate answers nothing; allocations that are gone are passed over, and so are reports of what is known, and those
// that came too late.
var AllocsClientUpdate = Define(20, "AllocsClientUpdate", allocsClientUpdate)

func allocsClientUpdate(w *state.WriteTx, p *AllocsClientUpdateRequest) (any, error) {
	for _, u := range p.Allocs {
		if u == nil {
			continue
		}
		if old := state.Allocs.Get(w, u.ID); old != nil && !isLate(old, u) {
			row := merge(old, u, w.Index(), p.Time)
			if !reportedAlike(old, row) {
				state.Allocs.Put(w, row)
			}
			if row.ClientTerminalStatus() {
				dropServices(w, row.ID)
			}
		}
	}
	for _, id := range p.Nodes {
		if old := state.Nodes.Get(w, id); old != nil && old.LastMissedHeartbeatIndex > old.LastAllocUpdateIndex {
			n := *old
			n.LastAllocUpdateIndex = w.Index()
			state.Nodes.Put(w, &n)
		}
	}
	putEvals(w, p.Evals)
	return nil, nil
}

// isLate reports whether the client has told something newer since: a server may hold a report back until after the client has
// given up waiting and told another one how things went on. An end that the client told of is its last word; before that the
// events say which of two reports is the newer one.
func isLate(old *api.Allocation, u *AllocUpdate) bool {
	ended := old.ClientStatus == api.AllocClientComplete || old.ClientStatus == api.AllocClientFailed
	if goesOn := u.ClientStatus == api.AllocClientPending || u.ClientStatus == api.AllocClientRunning; ended && goesOn {
		return true
	}
	late := false
	for name, s := range u.TaskStates {
		known := old.TaskStates[name]
		if s == nil || len(s.Events) == 0 || known == nil || len(known.Events) == 0 {
			continue
		}
		switch i := lastIndexOf(known.Events, s.Events[len(s.Events)-1]); i {
		case -1:
			return false
		case len(known.Events) - 1:
		default:
			late = true
		}
	}
	return late
}

// lastIndexOf returns the last place of an event, or -1.
func lastIndexOf(events []*api.TaskEvent, e *api.TaskEvent) int {
	for i, known := range slices.Backward(events) {
		if known != nil && e != nil && known.Time == e.Time && known.Type == e.Type {
			return i
		}
	}
	return -1
}

// reportedAlike says that a client has told what was known already, as one does of all its allocations after a restart of
// its agent: that is no change of them.
func reportedAlike(a, b *api.Allocation) bool {
	return a.ClientStatus == b.ClientStatus && a.ClientDescription == b.ClientDescription &&
		typeinfo.Equal(a.DeploymentStatus, b.DeploymentStatus) && typeinfo.Equal(a.NetworkStatus, b.NetworkStatus) &&
		typeinfo.Equal(a.TaskStates, b.TaskStates)
}

// merge returns the allocation with the client's side of it replaced. Strings and parts that did not
// change stay shared with the old row.
func merge(old *api.Allocation, u *AllocUpdate, index uint64, now int64) *api.Allocation {
	a := *old
	a.ClientStatus = intern(u.ClientStatus)
	if a.ClientStatus == "" {
		a.ClientStatus = old.ClientStatus
	}
	if u.ClientDescription != old.ClientDescription {
		a.ClientDescription = intern(u.ClientDescription)
	}
	if u.TaskStates != nil {
		state.ShareTaskTexts(u.TaskStates, share)
		a.TaskStates = u.TaskStates
	}
	if u.NetworkStatus != nil {
		a.NetworkStatus = u.NetworkStatus
	}
	if u.DeploymentStatus != nil && u.DeploymentStatus.Healthy != nil {
		d := *u.DeploymentStatus
		if old.DeploymentStatus != nil {
			d.Canary = old.DeploymentStatus.Canary
			d.ModifyIndex = old.DeploymentStatus.ModifyIndex
		}
		if old.DeploymentStatus == nil || old.DeploymentStatus.Healthy == nil || *old.DeploymentStatus.Healthy != *d.Healthy {
			d.ModifyIndex = index
		}
		a.DeploymentStatus = &d
	}
	if now > 0 {
		a.ModifyTime = now
	}
	return &a
}

// AllocsDesiredTransitionRequest asks for transitions of allocations, by ID.
type AllocsDesiredTransitionRequest struct {
	Transitions map[string]api.DesiredTransition
	Evals       []*api.Evaluation
	// Time is in unix nanoseconds.
	Time int64
}

// AllocsDesiredTransition answers nothing; allocations that are gone are passed over.
var AllocsDesiredTransition = Define(21, "AllocsDesiredTransition", allocsDesiredTransition)

func allocsDesiredTransition(w *state.WriteTx, p *AllocsDesiredTransitionRequest) (any, error) {
	for _, id := range sortedKeys(p.Transitions) {
		old := state.Allocs.Get(w, id)
		if old == nil {
			continue
		}
		a, t := *old, p.Transitions[id]
		a.DesiredTransition.Migrate = or(t.Migrate, a.DesiredTransition.Migrate)
		a.DesiredTransition.Reschedule = or(t.Reschedule, a.DesiredTransition.Reschedule)
		a.DesiredTransition.ForceReschedule = or(t.ForceReschedule, a.DesiredTransition.ForceReschedule)
		a.DesiredTransition.NoShutdownDelay = or(t.NoShutdownDelay, a.DesiredTransition.NoShutdownDelay)
		a.DesiredTransition.MigrateDisablePlacement = or(t.MigrateDisablePlacement, a.DesiredTransition.MigrateDisablePlacement)
		a.AllocModifyIndex = w.Index()
		if p.Time > 0 {
			a.ModifyTime = p.Time
		}
		state.Allocs.Put(w, &a)
	}
	putEvals(w, p.Evals)
	return nil, nil
}

func or(p, old *bool) *bool {
	if p != nil {
		return p
	}
	return old
}
