// SPDX-License-Identifier: MPL-2.0

package ops

import (
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
