// SPDX-License-Identifier: MPL-2.0

package services

import (
	"fmt"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Workload is a group, or a task that runs, with what its services need to know of it.
type Workload struct {
	Alloc *api.Allocation
	// Task is nil for the services of the group.
	Task *api.Task
	Env  *taskenv.Env
	// Network is the address inside the network namespace of the allocation, nil without one.
	Network *api.AllocNetworkStatus
	// Driver is what the driver says of the task's address, nil when it says nothing.
	Driver *drivers.NetworkOverride
}

// native returns the services that this client registers itself.
func (w *Workload) native() []*api.Service {
	var all []*api.Service
	if w.Task != nil {
		all = w.Task.Services
	} else if g := w.Alloc.Group(); g != nil {
		all = g.Services
	}
	var out []*api.Service
	for _, s := range all {
		if s != nil && s.Provider == api.ProviderNomad {
			out = append(out, s)
		}
	}
	return out
}

// Registrations returns what the workload offers. It is an error if a service has no address.
func Registrations(w *Workload) ([]*api.ServiceRegistration, error) {
	var out []*api.ServiceRegistration
	for _, s := range w.native() {
		name := w.Env.Replace(s.Name)
		at, err := w.address(s.AddressMode, s.Address, s.PortLabel)
		if err != nil {
			return nil, fmt.Errorf("service %q: %w", name, err)
		}
		tags := s.Tags
		if w.isCanary() && len(s.CanaryTags) > 0 {
			tags = s.CanaryTags
		}
		out = append(out, &api.ServiceRegistration{
			ID: registrationID(w, name, w.Env.Replace(s.PortLabel)), ServiceName: name, Namespace: w.Alloc.Namespace, NodeID: w.Alloc.NodeID,
			JobID: w.Alloc.JobID, AllocID: w.Alloc.ID, Tags: w.Env.ReplaceAll(tags), Address: at.host, Port: at.port,
		})
	}
	return out, nil
}

// registrationID names the registration as runtime.md 7.1 says.
func registrationID(w *Workload, name, port string) string {
	owner := "group-" + w.Alloc.TaskGroup
	if w.Task != nil {
		owner = w.Task.Name
	}
	return api.ServiceIDPrefix + w.Alloc.ID + "-" + owner + "-" + name + "-" + port
}

// isCanary reports whether the allocation is a canary that was not promoted.
func (w *Workload) isCanary() bool {
	return w.Alloc.DeploymentStatus != nil && w.Alloc.DeploymentStatus.Canary
}

// Used reports whether any service of the group or its tasks is registered by clients.
func Used(g *api.TaskGroup) bool {
	if g == nil {
		return false
	}
	has := func(list []*api.Service) bool {
		for _, s := range list {
			if s != nil && s.Provider == api.ProviderNomad {
				return true
			}
		}
		return false
	}
	if has(g.Services) {
		return true
	}
	for _, t := range g.Tasks {
		if t != nil && has(t.Services) {
			return true
		}
	}
	return false
}
