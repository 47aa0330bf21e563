// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// UpdateStrategy is the UpdateStrategy object of the HTTP API, see http-types.md.
type UpdateStrategy struct {
	// Stagger: Delay between system job batches (default 30s).
	Stagger *time.Duration `hcl:"stagger" default:"30s"`
	// MaxParallel: Simultaneous updates; 0 = all at once (default 1).
	MaxParallel *int `hcl:"max_parallel" default:"1"`
	// HealthCheck: `checks`, `task_states`, `manual` (default `checks`).
	HealthCheck string `api:"null" hcl:"health_check" default:"checks"`
	// MinHealthyTime: Time healthy before counting (default 10s).
	MinHealthyTime *time.Duration `hcl:"min_healthy_time" default:"10s"`
	// HealthyDeadline: Per allocation (default 5m).
	HealthyDeadline *time.Duration `hcl:"healthy_deadline" default:"5m"`
	// ProgressDeadline: Per group without progress; 0 = first failure fails the deployment (default 10m).
	ProgressDeadline *time.Duration `hcl:"progress_deadline" default:"10m"`
	// AutoRevert: Revert to the latest stable version on failure (default false).
	AutoRevert *bool `hcl:"auto_revert"`
	// AutoPromote: Promote canaries automatically (needs canaries) (default false).
	AutoPromote *bool `hcl:"auto_promote"`
	// Canary: Canaries per update (default 0).
	Canary *int `hcl:"canary"`
}

// RestartPolicy is the RestartPolicy object of the HTTP API, see http-types.md.
type RestartPolicy struct {
	// Attempts: Restarts in the interval (default svc/sys 2, bat/sysb 3).
	Attempts *int `hcl:"attempts" change:"inplace"`
	// Interval: Window (default svc/sys 30m, bat/sysb 24h).
	Interval *time.Duration `hcl:"interval" change:"inplace"`
	// Delay: Wait before a restart, plus up to 25 % jitter (default 15s).
	Delay *time.Duration `hcl:"delay" default:"15s" change:"inplace"`
	// Mode: `fail`, `delay` (default `fail`).
	Mode string `hcl:"mode" default:"fail" change:"inplace"`
	// RenderTemplates: Render templates again on restart (default false).
	RenderTemplates *bool `hcl:"render_templates" change:"destructive"`
}

// ReschedulePolicy is the ReschedulePolicy object of the HTTP API, see http-types.md.
type ReschedulePolicy struct {
	// Attempts: Tries in the interval (default svc 0, bat 1).
	Attempts *int `hcl:"attempts"`
	// Interval: Window (default svc 0, bat 24h).
	Interval *time.Duration `hcl:"interval"`
	// Delay: First delay (minimum 5s) (default svc 30s, bat 5s).
	Delay *time.Duration `hcl:"delay"`
	// DelayFunction: `constant`, `exponential`, `fibonacci` (default svc `exponential`, bat `constant`).
	DelayFunction string `hcl:"delay_function"`
	// MaxDelay: Upper bound (default svc 1h, bat 0).
	MaxDelay *time.Duration `hcl:"max_delay"`
	// Unlimited: Ignore attempts and interval (default svc true, bat false).
	Unlimited *bool `hcl:"unlimited"`
}

// Disconnect is the Disconnect object of the HTTP API, see http-types.md.
type Disconnect struct {
	// LostAfter: Time a disconnected allocation stays `unknown` before `lost` (default 0).
	LostAfter time.Duration `hcl:"lost_after"`
	// StopOnClientAfter: Client stops the allocation itself after this time without servers; excludes `LostAfter` (default null).
	StopOnClientAfter *time.Duration `hcl:"stop_on_client_after"`
	// Replace: Place a replacement while disconnected (default true).
	Replace *bool `hcl:"replace" default:"true"`
	// Reconcile: `keep_original`, `keep_replacement`, `best_score`, `longest_running` (default `best_score`).
	Reconcile string `hcl:"reconcile" default:"best_score"`
}

// Migrate is the Migrate object of the HTTP API, see http-types.md.
type Migrate struct {
	// MaxParallel: Simultaneous migrations (default 1).
	MaxParallel *int `hcl:"max_parallel" default:"1"`
	// HealthCheck: `checks`, `task_states` (default `checks`).
	HealthCheck string `hcl:"health_check" default:"checks"`
	// MinHealthyTime: Time healthy before counting (default 10s).
	MinHealthyTime *time.Duration `hcl:"min_healthy_time" default:"10s"`
	// HealthyDeadline: Limit (default 5m).
	HealthyDeadline *time.Duration `hcl:"healthy_deadline" default:"5m"`
}
