// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"fmt"
	"maps"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/reconcile"
)

// outcome turns the state of the pass into its result.
func (p *pass) outcome(result *reconcile.Result) *Outcome {
	e := *p.eval
	e.Status = api.EvalStatusComplete
	e.StatusDescription = ""
	e.SnapshotIndex = p.view.Index()
	e.ModifyTime = p.cfg.Now.UnixNano()
	e.FailedTGAllocs = p.failed
	if len(p.unsuited) > 0 {
		e.FailedTGAllocs = maps.Clone(p.unsuited)
		maps.Copy(e.FailedTGAllocs, p.failed)
	}
	if p.cfg.Explain {
		e.FailedTGAllocs = p.explained(e.FailedTGAllocs)
	}
	e.QueuedAllocations = p.queued
	e.PlanAnnotations = p.annotations
	if result.DeploymentID != "" {
		e.DeploymentID = result.DeploymentID
	}
	out := &Outcome{Plan: p.plan, Eval: &e, FollowUps: p.followUps}
	if len(p.followUps) > 0 {
		e.NextEval = p.followUps[len(p.followUps)-1].ID
	}
	if len(p.failed) == 0 {
		return out
	}
	if p.eval.Status == api.EvalStatusBlocked {
		e.Status = api.EvalStatusBlocked
		e.StatusDescription = p.eval.StatusDescription
		p.setEligibility(&e)
		out.Reblock = true
		return out
	}
	out.Blocked = p.successor(api.TriggerQueuedAllocs, descBlocked)
	out.Blocked.Status = api.EvalStatusBlocked
	out.Blocked.FailedTGAllocs = p.failed
	out.Blocked.SnapshotIndex = p.view.Index()
	p.setEligibility(out.Blocked)
	e.BlockedEval = out.Blocked.ID
	return out
}

// explained returns the metrics of the groups that were not placed with everything that stands in the way.
func (p *pass) explained(failed map[string]*api.AllocMetric) map[string]*api.AllocMetric {
	if len(failed) == 0 {
		return nil
	}
	out := make(map[string]*api.AllocMetric, len(failed))
	for name, m := range failed {
		c := *m
		if tg := p.job.LookupTaskGroup(name); tg != nil {
			c.Placement = p.explain(tg)
			c.Placement.Notes = nil // the plan's warnings have them, for all groups
		}
		out[name] = &c
	}
	return out
}

// setEligibility records which node classes could run the groups that were not placed, so that only
// changes that may help wake the evaluation.
func (p *pass) setEligibility(e *api.Evaluation) {
	e.ClassEligibility, e.EscapedComputedClass = nil, false
	classes := map[string]bool{}
	for name := range p.failed {
		g := p.newest.groups[name]
		if g.Escapes() {
			e.EscapedComputedClass = true
			return
		}
		g.AddEligibility(classes)
	}
	e.ClassEligibility = classes
}

// GiveUp returns what becomes of an evaluation whose plans were refused too often: the failed evaluation
// and a blocked one that tries again later. tries is the number that Attempts allows.
func (o *Outcome) GiveUp(tries int, newID func() string, now time.Time) (failed, blocked *api.Evaluation) {
	e := *o.Eval
	e.Status = api.EvalStatusFailed
	e.StatusDescription = fmt.Sprintf("maximum attempts reached (%d)", tries)
	e.ModifyTime = now.UnixNano()
	blocked = newSuccessor(&e, newID(), api.TriggerMaxPlans, descConflicts, now)
	blocked.Status = api.EvalStatusBlocked
	blocked.EscapedComputedClass = true
	blocked.SnapshotIndex = e.SnapshotIndex
	e.BlockedEval = blocked.ID
	return &e, blocked
}

// failed is the outcome of an evaluation that cannot be processed.
func failed(view View, eval *api.Evaluation, cfg Config, description string) *Outcome {
	e := *eval
	e.Status = api.EvalStatusFailed
	e.StatusDescription = description
	e.SnapshotIndex = view.Index()
	e.ModifyTime = cfg.Now.UnixNano()
	return &Outcome{
		Plan: &api.Plan{EvalID: eval.ID, Priority: eval.Priority, SnapshotIndex: view.Index()},
		Eval: &e,
	}
}
