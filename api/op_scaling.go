// SPDX-License-Identifier: MPL-2.0

package api

// JobScaleRequest changes the count of a group, or only notes a scaling event when Count is missing.
type JobScaleRequest struct {
	WriteOptions
	JobID string `path:"job_id" json:"-"`
	// Target holds the group's name under "Group".
	Target         map[string]string
	Count          *int64
	Message        string
	Error          bool
	Meta           map[string]any
	PolicyOverride bool
	// JobModifyIndex must be the job's when above 0.
	JobModifyIndex uint64
}

// ScalingPolicyListRequest asks for scaling policies, of one job or type if given.
type ScalingPolicyListRequest struct {
	ReadOptions
	Job  string `query:"job"`
	Type string `query:"type"`
}

// ScalingPolicyRequest names one scaling policy.
type ScalingPolicyRequest struct {
	ReadOptions
	PolicyID string `path:"policy_id"`
}

// Scaling operations.
var (
	JobScale = Declare(Op[JobScaleRequest, *JobRegisterResponse]{
		Name: "Job.Scale", HTTP: "PUT /v1/job/{job_id...}/scale", Mode: ModeWrite,
		Need: Need{Namespace: []string{"scale-job", "submit-job"}}, Doc: "Change the count of a group, or note a scaling event.",
	})
	JobScaleStatusGet = Declare(Op[JobRequest, *JobScaleStatus]{
		Name: "Job.ScaleStatus", HTTP: "GET /v1/job/{job_id...}/scale", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job", "read-job-scaling"}}, Doc: "Read the counts and scaling events of a job's groups.",
	})
	ScalingPolicyList = Declare(Op[ScalingPolicyListRequest, []*ScalingPolicyListStub]{
		Name: "Scaling.ListPolicies", HTTP: "GET /v1/scaling/policies", Mode: ModeRead, Reads: Blocking | Stale | Prefixed | AllNamespacesList,
		Need: Need{Namespace: []string{"list-scaling-policies", "list-jobs"}}, Doc: "List scaling policies.",
	})
	ScalingPolicyGet = Declare(Op[ScalingPolicyRequest, *ScalingPolicy]{
		Name: "Scaling.GetPolicy", HTTP: "GET /v1/scaling/policy/{policy_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-scaling-policy", "list-jobs"}}, Doc: "Read a scaling policy.",
	})
)
