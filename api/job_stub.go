// SPDX-License-Identifier: MPL-2.0

package api

// JobListStub is the JobListStub object of the HTTP API, see http-types.md.
type JobListStub struct {
	// ID: As Job.
	ID string
	// ParentID: As Job.
	ParentID string
	// Name: As Job.
	Name string
	// Namespace: As Job.
	Namespace string
	// Datacenters: As Job.
	Datacenters []string
	// NodePool: As Job.
	NodePool string
	// Multiregion: As Job.
	Multiregion *Multiregion
	// Type: As Job.
	Type string
	// Priority: As Job.
	Priority int
	// Stop: As Job.
	Stop bool
	// Status: As Job.
	Status string
	// StatusDescription: As Job.
	StatusDescription string
	// SubmitTime: As Job.
	SubmitTime int64
	// Periodic: True when the job has that block.
	Periodic bool
	// ParameterizedJob: True when the job has that block.
	ParameterizedJob bool
	// JobSummary: Always present.
	JobSummary *JobSummary
	// Meta: Only with `meta=true`, else `null`.
	Meta map[string]string
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// JobModifyIndex: Indexes.
	JobModifyIndex uint64
}

// JobSummary is the JobSummary object of the HTTP API, see http-types.md.
type JobSummary struct {
	// JobID: Job.
	JobID string
	// Namespace: Job.
	Namespace string
	// Summary: Per group: `{Queued, Complete, Failed, Running, Starting, Lost, Unknown}` (integers).
	Summary map[string]TaskGroupSummary
	// Children: `{Pending, Running, Dead}`; for ordinary jobs all 0 (or null).
	Children *JobChildrenSummary
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// JobStatus is the JobStatus object of the HTTP API, see http-types.md.
type JobStatus struct {
	// ID: Job.
	ID string
	// Namespace: Job.
	Namespace string
	// Name: As Job.
	Name string
	// Type: As Job.
	Type string
	// NodePool: As Job.
	NodePool string
	// Datacenters: As Job.
	Datacenters []string
	// Priority: As Job.
	Priority int
	// Version: As Job.
	Version uint64
	// SubmitTime: As Job.
	SubmitTime int64
	// ModifyIndex: As Job.
	ModifyIndex uint64
	// ParentID: As Job.
	ParentID string
	// Stop: As Job.
	Stop bool
	// Status: As Job.
	Status string
	// Allocs: Allocations of the job.
	Allocs []*JobStatusAlloc
	// GroupCountSum: Sum of the stored group counts.
	GroupCountSum int
	// GroupCounts: The stored count of each group by its name; an addition to the contract.
	GroupCounts map[string]int `json:",omitempty"`
	// ChildStatuses: Statuses of children of periodic/parameterized jobs (`[]` when none); `null` for other jobs.
	ChildStatuses []string
	// LatestDeployment: Newest deployment or null.
	LatestDeployment *JobStatusDeployment
	// IsPack: Job meta has the key `pack.name`.
	IsPack bool
}

// JobStatusAlloc is the JobStatus alloc object of the HTTP API, see http-types.md.
type JobStatusAlloc struct {
	// ID: As Allocation.
	ID string
	// NodeID: As Allocation.
	NodeID string
	// ClientStatus: As Allocation.
	ClientStatus string
	// JobVersion: As Allocation.
	JobVersion uint64
	// FollowupEvalID: As Allocation.
	FollowupEvalID string
	// Group: Group name.
	Group string
	// DeploymentStatus: `{Canary, Healthy (bool or null)}`.
	DeploymentStatus *JobStatusAllocHealth
	// HasPausedTask: A task is paused.
	HasPausedTask bool
}

// JobStatusDeployment is the JobStatus deployment object of the HTTP API, see http-types.md.
type JobStatusDeployment struct {
	// ID: As Deployment.
	ID string
	// JobVersion: As Deployment.
	JobVersion uint64
	// Status: As Deployment.
	Status string
	// StatusDescription: As Deployment.
	StatusDescription string
	// IsActive: Running, paused, blocked, unblocking, pending or initializing.
	IsActive bool
	// AllAutoPromote: All canary groups promote automatically.
	AllAutoPromote bool
	// RequiresPromotion: Canaries placed and not promoted.
	RequiresPromotion bool
}

// TaskGroupSummary counts the allocations of one group by client status; Queued are placements still wanted.
type TaskGroupSummary struct {
	Queued   int
	Complete int
	Failed   int
	Running  int
	Starting int
	Lost     int
	Unknown  int
}

// JobChildrenSummary counts the children of a periodic or parameterised job by status.
type JobChildrenSummary struct {
	Pending int64
	Running int64
	Dead    int64
}

// JobStatusAllocHealth is the deployment part of a JobStatusAlloc.
type JobStatusAllocHealth struct {
	Canary  bool
	Healthy *bool
}
