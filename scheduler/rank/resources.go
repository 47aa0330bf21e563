// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"maps"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// need is what one allocation of the group asks for, compiled once.
type need struct {
	// shared are the allocated resources as far as they are equal for all allocations of the group.
	shared *api.AllocatedResources
	claim  usage.Claim
	// cores lists the tasks that reserve cores, in the order of the job.
	cores []coreAsk
	total int64
	// insists is set when a task requires one NUMA node.
	insists bool
	// withCores are, for each set of tasks that run at the same time, the CPU and the number of cores they ask
	// for; nil when no task reserves cores.
	withCores []phaseAsk
	ports     []networkAsk
}

type phaseAsk struct{ cpu, cores int64 }

// cpu returns what one allocation takes on a node whose cores have that speed.
func (n *need) cpu(coreMHz int64) int64 {
	if n.total == 0 {
		return n.claim.CPU
	}
	most := int64(0)
	for _, phase := range n.withCores {
		most = max(most, phase.cpu+phase.cores*coreMHz)
	}
	return most
}

// phases sums up the tasks in the way of usage.ClaimOf.
func phases(group *api.TaskGroup) []phaseAsk {
	var prestart, sidecar, main, poststop phaseAsk
	for _, task := range group.Tasks {
		if task == nil {
			continue
		}
		p := &main
		if lc := task.Lifecycle; lc != nil {
			switch {
			case lc.Hook == api.HookPrestart && lc.Sidecar:
				p = &sidecar
			case lc.Hook == api.HookPrestart:
				p = &prestart
			case lc.Hook == api.HookPoststop:
				p = &poststop
			}
		}
		if task.Resources != nil && task.Resources.Cores > 0 {
			p.cores += int64(task.Resources.Cores)
		} else {
			p.cpu += int64(task.Resources.CPUOrDefault())
		}
	}
	together := func(a, b phaseAsk) phaseAsk { return phaseAsk{a.cpu + b.cpu, a.cores + b.cores} }
	return []phaseAsk{together(prestart, sidecar), together(main, sidecar), poststop}
}

type coreAsk struct {
	task  string
	count int
	// numa is prefer or require when the cores should be of one NUMA node.
	numa string
}

// networkAsk is one network block whose ports are assigned: the group's, or an obsolete one of a task.
type networkAsk struct {
	task    string
	network *api.NetworkResource
}

func newNeed(group *api.TaskGroup, oversubscribe bool) *need {
	n := &need{shared: &api.AllocatedResources{
		Tasks:          make(map[string]*api.AllocatedTaskResources, len(group.Tasks)),
		TaskLifecycles: make(map[string]*api.Lifecycle, len(group.Tasks)),
		Shared:         api.AllocatedSharedResources{DiskMB: group.DiskMB()},
	}}
	if len(group.Networks) > 0 && group.Networks[0] != nil {
		n.ports = append(n.ports, networkAsk{network: group.Networks[0]})
	}
	for _, task := range group.Tasks {
		if task != nil {
			n.addTask(task, oversubscribe)
		}
	}
	n.claim = usage.ClaimOfResources(n.shared)
	if n.total > 0 {
		n.withCores = phases(group)
	}
	return n
}

func (n *need) addTask(task *api.Task, oversubscribe bool) {
	r := task.Resources
	allocated := &api.AllocatedTaskResources{
		Cpu:    api.AllocatedCpuResources{CpuShares: int64(r.CPUOrDefault())},
		Memory: api.AllocatedMemoryResources{MemoryMB: int64(r.MemoryMBOrDefault())},
	}
	n.shared.Tasks[task.Name] = allocated
	n.shared.TaskLifecycles[task.Name] = task.Lifecycle
	if r == nil {
		return
	}
	// The secrets directory lives in memory, so its size is part of what the task takes.
	allocated.Memory.MemoryMB += int64(r.SecretsMB)
	if oversubscribe {
		allocated.Memory.MemoryMaxMB = int64(r.MemoryMaxMB)
	}
	if r.Cores > 0 {
		ask := coreAsk{task: task.Name, count: r.Cores}
		if r.NUMA != nil && (r.NUMA.Affinity == numaPrefer || r.NUMA.Affinity == numaRequire) {
			ask.numa = r.NUMA.Affinity
			n.insists = n.insists || ask.numa == numaRequire
		}
		n.cores = append(n.cores, ask)
		n.total += int64(r.Cores)
	}
	for _, network := range r.Networks {
		if network != nil {
			n.ports = append(n.ports, networkAsk{task: task.Name, network: network})
		}
	}
}

// WithLifecycles returns the resources of an allocation that changes in place: everything it holds, with
// the lifecycles that the tasks of the group have now.
func WithLifecycles(r *api.AllocatedResources, group *api.TaskGroup) *api.AllocatedResources {
	if r == nil {
		return nil
	}
	same := len(r.TaskLifecycles) == len(group.Tasks)
	lifecycles := make(map[string]*api.Lifecycle, len(group.Tasks))
	for _, task := range group.Tasks {
		if task == nil {
			continue
		}
		lifecycles[task.Name] = task.Lifecycle
		old, known := r.TaskLifecycles[task.Name]
		same = same && known && (old == task.Lifecycle || old != nil && task.Lifecycle != nil && *old == *task.Lifecycle)
	}
	if same {
		return r
	}
	dup := *r
	dup.TaskLifecycles = lifecycles
	return &dup
}

// grant returns the resources of one allocation on the node, or why they are not to be had there.
func (p *Placer) grant(ord int) (*api.AllocatedResources, string) {
	n := p.need
	if len(n.ports) == 0 && len(n.cores) == 0 && p.devices == nil {
		return n.shared, ""
	}
	granted := &api.AllocatedResources{
		Tasks:          n.shared.Tasks,
		TaskLifecycles: n.shared.TaskLifecycles,
		Shared:         n.shared.Shared,
	}
	if reason := p.grantPorts(ord, granted); reason != "" {
		return nil, reason
	}
	if reason := p.grantCores(ord, granted); reason != "" {
		return nil, reason
	}
	if reason := p.grantDevices(ord, granted); reason != "" {
		return nil, reason
	}
	return granted, ""
}

// ownTask returns the task's resources for writing: the map and the entry are copied on first use.
func (p *Placer) ownTask(granted *api.AllocatedResources, task string) *api.AllocatedTaskResources {
	shared := p.need.shared.Tasks[task]
	if granted.Tasks[task] != shared {
		return granted.Tasks[task]
	}
	dup := *shared
	granted.Tasks = maps.Clone(granted.Tasks)
	granted.Tasks[task] = &dup
	return &dup
}
