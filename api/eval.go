// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Evaluation is the Evaluation object of the HTTP API, see http-types.md.
type Evaluation struct {
	_ struct{} `api:"sparse"`

	// ID: Id.
	ID string
	// Namespace: Id.
	Namespace string
	// Priority: 1-100 (core jobs higher).
	Priority int
	// Type: Scheduler: `service`, `batch`, `system`, `sysbatch`, `_core`.
	Type string
	// TriggeredBy: `job-register`, `job-deregister`, `periodic-job`, `node-drain`, `node-update`, `alloc-stop`, `alloc-failure`, `alloc-reschedule`, `scheduled`, `rolling-update`, `deployment-watcher`, `failed-follow-up`, `max-plan-attempts`, `max-disconnect-timeout`, `reconnect`, `queued-allocs`, `preemption`, `job-scaling`.
	TriggeredBy string
	// JobID: Job.
	JobID string
	// JobModifyIndex: Job.
	JobModifyIndex uint64
	// NodeID: Node for node-triggered evaluations.
	NodeID string
	// NodeModifyIndex: Node for node-triggered evaluations.
	NodeModifyIndex uint64
	// DeploymentID: Deployment.
	DeploymentID string
	// Status: `blocked`, `pending`, `complete`, `failed`, `canceled`.
	Status string
	// StatusDescription: Reason.
	StatusDescription string
	// Wait: Delay (obsolete).
	Wait time.Duration
	// WaitUntil: Not before.
	WaitUntil *time.Time
	// NextEval: Links.
	NextEval string
	// PreviousEval: Links.
	PreviousEval string
	// BlockedEval: Links.
	BlockedEval string
	// RelatedEvals: Stubs, only with `related=true`.
	RelatedEvals []*EvaluationStub
	// Notes: Preferences of the job that the nodes cannot follow, only with `explain=true`; none in the contract.
	Notes []string `json:",omitempty"`
	// FailedTGAllocs: Metrics of unplaced groups.
	FailedTGAllocs map[string]*AllocMetric
	// PlanAnnotations: For plans.
	PlanAnnotations *PlanAnnotations
	// ClassEligibility: Internal blocking data.
	ClassEligibility map[string]bool
	// EscapedComputedClass: Internal blocking data.
	EscapedComputedClass bool
	// MissingNonNodeResources: Internal blocking data.
	MissingNonNodeResources []string
	// QuotaLimitReached: Internal blocking data.
	QuotaLimitReached string
	// AnnotatePlan: Internal.
	AnnotatePlan bool
	// LeaderACL: Internal.
	LeaderACL string
	// SnapshotIndex: Internal.
	SnapshotIndex uint64
	// QueuedAllocations: Waiting placements per group.
	QueuedAllocations map[string]int
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// EvaluationStub is the EvaluationStub object of the HTTP API, see http-types.md.
type EvaluationStub struct {
	// ID: As Evaluation (not sparse).
	ID string
	// Namespace: As Evaluation (not sparse).
	Namespace string
	// Priority: As Evaluation (not sparse).
	Priority int
	// Type: As Evaluation (not sparse).
	Type string
	// TriggeredBy: As Evaluation (not sparse).
	TriggeredBy string
	// JobID: As Evaluation (not sparse).
	JobID string
	// NodeID: As Evaluation (not sparse).
	NodeID string
	// DeploymentID: As Evaluation (not sparse).
	DeploymentID string
	// Status: As Evaluation (not sparse).
	Status string
	// StatusDescription: As Evaluation (not sparse).
	StatusDescription string
	// WaitUntil: As Evaluation (not sparse).
	WaitUntil *time.Time
	// NextEval: As Evaluation (not sparse).
	NextEval string
	// PreviousEval: As Evaluation (not sparse).
	PreviousEval string
	// BlockedEval: As Evaluation (not sparse).
	BlockedEval string
	// CreateIndex: As Evaluation (not sparse).
	CreateIndex uint64
	// ModifyIndex: As Evaluation (not sparse).
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}
