// SPDX-License-Identifier: MPL-2.0

package api

// NodePoolListRequest asks for node pools.
type NodePoolListRequest struct{ ReadOptions }

// NodePoolRequest names one node pool of a read.
type NodePoolRequest struct {
	ReadOptions
	Name string `path:"name"`
}

// NodePoolApplyRequest creates or changes a node pool.
type NodePoolApplyRequest struct {
	WriteOptions
	// PathName is the name of the route, empty for /v1/node/pools; Pool.Name must be empty or equal.
	PathName string    `path:"name"`
	Pool     *NodePool `body:"*"`
}

// NodePoolDeleteRequest names the node pool to delete.
type NodePoolDeleteRequest struct {
	WriteOptions
	Name string `path:"name"`
}

// NodePoolNodesRequest asks for the nodes of a pool.
type NodePoolNodesRequest struct {
	ReadOptions
	Name      string `path:"name"`
	Resources bool   `query:"resources"`
	OS        bool   `query:"os"`
}

// NodePoolJobsRequest asks for the jobs of a pool.
type NodePoolJobsRequest struct {
	ReadOptions
	Name string `path:"name"`
	Meta bool   `query:"meta"`
}

// Node pool operations.
var (
	NodePoolList = Declare(Op[NodePoolListRequest, []*NodePool]{
		Name: "NodePool.List", HTTP: "GET /v1/node/pools", Mode: ModeRead, Reads: ListReads,
		Need: Need{NodePool: "read"}, Doc: "List node pools.",
	})
	NodePoolGet = Declare(Op[NodePoolRequest, *NodePool]{
		Name: "NodePool.Get", Metric: "node_pool.get_node_pool", HTTP: "GET /v1/node/pool/{name}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{NodePool: "read"}, Doc: "Read a node pool.",
	})
	NodePoolApply = Declare(Op[NodePoolApplyRequest, Empty]{
		Name: "NodePool.Apply", Metric: "node_pool.upsert_node_pools", HTTP: "PUT /v1/node/pools, PUT /v1/node/pool/{name}", Mode: ModeRegion,
		Need: Need{NodePool: "write"}, Doc: "Create or change a node pool.",
	})
	NodePoolDelete = Declare(Op[NodePoolDeleteRequest, Empty]{
		Name: "NodePool.Delete", Metric: "node_pool.delete_node_pools", HTTP: "DELETE /v1/node/pool/{name}", Mode: ModeRegion,
		Need: Need{NodePool: "delete"}, Doc: "Delete a node pool that nothing uses.",
	})
	NodePoolNodes = Declare(Op[NodePoolNodesRequest, []*NodeListStub]{
		Name: "NodePool.Nodes", Metric: "node_pool.list_nodes", HTTP: "GET /v1/node/pool/{name}/nodes", Mode: ModeRead, Reads: ListReads &^ Prefixed,
		Need: Need{NodePool: "read"}, Doc: "List the nodes of a pool.",
	})
	NodePoolJobs = Declare(Op[NodePoolJobsRequest, []*JobListStub]{
		Name: "NodePool.Jobs", Metric: "node_pool.list_jobs", HTTP: "GET /v1/node/pool/{name}/jobs", Mode: ModeRead, Reads: ListReads&^Prefixed | AllNamespacesList,
		Need: Need{NodePool: "read"}, Doc: "List the jobs of a pool.",
	})
)
