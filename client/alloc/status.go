// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"github.com/nomadlike/nomadlike/api"
)

// clientStatus derives the status of the allocation from its tasks (runtime.md 4.6).
func clientStatus(states map[string]*api.TaskState) (status, description string) {
	var pending, running, dead, failed bool
	for _, s := range states {
		switch s.State {
		case api.TaskStateRunning:
			running = true
		case api.TaskStatePending:
			pending = true
		case api.TaskStateDead:
			dead = true
			failed = failed || s.Failed
		}
	}
	switch {
	case failed:
		return api.AllocClientFailed, api.AllocClientDescFailed
	case running:
		return api.AllocClientRunning, api.AllocClientDescRunning
	case pending:
		return api.AllocClientPending, api.AllocClientDescPending
	case dead:
		return api.AllocClientComplete, api.AllocClientDescComplete
	}
	return api.AllocClientPending, api.AllocClientDescPending
}
