// SPDX-License-Identifier: MPL-2.0

package api

// ScalingPolicy is the ScalingPolicy object of the HTTP API, see http-types.md.
type ScalingPolicy struct {
	// ID: Uuid (default generated).
	ID string `hcl:"-"`
	// Type: `horizontal`; Enterprise: `vertical_cpu`, `vertical_mem` (default `horizontal`).
	Type string `hcl:"type" default:"horizontal"`
	// Enabled: Evaluated by the autoscaler (default true).
	Enabled *bool `hcl:"enabled" default:"true"`
	// Min: Lower bound (default group count).
	Min *int `hcl:"min"`
	// Max: Upper bound; required in a group.
	Max *int `hcl:"max"`
	// Policy: Opaque document for the autoscaler.
	Policy map[string]any `hcl:"policy,any"`
	// Target: `Namespace`, `Job`, `Group` (and `Task`) (default filled).
	Target map[string]string `hcl:"-"`
	// Namespace: Ignored on input.
	Namespace string `api:"in" hcl:"-"`
	// CreateIndex: Indexes.
	CreateIndex uint64 `hcl:"-"`
	// ModifyIndex: Indexes.
	ModifyIndex uint64 `hcl:"-"`
}

// ScalingPolicyListStub is the ScalingPolicyListStub object of the HTTP API, see http-types.md.
type ScalingPolicyListStub struct {
	// ID: As ScalingPolicy.
	ID string
	// Enabled: As ScalingPolicy.
	Enabled bool
	// Type: As ScalingPolicy.
	Type string
	// Target: As ScalingPolicy.
	Target map[string]string
	// CreateIndex: As ScalingPolicy.
	CreateIndex uint64
	// ModifyIndex: As ScalingPolicy.
	ModifyIndex uint64
}

// JobScaleStatus is the JobScaleStatus object of the HTTP API, see http-types.md.
type JobScaleStatus struct {
	// JobID: Job.
	JobID string
	// Namespace: Job.
	Namespace string
	// JobCreateIndex: Job.
	JobCreateIndex uint64
	// JobModifyIndex: The job's **ModifyIndex**.
	JobModifyIndex uint64
	// JobStopped: Stopped.
	JobStopped bool
	// TaskGroups: Per group, below.
	TaskGroups map[string]TaskGroupScaleStatus
}

// TaskGroupScaleStatus is the TaskGroupScaleStatus object of the HTTP API, see http-types.md.
type TaskGroupScaleStatus struct {
	// Desired: Group count.
	Desired int
	// Placed: Counts of the current deployment or allocations.
	Placed int
	// Running: Counts of the current deployment or allocations.
	Running int
	// Healthy: Counts of the current deployment or allocations.
	Healthy int
	// Unhealthy: Counts of the current deployment or allocations.
	Unhealthy int
	// Events: Newest first, at most 20.
	Events []*ScalingEvent
}

// ScalingEvent is the ScalingEvent object of the HTTP API, see http-types.md.
type ScalingEvent struct {
	// Time: Event time.
	Time int64
	// Count: New count or null.
	Count *int64
	// PreviousCount: Old count.
	PreviousCount int
	// Message: From the request.
	Message string
	// Error: From the request.
	Error bool
	// Meta: From the request.
	Meta map[string]any
	// EvalID: Evaluation or null.
	EvalID *string
	// CreateIndex: Index.
	CreateIndex uint64
}

// MaxScalingEvents is how many scaling events of a group are kept.
const MaxScalingEvents = 20

// JobScalingEvents are the newest scaling events of a job by group, the newest first.
type JobScalingEvents struct {
	Namespace   string
	JobID       string
	Groups      map[string][]*ScalingEvent
	ModifyIndex uint64
}
