// SPDX-License-Identifier: MPL-2.0

package api

// JobWriteRequest names one job of a write.
type JobWriteRequest struct {
	WriteOptions
	JobID string `path:"job_id"`
}

// JobDispatchRequest launches a child of a parameterised job (http-api.md 2.2).
type JobDispatchRequest struct {
	WriteOptions
	// PathID is the job ID of the route; it must match JobID when that is given.
	PathID string `path:"job_id" json:"-"`
	JobID  string
	// Payload is at most 16 KiB.
	Payload          []byte
	Meta             map[string]string
	IdPrefixTemplate string
	// Priority of the child; 0 for the parent's.
	Priority int
	// IdempotencyToken makes a second dispatch with it return the living child of the first.
	IdempotencyToken string
	// QueryToken is the idempotency token given in the query instead.
	QueryToken string `query:"idempotency_token" json:"-"`
}

// Repeatable reports whether a token tells a second dispatch from another one.
func (r *JobDispatchRequest) Repeatable() bool { return r.IdempotencyToken+r.QueryToken != "" }

// JobDispatchPayloadRequest launches a child of a parameterised job; the request's body is the payload.
type JobDispatchPayloadRequest struct {
	WriteOptions
	JobID            string `path:"job_id"`
	IdempotencyToken string `query:"idempotency_token"`
	Payload          []byte `body:"raw"`
}

// Repeatable reports whether a token tells a second dispatch from another one.
func (r *JobDispatchPayloadRequest) Repeatable() bool { return r.IdempotencyToken != "" }

// Operations that launch children of periodic and parameterised jobs.
var (
	JobPeriodicForce = Declare(Op[JobWriteRequest, *JobPeriodicForceResponse]{
		Name: "Job.PeriodicForce", Metric: "periodic.force", HTTP: "PUT /v1/job/{job_id...}/periodic/force", Mode: ModeWrite,
		Need: Need{Namespace: []string{"dispatch-job", "submit-job", "force-periodic-job"}}, Doc: "Launch a periodic job now, whatever its schedule.",
	})
	JobDispatch = Declare(Op[JobDispatchRequest, *JobDispatchResponse]{
		Name: "Job.Dispatch", HTTP: "PUT /v1/job/{job_id...}/dispatch", Mode: ModeWrite,
		Need: Need{Namespace: []string{"dispatch-job"}}, Doc: "Launch a child of a parameterised job.",
	})
	JobDispatchPayload = Declare(Op[JobDispatchPayloadRequest, *JobDispatchResponse]{
		Name: "Job.DispatchPayload", HTTP: "PUT /v1/job/{job_id...}/dispatch/payload", Mode: ModeWrite,
		Need: Need{Namespace: []string{"dispatch-job"}}, Doc: "Launch a child of a parameterised job with the request's body as payload.",
	})
)
