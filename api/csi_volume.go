// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// CSIVolume is the CSIVolume object of the HTTP API, see http-types.md.
type CSIVolume struct {
	// ID: Identity.
	ID string
	// Name: Identity.
	Name string
	// Namespace: Identity.
	Namespace string
	// ExternalID: Id at the provider (required to register).
	ExternalID string
	// PluginID: Required.
	PluginID string
	// RequestedTopologies: `{Required:[{Segments}], Preferred:[…]}`.
	RequestedTopologies *CSITopologyRequest
	// Topologies: Where it is reachable.
	Topologies []*CSITopology
	// AccessMode: Current mode, `""` when unclaimed.
	AccessMode string
	// AttachmentMode: Current mode, `""` when unclaimed.
	AttachmentMode string
	// MountOptions: `{FSType, MountFlags}` (flags redacted).
	MountOptions *MountOptions
	// Secrets: Write only; always `null` in reads.
	Secrets map[string]string
	// Parameters: Provider settings.
	Parameters map[string]string
	// Context: Provider settings.
	Context map[string]string
	// Capacity: Bytes.
	Capacity int64
	// RequestedCapacityMin: Bytes.
	RequestedCapacityMin int64
	// RequestedCapacityMax: Bytes.
	RequestedCapacityMax int64
	// RequestedCapabilities: `[{AttachmentMode, AccessMode}]`.
	RequestedCapabilities []*VolumeCapability
	// CloneID: Source for create.
	CloneID string
	// SnapshotID: Source for create.
	SnapshotID string
	// ReadAllocs: Map of allocation id to `null`.
	ReadAllocs map[string]*Allocation `api:"nulls"`
	// WriteAllocs: Map of allocation id to `null`.
	WriteAllocs map[string]*Allocation `api:"nulls"`
	// Allocations: Stubs of all claiming allocations.
	Allocations []*AllocListStub
	// Schedulable: Enough healthy plugins.
	Schedulable bool
	// Provider: From the plugin.
	Provider string
	// ProviderVersion: From the plugin.
	ProviderVersion string
	// ControllerRequired: Plugin health.
	ControllerRequired bool
	// ControllersHealthy: Plugin health.
	ControllersHealthy int
	// ControllersExpected: Plugin health.
	ControllersExpected int
	// NodesHealthy: Plugin health.
	NodesHealthy int
	// NodesExpected: Plugin health.
	NodesExpected int
	// ResourceExhausted: Last time creation ran out of capacity, or null.
	ResourceExhausted *time.Time
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// CSIVolumeListStub is the CSIVolumeListStub object of the HTTP API, see http-types.md.
type CSIVolumeListStub struct {
	// ID: As CSIVolume.
	ID string
	// Namespace: As CSIVolume.
	Namespace string
	// Name: As CSIVolume.
	Name string
	// ExternalID: As CSIVolume.
	ExternalID string
	// Topologies: As CSIVolume.
	Topologies []*CSITopology
	// AccessMode: As CSIVolume.
	AccessMode string
	// AttachmentMode: As CSIVolume.
	AttachmentMode string
	// Schedulable: As CSIVolume.
	Schedulable bool
	// PluginID: As CSIVolume.
	PluginID string
	// Provider: As CSIVolume.
	Provider string
	// ControllerRequired: As CSIVolume.
	ControllerRequired bool
	// ControllersHealthy: As CSIVolume.
	ControllersHealthy int
	// ControllersExpected: As CSIVolume.
	ControllersExpected int
	// NodesHealthy: As CSIVolume.
	NodesHealthy int
	// NodesExpected: As CSIVolume.
	NodesExpected int
	// ResourceExhausted: As CSIVolume.
	ResourceExhausted *time.Time
	// CreateIndex: As CSIVolume.
	CreateIndex uint64
	// ModifyIndex: As CSIVolume.
	ModifyIndex uint64
	// CurrentReaders: Claim counts.
	CurrentReaders int
	// CurrentWriters: Claim counts.
	CurrentWriters int
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// CSIVolumeExternalStub is the CSIVolumeExternalStub object of the HTTP API, see http-types.md.
type CSIVolumeExternalStub struct {
	// ExternalID: As reported by the plugin.
	ExternalID string
	// CapacityBytes: As reported by the plugin.
	CapacityBytes int64
	// VolumeContext: As reported by the plugin.
	VolumeContext map[string]string
	// CloneID: As reported by the plugin.
	CloneID string
	// SnapshotID: As reported by the plugin.
	SnapshotID string
	// PublishedExternalNodeIDs: As reported by the plugin.
	PublishedExternalNodeIDs []string
	// IsAbnormal: As reported by the plugin.
	IsAbnormal bool
	// Status: As reported by the plugin.
	Status string
}

// CSISnapshot is the CSISnapshot object of the HTTP API, see http-types.md.
type CSISnapshot struct {
	// ID: From the plugin.
	ID string
	// ExternalSourceVolumeID: From the plugin.
	ExternalSourceVolumeID string
	// SizeBytes: From the plugin.
	SizeBytes int64
	// IsReady: From the plugin.
	IsReady bool
	// CreateTime: Creation.
	CreateTime int64
	// SourceVolumeID: Volume to snapshot (required to create).
	SourceVolumeID string
	// PluginID: Identity.
	PluginID string
	// Name: Identity.
	Name string
	// Secrets: Request only.
	Secrets map[string]string
	// Parameters: Request only.
	Parameters map[string]string
}

// VolumeCapability is one pair of attachment and access mode.
type VolumeCapability struct {
	AttachmentMode string
	AccessMode     string
}

// CSITopology is a set of topology segments.
type CSITopology struct {
	Segments map[string]string
}

// CSITopologyRequest lists where a volume must or should be reachable.
type CSITopologyRequest struct {
	Required  []*CSITopology
	Preferred []*CSITopology
}
