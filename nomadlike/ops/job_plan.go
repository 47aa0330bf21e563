// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/cron"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/scheduler"
)

// jobPlan runs the scheduler on the state as it would be with the job registered, and stores nothing.
func (e *Env) jobPlan(ctx context.Context, r *api.JobPlanRequest) (*api.JobPlanResponse, error) {
	if r.Job == nil {
		return nil, api.Errorf(api.ClassInvalid, "Job must be specified")
	}
	snap := e.Store.Snapshot()
	job, old, warnings, err := e.prepare(snap, &r.RequestOptions, r.PathID, r.Job)
	if err != nil {
		return nil, err
	}
	warnings = append(warnings, placementNotes(snap, job)...)
	resp := &api.JobPlanResponse{Annotations: &api.PlanAnnotations{}, Warnings: warnings.String()}
	next := snap.Index() + 1
	switch {
	case old == nil:
		job.CreateIndex, job.ModifyIndex, job.JobModifyIndex = next, next, next
	case api.SpecEqual(old, job):
		job = old
		resp.JobModifyIndex = old.JobModifyIndex
	default:
		job.CreateIndex, job.ModifyIndex, job.JobModifyIndex, job.Version = old.CreateIndex, next, next, old.Version+1
		resp.JobModifyIndex = old.JobModifyIndex
	}
	setIndex(ctx, resp.JobModifyIndex)
	if job.IsPeriodicActive() {
		next, err := cron.Next(job.Periodic, e.Now())
		if err != nil {
			return nil, refused("%v", err)
		}
		if !next.IsZero() {
			resp.NextPeriodicLaunch = &next
		}
	}
	ev := e.newEval(job.Namespace, job.ID, job, api.TriggerJobRegister)
	ev.AnnotatePlan = true
	out := scheduler.Process(scheduler.WithJob(broker.ViewOf(snap), job), ev, scheduler.Config{Now: e.Now(), Explain: r.Explain})
	if a := out.Plan.Annotations; a != nil {
		resp.Annotations = a
	}
	resp.FailedTGAllocs = out.Eval.FailedTGAllocs
	if out.Blocked != nil {
		out.Blocked.SnapshotIndex = 0 // of a state that nobody else sees
		resp.CreatedEvals = append(resp.CreatedEvals, out.Blocked)
	}
	resp.CreatedEvals = append(resp.CreatedEvals, out.FollowUps...)
	if r.Diff {
		resp.Diff = api.DiffJobs(old, job, true)
		resp.Diff.Annotate(old, job, resp.Annotations)
	}
	return resp, nil
}
