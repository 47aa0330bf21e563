// SPDX-License-Identifier: MPL-2.0

package api

// NodeResources is the NodeResources object of the HTTP API, see http-types.md.
type NodeResources struct {
	// Cpu: `{CpuShares, TotalCpuCores, ReservableCpuCores:[int]}` (obsolete form).
	Cpu NodeCpuResources
	// Processors: `{Topology:{Nodes:[int], Distances:[[int]], Cores:[{SocketID, NodeID, ID, Grade (bool, true = performance), Disable, BaseSpeed, MaxSpeed, GuessSpeed}], OverrideTotalCompute, OverrideWitholdCompute}}`.
	Processors NodeProcessorResources
	// Memory: `{MemoryMB}`.
	Memory NodeMemoryResources
	// Disk: `{DiskMB}`.
	Disk NodeDiskResources
	// Devices: Device groups.
	Devices []*NodeDeviceResource
	// NodeNetworks: `[{Mode, Device, MacAddress, Speed, Addresses:[{Family (ipv4, ipv6), Alias, Address, ReservedPorts, Gateway}]}]`.
	NodeNetworks []*NodeNetworkResource
	// Networks: Obsolete form.
	Networks []*NetworkResource
	// MinDynamicPort: 20000, 32000 by default.
	MinDynamicPort int
	// MaxDynamicPort: 20000, 32000 by default.
	MaxDynamicPort int
}

// NodeReservedResources is the NodeReservedResources object of the HTTP API, see http-types.md.
type NodeReservedResources struct {
	// Cpu: `{CpuShares, ReservedCpuCores:[int]}`.
	Cpu NodeReservedCpuResources
	// Memory: `{MemoryMB}`.
	Memory NodeMemoryResources
	// Disk: `{DiskMB}`.
	Disk NodeDiskResources
	// Networks: `{ReservedHostPorts}` text such as `22,8000-8100`.
	Networks NodeReservedNetworkResources
}

// NodeDeviceResource is the NodeDeviceResource object of the HTTP API, see http-types.md.
type NodeDeviceResource struct {
	// Vendor: Identity.
	Vendor string
	// Type: Identity.
	Type string
	// Name: Identity.
	Name string
	// Instances: `[{ID, Healthy, HealthDescription, Locality:{PciBusID}}]`.
	Instances []*NodeDevice
	// Attributes: Map of `{Float, Int, String, Bool, Unit}` with one set member.
	Attributes map[string]*DeviceAttribute
}

// NodeCpuResources is the obsolete CPU form of NodeResources, CpuShares in MHz.
type NodeCpuResources struct {
	CpuShares          int64
	TotalCpuCores      uint16
	ReservableCpuCores []uint16
}

// NodeProcessorResources holds the processor topology of a node.
type NodeProcessorResources struct {
	Topology *NodeProcessorTopology
}

// NodeProcessorTopology describes NUMA nodes and cores; speeds are in MHz.
type NodeProcessorTopology struct {
	Nodes                  []int
	Distances              [][]int
	Cores                  []NodeProcessorCore
	OverrideTotalCompute   uint64
	OverrideWitholdCompute uint64
}

// NodeProcessorCore is one logical core; Grade is true for performance cores and speeds are in MHz.
type NodeProcessorCore struct {
	SocketID   uint8
	NodeID     uint8
	ID         uint16
	Grade      bool
	Disable    bool
	BaseSpeed  uint64
	MaxSpeed   uint64
	GuessSpeed uint64
}

// NodeMemoryResources is memory in MiB.
type NodeMemoryResources struct {
	MemoryMB int64
}

// NodeDiskResources is disk in MiB.
type NodeDiskResources struct {
	DiskMB int64
}

// NodeNetworkResource is one network interface of a node with its addresses.
type NodeNetworkResource struct {
	Mode       string
	Device     string
	MacAddress string
	Speed      int
	Addresses  []NodeNetworkAddress
}

// NodeNetworkAddress is one address of an interface; Alias is the host network name.
type NodeNetworkAddress struct {
	// Family: "ipv4" or "ipv6".
	Family  string
	Alias   string
	Address string
	// ReservedPorts: text such as "22,8000-8100".
	ReservedPorts string
	Gateway       string
}

// NodeReservedCpuResources is CPU withheld from scheduling, in MHz and core ids.
type NodeReservedCpuResources struct {
	CpuShares        int64
	ReservedCpuCores []uint16
}

// NodeReservedNetworkResources lists host ports withheld from scheduling, such as "22,8000-8100".
type NodeReservedNetworkResources struct {
	ReservedHostPorts string
}

// NodeDevice is one instance of a device group.
type NodeDevice struct {
	ID                string
	Healthy           bool
	HealthDescription string
	Locality          *NodeDeviceLocality
}

// NodeDeviceLocality says where a device is attached.
type NodeDeviceLocality struct {
	PciBusID string
}

// DeviceAttribute is a typed attribute of a device group with exactly one member set, Unit only with Int or Float.
type DeviceAttribute struct {
	Float  *float64
	Int    *int64
	String *string
	Bool   *bool
	Unit   string
}
