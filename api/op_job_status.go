// SPDX-License-Identifier: MPL-2.0

package api

// JobStatusesRequest asks for the statuses of all jobs of a namespace, with children if wanted.
type JobStatusesRequest struct {
	ReadOptions
	IncludeChildren bool `query:"include_children"`
}

// JobStatusesOfRequest asks for the statuses of some jobs; the children count as wanted when either field says so.
type JobStatusesOfRequest struct {
	ReadOptions
	Jobs            []NamespacedID
	IncludeChildren bool
	QueryChildren   bool `query:"include_children" json:"-"`
}

// NamespacedID names an object of a namespace.
type NamespacedID struct {
	ID        string
	Namespace string
}

// JobActionsRequest asks for the actions that a job's tasks define.
type JobActionsRequest struct {
	ReadOptions
	JobID string `path:"job_id"`
}

// JobActionRequest runs an action of a task inside one of the job's allocations. Group is sent by clients and not used.
type JobActionRequest struct {
	ReadOptions
	JobID   string `path:"job_id"`
	Task    string `query:"task"`
	Group   string `query:"group"`
	Action  string `query:"action"`
	AllocID string `query:"allocID"`
	TTY     bool   `query:"tty"`
}

// Target names the client of the allocation.
func (r *JobActionRequest) Target() Target { return allocTarget(r.AllocID) }

// Operations that describe jobs and act inside them.
var (
	JobStatuses = Declare(Op[JobStatusesRequest, []*JobStatus]{
		Name: "Job.Statuses", HTTP: "GET /v1/jobs/statuses", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List jobs with their allocations and deployments, newest change first.",
	})
	JobStatusesOf = Declare(Op[JobStatusesOfRequest, []*JobStatus]{
		Name: "Job.StatusesOf", HTTP: "POST! /v1/jobs/statuses", Mode: ModeRead, Reads: Blocking | Stale | Paginated | Reversible | Filtered,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List some jobs with their allocations and deployments, newest change first.",
	})
	JobServices = Declare(Op[JobRequest, []*ServiceRegistration]{
		Name: "Job.Services", HTTP: "GET /v1/job/{job_id...}/services", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the service registrations of a job.",
	})
	JobActions = Declare(Op[JobActionsRequest, []*JobAction]{
		Name: "Job.Actions", HTTP: "GET /v1/job/{job_id...}/actions", Mode: ModeRead, Reads: Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the actions that a job's tasks define.",
	})
	JobActionRun = DeclareStream(StreamOp[JobActionRequest, ExecInput, ExecOutput]{
		Name: "Job.Action", HTTP: "GET /v1/job/{job_id...}/action", Mode: ModeNode, Wire: WireSocket,
		Need: Need{Namespace: []string{"alloc-exec"}}, Doc: "Run an action of a task inside an allocation, over a websocket.",
	})
)
