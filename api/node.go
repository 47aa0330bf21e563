// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Node is the Node object of the HTTP API, see http-types.md.
type Node struct {
	// ID: Uuid.
	ID string
	// SecretID: Always `""`.
	SecretID string
	// Name: Identity.
	Name string
	// Datacenter: Identity.
	Datacenter string
	// NodeClass: Identity.
	NodeClass string
	// NodePool: Identity.
	NodePool string
	// HTTPAddr: Client HTTP endpoint.
	HTTPAddr string
	// TLSEnabled: Client HTTP endpoint.
	TLSEnabled bool
	// CgroupParent: Cgroup.
	CgroupParent string
	// Attributes: Fingerprinted facts.
	Attributes map[string]string
	// NodeResources: Capacity.
	NodeResources *NodeResources
	// ReservedResources: Withheld.
	ReservedResources *NodeReservedResources
	// Links: Strings.
	Links map[string]string
	// Meta: Strings.
	Meta map[string]string
	// ComputedClass: Class hash.
	ComputedClass string
	// Drain: A drain is in progress.
	Drain bool
	// DrainStrategy: Running drain or null.
	DrainStrategy *DrainStrategy
	// SchedulingEligibility: `eligible`, `ineligible`.
	SchedulingEligibility string
	// Status: `initializing`, `ready`, `down`, `disconnected`.
	Status string
	// StatusDescription: Text.
	StatusDescription string
	// IdentitySigningKeyID: Key of the node identity.
	IdentitySigningKeyID string
	// StatusUpdatedAt: Unix **seconds**.
	StatusUpdatedAt int64
	// Events: Newest last, at most 10.
	Events []*NodeEvent
	// Drivers: Per driver.
	Drivers map[string]*DriverInfo
	// CSIControllerPlugins: Per plugin.
	CSIControllerPlugins map[string]*CSIInfo
	// CSINodePlugins: Per plugin.
	CSINodePlugins map[string]*CSIInfo
	// HostVolumes: Static and dynamic volumes by name.
	HostVolumes map[string]*NodeHostVolume
	// GCVolumesOnNodeGC: Forget volumes with the node.
	GCVolumesOnNodeGC bool
	// HostNetworks: By name.
	HostNetworks map[string]*NodeHostNetwork
	// LastDrain: Last drain.
	LastDrain *DrainMetadata
	// NodeMaxAllocs: Limit, 0 none.
	NodeMaxAllocs int
	// LastMissedHeartbeatIndex: Indexes.
	LastMissedHeartbeatIndex uint64
	// LastAllocUpdateIndex: Indexes.
	LastAllocUpdateIndex uint64
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// NodeListStub is the NodeListStub object of the HTTP API, see http-types.md.
type NodeListStub struct {
	// Address: Host part of `HTTPAddr`.
	Address string
	// ID: As Node.
	ID string
	// Datacenter: As Node.
	Datacenter string
	// Name: As Node.
	Name string
	// NodePool: As Node.
	NodePool string
	// NodeClass: As Node.
	NodeClass string
	// Drain: As Node.
	Drain bool
	// SchedulingEligibility: As Node.
	SchedulingEligibility string
	// Status: As Node.
	Status string
	// StatusDescription: As Node.
	StatusDescription string
	// Drivers: As Node.
	Drivers map[string]*DriverInfo
	// HostVolumes: As Node.
	HostVolumes map[string]*NodeHostVolume
	// LastDrain: As Node.
	LastDrain *DrainMetadata
	// CreateIndex: As Node.
	CreateIndex uint64
	// ModifyIndex: As Node.
	ModifyIndex uint64
	// Version: Attribute `nomad.version`.
	Version string
	// Attributes: With `os=true` only `{"os.name": …}`, else null.
	Attributes map[string]string
	// NodeResources: With `resources=true`, else null.
	NodeResources *NodeResources
	// ReservedResources: With `resources=true`, else null.
	ReservedResources *NodeReservedResources
}

// DriverInfo is the DriverInfo object of the HTTP API, see http-types.md.
type DriverInfo struct {
	// Attributes: `driver.<name>.…`.
	Attributes map[string]string
	// Detected: State.
	Detected bool
	// Healthy: State.
	Healthy bool
	// HealthDescription: Text.
	HealthDescription string
	// UpdateTime: Time.
	UpdateTime *time.Time
}

// DrainStrategy is the DrainStrategy object of the HTTP API, see http-types.md.
type DrainStrategy struct {
	// Deadline: Duration; -1 force, 0 none.
	Deadline time.Duration
	// IgnoreSystemJobs: Leave system jobs.
	IgnoreSystemJobs bool
	// ForceDeadline: Absolute deadline or null.
	ForceDeadline *time.Time
	// StartedAt: Time.
	StartedAt *time.Time
}

// DrainMetadata is the DrainMetadata object of the HTTP API, see http-types.md.
type DrainMetadata struct {
	// StartedAt: Times.
	StartedAt *time.Time
	// UpdatedAt: Times.
	UpdatedAt *time.Time
	// Status: `draining`, `complete`, `canceled`.
	Status string
	// AccessorID: Token.
	AccessorID string
	// Meta: From the request.
	Meta map[string]string
}

// NodeEvent is the NodeEvent object of the HTTP API, see http-types.md.
type NodeEvent struct {
	// Message: Text, strings.
	Message string
	// Details: Text, strings.
	Details map[string]string
	// Subsystem: `Drain`, `Driver`, `Heartbeat`, `Cluster`, `Scheduler`, `Storage`.
	Subsystem string
	// Timestamp: Time.
	Timestamp *time.Time
	// CreateIndex: Index.
	CreateIndex uint64
}

// NodeHostVolume is the Host volume on a node object of the HTTP API, see http-types.md.
type NodeHostVolume struct {
	// Name: Volume.
	Name string
	// Path: Volume.
	Path string
	// ReadOnly: Read only.
	ReadOnly bool
	// ID: Id of a dynamic volume, `""` for static.
	ID string
}

// NodeHostNetwork is the Host network on a node object of the HTTP API, see http-types.md.
type NodeHostNetwork struct {
	// Name: Settings.
	Name string
	// CIDR: Settings.
	CIDR string
	// Interface: Settings.
	Interface string
	// ReservedPorts: Settings.
	ReservedPorts string
}

// CSIInfo is the CSIInfo object of the HTTP API, see http-types.md.
type CSIInfo struct {
	// PluginID: Identity.
	PluginID string
	// AllocID: Identity.
	AllocID string
	// Provider: Identity.
	Provider string
	// ProviderVersion: Identity.
	ProviderVersion string
	// Healthy: State.
	Healthy bool
	// HealthDescription: State.
	HealthDescription string
	// UpdateTime: State.
	UpdateTime *time.Time
	// RequiresControllerPlugin: Capabilities.
	RequiresControllerPlugin bool
	// RequiresTopologies: Capabilities.
	RequiresTopologies bool
	// ControllerInfo: Booleans `SupportsCreateDelete`, `SupportsAttachDetach`, `SupportsListVolumes`, `SupportsGetCapacity`, `SupportsCreateDeleteSnapshot`, `SupportsListSnapshots`, `SupportsClone`, `SupportsReadOnlyAttach`, `SupportsExpand`, `SupportsListVolumesAttachedNodes`, `SupportsCondition`, `SupportsGet`.
	ControllerInfo *CSIControllerInfo
	// NodeInfo: `{ID, MaxVolumes, AccessibleTopology:{Segments}, RequiresNodeStageVolume, SupportsStats, SupportsExpand, SupportsCondition}`.
	NodeInfo *CSINodeInfo
}

// NodeUpdateResponse is the NodeUpdateResponse object of the HTTP API, see http-types.md.
type NodeUpdateResponse struct {
	// HeartbeatTTL: Node protocol values, irrelevant to API users.
	HeartbeatTTL time.Duration
	// Features: Node protocol values, irrelevant to API users.
	Features int
	// LeaderRPCAddr: Node protocol values, irrelevant to API users.
	LeaderRPCAddr string
	// NumNodes: Node protocol values, irrelevant to API users.
	NumNodes int
	// SignedIdentity: Node protocol values, irrelevant to API users.
	SignedIdentity *string
	// EvalIDs: Result.
	EvalIDs []string
	// EvalCreateIndex: Result.
	EvalCreateIndex uint64
	// NodeModifyIndex: Result.
	NodeModifyIndex uint64
	// Servers: `[{RPCAdvertiseAddr, RPCMajorVersion, RPCMinorVersion, Datacenter}]`.
	Servers []*NodeServerInfo
	// SchedulingEligibility: Eligibility.
	SchedulingEligibility string
	ResponseMeta
}

// NodeEligibilityResponse is the Drain/eligibility response object of the HTTP API, see http-types.md.
type NodeEligibilityResponse struct {
	// NodeModifyIndex: Index, may be 0.
	NodeModifyIndex uint64
	// EvalIDs: Evaluations.
	EvalIDs []string
	// EvalCreateIndex: Evaluations.
	EvalCreateIndex uint64
	WriteMeta
}

// CSIControllerInfo lists the optional features of a CSI controller plugin.
type CSIControllerInfo struct {
	SupportsCreateDelete             bool
	SupportsAttachDetach             bool
	SupportsListVolumes              bool
	SupportsGetCapacity              bool
	SupportsCreateDeleteSnapshot     bool
	SupportsListSnapshots            bool
	SupportsClone                    bool
	SupportsReadOnlyAttach           bool
	SupportsExpand                   bool
	SupportsListVolumesAttachedNodes bool
	SupportsCondition                bool
	SupportsGet                      bool
}

// CSINodeInfo describes a CSI node plugin.
type CSINodeInfo struct {
	ID                      string
	MaxVolumes              int64
	AccessibleTopology      *CSITopology
	RequiresNodeStageVolume bool
	SupportsStats           bool
	SupportsExpand          bool
	SupportsCondition       bool
}

// NodeServerInfo is one server a client may talk to.
type NodeServerInfo struct {
	RPCAdvertiseAddr string
	RPCMajorVersion  int32
	RPCMinorVersion  int32
	Datacenter       string
}
