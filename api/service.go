// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Service is the Service object of the HTTP API, see http-types.md.
type Service struct {
	// Name: Interpolates `${JOB}`, `${TASKGROUP}`, `${TASK}`, `${BASE}` at registration; others on the client (default `<job>-<group>[-<task>]`).
	Name string `hcl:"name" default:"<job>-<group>[-<task>]"`
	// Provider: `consul`, `nomad` (default `consul`).
	Provider string `hcl:"provider" default:"consul"`
	// PortLabel: Port label or number.
	PortLabel string `hcl:"port"`
	// AddressMode: `auto`, `host`, `driver`, `alloc` (default `auto`).
	AddressMode string `hcl:"address_mode" default:"auto"`
	// Address: Literal or interpolated address, excludes a mode other than auto.
	Address string `hcl:"address"`
	// Tags: Strings.
	Tags []string `hcl:"tags"`
	// CanaryTags: Tags while a canary.
	CanaryTags []string `hcl:"canary_tags"`
	// EnableTagOverride: Consul only.
	EnableTagOverride bool `hcl:"enable_tag_override"`
	// Checks: Health checks.
	Checks []*ServiceCheck `hcl:"check,block"`
	// CheckRestart: Default for all checks (merged into them).
	CheckRestart *CheckRestart `api:"in" hcl:"check_restart,block"`
	// Connect: Consul service mesh.
	Connect *Connect `hcl:"connect,block"`
	// Meta: Consul only.
	Meta map[string]string `hcl:"meta,map"`
	// CanaryMeta: Consul only.
	CanaryMeta map[string]string `hcl:"canary_meta,map"`
	// TaggedAddresses: Consul only.
	TaggedAddresses map[string]string `hcl:"tagged_addresses,map"`
	// TaskName: Task providing the service (implicit for task services).
	TaskName string `hcl:"task"`
	// OnUpdate: `require_healthy`, `ignore_warnings`, `ignore` (default `require_healthy`).
	OnUpdate string `hcl:"on_update" default:"require_healthy"`
	// Weights: DNS weights (Consul).
	Weights *ServiceWeights `hcl:"weights,block"`
	// Identity: Identity used to register in Consul.
	Identity *WorkloadIdentity `hcl:"identity,block"`
	// Cluster: Consul cluster (Enterprise) (default `default`).
	Cluster string `hcl:"cluster" default:"default"`
	// Kind: Consul service kind.
	Kind string `hcl:"kind"`
	// Namespace: Namespace at the provider (default consul: `default`, nomad: job namespace).
	Namespace string `api:"out" hcl:"-"`
}

// ServiceCheck is the ServiceCheck object of the HTTP API, see http-types.md.
type ServiceCheck struct {
	// Name: Check name (default `service: "<service>" check`).
	Name string `hcl:"name" default:"service: '<service>' check"`
	// Type: Required: `http`, `tcp`, `grpc`, `script`. The contract knows the last two with provider consul only.
	Type string `hcl:"type"`
	// Interval: Required, at least 1s.
	Interval time.Duration `hcl:"interval"`
	// Timeout: Required, at least 1s.
	Timeout time.Duration `hcl:"timeout"`
	// Path: Http; `Protocol` `http` or `https`.
	Path string `hcl:"path"`
	// Method: Http; `Protocol` `http` or `https`.
	Method string `hcl:"method"`
	// Protocol: Http; `Protocol` `http` or `https`.
	Protocol string `hcl:"protocol"`
	// Header: Http; `Protocol` `http` or `https`.
	Header map[string][]string `hcl:"header,map"`
	// Body: Http; `Protocol` `http` or `https`.
	Body string `hcl:"body"`
	// PortLabel: Port (default service port).
	PortLabel string `hcl:"port"`
	// AddressMode: Address for the check (`host`, `driver`, `alloc`).
	AddressMode string `hcl:"address_mode"`
	// Expose: Create an expose path in the mesh proxy.
	Expose bool `hcl:"expose"`
	// Advertise: Address given to Consul.
	Advertise string `api:"in" hcl:"advertise"`
	// Command: Script.
	Command string `hcl:"command"`
	// Args: Script.
	Args []string `hcl:"args"`
	// TaskName: Task to run the script in.
	TaskName string `hcl:"task"`
	// InitialStatus: Consul: `passing`, `warning`, `critical`; nomad: `success`, `failure`, `pending`.
	InitialStatus string `hcl:"initial_status"`
	// Notes: Text.
	Notes string `hcl:"notes"`
	// TLSServerName: TLS.
	TLSServerName string `hcl:"tls_server_name"`
	// TLSSkipVerify: TLS.
	TLSSkipVerify bool `hcl:"tls_skip_verify"`
	// GRPCService: Grpc.
	GRPCService string `hcl:"grpc_service"`
	// GRPCUseTLS: Grpc.
	GRPCUseTLS bool `hcl:"grpc_use_tls"`
	// SuccessBeforePassing: Thresholds (Consul) (default 0).
	SuccessBeforePassing int `hcl:"success_before_passing"`
	// FailuresBeforeCritical: Thresholds (Consul) (default 0).
	FailuresBeforeCritical int `hcl:"failures_before_critical"`
	// FailuresBeforeWarning: Thresholds (Consul) (default 0).
	FailuresBeforeWarning int `hcl:"failures_before_warning"`
	// CheckRestart: Restart when unhealthy.
	CheckRestart *CheckRestart `hcl:"check_restart,block"`
	// OnUpdate: As on the service (default `require_healthy`).
	OnUpdate string `hcl:"on_update" default:"require_healthy"`
}

// CheckRestart is the CheckRestart object of the HTTP API, see http-types.md.
type CheckRestart struct {
	// Limit: Consecutive failures before a restart (default 0 (off)).
	Limit int `hcl:"limit"`
	// Grace: Wait after (re)start (default 1s).
	Grace *time.Duration `hcl:"grace" default:"1s"`
	// IgnoreWarnings: Warnings count as healthy (default false).
	IgnoreWarnings bool `hcl:"ignore_warnings"`
}

// ServiceWeights is the ServiceWeights object of the HTTP API, see http-types.md.
type ServiceWeights struct {
	// Passing: Weights (default 1).
	Passing int `hcl:"passing" default:"1"`
	// Warning: Weights (default 1).
	Warning int `hcl:"warning" default:"1"`
}
