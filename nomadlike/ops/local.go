// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/jobspec"
)

// JobTools adds the operations on jobs that need no cluster: parsing.
func JobTools(set *opset.Set) { opset.Handle(set, api.JobParse, jobParse) }

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
