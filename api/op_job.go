// SPDX-License-Identifier: MPL-2.0

package api

import "github.com/nomadlike/nomadlike/internal/typeinfo"

// JobListRequest asks for job stubs.
type JobListRequest struct {
	ReadOptions
	// Meta includes the jobs' meta in the stubs.
	Meta bool `query:"meta"`
}

// JobRequest names one job of a read.
type JobRequest struct {
	ReadOptions
	JobID string `path:"job_id"`
}

// JobRegisterRequest registers or updates a job (http-api.md 2.1).
type JobRegisterRequest struct {
	WriteOptions
	// PathID is the job ID of the route, empty for /v1/jobs; it must match Job.ID.
	PathID            string `path:"job_id" json:"-"`
	Job               *Job
	EnforceIndex      bool
	JobModifyIndex    uint64
	PolicyOverride    bool
	PreserveCounts    bool
	PreserveResources bool
	EvalPriority      int
	Submission        *JobSubmission
}

// Repeatable reports whether the job is registered whatever is there: once more, it is the same version.
func (r *JobRegisterRequest) Repeatable() bool { return !r.EnforceIndex }

// JobParseRequest turns job file text into a job.
type JobParseRequest struct {
	WriteOptions
	JobHCL       string
	Variables    string
	Canonicalize bool
}

// ParsedJob is a parsed job; its JSON is the bare job in the input form, unset fields null.
type ParsedJob struct {
	Job *Job
	// Canonical says that defaults were filled in, so that zero values are values.
	Canonical bool
}

// MarshalJSON writes the bare job.
func (p *ParsedJob) MarshalJSON() ([]byte, error) {
	form := typeinfo.Input
	if p.Canonical {
		form = typeinfo.Canonical
	}
	return typeinfo.Marshal(p.Job, form)
}

// UnmarshalJSON reads a bare job.
func (p *ParsedJob) UnmarshalJSON(data []byte) error {
	p.Job = new(Job)
	return typeinfo.Unmarshal(data, p.Job)
}

// JobValidateRequest validates a job without registering it.
type JobValidateRequest struct {
	ReadOptions
	Job *Job
}

// JobPlanRequest asks what registering the job would do.
type JobPlanRequest struct {
	WriteOptions
	PathID         string `path:"job_id" json:"-"`
	Job            *Job
	Diff           bool
	PolicyOverride bool
	// Explain, an addition to the contract, adds everything that stands in the way of what finds no node
	// (AllocMetric.Placement).
	Explain bool `query:"explain"`
}

// Repeatable reports true: a plan changes nothing.
func (r *JobPlanRequest) Repeatable() bool { return true }

// JobDeregisterRequest stops a job; Purge also removes it.
type JobDeregisterRequest struct {
	WriteOptions
	JobID           string `path:"job_id"`
	Purge           bool   `query:"purge"`
	Global          bool   `query:"global"`
	EvalPriority    int    `query:"eval_priority"`
	NoShutdownDelay bool   `query:"no_shutdown_delay"`
}

// JobEvaluateRequest creates a new evaluation for a job.
type JobEvaluateRequest struct {
	WriteOptions
	PathID      string `path:"job_id" json:"-"`
	JobID       string `body:"optional"`
	EvalOptions JobEvalOptions
}

// JobEvalOptions are the options of a JobEvaluateRequest.
type JobEvalOptions struct {
	ForceReschedule bool
}

// JobVersionsRequest asks for the versions of a job, with diffs if wanted.
type JobVersionsRequest struct {
	ReadOptions
	JobID       string `path:"job_id"`
	Diffs       bool   `query:"diffs"`
	DiffTag     string `query:"diff_tag"`
	DiffVersion string `query:"diff_version"`
}

// JobAllocationsRequest asks for the allocations of a job; All includes those of an earlier job with the ID.
type JobAllocationsRequest struct {
	ReadOptions
	JobID string `path:"job_id"`
	All   bool   `query:"all"`
}

