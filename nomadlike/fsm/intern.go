// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"sync"

	"github.com/nomadlike/nomadlike/api"
)

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
		api.AllocClientDescMaxRunLimit, api.AllocClientDescNoContact,
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

// Limits of the texts that share remembers.
const (
	maxShared     = 8192
	maxSharedText = 128
)

var shared struct {
	sync.Mutex
	texts map[string]string
}

// share returns a text that equals s, the same one for equal texts as long as there are not too many: what
// tasks report of themselves are few different texts, very often.
func share(s string) string {
	if s == "" || len(s) > maxSharedText {
		return s
	}
	shared.Lock()
	defer shared.Unlock()
	if t, ok := shared.texts[s]; ok {
		return t
	}
	if shared.texts == nil || len(shared.texts) >= maxShared {
		shared.texts = map[string]string{}
	}
	shared.texts[s] = s
	return s
}
