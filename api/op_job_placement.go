// SPDX-License-Identifier: MPL-2.0

package api

// JobPlacementGet explains the placement of a job. It is no part of the contract.
var JobPlacementGet = Declare(Op[JobRequest, *JobPlacement]{
	Name: "Job.Placement", HTTP: "GET /v1/job/{job_id...}/placement", Mode: ModeRead, Reads: Blocking | Stale,
	Need: Need{Namespace: []string{"read-job"}},
	Doc:  "Explain where the allocations of a job can run, and what would place those that have no node.",
})