// JobSubmissionRequest asks for the source of one job version.
type JobSubmissionRequest struct {
	ReadOptions
	JobID string `path:"job_id"`
	// Version is mandatory; text so that its absence can be told.
	Version string `query:"version"`
}

// Job operations.
var (
	JobList = Declare(Op[JobListRequest, []*JobListStub]{
		Name: "Job.List", HTTP: "GET /v1/jobs", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"list-jobs"}}, Doc: "List jobs.",
	})
	JobRegister = Declare(Op[JobRegisterRequest, *JobRegisterResponse]{
		Name: "Job.Register", HTTP: "PUT /v1/jobs, PUT /v1/job/{job_id...}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "register-job"}}, Doc: "Register a job or a new version of it.",
	})
	JobParse = Declare(Op[JobParseRequest, *ParsedJob]{
		Name: "Job.Parse", HTTP: "PUT /v1/jobs/parse", Mode: ModeLocal, NoIndex: true,
		Need: Need{Namespace: []string{"parse-job", "submit-job"}}, Doc: "Parse the text of a job file.",
	})
	JobValidate = Declare(Op[JobValidateRequest, *JobValidateResponse]{
		Name: "Job.Validate", HTTP: "PUT /v1/validate/job", Mode: ModeRead, NoIndex: true,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Validate a job without registering it.",
	})
	JobGet = Declare(Op[JobRequest, *Job]{
		Name: "Job.Get", Metric: "job.get_job", HTTP: "GET /v1/job/{job_id...}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read the current version of a job.",
	})
	JobDeregister = Declare(Op[JobDeregisterRequest, *JobDeregisterResponse]{
		Name: "Job.Deregister", HTTP: "DELETE /v1/job/{job_id...}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "deregister-job", "purge-job"}}, Doc: "Stop a job, and purge it if asked.",
	})
	JobPlan = Declare(Op[JobPlanRequest, *JobPlanResponse]{
		Name: "Job.Plan", HTTP: "PUT /v1/job/{job_id...}/plan", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "plan-job"}}, Doc: "Tell what registering the job would do, without doing it.",
	})
	JobEvaluate = Declare(Op[JobEvaluateRequest, *JobRegisterResponse]{
		Name: "Job.Evaluate", HTTP: "PUT /v1/job/{job_id...}/evaluate", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "evaluate-job"}}, Doc: "Create a new evaluation for a job.",
	})
	JobVersions = Declare(Op[JobVersionsRequest, *JobVersionsResponse]{
		Name: "Job.Versions", Metric: "job.get_job_versions", HTTP: "GET /v1/job/{job_id...}/versions", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the versions of a job, newest first.",
	})
	JobSummaryGet = Declare(Op[JobRequest, *JobSummary]{
		Name: "Job.Summary", Metric: "job_summary.get_job_summary", HTTP: "GET /v1/job/{job_id...}/summary", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Count a job's allocations by group and status.",
	})
	JobAllocations = Declare(Op[JobAllocationsRequest, []*AllocListStub]{
		Name: "Job.Allocations", HTTP: "GET /v1/job/{job_id...}/allocations", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the allocations of a job.",
	})
	JobEvaluations = Declare(Op[JobRequest, []*Evaluation]{
		Name: "Job.Evaluations", HTTP: "GET /v1/job/{job_id...}/evaluations", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the evaluations of a job.",
	})
	JobDeployments = Declare(Op[JobAllocationsRequest, []*Deployment]{
		Name: "Job.Deployments", HTTP: "GET /v1/job/{job_id...}/deployments", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the deployments of a job.",
	})
	JobLatestDeployment = Declare(Op[JobRequest, *Deployment]{
		Name: "Job.LatestDeployment", HTTP: "GET /v1/job/{job_id...}/deployment", Mode: ModeRead, Reads: Blocking | Stale, MayBeNull: true,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read the latest deployment of a job, null when there is none.",
	})
	JobSubmissionGet = Declare(Op[JobSubmissionRequest, *JobSubmission]{
		Name: "Job.Submission", HTTP: "GET /v1/job/{job_id...}/submission", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read the source that a job version was submitted with.",
	})
)
