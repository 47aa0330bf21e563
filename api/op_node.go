// SPDX-License-Identifier: MPL-2.0

package api

import (
	"maps"
	"time"
)

// NodeListRequest asks for node stubs.
type NodeListRequest struct {
	ReadOptions
	Resources bool `query:"resources"`
	OS        bool `query:"os"`
}

// NodeRequest names one node of a read.
type NodeRequest struct {
	ReadOptions
	NodeID string `path:"node_id"`
}

// NodeEligibilityRequest sets the scheduling eligibility of a node.
type NodeEligibilityRequest struct {
	WriteOptions
	PathID      string `path:"node_id" json:"-"`
	NodeID      string
	Eligibility string
}

// DrainSpec is how a node is drained.
type DrainSpec struct {
	// Deadline is how long allocations have; 0 for no deadline, below 0 to move everything at once.
	Deadline time.Duration
	// IgnoreSystemJobs leaves the allocations of system jobs.
	IgnoreSystemJobs bool
}

// NodeDrainRequest starts, changes or cancels the drain of a node.
type NodeDrainRequest struct {
	WriteOptions
	PathID string `path:"node_id" json:"-"`
	NodeID string
	// DrainSpec is null to end the drain.
	DrainSpec *DrainSpec
	// MarkEligible lets a node that no longer drains take allocations again.
	MarkEligible bool
	// Meta is kept with the node's last drain.
	Meta map[string]string
}

// NodeWriteRequest names one node of a write.
type NodeWriteRequest struct {
	WriteOptions
	NodeID string `path:"node_id"`
}

// NodeRegisterRequest registers a node or a new fingerprint of it.
type NodeRegisterRequest struct {
	WriteOptions
	Node *Node
	// SecretID proves that the caller is the node; kept by the servers, compared in constant time.
	SecretID string
}

// NodeHeartbeatRequest renews a node's time to live and may change its status.
type NodeHeartbeatRequest struct {
	WriteOptions
	NodeID   string
	SecretID string
	Status   string
}

// NodeHeartbeatResponse tells a node when to report next.
type NodeHeartbeatResponse struct {
	// TTL is how long the servers wait for the next heartbeat before grace.
	TTL time.Duration
	// Status is what the servers have for the node now. Initializing as answer to ready asks the node for the
	// states of its allocations first: it was away.
	Status  string
	EvalIDs []string
	// Servers are the RPC addresses of the servers of the region, host:port.
	Servers []string
	WriteMeta
}

// NodeAllocsRequest is the allocation watch of a client: a blocking read of its allocations' versions.
type NodeAllocsRequest struct {
	ReadOptions
	NodeID   string
	SecretID string
	// Known is how many allocations the answer with index MinIndex listed; with it the servers wait for news
	// and answer with the news alone. 0 asks for everything.
	Known int
	// Restored is the Restored of the answer that the caller goes by, NeverRestored in the beginning. Servers with another
	// answer at once, with everything. Callers who do not ask for that leave it 0.
	Restored int64
}

// NodeAllocsResponse maps the IDs of a node's allocations to their AllocModifyIndex.
type NodeAllocsResponse struct {
	Allocs map[string]uint64
	// Partial says that only those which changed since MinIndex are listed, and that all others are as before.
	Partial bool
	// Restored tells when the state was last replaced by that of a snapshot: it grows each time, and is NeverRestored until
	// then.
	Restored int64
}

// NeverRestored stands for a state that was not replaced by that of a snapshot.
const NeverRestored = 1

// Over returns all allocations of the node: those listed over the known ones if the answer is partial.
func (r *NodeAllocsResponse) Over(known map[string]uint64) map[string]uint64 {
	if !r.Partial {
		return r.Allocs
	}
	all := make(map[string]uint64, len(known)+len(r.Allocs))
	maps.Copy(all, known)
	maps.Copy(all, r.Allocs)
	return all
}

// AllocFetchRequest fetches full allocations, with their jobs, by ID.
type AllocFetchRequest struct {
	ReadOptions
	NodeID   string
	SecretID string
	AllocIDs []string
}

// AllocUpdateRequest reports the client side of allocations: only ID, client status and description,
// task states, deployment health and network status are read.
type AllocUpdateRequest struct {
	WriteOptions
	NodeID   string
	SecretID string
	Allocs   []*Allocation
}

