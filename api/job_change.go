// SPDX-License-Identifier: MPL-2.0

package api

import (
	"maps"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// GroupNeedsDestructiveUpdate reports whether running allocations of the group must be replaced to
// bring them from oldJob to newJob; else they are updated in place (scheduler.md 3.3). Both jobs are
// canonical. A group that one of them lacks counts as replaced. Most of the answer is in the change tags
// of the fields; here is what they cannot say: tasks and services match by name, ports by label,
// meta is compared merged, and an empty consul block is none.
func GroupNeedsDestructiveUpdate(oldJob, newJob *Job, group string) bool {
	if oldJob == newJob {
		return false
	}
	a, b := oldJob.LookupTaskGroup(group), newJob.LookupTaskGroup(group)
	if a == nil || b == nil {
		return true
	}
	if a != b {
		if typeinfo.ChangeOf(a, b) == typeinfo.Destructive ||
			portsChanged(a.Networks, b.Networks) || connectChanged(a.Services, b.Services) || a.Consul.asked() != b.Consul.asked() {
			return true
		}
	}
	if len(a.Tasks) != len(b.Tasks) {
		return true
	}
	for _, old := range a.Tasks {
		if taskNeedsReplacing(old, b.LookupTask(old.Name)) {
			return true
		}
		if !maps.Equal(MergedMeta(oldJob, a, old), MergedMeta(newJob, b, b.LookupTask(old.Name))) {
			return true
		}
	}
	return false
}

// MergedMeta returns the meta that a task sees: the job's, overlaid with the group's, then the task's.
func MergedMeta(job *Job, group *TaskGroup, task *Task) map[string]string {
	merged := make(map[string]string, len(job.Meta)+len(group.Meta)+len(task.Meta))
	maps.Copy(merged, job.Meta)
	maps.Copy(merged, group.Meta)
	maps.Copy(merged, task.Meta)
	return merged
}

func taskNeedsReplacing(old, new *Task) bool {
	if new == nil {
		return true
	}
	if typeinfo.ChangeOf(old, new) == typeinfo.Destructive || connectChanged(old.Services, new.Services) {
		return true
	}
	if old.Resources == nil || new.Resources == nil {
		return old.Resources != new.Resources
	}
	return portsChanged(old.Resources.Networks, new.Resources.Networks)
}

// portsChanged compares the ports of networks that are otherwise matched by position.
func portsChanged(old, new []*NetworkResource) bool {
	if len(old) != len(new) {
		return true
	}
	for i := range old {
		if !maps.Equal(portsByLabel(old[i]), portsByLabel(new[i])) {
			return true
		}
	}
	return false
}

type portSpec struct {
	static, to  int
	hostNetwork string
}

func portsByLabel(n *NetworkResource) map[string]portSpec {
	ports := make(map[string]portSpec, len(n.ReservedPorts)+len(n.DynamicPorts))
	for _, p := range n.ReservedPorts {
		ports[p.Label] = portSpec{p.Value, p.To, p.HostNetwork}
	}
	for _, p := range n.DynamicPorts {
		ports[p.Label] = portSpec{0, p.To, p.HostNetwork}
	}
	return ports
}

// connectChanged compares the services of the Consul mesh, whose proxies run beside the tasks.
func connectChanged(old, new []*Service) bool {
	before, after := meshServices(old), meshServices(new)
	if len(before) != len(after) {
		return true
	}
	for name, a := range before {
		b := after[name]
		if b == nil || a.PortLabel != b.PortLabel || a.Cluster != b.Cluster || !typeinfo.Equal(a.Connect, b.Connect) {
			return true
		}
	}
	return false
}

func meshServices(services []*Service) map[string]*Service {
	var found map[string]*Service
	for _, s := range services {
		if s.Connect == nil {
			continue
		}
		if found == nil {
			found = map[string]*Service{}
		}
		found[s.Name] = s
	}
	return found
}
