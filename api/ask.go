// SPDX-License-Identifier: MPL-2.0

package api

// Ask is what one allocation of a group needs of a node in numbers. CPU is in MHz and does not include
// the share of reserved cores, whose speed depends on the node; MemoryMB and DiskMB are MiB.
type Ask struct {
	CPU      int64
	MemoryMB int64
	DiskMB   int64
	Cores    int
}

// CPUOrDefault returns the CPU share in MHz: 0 when unset and cores are reserved, else 100.
func (r *Resources) CPUOrDefault() int {
	if r == nil {
		return DefaultCPU
	}
	if r.CPU != nil {
		return *r.CPU
	}
	if r.Cores > 0 {
		return 0
	}
	return DefaultCPU
}

// MemoryMBOrDefault returns the memory in MiB, 300 when unset.
func (r *Resources) MemoryMBOrDefault() int {
	if r == nil {
		return DefaultMemoryMB
	}
	return Or(r.MemoryMB, DefaultMemoryMB)
}

// CoresOrDefault returns the number of reserved cores.
func (r *Resources) CoresOrDefault() int {
	if r == nil {
		return 0
	}
	return r.Cores
}

// Ask returns what one allocation of the group needs. Tasks that never run at the same time share:
// the result is the maximum over the phases of the life of an allocation (scheduler.md 5.2). Reserved
// cores are always added in full.
func (g *TaskGroup) Ask() Ask {
	var prestart, prestartSidecar, main, poststop Ask
	cores := 0
	for _, t := range g.Tasks {
		if t == nil {
			continue
		}
		phase := &main // poststart tasks run beside the main ones
		switch {
		case t.Hook() == HookPrestart && t.IsSidecar():
			phase = &prestartSidecar
		case t.Hook() == HookPrestart:
			phase = &prestart
		case t.Hook() == HookPoststop:
			phase = &poststop
		}
		phase.CPU += int64(t.Resources.CPUOrDefault())
		phase.MemoryMB += int64(t.Resources.MemoryMBOrDefault())
		if t.Resources != nil {
			phase.MemoryMB += int64(t.Resources.SecretsMB)
			cores += t.Resources.Cores
		}
	}
	return Ask{
		CPU:      max(prestart.CPU+prestartSidecar.CPU, main.CPU+prestartSidecar.CPU, poststop.CPU),
		MemoryMB: max(prestart.MemoryMB+prestartSidecar.MemoryMB, main.MemoryMB+prestartSidecar.MemoryMB, poststop.MemoryMB),
		DiskMB:   int64(g.DiskMB()),
		Cores:    cores,
	}
}
