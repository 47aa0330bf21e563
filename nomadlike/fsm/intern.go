// SPDX-License-Identifier: MPL-2.0

package fsm

import "github.com/nomadlike/nomadlike/api"

// constants holds the texts that very many rows repeat.
var constants = func() map[string]string {
	m := map[string]string{}
	for _, s := range []string{
		api.DefaultNamespace,
		api.AllocDesiredRun, api.AllocDesiredStop, api.AllocDesiredEvict,
		api.AllocClientPending, api.AllocClientRunning, api.AllocClientComplete, api.AllocClientFailed,
		api.AllocClientLost, api.AllocClientUnknown,
		api.AllocDescNotNeeded, api.AllocDescUpdating, api.AllocDescMigrating, api.AllocDescLost, api.AllocDescUnknown,
		api.AllocDescNodeTainted, api.AllocDescInPlace, api.AllocDescReconnected, api.AllocDescRescheduled,
		api.AllocDescPreempted,
		api.AllocClientDescPending, api.AllocClientDescRunning, api.AllocClientDescFailed, api.AllocClientDescComplete,
		api.AllocClientDescMaxRunLimit,
		api.TaskStatePending, api.TaskStateRunning, api.TaskStateDead,
	} {
		m[s] = s
	}
	return m
}()

// intern returns the constant that equals s, or s itself, so that rows share the memory of common texts.
func intern(s string) string {
	if c, ok := constants[s]; ok {
		return c
	}
	return s
}
