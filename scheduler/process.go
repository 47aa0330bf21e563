// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"fmt"

	"github.com/nomadlike/nomadlike/api"
)

// Process computes what the evaluation asks for over the view. It never returns nil; what it cannot do
// is an outcome whose Eval has status failed and a description that says why.
func Process(view View, eval *api.Evaluation, cfg Config) *Outcome {
	return failed(view, eval, cfg, fmt.Sprintf("scheduling of job type %q is not supported", eval.Type))
}

// failed is the outcome of an evaluation that cannot be processed.
func failed(view View, eval *api.Evaluation, cfg Config, description string) *Outcome {
	e := *eval
	e.Status = api.EvalStatusFailed
	e.StatusDescription = description
	e.SnapshotIndex = view.Index()
	e.ModifyTime = cfg.Now.UnixNano()
	return &Outcome{
		Plan: &api.Plan{EvalID: eval.ID, Priority: eval.Priority, SnapshotIndex: view.Index()},
		Eval: &e,
	}
}
