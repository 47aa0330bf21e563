// SPDX-License-Identifier: MPL-2.0

package api

// FSRequest names a file or directory below an allocation directory.
type FSRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Path    string `query:"path"`
}

// FSReadRequest reads part of a file; Offset is text because it is mandatory, Limit 0 means to the end.
type FSReadRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Path    string `query:"path"`
	Offset  string `query:"offset"`
	Limit   int64  `query:"limit"`
}

// FSStreamRequest streams a file. Follow is text because its default is true; Origin is "start" or "end".
type FSStreamRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Path    string `query:"path"`
	Offset  int64  `query:"offset"`
	Origin  string `query:"origin"`
	Follow  string `query:"follow"`
}

// LogsRequest streams the log of a task; LogType is "stdout" or "stderr".
type LogsRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Task    string `query:"task"`
	LogType string `query:"type"`
	Follow  bool   `query:"follow"`
	// Plain asks the HTTP side for bytes instead of frames.
	Plain  bool   `query:"plain"`
	Offset int64  `query:"offset"`
	Origin string `query:"origin"`
}

// IsPlain says that the answer is bytes alone.
func (r *LogsRequest) IsPlain() bool { return r.Plain }

// StreamFrame is one frame of a file or log stream (http-api.md 6.1); the zero frame is a heartbeat.
type StreamFrame struct {
	_ struct{} `api:"sparse"`

	Data []byte `json:",omitempty"`
	// File is the path relative to the allocation directory.
	File string `json:",omitempty"`
	// Offset is the position in File after Data.
	Offset    int64  `json:",omitempty"`
	FileEvent string `json:",omitempty"`
}

// Chunk is a piece of a document, download or upload; ContentType and Digest (the value of the Digest header) count
// in the first one.
type Chunk struct {
	ContentType string
	Digest      string
	Data        []byte
}

// AllocStatsRequest asks for the resource use of an allocation, or of one task.
type AllocStatsRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Task    string `query:"task"`
}

// AllocRestartRequest restarts tasks of an allocation in place.
type AllocRestartRequest struct {
	WriteOptions
	AllocID  string `path:"alloc_id"`
	TaskName string `body:"optional"`
	AllTasks bool
}

// AllocSignalRequest sends a signal to tasks of an allocation, all of them without Task.
type AllocSignalRequest struct {
	WriteOptions
	AllocID string `path:"alloc_id"`
	Task    string
	Signal  string
}

// ClientAllocGCRequest collects one terminal allocation on its client.
type ClientAllocGCRequest struct {
	WriteOptions
	AllocID string `path:"alloc_id"`
}

// ClientRequest names the node of a client operation; empty for the agent's own client.
type ClientRequest struct {
	ReadOptions
	NodeID string `query:"node_id"`
}

// AllocChecksRequest asks for the results of an allocation's checks.
type AllocChecksRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
}

// AllocPauseStateRequest asks for the pause state of a task.
type AllocPauseStateRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Task    string `query:"task"`
}

// AllocPauseRequest sets the pause state of a task.
type AllocPauseRequest struct {
	WriteOptions
	AllocID       string `path:"alloc_id"`
	Task          string
	ScheduleState string
}

// ClientMetadataRequest changes the dynamic metadata of a node: null removes a key.
type ClientMetadataRequest struct {
	WriteOptions
	NodeID string
	Meta   map[string]*string
}

// ExecRequest starts a command inside a task.
type ExecRequest struct {
	ReadOptions
	AllocID string `path:"alloc_id"`
	Task    string `query:"task"`
	// Command is a JSON array.
	Command string `query:"command"`
	TTY     bool   `query:"tty"`
}

// ExecInput is a message from the caller of an exec (http-api.md 6.3).
type ExecInput struct {
	Stdin   *ExecIO       `json:"stdin,omitempty"`
	TTYSize *TerminalSize `json:"tty_size,omitempty"`
}

