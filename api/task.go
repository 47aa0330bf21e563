// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Task is the Task object of the HTTP API, see http-types.md.
type Task struct {
	// Name: Required, unique in group; no slashes or null.
	Name string `hcl:"name,label" change:"-"`
	// Driver: Required: `docker`, `exec`, `raw_exec`, `java`, `qemu`, or a plugin name.
	Driver string `hcl:"driver" change:"destructive"`
	// User: User to run as (driver dependent).
	User string `hcl:"user" change:"destructive"`
	// Lifecycle: Non-main task.
	Lifecycle *Lifecycle `hcl:"lifecycle,block" change:"inplace"`
	// Config: Driver configuration, free form.
	Config map[string]any `hcl:"config,any" change:"destructive"`
	// Constraints: Task scope.
	Constraints []*Constraint `hcl:"constraint,block" change:"inplace"`
	// Affinities: Task scope.
	Affinities []*Affinity `hcl:"affinity,block" change:"inplace"`
	// Env: Environment; interpolated on the client.
	Env map[string]string `hcl:"env,map,attr" change:"destructive"`
	// Services: Task services.
	Services []*Service `hcl:"service,block" change:"-"`
	// Resources: Requirements (default CPU 100, memory 300).
	Resources *Resources `hcl:"resources,block" change:"within"`
	// RestartPolicy: Merged over the group's policy (default group policy).
	RestartPolicy *RestartPolicy `hcl:"restart,block" change:"within"`
	// Meta: Strings.
	Meta map[string]string `hcl:"meta,map,attr" change:"-"`
	// KillTimeout: Between kill signal and force kill; capped by the client's `max_kill_timeout` (default 5s).
	KillTimeout *time.Duration `hcl:"kill_timeout" default:"5s" change:"inplace"`
	// KillSignal: E.g. `SIGINT` (default driver default).
	KillSignal string `hcl:"kill_signal" change:"inplace"`
	// LogConfig: Log rotation (default 10 files of 10 MB).
	LogConfig *LogConfig `hcl:"logs,block" change:"within"`
	// Artifacts: Downloads.
	Artifacts []*Artifact `hcl:"artifact,block" change:"destructive"`
	// Vault: Vault access.
	Vault *Vault `hcl:"vault,block" change:"destructive"`
	// Consul: Consul access.
	Consul *Consul `hcl:"consul,block" change:"destructive"`
	// Templates: Rendered files.
	Templates []*Template `hcl:"template,block" change:"destructive"`
	// Secrets: Values fetched from secret providers before start.
	Secrets []*Secret `hcl:"secret,block" change:"destructive"`
	// DispatchPayload: File that receives the dispatch payload.
	DispatchPayload *DispatchPayload `hcl:"dispatch_payload,block" change:"inplace"`
	// VolumeMounts: Mounts of group volumes.
	VolumeMounts []*VolumeMount `hcl:"volume_mount,block" change:"destructive"`
	// CSIPluginConfig: Marks the task as a CSI plugin.
	CSIPluginConfig *CSIPluginConfig `api:"omit" hcl:"csi_plugin,block" change:"destructive"`
	// Leader: When it ends the other tasks are stopped (default false).
	Leader bool `hcl:"leader" change:"inplace"`
	// ShutdownDelay: Wait between deregistration and kill (default 0).
	ShutdownDelay time.Duration `hcl:"shutdown_delay" change:"inplace"`
	// Kind: Internal marker such as `connect-proxy:<service>`, `connect-native:<service>`, `connect-ingress:<service>`.
	Kind string `hcl:"kind" change:"inplace"`
	// ScalingPolicies: Vertical (Enterprise) scaling: at most one per `Type`.
	ScalingPolicies []*ScalingPolicy `hcl:"scaling,block" change:"inplace"`
	// Identity: Default workload identity (always present in responses) (default see WorkloadIdentity).
	Identity *WorkloadIdentity `hcl:"-" change:"destructive"`
	// Identities: Additional identities.
	Identities []*WorkloadIdentity `hcl:"identity,block" change:"destructive"`
	// Actions: Named commands.
	Actions []*Action `hcl:"action,block" change:"inplace"`
	// Schedule: Enterprise time window.
	Schedule *Schedule `hcl:"schedule,block" change:"inplace"`
}

// LogConfig is the LogConfig object of the HTTP API, see http-types.md.
type LogConfig struct {
	// MaxFiles: Files kept (default 10).
	MaxFiles *int `hcl:"max_files" default:"10" change:"inplace"`
	// MaxFileSizeMB: Size of a file (default 10).
	MaxFileSizeMB *int `hcl:"max_file_size" default:"10" change:"inplace"`
	// Disabled: No log collection (default false).
	Disabled bool `hcl:"disabled" change:"destructive"`
	// Enabled: Obsolete inverse of Disabled; accepted and ignored.
	Enabled *bool `api:"in" hcl:"enabled" change:"-"`
}

// Lifecycle is the Lifecycle object of the HTTP API, see http-types.md.
type Lifecycle struct {
	// Hook: `prestart`, `poststart`, `poststop`.
	Hook string `hcl:"hook,required"`
	// Sidecar: Keeps running beside the main tasks.
	Sidecar bool `hcl:"sidecar"`
}

// DispatchPayload is the DispatchPayload object of the HTTP API, see http-types.md.
type DispatchPayload struct {
	// File: Path below the task's `local/` directory.
	File string `hcl:"file"`
}

// Action is the Action object of the HTTP API, see http-types.md.
type Action struct {
	// Name: 1-128 characters.
	Name string `hcl:"name,label"`
	// Command: Command.
	Command string `hcl:"command,required"`
	// Args: Command.
	Args []string `hcl:"args"`
}

// Secret is the Secret object of the HTTP API, see http-types.md.
type Secret struct {
	// Name: Prefix: values are referenced as `${secret.<name>.<key>}`.
	Name string `hcl:"name,label"`
	// Provider: `nomad`, `vault` or a plugin name.
	Provider string `hcl:"provider"`
	// Path: Location.
	Path string `hcl:"path"`
	// Config: Provider settings (`nomad`, `vault` only).
	Config map[string]any `hcl:"config,any"`
	// Env: Environment for a plugin provider (plugins only).
	Env map[string]string `hcl:"env,map,attr"`
}

// Schedule is the Schedule object of the HTTP API, see http-types.md.
type Schedule struct {
	// Cron: Window (Enterprise).
	Cron *ScheduleCron `hcl:"cron,block"`
}

// ScheduleCron is the ScheduleCron object of the HTTP API, see http-types.md.
type ScheduleCron struct {
	// Start: Six-field cron expression, no `/` or `,`.
	Start string `hcl:"start"`
	// End: `minute hour`, later on the same day.
	End string `hcl:"end"`
	// Timezone: IANA name, default `Local`.
	Timezone string `hcl:"timezone"`
}
