// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// ACLPolicy is the ACLPolicy object of the HTTP API, see http-types.md.
type ACLPolicy struct {
	// Name: Identity.
	Name string
	// Description: Identity.
	Description string
	// Rules: Source text.
	Rules string
	// RulesJSON: Parsed rules (reads only): `{Namespaces:[{Name, Policy, Capabilities, Variables:{Paths:[{PathSpec, Capabilities}]}}], NodePools, HostVolumes, Agent, Node, Operator, Sentinel, Quota, Plugin, Raw, ExtraKeysHCL}`; capabilities are already expanded.
	RulesJSON map[string]any
	// JobACL: `{Namespace, JobID, Group, Task}` or null.
	JobACL *JobACL
	// Hash: Content hash.
	Hash []byte
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// ACLPolicyListStub is the ACLPolicyListStub object of the HTTP API, see http-types.md.
type ACLPolicyListStub struct {
	// Name: As ACLPolicy.
	Name string
	// Description: As ACLPolicy.
	Description string
	// JobACL: As ACLPolicy.
	JobACL *JobACL
	// Hash: As ACLPolicy.
	Hash []byte
	// CreateIndex: As ACLPolicy.
	CreateIndex uint64
	// ModifyIndex: As ACLPolicy.
	ModifyIndex uint64
}

// ACLToken is the ACLToken object of the HTTP API, see http-types.md.
type ACLToken struct {
	// AccessorID: Public id (uuid).
	AccessorID string
	// SecretID: Secret (uuid); present in single reads.
	SecretID string
	// Name: Text.
	Name string
	// Type: `client`, `management`.
	Type string
	// Policies: Names; null for management.
	Policies []string
	// Roles: `[{ID, Name}]` or null.
	Roles []*ACLTokenRoleLink
	// Global: Replicated to all regions.
	Global bool
	// Hash: Content hash.
	Hash []byte
	// CreateTime: Time.
	CreateTime *time.Time `api:"zerotime"`
	// ExpirationTime: Time or null.
	ExpirationTime *time.Time
	// ExpirationTTL: `""` when unset.
	ExpirationTTL string
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// ACLTokenListStub is the ACLTokenListStub object of the HTTP API, see http-types.md.
type ACLTokenListStub struct {
	// AccessorID: As ACLToken.
	AccessorID string
	// Name: As ACLToken.
	Name string
	// Type: As ACLToken.
	Type string
	// Policies: As ACLToken.
	Policies []string
	// Roles: As ACLToken.
	Roles []*ACLTokenRoleLink
	// Global: As ACLToken.
	Global bool
	// Hash: As ACLToken.
	Hash []byte
	// CreateTime: As ACLToken.
	CreateTime *time.Time `api:"zerotime"`
	// ExpirationTime: As ACLToken.
	ExpirationTime *time.Time
	// CreateIndex: As ACLToken.
	CreateIndex uint64
	// ModifyIndex: As ACLToken.
	ModifyIndex uint64
}

// OneTimeToken is the OneTimeToken object of the HTTP API, see http-types.md.
type OneTimeToken struct {
	// OneTimeSecretID: Exchangeable once.
	OneTimeSecretID string
	// AccessorID: Token it stands for.
	AccessorID string
	// ExpiresAt: Creation + 10 minutes.
	ExpiresAt *time.Time
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// ACLRole is the ACLRole / ACLRoleListStub object of the HTTP API, see http-types.md.
type ACLRole struct {
	// ID: Generated uuid.
	ID string
	// Name: Unique, `^[a-zA-Z0-9-]{1,128}$`.
	Name string
	// Description: Text.
	Description string
	// Policies: `[{Name}]`.
	Policies []*ACLRolePolicyLink
	// Hash: Content hash.
	Hash []byte
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// JobACL attaches a policy to the workload identities of a job, group or task.
type JobACL struct {
	Namespace string
	JobID     string
	Group     string
	Task      string
}

// ACLTokenRoleLink links a token to a role.
type ACLTokenRoleLink struct {
	ID   string
	Name string
}

// ACLRolePolicyLink links a role to a policy.
type ACLRolePolicyLink struct {
	Name string
}

// OneTimeTokenResponse answers the creation of a one-time token.
type OneTimeTokenResponse struct {
	OneTimeToken *OneTimeToken
	WriteMeta
}

// OneTimeTokenExchangeResponse answers the exchange of a one-time token with the token it stands for.
type OneTimeTokenExchangeResponse struct {
	Token *ACLToken
	WriteMeta
}

// ClientIntroductionToken lets a client node join.
type ClientIntroductionToken struct {
	JWT string
}
