// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Task is the Task object of the HTTP API, see http-types.md.
type Task struct {
	// Name: Required, unique in group; no slashes or null.
	Name string `hcl:"name,label"`
	// Driver: Required: `docker`, `exec`, `raw_exec`, `java`, `qemu`, or a plugin name.
	Driver string `hcl:"driver"`
	// User: User to run as (driver dependent).
	User string `hcl:"user"`
	// Lifecycle: Non-main task.
	Lifecycle *Lifecycle `hcl:"lifecycle,block"`
	// Config: Driver configuration, free form.
	Config map[string]any `hcl:"config,any"`
	// Constraints: Task scope.
	Constraints []*Constraint `hcl:"constraint,block"`
	// Affinities: Task scope.
	Affinities []*Affinity `hcl:"affinity,block"`
	// Env: Environment; interpolated on the client.
	Env map[string]string `hcl:"env,map"`
	// Services: Task services.
	Services []*Service `hcl:"service,block"`
	// Resources: Requirements (default CPU 100, memory 300).
	Resources *Resources `hcl:"resources,block"`
	// RestartPolicy: Merged over the group's policy (default group policy).
	RestartPolicy *RestartPolicy `hcl:"restart,block"`
	// Meta: Strings.
	Meta map[string]string `hcl:"meta,map"`
	// KillTimeout: Between kill signal and force kill; capped by the client's `max_kill_timeout` (default 5s).
	KillTimeout *time.Duration `hcl:"kill_timeout" default:"5s"`
	// KillSignal: E.g. `SIGINT` (default driver default).
	KillSignal string `hcl:"kill_signal"`
	// LogConfig: Log rotation (default 10 files of 10 MB).
	LogConfig *LogConfig `hcl:"logs,block"`
	// Artifacts: Downloads.
	Artifacts []*Artifact `hcl:"artifact,block"`
	// Vault: Vault access.
	Vault *Vault `hcl:"vault,block"`
	// Consul: Consul access.
	Consul *Consul `hcl:"consul,block"`
	// Templates: Rendered files.
	Templates []*Template `hcl:"template,block"`
	// Secrets: Values fetched from secret providers before start.
	Secrets []*Secret `hcl:"secret,block"`
	// DispatchPayload: File that receives the dispatch payload.
	DispatchPayload *DispatchPayload `hcl:"dispatch_payload,block"`
	// VolumeMounts: Mounts of group volumes.
	VolumeMounts []*VolumeMount `hcl:"volume_mount,block"`
	// CSIPluginConfig: Marks the task as a CSI plugin.
	CSIPluginConfig *CSIPluginConfig `hcl:"csi_plugin,block"`
	// Leader: When it ends the other tasks are stopped (default false).
	Leader bool `hcl:"leader"`
	// ShutdownDelay: Wait between deregistration and kill (default 0).
	ShutdownDelay time.Duration `hcl:"shutdown_delay"`
	// Kind: Internal marker such as `connect-proxy:<service>`, `connect-native:<service>`, `connect-ingress:<service>`.
	Kind string `hcl:"kind"`
	// ScalingPolicies: Vertical (Enterprise) scaling: at most one per `Type`.
	ScalingPolicies []*ScalingPolicy `hcl:"scaling,block"`
	// Identity: Default workload identity (always present in responses) (default see WorkloadIdentity).
	Identity *WorkloadIdentity `hcl:"identity,block"`
	// Identities: Additional identities.
	Identities []*WorkloadIdentity `hcl:"identity,block"`
	// Actions: Named commands.
	Actions []*Action `hcl:"action,block"`
	// Schedule: Enterprise time window.
	Schedule *Schedule `hcl:"schedule,block"`
}

// LogConfig is the LogConfig object of the HTTP API, see http-types.md.
type LogConfig struct {
	// MaxFiles: Files kept (default 10).
	MaxFiles *int `hcl:"max_files" default:"10"`
	// MaxFileSizeMB: Size of a file (default 10).
	MaxFileSizeMB *int `hcl:"max_file_size" default:"10"`
	// Disabled: No log collection (default false).
	Disabled bool `hcl:"disabled"`
}

// Lifecycle is the Lifecycle object of the HTTP API, see http-types.md.
type Lifecycle struct {
	// Hook: `prestart`, `poststart`, `poststop`.
	Hook string `hcl:"hook"`
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
	Command string `hcl:"command"`
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
	Env map[string]string `hcl:"env,map"`
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
