// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/reconcile"
)

// followWindow is how close delayed reschedules share one evaluation.
const followWindow = 5 * time.Second

// Descriptions of evaluations that a pass creates.
const (
	descDelayedReschedule = "created for delayed rescheduling"
	descDelayedDisconnect = "created for delayed disconnect timeout"
	descBlocked           = "created to place remaining allocations"
	descConflicts         = "created due to placement conflicts"
)

// followDelayed creates the evaluations that look again later: at failed allocations whose replacement is
// delayed, at unknown ones that become lost, at lost ones that their client may still be stopping.
func (p *pass) followDelayed(groups []*reconcile.Group) {
	for _, kind := range []reconcile.DelayKind{reconcile.DelayReschedule, reconcile.DelayStop, reconcile.DelayLost} {
		var later []reconcile.Delayed
		for _, g := range groups {
			for _, d := range g.Later {
				if d.Kind == kind {
					later = append(later, d)
				}
			}
		}
		p.followKind(kind, later)
	}
}

func (p *pass) followKind(kind reconcile.DelayKind, later []reconcile.Delayed) {
	slices.SortStableFunc(later, func(a, b reconcile.Delayed) int { return a.At.Compare(b.At) })
	trigger, description := api.TriggerAllocFailure, descDelayedReschedule
	if kind == reconcile.DelayLost {
		trigger, description = api.TriggerMaxDisconnect, descDelayedDisconnect
	}
	var current *api.Evaluation
	for _, d := range later {
		if kind == reconcile.DelayReschedule && p.stopped[d.Alloc.ID] {
			continue // an update has replaced it already
		}
		if current == nil || d.At.Sub(*current.WaitUntil) >= followWindow {
			current = p.followUp(trigger, description, d.At)
		}
		p.noteDelay(d, current.ID)
	}
}

// noteDelay links an allocation to the evaluation that looks at it again.
func (p *pass) noteDelay(d reconcile.Delayed, evalID string) {
	row := p.rows[d.Alloc.ID]
	if d.Kind != reconcile.DelayReschedule {
		if row == nil {
			row = p.note(d.Alloc)
		}
		row.FollowupEvalID = evalID
		return
	}
	if row == nil {
		link := evalID
		if d.Alloc.ClientStatus == api.AllocClientUnknown {
			link = d.Alloc.FollowupEvalID // the one at which it becomes lost
		}
		p.annotate(d.Alloc, reconcile.ReschedulePending, link)
		return
	}
	row.RescheduleTracker = trackerWith(d.Alloc, reconcile.ReschedulePending)
	if row.ClientStatus != api.AllocClientUnknown { // it came back in this pass, and has failed
		row.FollowupEvalID = evalID
	}
}

func (p *pass) followUp(trigger, description string, at time.Time) *api.Evaluation {
	e := p.successor(trigger, description)
	at = at.UTC()
	e.Status = api.EvalStatusPending
	e.WaitUntil = &at
	p.followUps = append(p.followUps, e)
	return e
}

// successor returns an evaluation of the same job that follows from this one.
func (p *pass) successor(trigger, description string) *api.Evaluation {
	e := newSuccessor(p.eval, p.newID(), trigger, description, p.cfg.Now)
	if p.job != nil {
		e.JobModifyIndex = p.job.ModifyIndex
	}
	return e
}

func newSuccessor(eval *api.Evaluation, id, trigger, description string, now time.Time) *api.Evaluation {
	return &api.Evaluation{
		ID:                id,
		Namespace:         eval.Namespace,
		Priority:          eval.Priority,
		Type:              eval.Type,
		TriggeredBy:       trigger,
		JobID:             eval.JobID,
		JobModifyIndex:    eval.JobModifyIndex,
		StatusDescription: description,
		PreviousEval:      eval.ID,
		CreateTime:        now.UnixNano(),
		ModifyTime:        now.UnixNano(),
	}
}

// annotate plans a change of the reschedule state of an allocation, unless it says so already.
func (p *pass) annotate(a *api.Allocation, last, followUpID string) {
	if t := a.RescheduleTracker; t != nil && t.LastReschedule == last && a.FollowupEvalID == followUpID {
		return
	}
	if row := p.rows[a.ID]; row != nil {
		row.RescheduleTracker = trackerWith(a, last)
		return
	}
	row := p.note(a)
	row.RescheduleTracker = trackerWith(a, last)
	row.FollowupEvalID = followUpID
}

// note plans a change of the servers' notes about an allocation.
func (p *pass) note(a *api.Allocation) *api.Allocation {
	row := *a
	p.plan.NodeUpdate[a.NodeID] = append(p.plan.NodeUpdate[a.NodeID], &row)
	p.rows[a.ID] = &row
	return &row
}

func trackerWith(a *api.Allocation, last string) *api.RescheduleTracker {
	t := api.RescheduleTracker{}
	if a.RescheduleTracker != nil {
		t = *a.RescheduleTracker
	}
	t.LastReschedule = last
	return &t
}
