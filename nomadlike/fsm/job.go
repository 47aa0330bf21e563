// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// JobRegisterRequest stores a job, or a new version of it, and the evaluation that comes with it. The
// version and the indexes are set when it is applied.
type JobRegisterRequest struct {
	Job *api.Job
	// Submission is the source, nil when none is kept.
	Submission *api.JobSubmission
	// Eval is nil for jobs that are not evaluated at once.
	Eval *api.Evaluation
	// EnforceIndex makes the write fail unless JobModifyIndex is that of the stored job, 0 for none.
	EnforceIndex   bool
	JobModifyIndex uint64
	// TrackedVersions is how many untagged versions are kept, 6 when 0.
	TrackedVersions int
	// Scaling is noted with it; nil unless the job is scaled.
	Scaling *ScalingNote
}

// JobRegister answers with the stored *api.Job.
var JobRegister = Define(1, "JobRegister", jobRegister)

func jobRegister(w *state.WriteTx, p *JobRegisterRequest) (any, error) {
	j := p.Job
	if j == nil {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "job is missing")
	}
	old := state.Jobs.Get(w, j.Namespace, j.ID)
	if p.EnforceIndex {
		if err := enforce(old, p.JobModifyIndex); err != nil {
			return nil, err
		}
	}
	j.Version, j.Status, j.StatusDescription = 0, api.JobStatusPending, ""
	j.Stable, j.VersionTag = false, nil
	j.JobModifyIndex = w.Index()
	if old != nil {
		j.Version = old.Version + 1
		if old.Status == api.JobStatusRunning && !j.Stop {
			j.Status = old.Status
		}
	}
	settlePolicies(old, j, w.Index())
	state.Jobs.Put(w, j)
	p.Scaling.put(w, j.Namespace, j.ID)
	settleLaunch(w, old, j)
	if s := p.Submission; s != nil {
		s.Namespace, s.JobID, s.Version, s.JobModifyIndex = j.Namespace, j.ID, j.Version, w.Index()
		state.JobSubmissions.Put(w, s)
	}
	state.JobVersions.Trim(w, j.Namespace, j.ID, p.TrackedVersions)
	if p.Eval != nil {
		p.Eval.JobModifyIndex = w.Index()
		state.Evals.Put(w, p.Eval)
	}
	return j, nil
}

func enforce(old *api.Job, index uint64) error {
	switch {
	case index == 0 && old != nil:
		return api.CodeErrorf(api.ClassConflict, 500, "Enforcing job modify index 0: job already exists")
	case index > 0 && old == nil:
		return api.CodeErrorf(api.ClassConflict, 500, "Enforcing job modify index %d: job does not exist", index)
	case index > 0 && old.JobModifyIndex != index:
		return api.CodeErrorf(api.ClassConflict, 500,
			"Enforcing job modify index %d: job exists with conflicting job modify index: %d", index, old.JobModifyIndex)
	}
	return nil
}

// JobDeregisterRequest stops a job or, with Purge, removes it.
type JobDeregisterRequest struct {
	Namespace string
	JobID     string
	Purge     bool
	// Eval is nil for jobs that are not evaluated.
	Eval *api.Evaluation
	// SubmitTime is that of the stopped version, in unix nanoseconds.
	SubmitTime int64
	// NoShutdownDelay lets the job's allocations skip their shutdown delays.
	NoShutdownDelay bool
	// TrackedVersions is how many untagged versions are kept, 6 when 0.
	TrackedVersions int
}

// JobDeregister answers whether the job existed, as a bool. The evaluation is stored in any case.
var JobDeregister = Define(2, "JobDeregister", jobDeregister)

func jobDeregister(w *state.WriteTx, p *JobDeregisterRequest) (any, error) {
	old := state.Jobs.Get(w, p.Namespace, p.JobID)
	if p.NoShutdownDelay {
		for _, a := range collect(state.Allocs.By(w, state.ByJob, p.Namespace, p.JobID)) {
			if a.ClientTerminalStatus() {
				continue // those that are being stopped may be in their delay
			}
			c := *a
			c.DesiredTransition.NoShutdownDelay = new(true)
			c.AllocModifyIndex = w.Index()
			state.Allocs.Put(w, &c)
		}
	}
	switch {
	case old == nil:
	case p.Purge:
		state.Jobs.Delete(w, p.Namespace, p.JobID)
	case !old.Stop:
		j := *old
		j.Stop = true
		j.Version++
		j.Stable, j.VersionTag = false, nil
		j.JobModifyIndex = w.Index()
		if p.SubmitTime > 0 {
			j.SubmitTime = p.SubmitTime
		}
		state.Jobs.Put(w, &j)
		state.JobVersions.Trim(w, j.Namespace, j.ID, p.TrackedVersions)
	}
	if p.Eval != nil {
		p.Eval.JobModifyIndex = w.Index()
		state.Evals.Put(w, p.Eval)
	}
	return old != nil, nil
}

// JobRef names a job.
type JobRef struct{ Namespace, ID string }

// JobsDeleteRequest removes jobs that nothing needs any more.
type JobsDeleteRequest struct{ Jobs []JobRef }

// JobsDelete answers nothing; jobs that are gone already, and those that live again, are passed over.
var JobsDelete = Define(4, "JobsDelete", func(w *state.WriteTx, p *JobsDeleteRequest) (any, error) {
	for _, ref := range p.Jobs {
		if j := state.Jobs.Get(w, ref.Namespace, ref.ID); j == nil || j.Status != api.JobStatusDead {
			continue
		}
		state.Jobs.Delete(w, ref.Namespace, ref.ID)
	}
	return nil, nil
})

// SummariesReconcileRequest counts all job summaries anew.
type SummariesReconcileRequest struct{}

// SummariesReconcile answers nothing.
var SummariesReconcile = Define(5, "SummariesReconcile", func(w *state.WriteTx, _ *SummariesReconcileRequest) (any, error) {
	state.ReconcileSummaries(w)
	return nil, nil
})
