// SPDX-License-Identifier: MPL-2.0

package api

// OperatorReadRequest has no parameters beyond those of reads.
type OperatorReadRequest struct{ ReadOptions }

// RaftPeerRemoveRequest names the raft peer to remove by its ID.
type RaftPeerRemoveRequest struct {
	WriteOptions
	ID string `query:"id"`
}

// RaftTransferRequest names the raft peer to lead next, by ID or address.
type RaftTransferRequest struct {
	WriteOptions
	ID      string `query:"id"`
	Address string `query:"address"`
}

// RaftPeer is a raft peer by ID and address.
type RaftPeer struct {
	ID      string
	Address string
}

// RaftTransferResponse tells who leads after a transfer; Noop when nothing changed.
type RaftTransferResponse struct {
	From RaftPeer
	To   RaftPeer
	Noop bool
	Err  *string
}

// AutopilotSetRequest replaces the autopilot configuration; with CAS only one whose ModifyIndex is that value.
type AutopilotSetRequest struct {
	WriteOptions
	// CAS is text so that its absence can be told.
	CAS    string                  `query:"cas" json:"-"`
	Config *AutopilotConfiguration `body:"*"`
}

// SchedulerSetRequest replaces the scheduler configuration; with CAS only one whose ModifyIndex is that value.
type SchedulerSetRequest struct {
	WriteOptions
	CAS    string                  `query:"cas" json:"-"`
	Config *SchedulerConfiguration `body:"*"`
}

// SnapshotSaveRequest asks for a snapshot of the state, from any server when stale reads are allowed.
type SnapshotSaveRequest struct{ ReadOptions }

// SnapshotRestoreRequest replaces the state with the snapshot that follows.
type SnapshotRestoreRequest struct{ WriteOptions }

// OperatorWriteRequest has no parameters.
type OperatorWriteRequest struct{ WriteOptions }

// Operator operations.
var (
	RaftConfigurationGet = Declare(Op[OperatorReadRequest, *RaftConfiguration]{
		Name: "Operator.RaftConfiguration", HTTP: "GET /v1/operator/raft/configuration", Mode: ModeRead, Reads: Stale, NoIndex: true,
		Need: Need{Management: true}, Doc: "List the raft peers.",
	})
	RaftPeerRemove = Declare(Op[RaftPeerRemoveRequest, Empty]{
		Name: "Operator.RaftPeerRemove", HTTP: "DELETE /v1/operator/raft/peer", Mode: ModeWrite, NoIndex: true,
		Need: Need{Management: true}, Doc: "Remove a raft peer that will not come back.",
	})
	RaftTransfer = Declare(Op[RaftTransferRequest, *RaftTransferResponse]{
		Name: "Operator.RaftTransfer", HTTP: "PUT /v1/operator/raft/transfer-leadership", Mode: ModeWrite, NoIndex: true,
		Need: Need{Management: true}, Doc: "Hand leadership to another server.",
	})
	AutopilotGet = Declare(Op[OperatorReadRequest, *AutopilotConfiguration]{
		Name: "Operator.AutopilotGet", HTTP: "GET /v1/operator/autopilot/configuration", Mode: ModeRead, Reads: Stale, NoIndex: true,
		Need: Need{Operator: "read"}, Doc: "Read the autopilot configuration.",
	})
	AutopilotSet = Declare(Op[AutopilotSetRequest, bool]{
		Name: "Operator.AutopilotSet", HTTP: "PUT! /v1/operator/autopilot/configuration", Mode: ModeWrite, NoIndex: true,
		Need: Need{Operator: "write"}, Doc: "Replace the autopilot configuration; false when it had changed in between.",
	})
	AutopilotHealth = Declare(Op[OperatorReadRequest, *OperatorHealthReply]{
		Name: "Operator.AutopilotHealth", HTTP: "GET /v1/operator/autopilot/health", Mode: ModeWrite, NoIndex: true,
		Need: Need{Operator: "read"}, Doc: "Tell whether the servers are healthy, as the leader sees them.",
	})
	SchedulerConfigGet = Declare(Op[OperatorReadRequest, *SchedulerConfigurationResponse]{
		Name: "Operator.SchedulerGet", HTTP: "GET /v1/operator/scheduler/configuration", Mode: ModeRead, Reads: Stale,
		Need: Need{Operator: "read"}, Doc: "Read the scheduler configuration.",
	})
	SchedulerConfigSet = Declare(Op[SchedulerSetRequest, *SchedulerSetConfigurationResponse]{
		Name: "Operator.SchedulerSet", HTTP: "PUT /v1/operator/scheduler/configuration", Mode: ModeWrite,
		Need: Need{Operator: "write"}, Doc: "Replace the scheduler configuration.",
	})
	SnapshotSave = DeclareStream(StreamOp[SnapshotSaveRequest, Empty, Chunk]{
		Name: "Operator.SnapshotSave", HTTP: "GET /v1/operator/snapshot", Mode: ModeRead, Wire: WireDownload,
		Need: Need{Operator: "snapshot-save"}, Doc: "Download a snapshot of the state (http-api.md 6.4).",
	})
	SnapshotRestore = DeclareStream(StreamOp[SnapshotRestoreRequest, Chunk, Empty]{
		Name: "Operator.SnapshotRestore", HTTP: "PUT /v1/operator/snapshot", Mode: ModeWrite, Wire: WireUpload,
		Need: Need{Management: true}, Doc: "Replace the state with a snapshot.",
	})
	LicenseGet = Declare(Op[OperatorReadRequest, Empty]{
		Name: "Operator.LicenseGet", HTTP: "GET /v1/operator/license", Mode: ModeLocal, NoIndex: true, Status: 204,
		Need: Need{Anyone: true}, Doc: "Answer that there is no licence to show.",
	})
	UpgradeCheckVault = Declare(Op[OperatorReadRequest, *UpgradeCheckVaultResponse]{
		Name: "Operator.UpgradeCheckVault", HTTP: "GET /v1/operator/upgrade-check/vault-workload-identity", Mode: ModeRead, Reads: Stale,
		Need: Need{Operator: "read"}, Doc: "List what still uses Vault without workload identities.",
	})
)
