// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// PlanApplyRequest commits plans that the applier accepted, and evaluations with them.
type PlanApplyRequest struct {
	Plans []*PlanCommit
	Evals []*api.Evaluation
	// Time is when the entry was made, in unix nanoseconds.
	Time int64
}

// PlanCommit is the accepted part of one plan. Rows in Result need their ID and node; parts that are not
// set are taken from the plan, its job or the row that exists.
type PlanCommit struct {
	EvalID string
	// Job is the version that the placements run; it must be a stored version. Nil for plans that place nothing.
	Job    *api.Job
	Result *api.PlanResult
}

// PlanApply answers nothing.
var PlanApply = Define(30, "PlanApply", planApply)

func planApply(w *state.WriteTx, p *PlanApplyRequest) (any, error) { return nil, nil }
