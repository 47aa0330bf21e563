// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/jobspec"
)

// JobTools adds the operations on jobs that need no cluster: parsing and validation.
func JobTools(set *opset.Set, limits api.Limits) {
	opset.Handle(set, api.JobParse, jobParse)
	opset.Handle(set, api.JobValidate, func(_ context.Context, r *api.JobValidateRequest) (*api.JobValidateResponse, error) {
		return jobValidate(r, limits)
	})
}

func jobParse(_ context.Context, r *api.JobParseRequest) (*api.ParsedJob, error) {
	if r.JobHCL == "" {
		return nil, api.Errorf(api.ClassInvalid, "Job spec is empty")
	}
	res, err := jobspec.Parse(&jobspec.Config{Path: "input.hcl", Body: []byte(r.JobHCL), VarContent: r.Variables})
	if err != nil {
		return nil, api.Errorf(api.ClassInvalid, "Failed to parse job: %v", err)
	}
	out := &api.ParsedJob{Job: res.Job, Canonical: r.Canonicalize}
	if r.Canonicalize {
		out.Job.CanonicalizeInput()
	}
	return out, nil
}

func jobValidate(r *api.JobValidateRequest, limits api.Limits) (*api.JobValidateResponse, error) {
	if r.Job == nil {
		return nil, api.Errorf(api.ClassInvalid, "Job must be specified")
	}
	job := typeinfo.Copy(r.Job)
	if r.Namespace != "" {
		job.Namespace = r.Namespace
	}
	job.Canonicalize()
	job.AddImpliedConstraints()
	problems, warnings := checkJob(job, limits)
	resp := &api.JobValidateResponse{DriverConfigValidated: true, Warnings: warnings.String()}
	if err := problems.err(); err != nil {
		resp.ValidationErrors, resp.Error = problems.all.Texts, err.Error()
	}
	return resp, nil
}
