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
	descRollingUpdate     = "created for the next step of a rolling update"
	descBlocked           = "created to place remaining allocations"
	descConflicts         = "created due to placement conflicts"
)

// followDelayed creates the evaluations that replace failed allocations later.
func (p *pass) followDelayed(groups []*reconcile.Group) {
	var later []reconcile.Delayed
	for _, g := range groups {
		later = append(later, g.Later...)
	}
	slices.SortStableFunc(later, func(a, b reconcile.Delayed) int { return a.At.Compare(b.At) })
	var current *api.Evaluation
	for _, d := range later {
		if p.stopped[d.Alloc.ID] {
			continue // an update has replaced it already
		}
		if current == nil || d.At.Sub(*current.WaitUntil) >= followWindow {
			current = p.followUp(api.TriggerAllocFailure, descDelayedReschedule, d.At)
		}
		p.annotate(d.Alloc, reconcile.ReschedulePending, current.ID)
	}
}

// followRollout creates the evaluation that takes the next step of the rolling updates.
func (p *pass) followRollout(groups []*reconcile.Group) {
	var next time.Time
	for _, g := range groups {
		if !g.Continue.IsZero() && (next.IsZero() || g.Continue.Before(next)) {
			next = g.Continue
		}
	}
	if !next.IsZero() {
		p.followUp(api.TriggerRollingUpdate, descRollingUpdate, next)
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

// annotate plans a change of the reschedule state of a failed allocation, unless it says so already.
func (p *pass) annotate(a *api.Allocation, last, followUpID string) {
	tracker := api.RescheduleTracker{}
	if a.RescheduleTracker != nil {
		tracker = *a.RescheduleTracker
	}
	if tracker.LastReschedule == last && a.FollowupEvalID == followUpID {
		return
	}
	tracker.LastReschedule = last
	row := *a
	row.RescheduleTracker = &tracker
	row.FollowupEvalID = followUpID
	row.ModifyTime = a.ModifyTime
	p.plan.NodeUpdate[a.NodeID] = append(p.plan.NodeUpdate[a.NodeID], &row)
}
