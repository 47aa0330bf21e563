// SPDX-License-Identifier: MPL-2.0

package api

// DeploymentListRequest asks for deployments.
type DeploymentListRequest struct{ ReadOptions }

// DeploymentRequest names one deployment of a read.
type DeploymentRequest struct {
	ReadOptions
	DeploymentID string `path:"deployment_id"`
}

// DeploymentFailRequest ends a deployment as failed.
type DeploymentFailRequest struct {
	WriteOptions
	DeploymentID string `path:"deployment_id"`
}

// DeploymentPauseRequest pauses or resumes a deployment.
type DeploymentPauseRequest struct {
	WriteOptions
	PathID       string `path:"deployment_id" json:"-"`
	DeploymentID string
	Pause        bool
}

// DeploymentPromoteRequest promotes the canaries of all or some groups.
type DeploymentPromoteRequest struct {
	WriteOptions
	PathID       string `path:"deployment_id" json:"-"`
	DeploymentID string
	All          bool
	Groups       []string
}

// DeploymentUnblockRequest goes on with a deployment that waits for another region.
type DeploymentUnblockRequest struct {
	WriteOptions
	PathID       string `path:"deployment_id" json:"-"`
	DeploymentID string
}

// DeploymentAllocHealthRequest sets the health of allocations of a deployment by hand.
type DeploymentAllocHealthRequest struct {
	WriteOptions
	PathID                 string `path:"deployment_id" json:"-"`
	DeploymentID           string
	HealthyAllocationIDs   []string
	UnhealthyAllocationIDs []string
}

// Deployment operations.
var (
	DeploymentList = Declare(Op[DeploymentListRequest, []*Deployment]{
		Name: "Deployment.List", HTTP: "GET /v1/deployments", Mode: ModeRead, Reads: ListReads | AllNamespacesList,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List deployments.",
	})
	DeploymentGet = Declare(Op[DeploymentRequest, *Deployment]{
		Name: "Deployment.Get", Metric: "deployment.get_deployment", HTTP: "GET /v1/deployment/{deployment_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read a deployment.",
	})
	DeploymentAllocations = Declare(Op[DeploymentRequest, []*AllocListStub]{
		Name: "Deployment.Allocations", HTTP: "GET /v1/deployment/allocations/{deployment_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "List the allocations of a deployment.",
	})
	DeploymentFail = Declare(Op[DeploymentFailRequest, *DeploymentUpdateResponse]{
		Name: "Deployment.Fail", HTTP: "PUT /v1/deployment/fail/{deployment_id}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "fail-deployment"}}, Doc: "End a deployment as failed.",
	})
	DeploymentPause = Declare(Op[DeploymentPauseRequest, *DeploymentUpdateResponse]{
		Name: "Deployment.Pause", HTTP: "PUT /v1/deployment/pause/{deployment_id}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "pause-deployment"}}, Doc: "Pause or resume a deployment.",
	})
	DeploymentPromote = Declare(Op[DeploymentPromoteRequest, *DeploymentUpdateResponse]{
		Name: "Deployment.Promote", HTTP: "PUT /v1/deployment/promote/{deployment_id}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "promote-deployment"}}, Doc: "Promote the canaries of a deployment.",
	})
	DeploymentUnblock = Declare(Op[DeploymentUnblockRequest, *DeploymentUpdateResponse]{
		Name: "Deployment.Unblock", HTTP: "PUT /v1/deployment/unblock/{deployment_id}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "unblock-deployment"}}, Doc: "Go on with a deployment that waits for another region.",
	})
	DeploymentAllocHealth = Declare(Op[DeploymentAllocHealthRequest, *DeploymentUpdateResponse]{
		Name: "Deployment.AllocHealth", Metric: "deployment.set_alloc_health", HTTP: "PUT /v1/deployment/allocation-health/{deployment_id}", Mode: ModeWrite,
		Need: Need{Namespace: []string{"submit-job", "set-alloc-health-deployment"}}, Doc: "Set the health of allocations of a deployment by hand.",
	})
)
