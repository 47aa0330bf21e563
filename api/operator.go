// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"time"
)

// SchedulerConfiguration is the SchedulerConfiguration object of the HTTP API, see http-types.md.
type SchedulerConfiguration struct {
	// SchedulerAlgorithm: `binpack`, `spread` (default `binpack`).
	SchedulerAlgorithm string
	// PreemptionConfig: `{SystemSchedulerEnabled, SysBatchSchedulerEnabled, BatchSchedulerEnabled, ServiceSchedulerEnabled}` (default system true, others false).
	PreemptionConfig PreemptionConfig
	// MemoryOversubscriptionEnabled: Honour `MemoryMaxMB` (default false).
	MemoryOversubscriptionEnabled bool
	// RejectJobRegistration: Only management tokens may register, dispatch, scale (default false).
	RejectJobRegistration bool
	// PauseEvalBroker: Stop processing evaluations (default false).
	PauseEvalBroker bool
	// NodeLimitForFeasibilityChecks: Randomly chosen feasible nodes scored for jobs with spread or affinity; 0 means 100 (default 0).
	NodeLimitForFeasibilityChecks int
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// Validate returns what is wrong with the configuration, nil when it can be stored.
func (c *SchedulerConfiguration) Validate() error {
	if err := validAlgorithm(c.SchedulerAlgorithm); err != nil {
		return err
	}
	if c.NodeLimitForFeasibilityChecks < 0 {
		return fmt.Errorf("NodeLimitForFeasibilityChecks must not be negative, got %d", c.NodeLimitForFeasibilityChecks)
	}
	return nil
}

func validAlgorithm(name string) error {
	switch name {
	case "", AlgorithmBinpack, AlgorithmSpread:
		return nil
	}
	return fmt.Errorf("invalid scheduler algorithm: %s", name)
}

// RaftConfiguration is the RaftConfiguration object of the HTTP API, see http-types.md.
type RaftConfiguration struct {
	// Servers: Members.
	Servers []*RaftServer
	// Index: Index of the configuration.
	Index uint64
}

// RaftServer is the RaftServer object of the HTTP API, see http-types.md.
type RaftServer struct {
	// ID: Raft id (uuid).
	ID string
	// Node: `<name>.<region>` or `(unknown)`.
	Node string
	// Address: `ip:port`.
	Address string
	// Leader: Role.
	Leader bool
	// Voter: Role.
	Voter bool
	// RaftProtocol: Text, `"3"`.
	RaftProtocol string
}

// AutopilotConfiguration is the AutopilotConfiguration object of the HTTP API, see http-types.md.
type AutopilotConfiguration struct {
	// CleanupDeadServers: Remove dead servers (default true).
	CleanupDeadServers bool
	// LastContactThreshold: Health limit (default `200ms`).
	LastContactThreshold string
	// MaxTrailingLogs: Health limit (default 250).
	MaxTrailingLogs uint64
	// MinQuorum: Do not prune below (default 0).
	MinQuorum int
	// ServerStabilizationTime: Before promotion (default `10s`).
	ServerStabilizationTime string
	// EnableRedundancyZones: Enterprise (default false).
	EnableRedundancyZones bool
	// DisableUpgradeMigration: Enterprise (default false).
	DisableUpgradeMigration bool
	// EnableCustomUpgrades: Enterprise (default false).
	EnableCustomUpgrades bool
	// CreateIndex: Indexes (cas value).
	CreateIndex uint64
	// ModifyIndex: Indexes (cas value).
	ModifyIndex uint64
}

// OperatorHealthReply is the OperatorHealthReply object of the HTTP API, see http-types.md.
type OperatorHealthReply struct {
	// Healthy: All healthy.
	Healthy bool
	// FailureTolerance: Voters that may fail.
	FailureTolerance int
	// Leader: Raft id.
	Leader string
	// Voters: Raft ids.
	Voters []string
	// Servers: Below.
	Servers []*ServerHealth
	// ReadReplicas: Enterprise; omitted when empty.
	ReadReplicas []string `json:",omitempty"`
	// RedundancyZones: Enterprise; omitted when empty.
	RedundancyZones map[string]any `json:",omitempty"`
	// Upgrade: Enterprise; omitted when empty.
	Upgrade map[string]any `json:",omitempty"`
	// OptimisticFailureTolerance: Enterprise; omitted when empty.
	OptimisticFailureTolerance int `json:",omitempty"`
}

// ServerHealth is the ServerHealth object of the HTTP API, see http-types.md.
type ServerHealth struct {
	// ID: Identity.
	ID string
	// Name: Identity.
	Name string
	// Address: Identity.
	Address string
	// Version: Identity.
	Version string
	// SerfStatus: `alive`, `failed`, `left`, `none`.
	SerfStatus string
	// Leader: Flags.
	Leader bool
	// Healthy: Flags.
	Healthy bool
	// Voter: Flags.
	Voter bool
	// LastContact: Since the last contact.
	LastContact string
	// LastTerm: Raft position.
	LastTerm uint64
	// LastIndex: Raft position.
	LastIndex uint64
	// StableSince: Time.
	StableSince *time.Time `api:"zerotime"`
}

// RootKeyMeta is the RootKeyMeta object of the HTTP API, see http-types.md.
type RootKeyMeta struct {
	// KeyID: Uuid.
	KeyID string
	// Algorithm: `aes256-gcm`.
	Algorithm string
	// State: `inactive`, `active`, `rekeying`, `prepublished`, `deprecated`.
	State string
	// CreateTime: Times, 0 unset.
	CreateTime int64
	// PublishTime: Times, 0 unset.
	PublishTime int64
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// PreemptionConfig says which schedulers may preempt.
type PreemptionConfig struct {
	SystemSchedulerEnabled   bool
	SysBatchSchedulerEnabled bool
	BatchSchedulerEnabled    bool
	ServiceSchedulerEnabled  bool
}

// SchedulerConfigurationResponse answers a read of the scheduler configuration.
type SchedulerConfigurationResponse struct {
	SchedulerConfig *SchedulerConfiguration
	ResponseMeta
}

// SchedulerSetConfigurationResponse tells whether a write of the scheduler configuration took place.
type SchedulerSetConfigurationResponse struct {
	Updated bool
	WriteMeta
}

// KeyringRotateResponse answers a key rotation with the new active key.
type KeyringRotateResponse struct {
	Key *RootKeyMeta
	WriteMeta
}

// UpgradeCheckVaultResponse lists what still uses Vault without workload identities.
type UpgradeCheckVaultResponse struct {
	JobsWithoutVaultIdentity []*JobListStub
	OutdatedNodes            []*NodeListStub
	VaultTokens              []*VaultAccessor
	ResponseMeta
}

// VaultAccessor names a Vault token that was derived for a task.
type VaultAccessor struct {
	AllocID     string
	Task        string
	NodeID      string
	Accessor    string
	CreationTTL int
	CreateIndex uint64
}
