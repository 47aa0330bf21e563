// SPDX-License-Identifier: MPL-2.0

package api

// AgentRequest has no parameters.
type AgentRequest struct{ ReadOptions }

// AgentHealthRequest asks for the health of the roles in Type, both when empty.
type AgentHealthRequest struct {
	ReadOptions
	Type []string `query:"type"`
}

// AgentHealthResponse is the health of the roles asked for.
type AgentHealthResponse struct {
	_ struct{} `api:"sparse"`

	Client *AgentRoleHealth `json:"client,omitempty"`
	Server *AgentRoleHealth `json:"server,omitempty"`
}

// HTTPStatus is 500 when a role is not healthy; the report is the body all the same.
func (r *AgentHealthResponse) HTTPStatus() int {
	for _, role := range []*AgentRoleHealth{r.Client, r.Server} {
		if role != nil && !role.Ok {
			return 500
		}
	}
	return 200
}

// AgentRoleHealth is the health of one role.
type AgentRoleHealth struct {
	Ok      bool   `json:"ok"`
	Message string `json:"message"`
}

// MetricsRequest asks for the agent's metrics; Format "prometheus" for text.
type MetricsRequest struct {
	ReadOptions
	Format string `query:"format"`
}

// EventStreamRequest subscribes to events; Topic entries are "Topic" or "Topic:key".
type EventStreamRequest struct {
	ReadOptions
	Topic []string `query:"topic"`
	// Index starts the stream at the first buffered event at or after it.
	Index string `query:"index"`
}

// SystemWriteRequest has no parameters.
type SystemWriteRequest struct{ WriteOptions }

// Agent, status, system and event operations.
var (
	AgentSelfGet = Declare(Op[AgentRequest, *AgentSelf]{
		Name: "Agent.Self", HTTP: "GET /v1/agent/self", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "read"}, Doc: "Describe the agent that was asked.",
	})
	AgentMembers = Declare(Op[AgentRequest, *ServerMembers]{
		Name: "Agent.Members", HTTP: "GET /v1/agent/members", Mode: ModeRead, Reads: Stale | AnyServer, NoIndex: true,
		Need: Need{Node: "read"}, Doc: "List the servers known by gossip.",
	})
	AgentServers = Declare(Op[AgentRequest, []string]{
		Name: "Agent.Servers", HTTP: "GET /v1/agent/servers", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "read"}, Doc: "List the servers that the agent's client uses.",
	})
	AgentHealth = Declare(Op[AgentHealthRequest, *AgentHealthResponse]{
		Name: "Agent.Health", HTTP: "GET /v1/agent/health", Mode: ModeLocal, NoIndex: true,
		Need: Need{Anyone: true}, Doc: "Tell whether the agent's roles are healthy.",
	})
	StatusLeader = Declare(Op[AgentRequest, string]{
		Name: "Status.Leader", HTTP: "GET /v1/status/leader", Mode: ModeRead, Reads: Stale | AnyServer, NoIndex: true,
		Need: Need{Anyone: true}, Doc: "Return the leader's RPC address.",
	})
	StatusPeers = Declare(Op[AgentRequest, []string]{
		Name: "Status.Peers", HTTP: "GET /v1/status/peers", Mode: ModeRead, Reads: Stale | AnyServer, NoIndex: true,
		Need: Need{Anyone: true}, Doc: "List the RPC addresses of the raft peers.",
	})
	RegionList = Declare(Op[AgentRequest, []string]{
		Name: "Status.Regions", HTTP: "GET /v1/regions", Mode: ModeRead, Reads: Stale | AnyServer, NoIndex: true,
		Need: Need{Anyone: true}, Doc: "List the known regions.",
	})
	RaftStatsGet = Declare(Op[AgentRequest, *RaftStats]{
		Name: "Status.RaftStats", Mode: ModeRead, Reads: Stale | AnyServer, NoIndex: true,
		Need: Need{Internal: true}, Doc: "Tell the leader how far the server's raft log is.",
	})
	SystemGC = Declare(Op[SystemWriteRequest, Empty]{
		Name: "System.GC", HTTP: "PUT! /v1/system/gc", Mode: ModeWrite,
		Need: Need{Management: true}, Doc: "Collect everything that is no longer needed.",
	})
	SystemReconcile = Declare(Op[SystemWriteRequest, Empty]{
		Name: "System.ReconcileSummaries", HTTP: "PUT! /v1/system/reconcile/summaries", Mode: ModeWrite,
		Need: Need{Management: true}, Doc: "Count the job summaries anew.",
	})
	MetricsGet = DeclareStream(StreamOp[MetricsRequest, Empty, Chunk]{
		Name: "Agent.Metrics", HTTP: "GET /v1/metrics", Mode: ModeLocal, Wire: WireDocument,
		Need: Need{Anyone: true}, Doc: "Read the agent's metrics as JSON or Prometheus text.",
	})
	EventStream = DeclareStream(StreamOp[EventStreamRequest, Empty, EventBatch]{
		Name: "Event.Stream", HTTP: "GET /v1/event/stream", Mode: ModeRead, Wire: WireEvents,
		Need: Need{Anyone: true}, Doc: "Stream the events of state changes.",
	})
)
