// SPDX-License-Identifier: MPL-2.0

package api

// HostVolume is the HostVolume object of the HTTP API, see http-types.md.
type HostVolume struct {
	// ID: Uuid (default generated).
	ID string
	// Namespace: Namespace (default `default`).
	Namespace string
	// Name: Required; used in `source` of jobs.
	Name string
	// PluginID: `mkdir` or a custom plugin; empty for registered volumes.
	PluginID string
	// NodePool: Restrict placement (default from node).
	NodePool string
	// NodeID: Node; required for register (default placed).
	NodeID string
	// Constraints: Placement constraints (create).
	Constraints []*Constraint
	// RequestedCapacityMinBytes: Bounds (default 0).
	RequestedCapacityMinBytes int64
	// RequestedCapacityMaxBytes: Bounds (default 0).
	RequestedCapacityMaxBytes int64
	// CapacityBytes: Actual size.
	CapacityBytes int64
	// RequestedCapabilities: `[{AttachmentMode, AccessMode}]`.
	RequestedCapabilities []*VolumeCapability
	// Parameters: Plugin parameters.
	Parameters map[string]string
	// HostPath: Path on the node.
	HostPath string
	// State: `pending`, `ready`, `unavailable`.
	State string
	// Allocations: Stubs of users (read only).
	Allocations []*AllocListStub
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// HostVolumeStub is the HostVolumeStub object of the HTTP API, see http-types.md.
type HostVolumeStub struct {
	// Namespace: As HostVolume.
	Namespace string
	// ID: As HostVolume.
	ID string
	// Name: As HostVolume.
	Name string
	// PluginID: As HostVolume.
	PluginID string
	// NodePool: As HostVolume.
	NodePool string
	// NodeID: As HostVolume.
	NodeID string
	// CapacityBytes: As HostVolume.
	CapacityBytes int64
	// State: As HostVolume.
	State string
	// CreateIndex: As HostVolume.
	CreateIndex uint64
	// ModifyIndex: As HostVolume.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// TaskGroupHostVolumeClaim is the TaskGroupHostVolumeClaim object of the HTTP API, see http-types.md.
type TaskGroupHostVolumeClaim struct {
	// ID: Owner.
	ID string
	// Namespace: Owner.
	Namespace string
	// JobID: Owner.
	JobID string
	// TaskGroupName: Owner.
	TaskGroupName string
	// AllocID: Owner.
	AllocID string
	// VolumeID: Volume.
	VolumeID string
	// VolumeName: Volume.
	VolumeName string
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// HostVolumeCreateResponse answers creating or registering a host volume.
type HostVolumeCreateResponse struct {
	Volume   *HostVolume
	Warnings string
	WriteMeta
}
