// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Allocation is the Allocation object of the HTTP API, see http-types.md.
type Allocation struct {
	_ struct{} `api:"sparse"`

	// ID: Uuid.
	ID string
	// Namespace: Namespace.
	Namespace string
	// EvalID: Evaluation that created it.
	EvalID string
	// Name: `<job>.<group>[<index>]`.
	Name string
	// NodeID: Node.
	NodeID string
	// NodeName: Node.
	NodeName string
	// JobID: Job id.
	JobID string
	// Job: The job version it runs (full object).
	Job *Job
	// TaskGroup: Group.
	TaskGroup string
	// Resources: Obsolete forms of `AllocatedResources` (still filled).
	Resources *Resources
	// SharedResources: Obsolete forms of `AllocatedResources` (still filled).
	SharedResources *Resources
	// TaskResources: Obsolete forms of `AllocatedResources` (still filled).
	TaskResources map[string]*Resources
	// AllocatedResources: Granted resources.
	AllocatedResources *AllocatedResources
	// Metrics: Scheduling record.
	Metrics *AllocMetric
	// DesiredStatus: `run`, `stop`, `evict`.
	DesiredStatus string
	// DesiredDescription: Reason.
	DesiredDescription string
	// DesiredTransition: Pending transitions.
	DesiredTransition DesiredTransition
	// ClientStatus: `pending`, `running`, `complete`, `failed`, `lost`, `unknown`.
	ClientStatus string
	// ClientDescription: Reason.
	ClientDescription string
	// TaskStates: Per task.
	TaskStates map[string]*TaskState
	// AllocStates: History of status changes used for disconnects.
	AllocStates []*AllocState
	// PreviousAllocation: Replacement chain.
	PreviousAllocation string
	// NextAllocation: Replacement chain.
	NextAllocation string
	// DeploymentID: Deployment.
	DeploymentID string
	// DeploymentStatus: Health in the deployment, null before known.
	DeploymentStatus *AllocDeploymentStatus
	// RescheduleTracker: Reschedule history.
	RescheduleTracker *RescheduleTracker
	// NetworkStatus: Addresses in the network namespace.
	NetworkStatus *AllocNetworkStatus
	// FollowupEvalID: Delayed reschedule evaluation.
	FollowupEvalID string
	// PreemptedAllocations: Preemption.
	PreemptedAllocations []string
	// PreemptedByAllocation: Preemption.
	PreemptedByAllocation string
	// SigningKeyID: Key of its identities.
	SigningKeyID string
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// AllocModifyIndex: Last change by the servers (excludes client updates).
	AllocModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// AllocListStub is the AllocListStub object of the HTTP API, see http-types.md.
type AllocListStub struct {
	// ID: As Allocation.
	ID string
	// EvalID: As Allocation.
	EvalID string
	// Name: As Allocation.
	Name string
	// Namespace: As Allocation.
	Namespace string
	// NodeID: As Allocation.
	NodeID string
	// NodeName: As Allocation.
	NodeName string
	// JobID: As Allocation.
	JobID string
	// TaskGroup: As Allocation.
	TaskGroup string
	// DesiredStatus: As Allocation.
	DesiredStatus string
	// DesiredDescription: As Allocation.
	DesiredDescription string
	// ClientStatus: As Allocation.
	ClientStatus string
	// ClientDescription: As Allocation.
	ClientDescription string
	// DesiredTransition: As Allocation.
	DesiredTransition DesiredTransition
	// DeploymentStatus: As Allocation.
	DeploymentStatus *AllocDeploymentStatus
	// FollowupEvalID: As Allocation.
	FollowupEvalID string
	// NextAllocation: As Allocation.
	NextAllocation string
	// RescheduleTracker: As Allocation.
	RescheduleTracker *RescheduleTracker
	// PreemptedAllocations: As Allocation.
	PreemptedAllocations []string
	// PreemptedByAllocation: As Allocation.
	PreemptedByAllocation string
	// CreateIndex: As Allocation.
	CreateIndex uint64
	// ModifyIndex: As Allocation.
	ModifyIndex uint64
	// JobType: From the embedded job.
	JobType string
	// JobVersion: From the embedded job.
	JobVersion uint64
	// AllocatedResources: Only with `resources=true`, else null.
	AllocatedResources *AllocatedResources
	// TaskStates: Null with `task_states=false`.
	TaskStates map[string]*TaskState
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// AllocNetworkStatus is the AllocNetworkStatus object of the HTTP API, see http-types.md.
type AllocNetworkStatus struct {
	// InterfaceName: Interface in the namespace.
	InterfaceName string
	// Address: Addresses.
	Address string
	// AddressIPv6: Addresses.
	AddressIPv6 string
	// DNS: Resolver settings.
	DNS *DNSConfig
}

// AllocDeploymentStatus is the AllocDeploymentStatus object of the HTTP API, see http-types.md.
type AllocDeploymentStatus struct {
	// Healthy: Null until known.
	Healthy *bool
	// Timestamp: When decided.
	Timestamp *time.Time
	// Canary: Is a canary.
	Canary bool
	// ModifyIndex: Index.
	ModifyIndex uint64
}

// DesiredTransition is the DesiredTransition object of the HTTP API, see http-types.md.
type DesiredTransition struct {
	// Migrate: Move away (drain).
	Migrate *bool
	// Reschedule: Place elsewhere.
	Reschedule *bool
	// ForceReschedule: Ignoring limits.
	ForceReschedule *bool
	// NoShutdownDelay: Skip shutdown delays.
	NoShutdownDelay *bool
	// MigrateDisablePlacement: Drain without placing a replacement.
	MigrateDisablePlacement *bool
}

// RescheduleTracker is the RescheduleTracker object of the HTTP API, see http-types.md.
type RescheduleTracker struct {
	// Events: `[{RescheduleTime (unix ns), PrevAllocID, PrevNodeID, Delay (ns)}]`.
	Events []*RescheduleEvent
	// LastReschedule: `""`, `ok`, `no placement`-like annotation of the last attempt.
	LastReschedule string
}

// AllocState is the AllocState object of the HTTP API, see http-types.md.
type AllocState struct {
	// Field: `ClientStatus`.
	Field string
	// Value: Status.
	Value string
	// Time: When.
	Time *time.Time
}

// RescheduleEvent records one reschedule attempt of an allocation chain.
type RescheduleEvent struct {
	// RescheduleTime is in unix nanoseconds.
	RescheduleTime int64
	PrevAllocID    string
	PrevNodeID     string
	Delay          time.Duration
}
