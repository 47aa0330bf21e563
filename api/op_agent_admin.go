// SPDX-License-Identifier: MPL-2.0

package api

import (
	"encoding/json"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// AgentAddressesRequest lists addresses of servers.
type AgentAddressesRequest struct {
	WriteOptions
	Address []string `query:"address"`
}

// AgentForceLeaveRequest names the gossip member to remove; Prune forgets it at once.
type AgentForceLeaveRequest struct {
	WriteOptions
	Node  string `query:"node"`
	Prune bool   `query:"prune"`
}

// AgentSchedulerConfigRequest sets the scheduler workers of a server.
type AgentSchedulerConfigRequest struct {
	WriteOptions
	Config *AgentSchedulerConfig `body:"*"`
}

// AgentKeyringRequest names a gossip encryption key, in base64.
type AgentKeyringRequest struct {
	WriteOptions
	Key string
}

// AgentWriteRequest has no parameters.
type AgentWriteRequest struct{ WriteOptions }

// AgentTargetRequest names the agent to ask: the client of a node, or a server by ID or name; neither for the one
// that was asked.
type AgentTargetRequest struct {
	ReadOptions
	NodeID   string `query:"node_id"`
	ServerID string `query:"server_id"`
}

// Target names the agent.
func (r *AgentTargetRequest) Target() Target { return Target{NodeID: r.NodeID, ServerID: r.ServerID} }

// AgentMonitorRequest asks for an agent's log as it is written, from LogLevel up.
type AgentMonitorRequest struct {
	ReadOptions
	LogLevel        string `query:"log_level"`
	LogJSON         bool   `query:"log_json"`
	IncludeLocation bool   `query:"log_include_location"`
	Plain           bool   `query:"plain"`
	NodeID          string `query:"node_id"`
	ServerID        string `query:"server_id"`
}

// Target names the agent.
func (r *AgentMonitorRequest) Target() Target { return Target{NodeID: r.NodeID, ServerID: r.ServerID} }

// IsPlain says that the answer is bytes alone.
func (r *AgentMonitorRequest) IsPlain() bool { return r.Plain }

// AgentMonitorExportRequest asks for an agent's log of the past, from its log file or the journal of a service.
type AgentMonitorExportRequest struct {
	ReadOptions
	OnDisk      bool   `query:"on_disk"`
	ServiceName string `query:"service_name"`
	LogsSince   string `query:"logs_since"`
	Follow      bool   `query:"follow"`
	Plain       bool   `query:"plain"`
	NodeID      string `query:"node_id"`
	ServerID    string `query:"server_id"`
}

// Target names the agent.
func (r *AgentMonitorExportRequest) Target() Target {
	return Target{NodeID: r.NodeID, ServerID: r.ServerID}
}

// IsPlain says that the answer is bytes alone.
func (r *AgentMonitorExportRequest) IsPlain() bool { return r.Plain }

// AgentProfileRequest asks for a runtime profile of an agent.
type AgentProfileRequest struct {
	ReadOptions
	// Profile is "cmdline", "profile", "trace" or the name of a runtime profile.
	Profile  string `path:"profile"`
	Seconds  int    `query:"seconds"`
	Debug    int    `query:"debug"`
	GC       int    `query:"gc"`
	NodeID   string `query:"node_id"`
	ServerID string `query:"server_id"`
}

// Target names the agent.
func (r *AgentProfileRequest) Target() Target { return Target{NodeID: r.NodeID, ServerID: r.ServerID} }

// AgentHostResponse describes the host of an agent; in JSON the data is bare when no agent was named.
type AgentHostResponse struct {
	AgentID  string
	HostData *HostData
}

// agentHostFields is AgentHostResponse without its JSON form.
type agentHostFields AgentHostResponse

// MarshalJSON implements json.Marshaler.
func (r *AgentHostResponse) MarshalJSON() ([]byte, error) {
	if r.AgentID == "" {
		return typeinfo.Marshal(r.HostData, typeinfo.Response)
	}
	return typeinfo.Marshal((*agentHostFields)(r), typeinfo.Response)
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *AgentHostResponse) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, (*agentHostFields)(r)); err != nil || r.HostData != nil {
		return err
	}
	r.HostData = &HostData{}
	return json.Unmarshal(text, r.HostData)
}

