// SPDX-License-Identifier: MPL-2.0

package state

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// Jobs holds the current version of each job, keyed by namespace and ID. Its neighbours are the job's
// versions, summary and scaling policies, which appear and go with it, the counts of children in the
// parent's summary, and the job's status.
var Jobs = newTable(schema[api.Job]{
	name:     "jobs",
	key:      func(j *api.Job) Key { return StringKey(j.Namespace, j.ID) },
	modified: func(j *api.Job) uint64 { return j.ModifyIndex },
	stamp: func(j, old *api.Job, index uint64) {
		j.CreateIndex, j.ModifyIndex = index, index
		if old != nil {
			j.CreateIndex = old.CreateIndex
		}
	},
	indexes: []index[api.Job]{
		{name: ByParent, key: func(j *api.Job) (Key, bool) { return StringKey(j.Namespace, j.ParentID), j.ParentID != "" }},
		{name: ByPeriodic, key: func(j *api.Job) (Key, bool) { return StringKey(PeriodicKey), j.IsPeriodicActive() }},
		{name: ByDispatchToken, key: func(j *api.Job) (Key, bool) {
			if j.ParentID == "" || j.DispatchIdempotencyToken == "" {
				return Key{}, false
			}
			return StringKey(j.Namespace, dispatchToken(j.ParentID, j.DispatchIdempotencyToken)), true
		}},
		{name: ByPool, key: func(j *api.Job) (Key, bool) { return StringKey(j.NodePool), true }},
	},
})

func init() { Jobs.put, Jobs.del = jobPut, jobDeleted }

func jobPut(w *WriteTx, old, j *api.Job) {
	JobVersions.Put(w, j)
	if old == nil || len(old.TaskGroups) != len(j.TaskGroups) || old.Version != j.Version {
		summarize(w, j)
	}
	if old == nil || old.Version != j.Version || old.Stop != j.Stop {
		putPolicies(w, j.Namespace, j.ID, j)
	}
	was := ""
	switch {
	case old == nil:
	case old.ParentID == j.ParentID:
		was = old.Status
	case old.ParentID != "":
		w.jobs.mark(old.Namespace, old.ParentID).child(old.Status, "")
	}
	if j.ParentID != "" && was != j.Status {
		w.jobs.mark(j.Namespace, j.ParentID).child(was, j.Status)
	}
	w.jobs.mark(j.Namespace, j.ID)
}

func jobDeleted(w *WriteTx, old *api.Job) {
	for _, v := range slices.Collect(JobVersions.By(w, ByJob, old.Namespace, old.ID)) {
		JobVersions.deleteKey(w, JobVersions.key(v))
	}
	for _, s := range slices.Collect(JobSubmissions.By(w, ByJob, old.Namespace, old.ID)) {
		JobSubmissions.deleteKey(w, JobSubmissions.key(s))
	}
	JobSummaries.Delete(w, old.Namespace, old.ID)
	ScalingEvents.Delete(w, old.Namespace, old.ID)
	PeriodicLaunches.Delete(w, old.Namespace, old.ID)
	putPolicies(w, old.Namespace, old.ID, nil)
	if old.ParentID != "" {
		w.jobs.mark(old.Namespace, old.ParentID).child(old.Status, "")
	}
}

// statusOf returns the status of a job (scheduler.md 2.2).
func statusOf(w *WriteTx, j *api.Job) string {
	if j.Type == api.JobTypeSystem || j.IsPeriodic() || j.IsParameterized() {
		if j.Stop {
			return api.JobStatusDead
		}
		return api.JobStatusRunning
	}
	switch {
	case Allocs.Live(w, ByJob, j.Namespace, j.ID) > 0, Deployments.Live(w, ByJob, j.Namespace, j.ID) > 0:
		return api.JobStatusRunning
	case Evals.Live(w, ByJob, j.Namespace, j.ID) > 0:
		return api.JobStatusPending
	case j.Stop, Evals.Count(w, ByJob, j.Namespace, j.ID) > 0:
		return api.JobStatusDead
	case j.Status == api.JobStatusDead: // its evaluations were collected
		return api.JobStatusDead
	}
	return api.JobStatusPending
}
