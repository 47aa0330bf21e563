// SPDX-License-Identifier: MPL-2.0

package api

// AgentSelf is the Agent self object of the HTTP API, see http-types.md.
type AgentSelf struct {
	// Config: Effective configuration, Go field names (`ACL`, `Addresses`, `Client`, `Server`, `Telemetry`, `Version:{Revision, Version, VersionPrerelease, VersionMetadata, BuildDate}`, …); tokens are `<redacted>`.
	Config map[string]any `json:"config"`
	// Member: Gossip member of the server role; empty values on clients.
	Member Member `json:"member"`
	// Stats: Map section → map of **strings** (`nomad`, `raft`, `serf`, `runtime`, `client`, `vault`, …).
	Stats map[string]map[string]string `json:"stats"`
}

// Member is the Member object of the HTTP API, see http-types.md.
type Member struct {
	// Name: `<node>.<region>`.
	Name string
	// Addr: Gossip address.
	Addr string
	// Port: Gossip address.
	Port int
	// Tags: `build`, `dc`, `region`, `role`, `id`, `port`, `rpc_addr`, `raft_vsn`, `vsn`, `expect`/`bootstrap`, `revision`, ….
	Tags map[string]string
	// Status: `alive`, `leaving`, `left`, `failed`, `none`.
	Status string
	// ProtocolMin: Versions.
	ProtocolMin int
	// ProtocolMax: Versions.
	ProtocolMax int
	// ProtocolCur: Versions.
	ProtocolCur int
	// DelegateMin: Versions.
	DelegateMin int
	// DelegateMax: Versions.
	DelegateMax int
	// DelegateCur: Versions.
	DelegateCur int
}

// ServerMembers is the Members response object of the HTTP API, see http-types.md.
type ServerMembers struct {
	// ServerName: Answering server.
	ServerName string
	// ServerRegion: Answering server.
	ServerRegion string
	// ServerDC: Answering server.
	ServerDC string
	// Members: List.
	Members []*Member
}

// SchedulerWorker is the Scheduler workers object of the HTTP API, see http-types.md.
type SchedulerWorker struct {
	// Id: Worker.
	Id string `json:"id"`
	// EnabledSchedulers: Worker.
	EnabledSchedulers []string `json:"enabled_schedulers"`
	// Started: RFC 3339 text.
	Started string `json:"started"`
	// Status: `Starting`, `Started`, `Pausing`, `Paused`, `Resuming`, `Stopping`, `Stopped`, `Unknown`.
	Status string `json:"status"`
	// WorkloadStatus: `UnknownStatus`, `Running`, `WaitingToDequeue`, `WaitingForRaft`, `Scheduling`, `Submitting`, `Backoff`, `Stopped`, `Paused`.
	WorkloadStatus string `json:"workload_status"`
}

// KeyringResponse is the Gossip keyring response object of the HTTP API, see http-types.md.
type KeyringResponse struct {
	// Messages: Node → error.
	Messages map[string]string
	// Keys: Key → number of nodes.
	Keys map[string]int
	// NumNodes: Nodes asked.
	NumNodes int
}

// HostData is the Host data object of the HTTP API, see http-types.md.
type HostData struct {
	// OS: Text.
	OS string
	// ResolvConf: Text.
	ResolvConf string
	// Hosts: Text.
	Hosts string
	// Network: List of string maps.
	Network []map[string]string
	// Environment: Environment; secret-looking values `<redacted>`.
	Environment map[string]string
	// Disk: Mount → `{DiskMB, UsedMB}`.
	Disk map[string]*HostDisk
}

// HostDisk is one mounted file system, sizes in MiB.
type HostDisk struct {
	DiskMB int64
	UsedMB int64
}

// AgentJoinResponse tells how many servers a gossip join reached.
type AgentJoinResponse struct {
	NumJoined int    `json:"num_joined"`
	Error     string `json:"error"`
	Warning   string `json:"warning"`
}

// AgentSchedulerWorkers lists the scheduler workers of a server.
type AgentSchedulerWorkers struct {
	ServerID   string             `json:"server_id"`
	Schedulers []*SchedulerWorker `json:"schedulers"`
}

// AgentSchedulerConfig is the worker configuration of a server.
type AgentSchedulerConfig struct {
	ServerID          string   `json:"server_id"`
	NumSchedulers     int      `json:"num_schedulers"`
	EnabledSchedulers []string `json:"enabled_schedulers"`
}
