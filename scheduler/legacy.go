// SPDX-License-Identifier: MPL-2.0

package scheduler

import "github.com/nomadlike/nomadlike/api"

// FillLegacyResources sets the obsolete forms Resources, SharedResources and TaskResources of an
// allocation from AllocatedResources. Rows are stored without them; the API layer fills them in on a copy
// that it is about to send.
func FillLegacyResources(a *api.Allocation) {
	r := a.AllocatedResources
	if r == nil {
		return
	}
	shared := legacyResources()
	shared.DiskMB = r.Shared.DiskMB
	shared.Networks = r.Shared.Networks
	total := legacyResources()
	total.DiskMB = r.Shared.DiskMB
	total.Networks = r.Shared.Networks
	tasks := make(map[string]*api.Resources, len(r.Tasks))
	for name, t := range r.Tasks {
		if t == nil {
			continue
		}
		task := legacyResources()
		*task.CPU = int(t.Cpu.CpuShares)
		*task.MemoryMB = int(t.Memory.MemoryMB)
		task.MemoryMaxMB = int(t.Memory.MemoryMaxMB)
		task.Cores = len(t.Cpu.ReservedCores)
		task.Networks = t.Networks
		tasks[name] = task
		*total.CPU += *task.CPU
		*total.MemoryMB += *task.MemoryMB
		total.MemoryMaxMB += max(task.MemoryMaxMB, *task.MemoryMB)
		total.Cores += task.Cores
	}
	a.Resources, a.SharedResources, a.TaskResources = total, shared, tasks
}

func legacyResources() *api.Resources {
	return &api.Resources{CPU: new(int), MemoryMB: new(int)}
}
