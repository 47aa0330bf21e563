// SPDX-License-Identifier: MPL-2.0

package drivers

import "maps"

// NetworkIsolationMode says whose network a task sees.
type NetworkIsolationMode string

// The modes of network isolation.
const (
	// NetworkIsolationHost is the network of the host.
	NetworkIsolationHost NetworkIsolationMode = "host"

	// NetworkIsolationGroup is a namespace shared by the tasks of a group.
	NetworkIsolationGroup NetworkIsolationMode = "group"

	// NetworkIsolationTask is a namespace the driver makes for each task.
	NetworkIsolationTask NetworkIsolationMode = "task"

	// NetworkIsolationNone is no network at all.
	NetworkIsolationNone NetworkIsolationMode = "none"
)

// NetworkIsolationSpec describes the network namespace of an allocation.
type NetworkIsolationSpec struct {
	Mode NetworkIsolationMode

	// Path is that of the namespace, on Linux.
	Path string `json:",omitempty"`

	// Labels are the driver's own; they come from CreateNetwork and go back to
	// every task and to DestroyNetwork.
	Labels map[string]string `json:",omitempty"`

	// Hosts is set when the driver is to write a hosts file.
	Hosts *HostsConfig `json:",omitempty"`
}

// Copy returns a deep copy.
func (s *NetworkIsolationSpec) Copy() *NetworkIsolationSpec {
	if s == nil {
		return nil
	}
	dup := *s
	dup.Labels = maps.Clone(s.Labels)
	if s.Hosts != nil {
		hosts := *s.Hosts
		dup.Hosts = &hosts
	}
	return &dup
}

// HostsConfig is the line of a hosts file that names the allocation.
type HostsConfig struct {
	Hostname string
	Address  string
}

// NetworkRequest is what CreateNetwork is asked for.
type NetworkRequest struct {
	Hostname string
}

// NetworkOverride is what a driver says of the address it gave to a task.
type NetworkOverride struct {
	// PortMap maps port labels to ports inside the task.
	PortMap map[string]int `json:",omitempty"`

	// IP is the address of the task.
	IP string `json:",omitempty"`

	// AutoAdvertise says that services should advertise IP.
	AutoAdvertise bool `json:",omitempty"`
}

// Copy returns a deep copy.
func (o *NetworkOverride) Copy() *NetworkOverride {
	if o == nil {
		return nil
	}
	dup := *o
	dup.PortMap = maps.Clone(o.PortMap)
	return &dup
}
