// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Deployment is the Deployment object of the HTTP API, see http-types.md.
type Deployment struct {
	// ID: Identity.
	ID string
	// Namespace: Identity.
	Namespace string
	// JobID: Identity.
	JobID string
	// JobVersion: Job it belongs to.
	JobVersion uint64
	// JobModifyIndex: Job it belongs to.
	JobModifyIndex uint64
	// JobSpecModifyIndex: Job it belongs to.
	JobSpecModifyIndex uint64
	// JobCreateIndex: Job it belongs to.
	JobCreateIndex uint64
	// IsMultiregion: Enterprise.
	IsMultiregion bool
	// TaskGroups: Per group.
	TaskGroups map[string]*DeploymentState
	// Status: `initializing`, `pending`, `running`, `paused`, `blocked`, `unblocking`, `successful`, `failed`, `cancelled`.
	Status string
	// StatusDescription: See list.
	StatusDescription string
	// EvalPriority: Priority for its evaluations.
	EvalPriority int
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// DeploymentState is the DeploymentState object of the HTTP API, see http-types.md.
type DeploymentState struct {
	// AutoRevert: From the update block.
	AutoRevert bool
	// AutoPromote: From the update block.
	AutoPromote bool
	// ProgressDeadline: From the update block.
	ProgressDeadline time.Duration
	// RequireProgressBy: Deadline or null.
	RequireProgressBy *time.Time
	// Promoted: Canaries promoted.
	Promoted bool
	// PlacedCanaries: Allocation ids.
	PlacedCanaries []string
	// DesiredCanaries: Counts.
	DesiredCanaries int
	// DesiredTotal: Counts.
	DesiredTotal int
	// PlacedAllocs: Counts.
	PlacedAllocs int
	// HealthyAllocs: Counts.
	HealthyAllocs int
	// UnhealthyAllocs: Counts.
	UnhealthyAllocs int
}

// DeploymentUpdateResponse is the Deployment update response object of the HTTP API, see http-types.md.
type DeploymentUpdateResponse struct {
	// EvalID: Evaluation.
	EvalID string
	// EvalCreateIndex: Evaluation.
	EvalCreateIndex uint64
	// DeploymentModifyIndex: Index.
	DeploymentModifyIndex uint64
	// RevertedJobVersion: Number or null.
	RevertedJobVersion *uint64
	WriteMeta
}