// Operations on one agent.
var (
	AgentJoin = Declare(Op[AgentAddressesRequest, *AgentJoinResponse]{
		Name: "Agent.Join", HTTP: "PUT /v1/agent/join", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Make the server join others by gossip.",
	})
	AgentForceLeave = Declare(Op[AgentForceLeaveRequest, Empty]{
		Name: "Agent.ForceLeave", HTTP: "PUT /v1/agent/force-leave", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Make a failed server count as left.",
	})
	AgentServersSet = Declare(Op[AgentAddressesRequest, Empty]{
		Name: "Agent.ServersSet", HTTP: "PUT /v1/agent/servers", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Replace the servers that the agent's client uses.",
	})
	AgentSchedulers = Declare(Op[AgentRequest, *AgentSchedulerWorkers]{
		Name: "Agent.Schedulers", HTTP: "GET /v1/agent/schedulers", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "read"}, Doc: "Tell what the server's scheduler workers do.",
	})
	AgentSchedulerConfigGet = Declare(Op[AgentRequest, *AgentSchedulerConfig]{
		Name: "Agent.SchedulerConfig", HTTP: "GET /v1/agent/schedulers/config", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "read"}, Doc: "Read the number and kinds of the server's scheduler workers.",
	})
	AgentSchedulerConfigSet = Declare(Op[AgentSchedulerConfigRequest, *AgentSchedulerConfig]{
		Name: "Agent.SchedulerConfigSet", HTTP: "PUT /v1/agent/schedulers/config", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Set the number and kinds of the server's scheduler workers.",
	})
	AgentKeyringList = Declare(Op[AgentWriteRequest, *KeyringResponse]{
		Name: "Agent.KeyringList", HTTP: "ANY /v1/agent/keyring/list", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "List the gossip encryption keys.",
	})
	AgentKeyringInstall = Declare(Op[AgentKeyringRequest, *KeyringResponse]{
		Name: "Agent.KeyringInstall", HTTP: "ANY /v1/agent/keyring/install", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Give every server another gossip encryption key.",
	})
	AgentKeyringUse = Declare(Op[AgentKeyringRequest, *KeyringResponse]{
		Name: "Agent.KeyringUse", HTTP: "ANY /v1/agent/keyring/use", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Encrypt gossip with another installed key.",
	})
	AgentKeyringRemove = Declare(Op[AgentKeyringRequest, *KeyringResponse]{
		Name: "Agent.KeyringRemove", HTTP: "ANY /v1/agent/keyring/remove", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Remove a gossip encryption key that is not in use.",
	})
	AgentReload = Declare(Op[AgentWriteRequest, Empty]{
		Name: "Agent.Reload", HTTP: "PUT /v1/agent/reload", Mode: ModeLocal, NoIndex: true,
		Need: Need{Agent: "write"}, Doc: "Read the agent's configuration again and apply what can change while it runs.",
	})
	AgentHost = Declare(Op[AgentTargetRequest, *AgentHostResponse]{
		Name: "Agent.Host", HTTP: "GET /v1/agent/host", Mode: ModeAgent, NoIndex: true,
		Need: Need{Agent: "read"}, Doc: "Describe the host of an agent.",
	})
	AgentMonitor = DeclareStream(StreamOp[AgentMonitorRequest, Empty, StreamFrame]{
		Name: "Agent.Monitor", HTTP: "GET /v1/agent/monitor", Mode: ModeAgent, JSONFrames: true,
		Need: Need{Agent: "read"}, Doc: "Stream an agent's log.",
	})
	AgentMonitorExport = DeclareStream(StreamOp[AgentMonitorExportRequest, Empty, StreamFrame]{
		Name: "Agent.MonitorExport", HTTP: "GET /v1/agent/monitor/export", Mode: ModeAgent, JSONFrames: true,
		Need: Need{Agent: "read"}, Doc: "Read an agent's log of the past.",
	})
	AgentProfile = DeclareStream(StreamOp[AgentProfileRequest, Empty, Chunk]{
		Name: "Agent.Profile", HTTP: "GET /v1/agent/pprof/{profile}", Mode: ModeAgent, Wire: WireDownload,
		Need: Need{Agent: "write"}, Doc: "Take a runtime profile of an agent.",
	})
)