// NodeEventsRequest adds events to a node.
type NodeEventsRequest struct {
	WriteOptions
	NodeID   string
	SecretID string
	Events   []*NodeEvent
}

// Node operations.
var (
	NodeList = Declare(Op[NodeListRequest, []*NodeListStub]{
		Name: "Node.List", Metric: "client.list", HTTP: "GET /v1/nodes", Mode: ModeRead, Reads: ListReads,
		Need: Need{Node: "read"}, Doc: "List nodes.",
	})
	NodeGet = Declare(Op[NodeRequest, *Node]{
		Name: "Node.Get", Metric: "client.get_node", HTTP: "GET /v1/node/{node_id}", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Node: "read"}, Doc: "Read a node.",
	})
	NodeAllocations = Declare(Op[NodeRequest, []*Allocation]{
		Name: "Node.Allocations", Metric: "client.get_allocs", HTTP: "GET /v1/node/{node_id}/allocations", Mode: ModeRead, Reads: Blocking | Stale,
		Need: Need{Node: "read"}, Doc: "List the allocations of a node, in full.",
	})
	NodeEligibilitySet = Declare(Op[NodeEligibilityRequest, *NodeEligibilityResponse]{
		Name: "Node.Eligibility", Metric: "client.update_eligibility", HTTP: "PUT /v1/node/{node_id}/eligibility", Mode: ModeWrite,
		Need: Need{Node: "write"}, Doc: "Set whether new allocations may be placed on a node.",
	})
	NodeDrain = Declare(Op[NodeDrainRequest, *NodeEligibilityResponse]{
		Name: "Node.Drain", Metric: "client.update_drain", HTTP: "PUT /v1/node/{node_id}/drain", Mode: ModeWrite,
		Need: Need{Node: "write"}, Doc: "Move the allocations of a node away, or stop doing so.",
	})
	NodePurge = Declare(Op[NodeWriteRequest, *NodeUpdateResponse]{
		Name: "Node.Purge", Metric: "client.deregister", HTTP: "PUT /v1/node/{node_id}/purge", Mode: ModeWrite,
		Need: Need{Node: "write"}, Doc: "Forget a node; its allocations are replaced.",
	})
	NodeEvaluate = Declare(Op[NodeWriteRequest, *NodeUpdateResponse]{
		Name: "Node.Evaluate", Metric: "client.evaluate", HTTP: "PUT /v1/node/{node_id}/evaluate", Mode: ModeWrite,
		Need: Need{Node: "write"}, Doc: "Create the evaluations that a change of the node would call for.",
	})

	NodeRegister = Declare(Op[NodeRegisterRequest, *NodeHeartbeatResponse]{
		Name: "Node.Register", Metric: "client.register", Mode: ModeWrite, Need: Need{Internal: true}, Doc: "Register a node or a new fingerprint of it.",
	})
	NodeHeartbeat = Declare(Op[NodeHeartbeatRequest, *NodeHeartbeatResponse]{
		Name: "Node.Heartbeat", Metric: "client.update_status", Mode: ModeWrite, Need: Need{Internal: true}, Doc: "Renew a node's time to live and report its status.",
	})
	NodeAllocsWatch = Declare(Op[NodeAllocsRequest, *NodeAllocsResponse]{
		Name: "Node.AllocsWatch", Metric: "client.get_client_allocs", Mode: ModeRead, Reads: Blocking | Stale | Settled, Need: Need{Internal: true},
		Doc: "Wait for a change of a node's allocations and return their versions.",
	})
	AllocFetch = Declare(Op[AllocFetchRequest, *AllocFetchResponse]{
		Name: "Alloc.Fetch", Metric: "alloc.get_allocs", Mode: ModeRead, Reads: Stale | Settled, Need: Need{Internal: true}, Doc: "Fetch a node's allocations in full.",
	})
	AllocUpdate = Declare(Op[AllocUpdateRequest, *WriteMeta]{
		Name: "Alloc.Update", Metric: "client.update_alloc", Mode: ModeWrite, Need: Need{Internal: true}, Doc: "Report the client side of a node's allocations.",
	})
	NodeEvents = Declare(Op[NodeEventsRequest, *WriteMeta]{
		Name: "Node.Events", Metric: "client.emit_events", Mode: ModeWrite, Need: Need{Internal: true}, Doc: "Add events to a node.",
	})
)
