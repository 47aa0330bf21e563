// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"maps"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/broker"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler"
)

func (e *Env) jobPlacementHandlers(set *opset.Set) {
	handleRead(e, set, api.JobPlacementGet, e.jobPlacement)
}

// jobPlacement explains the placement of a job on the snapshot of the read.
func (e *Env) jobPlacement(tx *readTx, r *api.JobRequest) (*api.JobPlacement, error) {
	job := state.Jobs.Get(tx, tx.namespace(), r.JobID)
	if job == nil {
		return nil, notFound("job not found")
	}
	return scheduler.Explain(broker.ViewOf(e.Store.Snapshot()), job, scheduler.Config{Now: e.Now()}), nil
}

// placementNotes returns the preferences of a job that the nodes cannot follow, as warnings.
func placementNotes(snap *state.Snapshot, job *api.Job) api.Warnings {
	var warnings api.Warnings
	for _, text := range scheduler.Notes(broker.ViewOf(snap), job) {
		warnings = append(warnings, api.FieldError{Path: "job", Message: text})
	}
	return warnings
}

// explained returns the evaluation with the preferences that the nodes cannot follow, and with everything that
// stands in the way of what it could not place, as long as that still waits. It looks at the newest state beside
// the read, which waits for the evaluation alone.
func (e *Env) explained(v *api.Evaluation) *api.Evaluation {
	snap := e.Store.Snapshot()
	job := state.Jobs.Get(snap, v.Namespace, v.JobID)
	if job == nil {
		return v
	}
	c := *v
	c.Notes = scheduler.Notes(broker.ViewOf(snap), job)
	blocked := v
	if v.BlockedEval != "" {
		blocked = state.Evals.Get(snap, v.BlockedEval)
	}
	if len(v.FailedTGAllocs) == 0 || blocked == nil || blocked.Status != api.EvalStatusBlocked {
		return &c
	}
	c.FailedTGAllocs = maps.Clone(v.FailedTGAllocs)
	for _, g := range scheduler.Explain(broker.ViewOf(snap), job, scheduler.Config{Now: e.Now()}).Groups {
		if m := c.FailedTGAllocs[g.Group]; m != nil {
			explained := *m
			g.Notes = nil // the evaluation has them, for all groups
			explained.Placement = g
			c.FailedTGAllocs[g.Group] = &explained
		}
	}
	return &c
}
