// SPDX-License-Identifier: MPL-2.0

package control

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func isBatch(jobType string) bool {
	return jobType == api.JobTypeBatch || jobType == api.JobTypeSysBatch
}

// gone reports whether nothing more will come of the job: it does not exist, or is stopped and dead.
func gone(j *api.Job) bool { return j == nil || j.Stop && j.Status == api.JobStatusDead }

// collectEval decides whether an evaluation may go with all its allocations, and which allocations may go.
// An evaluation of a batch job that is not gone stays, because its allocations tell what is done already;
// only those of older versions go.
func collectEval(snap *state.Snapshot, e *api.Evaluation, c cutoffs) (whole bool, allocs []string) {
	cutoff := c.eval
	if isBatch(e.Type) {
		cutoff = c.batch
	}
	if !e.TerminalStatus() || e.ModifyTime > cutoff {
		return false, nil
	}
	job := state.Jobs.Get(snap, e.Namespace, e.JobID)
	if isBatch(e.Type) && !gone(job) {
		for a := range state.Allocs.By(snap, state.ByEval, e.ID) {
			if olderVersion(a, job) && collectAlloc(a, job, cutoff, c.now) {
				allocs = append(allocs, a.ID)
			}
		}
		return false, allocs
	}
	whole = true
	for a := range state.Allocs.By(snap, state.ByEval, e.ID) {
		if collectAlloc(a, job, cutoff, c.now) {
			allocs = append(allocs, a.ID)
		} else {
			whole = false
		}
	}
	return whole, allocs
}

// olderVersion reports whether the allocation belongs to an earlier version or namesake of the job.
func olderVersion(a *api.Allocation, job *api.Job) bool {
	return a.Job == nil || a.Job.CreateIndex != job.CreateIndex || a.Job.Version < job.Version
}

// collectAlloc decides whether an allocation may go: it ended before the cutoff, and nothing needs its
// history to decide about a replacement.
func collectAlloc(a *api.Allocation, job *api.Job, cutoff, now int64) bool {
	if !a.TerminalStatus() || a.ClientStatus == api.AllocClientRunning || a.ModifyTime > cutoff {
		return false
	}
	if job.Stopped() || job.Status == api.JobStatusDead || a.ServerTerminalStatus() ||
		a.ClientStatus != api.AllocClientFailed {
		return true
	}
	var policy *api.ReschedulePolicy
	if group := a.Group(); group != nil {
		policy = group.ReschedulePolicy
	}
	switch {
	case !policy.Enabled(), a.NextAllocation != "":
		return true
	case policy.UnlimitedAttempts():
		return false
	}
	tracker := a.RescheduleTracker
	if tracker == nil || len(tracker.Events) == 0 {
		return false
	}
	last := tracker.Events[len(tracker.Events)-1]
	return last.RescheduleTime+int64(policy.IntervalOrDefault()) < now
}

// collectJob decides whether a job may go with everything that belongs to it.
func collectJob(snap *state.Snapshot, j *api.Job, c cutoffs) bool {
	if j.Status != api.JobStatusDead || j.SubmitTime > c.job || !j.Stop && !isBatch(j.Type) {
		return false
	}
	if !j.Stop && (j.IsPeriodic() || j.IsParameterized()) {
		return false
	}
	if state.Evals.Live(snap, state.ByJob, j.Namespace, j.ID) > 0 ||
		state.Allocs.Live(snap, state.ByJob, j.Namespace, j.ID) > 0 {
		return false
	}
	for v := range state.JobVersions.Of(snap, j.Namespace, j.ID) {
		if v.VersionTag != nil {
			return false
		}
	}
	for a := range state.Allocs.By(snap, state.ByJob, j.Namespace, j.ID) {
		if !collectAlloc(a, j, c.job, c.now) {
			return false
		}
	}
	for e := range state.Evals.By(snap, state.ByJob, j.Namespace, j.ID) {
		if e.ModifyTime > c.job {
			return false
		}
	}
	return true
}
