// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
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
	setIndex(ctx, 0)
	resp := &api.JobPlanResponse{Annotations: &api.PlanAnnotations{}, Warnings: warnings.String()}
	next := snap.Index() + 1
	switch {
	case old == nil:
		job.CreateIndex, job.ModifyIndex, job.JobModifyIndex = next, next, next
	case sameSpec(old, job):
		job = old
		resp.JobModifyIndex = old.JobModifyIndex
	default:
		job.CreateIndex, job.ModifyIndex, job.JobModifyIndex, job.Version = old.CreateIndex, next, next, old.Version+1
		resp.JobModifyIndex = old.JobModifyIndex
	}
	ev := e.newEval(job.Namespace, job.ID, job, api.TriggerJobRegister)
	ev.AnnotatePlan, ev.SnapshotIndex = true, snap.Index()
	out := scheduler.Process(scheduler.WithJob(broker.ViewOf(snap), job), ev, scheduler.Config{Now: e.Now()})
	if a := out.Plan.Annotations; a != nil {
		resp.Annotations = a
	}
	resp.FailedTGAllocs = out.Eval.FailedTGAllocs
	if out.Blocked != nil {
		resp.CreatedEvals = append(resp.CreatedEvals, out.Blocked)
	}
	resp.CreatedEvals = append(resp.CreatedEvals, out.FollowUps...)
	if r.Diff {
		resp.Diff = api.DiffJobs(old, job, true)
		annotate(resp.Diff, old, job, resp.Annotations)
	}
	return resp, nil
}

// annotate says in a diff what each change makes the scheduler do (recorded job-plan-*.json).
func annotate(diff *api.JobDiff, old, job *api.Job, plan *api.PlanAnnotations) {
	for _, g := range diff.TaskGroups {
		if u := plan.DesiredTGUpdates[g.Name]; u != nil {
			g.Updates = updateCounts(u)
		}
		annotateCount(g)
		destructive := old != nil && api.GroupNeedsDestructiveUpdate(old, job, g.Name)
		for _, t := range g.Tasks {
			switch {
			case t.Type == "None":
			case t.Type == "Added" && g.Type == "Added":
				t.Annotations = append(t.Annotations, "forces create")
			case t.Type == "Deleted" && g.Type == "Deleted":
				t.Annotations = append(t.Annotations, "forces destroy")
			case t.Type == "Added" || t.Type == "Deleted" || destructive:
				t.Annotations = append(t.Annotations, "forces create/destroy update")
			default:
				t.Annotations = append(t.Annotations, "forces in-place update")
			}
		}
	}
}

func updateCounts(u *api.DesiredUpdates) map[string]int {
	counts := map[string]int{}
	for _, c := range []struct {
		kind string
		n    int
	}{
		{"ignore", u.Ignore}, {"create", u.Place}, {"migrate", u.Migrate}, {"destroy", u.Stop},
		{"in-place update", u.InPlaceUpdate}, {"create/destroy update", u.DestructiveUpdate}, {"canary", u.Canary},
	} {
		if c.n > 0 {
			counts[c.kind] = c.n
		}
	}
	return counts
}

// annotateCount says whether a changed count makes or removes allocations.
func annotateCount(g *api.TaskGroupDiff) {
	for _, f := range g.Fields {
		if f.Name != "Count" || f.Type == "None" {
			continue
		}
		up := f.Type == "Added" || f.Type == "Edited" && (len(f.New) > len(f.Old) || len(f.New) == len(f.Old) && f.New > f.Old)
		if up {
			f.Annotations = append(f.Annotations, "forces create")
		} else {
			f.Annotations = append(f.Annotations, "forces destroy")
		}
	}
}
