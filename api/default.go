// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Defaults of job settings (jobspec.md); the struct tags hold the same values for documentation.
const (
	DefaultCPU           = 100
	DefaultMemoryMB      = 300
	DefaultDiskMB        = 300
	DefaultLogFiles      = 10
	DefaultLogFileSizeMB = 10
	DefaultKillTimeout   = 5 * time.Second
	DefaultWeight        = 50

	// DefaultAudience is the only audience of the default identity of a task.
	DefaultAudience = "nomadproject.io"
	// DefaultIdentityName is the name of that identity.
	DefaultIdentityName = "default"
	// DefaultCluster names the Consul or Vault cluster used when none is given.
	DefaultCluster = "default"
)

// Lifecycle hooks of a task.
const (
	HookPrestart  = "prestart"
	HookPoststart = "poststart"
	HookPoststop  = "poststop"
)

// Restart policy modes.
const (
	RestartModeFail  = "fail"
	RestartModeDelay = "delay"
)

// Delay functions of a reschedule policy.
const (
	DelayConstant    = "constant"
	DelayExponential = "exponential"
	DelayFibonacci   = "fibonacci"
)

// Health checks of update and migrate blocks.
const (
	HealthChecks     = "checks"
	HealthTaskStates = "task_states"
	HealthManual     = "manual"
)

// Network modes with their own rules; an empty mode acts as host.
const (
	NetworkModeHost   = "host"
	NetworkModeBridge = "bridge"
	NetworkModeNone   = "none"
	NetworkModeCNI    = "cni/" // prefix
)

// Service providers.
const (
	ProviderConsul = "consul"
	ProviderNomad  = "nomad"
)

// Volume types.
const (
	VolumeTypeHost = "host"
	VolumeTypeCSI  = "csi"
)

// What happens to a task when a template, token or identity changes.
const (
	ChangeNoop    = "noop"
	ChangeRestart = "restart"
	ChangeSignal  = "signal"
	ChangeRun     = "script"
)
