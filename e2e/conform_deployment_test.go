// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"fmt"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// deployable is a service job whose allocations are healthy soon after they run.
func deployable(id string, count int) *nomad.Job {
	j := shellJob(id, "service", count, "exec sleep 1000")
	parallel, soon, long, by := 1, 100*time.Millisecond, time.Minute, "task_states"
	longer := 2 * long
	j.TaskGroups[0].Update = &nomad.UpdateStrategy{MaxParallel: &parallel, MinHealthyTime: &soon, HealthyDeadline: &long, ProgressDeadline: &longer, HealthCheck: &by}
	return j
}

// deployment waits until the newest deployment of the job is of the version and right returns true.
func (w *world) deployment(job string, version uint64, right func(d *nomad.Deployment) bool) *nomad.Deployment {
	w.Helper()
	var d *nomad.Deployment
	w.eventually(fmt.Sprintf("the deployment of version %d of %s is as wanted", version, job), func() (err error) {
		d, _, err = w.client.Jobs().LatestDeployment(job, nil)
		if err == nil && (d == nil || d.JobVersion != version || !right(d)) {
			err = fmt.Errorf("deployment is %+v", d)
		}
		return err
	})
	return d
}

func isSuccessful(d *nomad.Deployment) bool { return d.Status == nomad.DeploymentStatusSuccessful }

// canary deploys a job and then a version of it that waits with one healthy canary to be promoted.
func (w *world) canary(id string, edit ...func(j *nomad.Job)) *nomad.Deployment {
	w.Helper()
	j := deployable(id, 2)
	for _, e := range edit {
		e(j)
	}
	w.submitted(j)
	w.deployment(id, 0, isSuccessful)
	one := 1
	j.TaskGroups[0].Update.Canary = &one
	j.TaskGroups[0].Tasks[0].Env = map[string]string{"VERSION": "1"}
	w.register(j)
	return w.deployment(id, 1, func(d *nomad.Deployment) bool { return d.TaskGroups["g"].HealthyAllocs == 1 })
}

// deploymentNow reads a deployment.
func (w *world) deploymentNow(id string) *nomad.Deployment {
	w.Helper()
	d, _, err := w.client.Deployments().Info(id, nil)
	w.ok(err)
	return d
}

