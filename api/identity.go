// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Vault is the Vault object of the HTTP API, see http-types.md.
type Vault struct {
	// Policies: Obsolete; ignored by 2.x servers (workload identity roles are used).
	Policies []string `api:"in" hcl:"policies"`
	// Role: Vault JWT role.
	Role string `hcl:"role"`
	// Namespace: Enterprise.
	Namespace string `hcl:"namespace"`
	// Cluster: Cluster name (default `default`).
	Cluster string `hcl:"cluster" default:"default"`
	// Env: Set `VAULT_TOKEN` (default true).
	Env *bool `hcl:"env" default:"true"`
	// DisableFile: Keep the token out of the task filesystem (default false).
	DisableFile bool `hcl:"disable_file"`
	// ChangeMode: `noop`, `restart`, `signal` (default `restart`).
	ChangeMode string `hcl:"change_mode" default:"restart"`
	// ChangeSignal: For mode signal (default `SIGHUP`).
	ChangeSignal string `hcl:"change_signal" default:"SIGHUP"`
	// AllowTokenExpiration: Do not renew (default false).
	AllowTokenExpiration bool `hcl:"allow_token_expiration"`
}

// Consul is the Consul object of the HTTP API, see http-types.md.
type Consul struct {
	// Namespace: Enterprise.
	Namespace string `hcl:"namespace"`
	// Cluster: Cluster name (default `default`).
	Cluster string `hcl:"cluster" default:"default"`
	// Partition: Admin partition.
	Partition string `hcl:"partition"`
}

// WorkloadIdentity is the WorkloadIdentity object of the HTTP API, see http-types.md.
type WorkloadIdentity struct {
	// Name: Identity name (default `default`).
	Name string `hcl:"name" default:"default"`
	// Audience: `aud` claim (default default identity: `["nomadproject.io"]`).
	Audience []string `hcl:"aud"`
	// ChangeMode: `noop`, `restart`, `signal` when the token is renewed.
	ChangeMode string `hcl:"change_mode"`
	// ChangeSignal: Upper-cased.
	ChangeSignal string `hcl:"change_signal"`
	// Env: Set `NOMAD_TOKEN` / `NOMAD_TOKEN_<name>` (default false).
	Env bool `hcl:"env"`
	// File: Write `secrets/nomad_token` / `secrets/nomad_<name>.jwt` (default false).
	File bool `hcl:"file"`
	// Filepath: Other file name.
	Filepath string `hcl:"filepath"`
	// ServiceName: Internal, for service identities.
	ServiceName string `hcl:"service_name"`
	// TTL: Lifetime; 0 = no expiry; not allowed on the default identity (default 0).
	TTL time.Duration `hcl:"ttl"`
	// ExtraClaims: Extra claims allowed by the namespace.
	ExtraClaims []string `hcl:"extra_claims"`
}
