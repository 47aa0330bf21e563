// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"iter"
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// collect is for loops that change the table they read.
func collect[T any](rows iter.Seq[*T]) []*T { return slices.Collect(rows) }

// EvalsUpsertRequest stores new or changed evaluations.
type EvalsUpsertRequest struct{ Evals []*api.Evaluation }

// EvalsUpsert answers nothing.
var EvalsUpsert = Define(10, "EvalsUpsert", func(w *state.WriteTx, p *EvalsUpsertRequest) (any, error) {
	putEvals(w, p.Evals)
	return nil, nil
})

func putEvals(w *state.WriteTx, evals []*api.Evaluation) {
	for _, e := range evals {
		if e != nil {
			state.Evals.Put(w, e)
		}
	}
}

// EvalsDeleteRequest removes evaluations and allocations that nothing needs any more.
type EvalsDeleteRequest struct {
	EvalIDs  []string
	AllocIDs []string
}

// EvalsDelete answers nothing; rows that are gone already are passed over.
var EvalsDelete = Define(11, "EvalsDelete", func(w *state.WriteTx, p *EvalsDeleteRequest) (any, error) {
	for _, id := range p.AllocIDs {
		state.Allocs.Delete(w, id)
		dropServices(w, id)
	}
	for _, id := range p.EvalIDs {
		state.Evals.Delete(w, id)
	}
	return nil, nil
})
