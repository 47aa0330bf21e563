// SPDX-License-Identifier: MPL-2.0

package task

import (
	"github.com/nomadlike/nomadlike/client/services"
)

// offer registers the services of the running task.
func (r *Runner) offer() error {
	if len(r.task.Services) == 0 {
		r.withdraw() // of an earlier version of the job
		return nil
	}
	env, err := r.makeEnv()
	if err != nil {
		return err
	}
	r.mu.Lock()
	override := r.mu.network
	r.mu.Unlock()
	list, err := services.Registrations(&services.Workload{
		Alloc: r.alloc, Task: r.task, Env: env, Network: r.network, Driver: override,
	})
	if err != nil {
		return err
	}
	r.deps.Services.Set(r.allocID, r.name, list)
	return nil
}

// withdraw takes back what the task offers.
func (r *Runner) withdraw() { r.deps.Services.Set(r.allocID, r.name, nil) }
