// SPDX-License-Identifier: MPL-2.0

package api

// JobRevertRequest registers an earlier version of a job again. EnforcePriorVersion, when given, must be the
// current version.
type JobRevertRequest struct {
	WriteOptions
	// PathID is the job ID of the route; it must match JobID.
	PathID              string `path:"job_id" json:"-"`
	JobID               string
	JobVersion          uint64
	EnforcePriorVersion *uint64
}

// JobStableRequest marks a version of a job as stable or not.
type JobStableRequest struct {
	WriteOptions
	PathID     string `path:"job_id" json:"-"`
	JobID      string
	JobVersion uint64
	Stable     bool
}

// JobTagRequest names a version of a job: Version or, with Latest, the current one.
type JobTagRequest struct {
	WriteOptions
	JobID       string `path:"job_id" json:"-"`
	Tag         string `path:"tag" json:"-"`
	Version     uint64
	Latest      bool
	Description string
}

// JobUntagRequest removes the name of a job version.
type JobUntagRequest struct {
	WriteOptions
	JobID string `path:"job_id"`
	Tag   string `path:"tag"`
}

// Operations on the versions of a job.
var (
	JobRevert = Declare(Op[JobRevertRequest, *JobRegisterResponse]{
		Name: "Job.Revert", HTTP: "PUT /v1/job/{job_id...}/revert", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "revert-job"}}, Doc: "Register an earlier version of a job as a new one.",
	})
	JobStable = Declare(Op[JobStableRequest, *WriteMeta]{
		Name: "Job.Stable", HTTP: "PUT /v1/job/{job_id...}/stable", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "stable-job"}}, Doc: "Mark a version of a job as stable or not.",
	})
	JobTag = Declare(Op[JobTagRequest, *JobVersionTagResponse]{
		Name: "Job.Tag", HTTP: "PUT /v1/job/{job_id...}/versions/{tag}/tag", Mode: ModeWrite, NoIndex: true,
		Need: Need{Namespace: []string{"submit-job", "tag-job-version"}}, Doc: "Give a version of a job a name, which keeps it from collection.",
	})
	JobUntag = Declare(Op[JobUntagRequest, *JobVersionTagResponse]{
		Name: "Job.Untag", HTTP: "DELETE /v1/job/{job_id...}/versions/{tag}/tag", Mode: ModeWrite, NoIndex: true,
		Need: Need{Namespace: []string{"submit-job", "tag-job-version"}}, Doc: "Remove the name of a job version.",
	})
)
