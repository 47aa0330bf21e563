// SPDX-License-Identifier: MPL-2.0

package api

// AllocatedResources is the AllocatedResources object of the HTTP API, see http-types.md.
type AllocatedResources struct {
	// Tasks: Per task.
	Tasks map[string]*AllocatedTaskResources
	// TaskLifecycles: Per task, null for main tasks.
	TaskLifecycles map[string]*Lifecycle `api:"nulls"`
	// Shared: Group level.
	Shared AllocatedSharedResources
}

// AllocatedTaskResources is the AllocatedTaskResources object of the HTTP API, see http-types.md.
type AllocatedTaskResources struct {
	// Cpu: `{CpuShares, ReservedCores:[int]}`.
	Cpu AllocatedCpuResources
	// Memory: `{MemoryMB, MemoryMaxMB}`.
	Memory AllocatedMemoryResources
	// Networks: Obsolete task networks.
	Networks []*NetworkResource
	// Devices: `[{Vendor, Type, Name, DeviceIDs}]`.
	Devices []*AllocatedDeviceResource
}

// AllocatedSharedResources is the AllocatedSharedResources object of the HTTP API, see http-types.md.
type AllocatedSharedResources struct {
	// Networks: Group network with assigned ports and IP.
	Networks []*NetworkResource
	// DiskMB: Ephemeral disk.
	DiskMB int
	// Ports: Assigned ports.
	Ports []*AllocatedPortMapping
}

// AllocatedPortMapping is the AllocatedPortMapping object of the HTTP API, see http-types.md.
type AllocatedPortMapping struct {
	_ struct{} `api:"sparse"`

	// Label: Port label.
	Label string
	// Value: Host port.
	Value int
	// To: Mapped port.
	To int
	// HostIP: Host address.
	HostIP string
	// IgnoreCollision: As requested.
	IgnoreCollision bool
}

// AllocatedCpuResources is the CPU granted to a task, in MHz, and its reserved core ids.
type AllocatedCpuResources struct {
	CpuShares     int64
	ReservedCores []uint16
}

// AllocatedMemoryResources is the memory granted to a task, in MiB.
type AllocatedMemoryResources struct {
	MemoryMB    int64
	MemoryMaxMB int64
}

// AllocatedDeviceResource names the device instances granted to a task.
type AllocatedDeviceResource struct {
	Vendor    string
	Type      string
	Name      string
	DeviceIDs []string
}

// FillObsoleteResources sets the obsolete forms Resources, SharedResources and TaskResources from AllocatedResources.
// Rows are stored without them; those who send an allocation outside fill them in on a copy.
func (a *Allocation) FillObsoleteResources() {
	r := a.AllocatedResources
	if r == nil {
		return
	}
	shared := obsoleteResources()
	shared.DiskMB = r.Shared.DiskMB
	shared.Networks = r.Shared.Networks
	total := obsoleteResources()
	total.DiskMB = r.Shared.DiskMB
	total.Networks = r.Shared.Networks
	tasks := make(map[string]*Resources, len(r.Tasks))
	for name, t := range r.Tasks {
		if t == nil {
			continue
		}
		task := obsoleteResources()
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

func obsoleteResources() *Resources { return &Resources{CPU: new(int), MemoryMB: new(int)} }
