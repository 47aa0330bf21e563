// SPDX-License-Identifier: MPL-2.0

package drivers

import "slices"

// Resources is what a task may use.
type Resources struct {
	// CPUShares is in MHz.
	CPUShares int64

	// MemoryMB is what the task reserves. MemoryMaxMB is the most it may use:
	// zero means the same as MemoryMB, and -1 that there is no limit.
	MemoryMB    int64
	MemoryMaxMB int64

	// Networks are the networks of the task itself, an old form; ports of the
	// group are in Ports.
	Networks []*NetworkResource `json:",omitempty"`

	// Ports are the ports of the group. Nil means that there is no port list,
	// which drivers tell apart from an empty one.
	Ports []*PortMapping `json:",omitempty"`

	// Linux is nil when the agent did not compute it.
	Linux *LinuxResources `json:",omitempty"`
}

// Copy returns a deep copy.
func (r *Resources) Copy() *Resources {
	if r == nil {
		return nil
	}
	dup := *r
	dup.Networks = copyEach(r.Networks)
	for _, network := range dup.Networks {
		if network != nil {
			network.ReservedPorts = slices.Clone(network.ReservedPorts)
			network.DynamicPorts = slices.Clone(network.DynamicPorts)
		}
	}
	dup.Ports = copyEach(r.Ports)
	if r.Linux != nil {
		linux := *r.Linux
		dup.Linux = &linux
	}
	return &dup
}

// PortMapping is a port of the group.
type PortMapping struct {
	Label string

	// Value is the port on the host.
	Value int

	// To is the port inside the task's network; 0 or -1 when not mapped.
	To int

	HostIP string
}

// NetworkResource is a network of a single task.
type NetworkResource struct {
	Device        string
	CIDR          string
	IP            string
	MBits         int
	ReservedPorts []NetworkPort `json:",omitempty"`
	DynamicPorts  []NetworkPort `json:",omitempty"`
}

// NetworkPort is a port of a NetworkResource.
type NetworkPort struct {
	Label string
	Value int
}

// LinuxResources is what Linux drivers set in control groups.
type LinuxResources struct {
	CPUPeriod        int64
	CPUQuota         int64
	CPUShares        int64
	MemoryLimitBytes int64
	OOMScoreAdj      int64

	// CpusetCpus lists reserved cores, comma separated; empty when the task
	// reserves none.
	CpusetCpus string

	// CpusetCgroup is the path of the control group that the agent made for
	// the task; empty outside Linux.
	CpusetCgroup string

	// PercentTicks is the share of the node's usable compute, 0 to 1.
	PercentTicks float64
}