// ExecIO is a piece of a stream, or its end.
type ExecIO struct {
	Data  []byte `json:"data,omitempty"`
	Close bool   `json:"close,omitempty"`
}

// TerminalSize is in characters.
type TerminalSize struct {
	Height int32 `json:"height"`
	Width  int32 `json:"width"`
}

// ExecOutput is a message to the caller of an exec.
type ExecOutput struct {
	Stdout *ExecIO     `json:"stdout,omitempty"`
	Stderr *ExecIO     `json:"stderr,omitempty"`
	Exited bool        `json:"exited,omitempty"`
	Result *ExecResult `json:"result,omitempty"`
}

// ExecResult is how an exec ended.
type ExecResult struct {
	ExitCode int `json:"exit_code,omitempty"`
}

// Operations of the client that runs an allocation. ModeNode operations find it by the request's
// alloc_id or node_id.
var (
	FSList = Declare(Op[FSRequest, []*AllocFileInfo]{
		Name: "FS.List", Metric: "file_system.list", HTTP: "ANY /v1/client/fs/ls/{alloc_id}", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"read-fs"}}, Doc: "List a directory of an allocation.",
	})
	FSStat = Declare(Op[FSRequest, *AllocFileInfo]{
		Name: "FS.Stat", Metric: "file_system.stat", HTTP: "ANY /v1/client/fs/stat/{alloc_id}", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"read-fs"}}, Doc: "Describe a file of an allocation.",
	})
	FSCat = DeclareStream(StreamOp[FSRequest, Empty, StreamFrame]{
		Name: "FS.Cat", Metric: "file_system.cat", HTTP: "ANY /v1/client/fs/cat/{alloc_id}", Mode: ModeNode, Wire: WireFile,
		Need: Need{Namespace: []string{"read-fs"}}, Doc: "Read a file of an allocation.",
	})
	FSReadAt = DeclareStream(StreamOp[FSReadRequest, Empty, StreamFrame]{
		Name: "FS.ReadAt", Metric: "file_system.read_at", HTTP: "ANY /v1/client/fs/readat/{alloc_id}", Mode: ModeNode, Wire: WireFile,
		Need: Need{Namespace: []string{"read-fs"}}, Doc: "Read part of a file of an allocation.",
	})
	FSStream = DeclareStream(StreamOp[FSStreamRequest, Empty, StreamFrame]{
		Name: "FS.Stream", Metric: "file_system.stream", HTTP: "ANY /v1/client/fs/stream/{alloc_id}", Mode: ModeNode,
		Need: Need{Namespace: []string{"read-fs"}}, Doc: "Stream a file of an allocation in frames.",
	})
	FSLogs = DeclareStream(StreamOp[LogsRequest, Empty, StreamFrame]{
		Name: "FS.Logs", Metric: "file_system.logs", HTTP: "ANY /v1/client/fs/logs/{alloc_id}", Mode: ModeNode, JSONFrames: true,
		Need: Need{Namespace: []string{"read-fs", "read-logs"}}, Doc: "Stream the log of a task.",
	})
	AllocExec = DeclareStream(StreamOp[ExecRequest, ExecInput, ExecOutput]{
		Name: "ClientAlloc.Exec", Metric: "alloc.exec", HTTP: "GET /v1/client/allocation/{alloc_id}/exec", Mode: ModeNode, Wire: WireSocket,
		Need: Need{Namespace: []string{"alloc-exec"}}, Doc: "Run a command inside a task, over a websocket.",
	})
	AllocStats = Declare(Op[AllocStatsRequest, *AllocResourceUsage]{
		Name: "ClientAlloc.Stats", Metric: "client_allocations.stats", HTTP: "ANY /v1/client/allocation/{alloc_id}/stats", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read the resource use of an allocation.",
	})
	AllocRestart = Declare(Op[AllocRestartRequest, *WriteMeta]{
		Name: "ClientAlloc.Restart", Metric: "client_allocations.restart", HTTP: "ANY /v1/client/allocation/{alloc_id}/restart", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"alloc-lifecycle"}}, Doc: "Restart tasks of an allocation in place.",
	})
	AllocSignal = Declare(Op[AllocSignalRequest, *WriteMeta]{
		Name: "ClientAlloc.Signal", Metric: "client_allocations.signal", HTTP: "PUT /v1/client/allocation/{alloc_id}/signal", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"alloc-lifecycle"}}, Doc: "Send a signal to tasks of an allocation.",
	})
	ClientAllocGC = Declare(Op[ClientAllocGCRequest, Empty]{
		Name: "ClientAlloc.GC", Metric: "client_allocations.garbage_collect", HTTP: "ANY /v1/client/allocation/{alloc_id}/gc", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"submit-job", "gc-allocation"}}, Doc: "Collect a terminal allocation on its client.",
	})
	ClientGC = Declare(Op[ClientRequest, Empty]{
		Name: "Client.GC", Metric: "client_allocations.garbage_collect_all", HTTP: "ANY /v1/client/gc", Mode: ModeNode, NoIndex: true,
		Need: Need{Node: "write"}, Doc: "Collect every terminal allocation on a client.",
	})
	ClientStats = Declare(Op[ClientRequest, *HostStats]{
		Name: "Client.Stats", HTTP: "ANY /v1/client/stats", Mode: ModeNode, NoIndex: true,
		Need: Need{Node: "read"}, Doc: "Read the resource use of a node.",
	})
	AllocChecks = Declare(Op[AllocChecksRequest, map[string]*CheckResult]{
		Name: "ClientAlloc.Checks", Metric: "client_allocations.checks", HTTP: "ANY /v1/client/allocation/{alloc_id}/checks, ANY /v1/allocation/{alloc_id}/checks",
		Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Read the results of an allocation's checks, by check ID.",
	})
	AllocPauseGet = Declare(Op[AllocPauseStateRequest, Empty]{
		Name: "ClientAlloc.PauseState", Metric: "client_allocations.pause_state", HTTP: "GET /v1/client/allocation/{alloc_id}/pause", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"read-job"}}, Doc: "Refuse to read the pause state of a task, a feature of the commercial edition.",
	})
	AllocPause = Declare(Op[AllocPauseRequest, Empty]{
		Name: "ClientAlloc.Pause", Metric: "client_allocations.pause", HTTP: "PUT /v1/client/allocation/{alloc_id}/pause", Mode: ModeNode, NoIndex: true,
		Need: Need{Namespace: []string{"submit-job", "pause-allocation"}}, Doc: "Refuse to pause a task, a feature of the commercial edition.",
	})
	ClientMetadataGet = Declare(Op[ClientRequest, *NodeMetadata]{
		Name: "Client.Metadata", HTTP: "GET /v1/client/metadata", Mode: ModeNode, NoIndex: true,
		Need: Need{Node: "read"}, Doc: "Read the static and dynamic metadata of a node.",
	})
	ClientMetadataApply = Declare(Op[ClientMetadataRequest, *NodeMetadata]{
		Name: "Client.MetadataApply", HTTP: "POST! /v1/client/metadata", Mode: ModeNode, NoIndex: true,
		Need: Need{Node: "write"}, Doc: "Change the dynamic metadata of a node.",
	})
)

// Target names the client of the allocation.
func (r *FSRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *FSReadRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *FSStreamRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *LogsRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *AllocStatsRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *AllocRestartRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *AllocSignalRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *ClientAllocGCRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *AllocPauseStateRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *AllocPauseRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *AllocChecksRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the client of the allocation.
func (r *ExecRequest) Target() Target { return allocTarget(r.AllocID) }

// Target names the node's client.
func (r *ClientRequest) Target() Target { return Target{NodeID: r.NodeID} }

// Target names the node's client.
func (r *ClientMetadataRequest) Target() Target { return Target{NodeID: r.NodeID} }
