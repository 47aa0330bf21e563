// SPDX-License-Identifier: MPL-2.0

package state

import "github.com/nomadlike/nomadlike/api"

// PeriodicLaunches holds the last launch of each periodic job, keyed by namespace and job ID, so that the
// next leader knows what was missed. Rows go with the job.
var PeriodicLaunches = newTable(schema[api.PeriodicLaunch]{
	name:     "periodic_launches",
	key:      func(l *api.PeriodicLaunch) Key { return StringKey(l.Namespace, l.JobID) },
	modified: func(l *api.PeriodicLaunch) uint64 { return l.ModifyIndex },
	stamp: func(l, old *api.PeriodicLaunch, index uint64) {
		l.CreateIndex, l.ModifyIndex = index, index
		if old != nil {
			l.CreateIndex = old.CreateIndex
		}
	},
})

// PeriodicKey is the one group of the index ByPeriodic: the jobs that the clock launches now.
const PeriodicKey = "active"

// DispatchedWith returns the child of a parameterised job that was dispatched with an idempotency token, nil
// when there is none.
func DispatchedWith(r Reader, namespace, parent, token string) *api.Job {
	for j := range Jobs.By(r, ByDispatchToken, namespace, dispatchToken(parent, token)) {
		return j
	}
	return nil
}

func dispatchToken(parent, token string) string { return parent + "\x00" + token }
