// SPDX-License-Identifier: MPL-2.0

package api

// AllocatedResources is the AllocatedResources object of the HTTP API, see http-types.md.
type AllocatedResources struct {
	// Tasks: Per task.
	Tasks map[string]*AllocatedTaskResources
	// TaskLifecycles: Per task, null for main tasks.
	TaskLifecycles map[string]*Lifecycle
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
