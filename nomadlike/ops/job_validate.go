// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// jobValidate checks a job as its registration would, without regard to the version that runs.
func (e *Env) jobValidate(_ context.Context, r *api.JobValidateRequest) (*api.JobValidateResponse, error) {
	if r.Job == nil {
		return nil, api.Errorf(api.ClassInvalid, "Job must be specified")
	}
	job := typeinfo.Copy(r.Job)
	if r.Namespace != "" {
		job.Namespace = r.Namespace
	}
	e.complete(job)
	snap := e.Store.Snapshot()
	problems, warnings := e.checkJob(snap, job)
	resp := &api.JobValidateResponse{DriverConfigValidated: true, Warnings: warnings.String()}
	if err := problems.err(); err != nil {
		resp.ValidationErrors, resp.Error = problems.all.Texts, err.Error()
	}
	return resp, nil
}
