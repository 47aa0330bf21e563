// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// Evals holds evaluations by ID, in the order of creation and by job. Its neighbours are the status of
// the job and the number of queued placements in its summary.
var Evals = newTable(schema[api.Evaluation]{
	name:     "evals",
	key:      func(e *api.Evaluation) Key { return StringKey(e.ID) },
	created:  func(e *api.Evaluation) Key { return Key{P: e.CreateIndex, A: e.ID} },
	modified: func(e *api.Evaluation) uint64 { return e.ModifyIndex },
	stamp: func(e, old *api.Evaluation, index uint64) {
		e.CreateIndex, e.ModifyIndex = index, index
		if old != nil {
			e.CreateIndex = old.CreateIndex
		}
	},
	indexes: []index[api.Evaluation]{{
		name: ByJob,
		key:  func(e *api.Evaluation) (Key, bool) { return StringKey(e.Namespace, e.JobID), true },
		live: func(e *api.Evaluation) bool { return !e.TerminalStatus() },
	}},
})

func init() {
	Evals.put = func(w *WriteTx, _, e *api.Evaluation) {
		if e.Type != api.JobTypeCore {
			w.jobs.mark(e.Namespace, e.JobID).eval(e.QueuedAllocations)
		}
	}
	Evals.del = func(w *WriteTx, e *api.Evaluation) { w.jobs.mark(e.Namespace, e.JobID) }
}
