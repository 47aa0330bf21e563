// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// JobRegisterResponse is the JobRegisterResponse object of the HTTP API, see http-types.md.
type JobRegisterResponse struct {
	// EvalID: Created evaluation, `""` when none.
	EvalID string
	// EvalCreateIndex: Its index.
	EvalCreateIndex uint64
	// JobModifyIndex: New specification index.
	JobModifyIndex uint64
	// Warnings: Text or `""`.
	Warnings string
	ResponseMeta
}

// JobDeregisterResponse is the JobDeregisterResponse object of the HTTP API, see http-types.md.
type JobDeregisterResponse struct {
	// EvalID: As above.
	EvalID string
	// EvalCreateIndex: As above.
	EvalCreateIndex uint64
	// JobModifyIndex: As above.
	JobModifyIndex uint64
	// VolumeEvalID: Evaluation that frees CSI claims.
	VolumeEvalID string
	// VolumeEvalIndex: Evaluation that frees CSI claims.
	VolumeEvalIndex uint64
	ResponseMeta
}

// JobDispatchResponse is the JobDispatchResponse object of the HTTP API, see http-types.md.
type JobDispatchResponse struct {
	// DispatchedJobID: Child id.
	DispatchedJobID string
	// EvalID: Evaluation (`""`/0 when none).
	EvalID string
	// EvalCreateIndex: Evaluation (`""`/0 when none).
	EvalCreateIndex uint64
	// JobCreateIndex: Index of the child.
	JobCreateIndex uint64
	WriteMeta
}

// JobVersionsResponse is the JobVersionsResponse object of the HTTP API, see http-types.md.
type JobVersionsResponse struct {
	// Versions: Newest first.
	Versions []*Job
	// Diffs: Null without `diffs`; element i describes `Versions[i]` against `Versions[i+1]` (or the chosen version).
	Diffs []*JobDiff
	ResponseMeta
}

// JobPlanResponse is the JobPlanResponse object of the HTTP API, see http-types.md.
type JobPlanResponse struct {
	// Annotations: Planned actions.
	Annotations *PlanAnnotations
	// FailedTGAllocs: Per group that cannot be placed; null when none.
	FailedTGAllocs map[string]*AllocMetric
	// JobModifyIndex: Current specification index (0 for a new job).
	JobModifyIndex uint64
	// CreatedEvals: Evaluations the scheduler would create.
	CreatedEvals []*Evaluation
	// Diff: Null unless requested.
	Diff *JobDiff
	// NextPeriodicLaunch: Next launch for periodic jobs.
	NextPeriodicLaunch *time.Time
	// Warnings: Text.
	Warnings string
	// Index: Always 0 or the job's index; not meaningful.
	Index uint64
}

// PlanAnnotations is the PlanAnnotations object of the HTTP API, see http-types.md.
type PlanAnnotations struct {
	// DesiredTGUpdates: Per group, below.
	DesiredTGUpdates map[string]*DesiredUpdates
	// PreemptedAllocs: Allocations that would be preempted.
	PreemptedAllocs []*AllocListStub
}

// DesiredUpdates is the DesiredUpdates object of the HTTP API, see http-types.md.
type DesiredUpdates struct {
	// Ignore: Counts.
	Ignore int
	// Place: Counts.
	Place int
	// Migrate: Counts.
	Migrate int
	// Stop: Counts.
	Stop int
	// InPlaceUpdate: Counts.
	InPlaceUpdate int
	// DestructiveUpdate: Counts.
	DestructiveUpdate int
	// Canary: Counts.
	Canary int
	// Preemptions: Counts.
	Preemptions int
	// Disconnect: Counts.
	Disconnect int
	// Reconnect: Counts.
	Reconnect int
	// RescheduleNow: Counts.
	RescheduleNow int
	// RescheduleLater: Counts.
	RescheduleLater int
}

// JobAction is the JobAction object of the HTTP API, see http-types.md.
type JobAction struct {
	// Name: As Action.
	Name string
	// Command: As Action.
	Command string
	// Args: As Action.
	Args []string
	// TaskName: Where it is defined.
	TaskName string
	// TaskGroupName: Where it is defined.
	TaskGroupName string
}

// JobValidateResponse is the Validate response object of the HTTP API, see http-types.md.
type JobValidateResponse struct {
	// DriverConfigValidated: Driver configurations were checked.
	DriverConfigValidated bool
	// ValidationErrors: List of messages or null.
	ValidationErrors []string
	// Error: Aggregated text.
	Error string
	// Warnings: Text.
	Warnings string
}

// JobPeriodicForceResponse answers a forced launch of a periodic job.
type JobPeriodicForceResponse struct {
	EvalID          string
	EvalCreateIndex uint64
	WriteMeta
}

// JobVersionTagResponse answers tagging and untagging a job version; untagging answers an empty tag.
type JobVersionTagResponse struct {
	Name        string
	Description string
	TaggedTime  int64
	ResponseMeta
}
