// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// Allocs holds allocations by ID, in the order of creation and by job, node, evaluation and deployment.
// Its neighbours are the usage columns, the job's summary and status and the deployment's counters.
var Allocs = newTable(schema[api.Allocation]{
	name:     "allocs",
	key:      func(a *api.Allocation) Key { return StringKey(a.ID) },
	created:  func(a *api.Allocation) Key { return Key{P: a.CreateIndex, A: a.ID} },
	modified: func(a *api.Allocation) uint64 { return a.ModifyIndex },
	stamp: func(a, old *api.Allocation, index uint64) {
		a.CreateIndex, a.ModifyIndex = index, index
		if old != nil {
			a.CreateIndex = old.CreateIndex
		}
		if a.AllocModifyIndex == 0 {
			a.AllocModifyIndex = index
		}
	},
	indexes: []index[api.Allocation]{
		{
			name: ByJob,
			key:  func(a *api.Allocation) (Key, bool) { return StringKey(a.Namespace, a.JobID), true },
			live: func(a *api.Allocation) bool { return !a.TerminalStatus() },
		},
		{
			name: ByNode,
			key:  func(a *api.Allocation) (Key, bool) { return StringKey(a.NodeID), a.NodeID != "" },
			live: func(a *api.Allocation) bool { return !a.TerminalStatus() },

			version: func(a *api.Allocation) uint64 { return a.AllocModifyIndex },
		},
		{
			name: ByEval,
			key:  func(a *api.Allocation) (Key, bool) { return StringKey(a.EvalID), a.EvalID != "" },
			live: func(a *api.Allocation) bool { return !a.TerminalStatus() },
		},
		{
			name: ByDeployment,
			key:  func(a *api.Allocation) (Key, bool) { return StringKey(a.DeploymentID), a.DeploymentID != "" },
			live: func(a *api.Allocation) bool { return !a.TerminalStatus() },
		},
	},
})

func init() {
	Allocs.put = func(w *WriteTx, old, a *api.Allocation) {
		w.touched = true
		w.store.usage.UpsertAlloc(old, a)
		w.deploys.alloc(w, old, a)
		w.allocJob(old, a, a)
	}
	Allocs.del = func(w *WriteTx, old *api.Allocation) {
		w.touched = true
		w.store.usage.DeleteAlloc(old)
		w.allocJob(old, nil, old)
	}
}

// allocJob tells the job of an allocation what changed; either is the row that exists.
func (w *WriteTx) allocJob(old, row, either *api.Allocation) {
	changed := old == nil || row == nil || old.ClientStatus != row.ClientStatus || old.TerminalStatus() != row.TerminalStatus()
	if !changed {
		return
	}
	d := w.jobs.mark(either.Namespace, either.JobID)
	if j := Jobs.Get(w, either.Namespace, either.JobID); j != nil && ofJob(either, j) {
		d.alloc(old, row)
	}
}
