// SPDX-License-Identifier: MPL-2.0

package api

// JobPlacementGet explains the placement of a job. It is no part of the contract, and not below /v1/job/, where it would take
// the paths of jobs whose ID ends in "/placement".
var JobPlacementGet = Declare(Op[JobRequest, *JobPlacement]{
	Name: "Job.Placement", HTTP: "GET /v1/placement/{job_id...}", Mode: ModeRead, Reads: Blocking | Stale,
	Need: Need{Namespace: []string{"read-job"}},
	Doc:  "Explain where the allocations of a job can run, and what would place those that have no node.",
})