var _ = conform(
	check{op: "Deployment.Pause", values: func(w *world) {
		d := w.canary("paused")
		w.that(d.StatusDescription == "Deployment is running but requires manual promotion" && len(d.TaskGroups["g"].PlacedCanaries) == 1, "deployment is %+v", d)
		u, meta, err := w.client.Deployments().Pause(d.ID, true, nil)
		w.ok(err)
		w.that(u.EvalID == "" && u.DeploymentModifyIndex > d.ModifyIndex && meta.LastIndex == u.DeploymentModifyIndex, "answer is %+v, meta %+v", u, meta)
		now := w.deploymentNow(d.ID)
		w.that(now.Status == "paused" && now.StatusDescription == "Deployment is paused", "deployment is %+v", now)
		u, _, err = w.client.Deployments().Pause(d.ID, false, nil)
		w.ok(err)
		w.that(u.EvalID != "" && w.deploymentNow(d.ID).Status == "running", "answer is %+v", u)
	}},
	check{op: "Deployment.Promote", values: func(w *world) {
		d := w.canary("promoted")
		for _, group := range []string{"absent", "g"} {
			u, _, err := w.client.Deployments().PromoteGroups(d.ID, []string{group}, nil)
			w.ok(err)
			now := w.deploymentNow(d.ID)
			w.that(u.EvalID != "" && now.TaskGroups["g"].Promoted == (group == "g"), "after %q: %+v, %+v", group, u, now.TaskGroups["g"])
		}
		done := w.deployment("promoted", 1, isSuccessful)
		w.that(done.TaskGroups["g"].HealthyAllocs == 2 && done.TaskGroups["g"].DesiredCanaries == 1, "group is %+v", done.TaskGroups["g"])
		_, _, err := w.client.Deployments().PromoteAll(d.ID, nil)
		w.that(err != nil && strings.Contains(err.Error(), "can't promote terminal deployment"), "promoted again: %v", err)
	}},
	check{op: "Deployment.AllocHealth", values: func(w *world) {
		manual, back := "manual", true
		j := deployable("judged", 2)
		w.submitted(j)
		w.deployment("judged", 0, isSuccessful)
		j.TaskGroups[0].Update.HealthCheck, j.TaskGroups[0].Update.AutoRevert = &manual, &back
		j.TaskGroups[0].Tasks[0].Env = map[string]string{"VERSION": "1"}
		w.register(j)
		unjudged := func(d *nomad.Deployment) string {
			list, _, err := w.client.Deployments().Allocations(d.ID, nil)
			w.ok(err)
			for _, a := range list {
				if a.DeploymentStatus == nil || a.DeploymentStatus.Healthy == nil {
					return a.ID
				}
			}
			return ""
		}
		d := w.deployment("judged", 1, func(d *nomad.Deployment) bool { return d.TaskGroups["g"].PlacedAllocs == 1 })
		good := unjudged(d)
		u, _, err := w.client.Deployments().SetAllocHealth(d.ID, []string{good}, nil, nil)
		w.ok(err)
		a, _, err := w.client.Allocations().Info(good, nil)
		w.ok(err)
		w.that(u.EvalID != "" && u.RevertedJobVersion == nil && *a.DeploymentStatus.Healthy && !a.DeploymentStatus.Timestamp.IsZero(), "answer is %+v, health %+v", u, a.DeploymentStatus)
		d = w.deployment("judged", 1, func(d *nomad.Deployment) bool { return d.TaskGroups["g"].PlacedAllocs == 2 })
		u, _, err = w.client.Deployments().SetAllocHealth(d.ID, nil, []string{unjudged(d)}, nil)
		w.ok(err)
		now := w.deploymentNow(d.ID)
		w.that(u.RevertedJobVersion != nil && *u.RevertedJobVersion == 0, "answer is %+v", u)
		w.that(now.Status == "failed" && strings.HasSuffix(now.StatusDescription, " - rolling back to job version 0"), "deployment is %+v", now)
	}},
	check{op: "Deployment.Fail", values: func(w *world) {
		d := w.canary("failed")
		u, _, err := w.client.Deployments().Fail(d.ID, nil)
		w.ok(err)
		now := w.deploymentNow(d.ID)
		w.that(u.EvalID != "" && u.RevertedJobVersion == nil && now.Status == "failed" && now.StatusDescription == "Deployment marked as failed", "answer is %+v, deployment %+v", u, now)
		_, _, err = w.client.Deployments().Unblock(d.ID, nil)
		w.that(err != nil && strings.Contains(err.Error(), "can't unblock terminal deployment"), "unblocked: %v", err)
	}},
	check{op: "Deployment.List", values: func(w *world) {
		d := w.canary("listed")
		list, _, err := w.client.Deployments().PrefixList(d.ID[:8])
		w.ok(err)
		w.that(len(list) == 1 && list[0].ID == d.ID, "deployments are %+v", list)
		page, meta, err := w.client.Deployments().List(&nomad.QueryOptions{Namespace: "*", Filter: `JobID == "listed"`, PerPage: 1, Reverse: true})
		w.ok(err)
		w.that(len(page) == 1 && page[0].ID == d.ID && meta.NextToken != "", "page is %+v, meta %+v", page, meta)
		page, meta, err = w.client.Deployments().List(&nomad.QueryOptions{Namespace: "*", Filter: `JobID == "listed"`, PerPage: 1, Reverse: true, NextToken: meta.NextToken})
		w.ok(err)
		w.that(len(page) == 1 && page[0].JobVersion == 0 && meta.NextToken == "", "page is %+v, meta %+v", page, meta)
	}},
)
