// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// JobDispatchRequest stores a child of a parameterised job with its evaluation, which is nil for a child
// that is periodic.
type JobDispatchRequest struct {
	Job  *api.Job
	Eval *api.Evaluation
}

// JobDispatch answers with the stored *api.Job: the child, or the one that was dispatched with the same
// idempotency token before.
var JobDispatch = Define(8, "JobDispatch", func(w *state.WriteTx, p *JobDispatchRequest) (any, error) {
	j := p.Job
	if j == nil {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "job is missing")
	}
	switch parent := state.Jobs.Get(w, j.Namespace, j.ParentID); {
	case parent == nil:
		return nil, api.CodeErrorf(api.ClassNotFound, 500, "parameterized job not found")
	case !parent.IsParameterized():
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "Specified job %q is not a parameterized job", j.ParentID)
	case parent.Stop:
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "Specified job %q is stopped", j.ParentID)
	}
	if token := j.DispatchIdempotencyToken; token != "" {
		if old := state.DispatchedWith(w, j.Namespace, j.ParentID, token); old != nil {
			return old, nil
		}
	}
	if state.Jobs.Get(w, j.Namespace, j.ID) != nil {
		return nil, errChildExists(j.ID)
	}
	return jobRegister(w, &JobRegisterRequest{Job: j, Eval: p.Eval})
})

func errChildExists(id string) error {
	return api.CodeErrorf(api.ClassConflict, 500, "job %q exists already", id)
}

// PeriodicLaunchRequest stores a child of a periodic job with its evaluation.
type PeriodicLaunchRequest struct {
	Namespace string
	ParentID  string
	// Job is nil when the launch is left out because the previous child still runs.
	Job  *api.Job
	Eval *api.Evaluation
	// Launch is the time of the schedule in unix nanoseconds, which is remembered; 0 for a launch that
	// somebody forced.
	Launch int64
}

// PeriodicLaunch answers nothing. A child that a former leader has launched already is left alone; forcing
// the launch of one that exists is refused.
var PeriodicLaunch = Define(9, "PeriodicLaunch", func(w *state.WriteTx, p *PeriodicLaunchRequest) (any, error) {
	parent := state.Jobs.Get(w, p.Namespace, p.ParentID)
	if !parent.IsPeriodicActive() {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "can't force run non-tracked job")
	}
	if p.Launch > 0 {
		putLaunch(w, p.Namespace, p.ParentID, p.Launch)
	}
	switch {
	case p.Job == nil:
	case state.Jobs.Get(w, p.Job.Namespace, p.Job.ID) == nil:
		return jobRegister(w, &JobRegisterRequest{Job: p.Job, Eval: p.Eval})
	case p.Launch == 0:
		return nil, errChildExists(p.Job.ID)
	}
	return nil, nil
})

func putLaunch(w *state.WriteTx, namespace, id string, launch int64) {
	state.PeriodicLaunches.Put(w, &api.PeriodicLaunch{Namespace: namespace, JobID: id, Launch: launch})
}

// settleLaunch remembers when a periodic job began to follow its schedule: what came before was not missed.
func settleLaunch(w *state.WriteTx, old, j *api.Job) {
	if !j.IsPeriodicActive() {
		return
	}
	if old.IsPeriodicActive() && typeinfo.Equal(old.Periodic, j.Periodic) && state.PeriodicLaunches.Get(w, j.Namespace, j.ID) != nil {
		return
	}
	putLaunch(w, j.Namespace, j.ID, j.SubmitTime)
}
