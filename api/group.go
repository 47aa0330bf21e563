// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// TaskGroup is the TaskGroup object of the HTTP API, see http-types.md.
type TaskGroup struct {
	// Name: Required, unique in job.
	Name string `hcl:"name,label" change:"-"`
	// Count: Instances (when 0 and a scaling block exists: its `Min`); sys/sysb: 1 per node (default 1).
	Count *int `hcl:"count" default:"1" change:"inplace"`
	// Constraints: As on the job, group scope.
	Constraints []*Constraint `hcl:"constraint,block" change:"inplace"`
	// Affinities: As on the job, group scope.
	Affinities []*Affinity `hcl:"affinity,block" change:"inplace"`
	// Spreads: As on the job, group scope.
	Spreads []*Spread `hcl:"spread,block" change:"inplace"`
	// Tasks: At least one.
	Tasks []*Task `hcl:"task,block" change:"-"`
	// Volumes: Volume requests by name.
	Volumes map[string]*VolumeRequest `hcl:"volume,block" change:"destructive"`
	// RestartPolicy: Restarts on the same node (default by type).
	RestartPolicy *RestartPolicy `hcl:"restart,block" change:"within"`
	// ReschedulePolicy: Replacement on other nodes (null for sys/sysb) (default by type).
	ReschedulePolicy *ReschedulePolicy `hcl:"reschedule,block" change:"inplace"`
	// Disconnect: Behaviour when the node loses contact.
	Disconnect *Disconnect `hcl:"disconnect,block" change:"inplace"`
	// EphemeralDisk: Shared `alloc/` directory (default 300 MB).
	EphemeralDisk *EphemeralDisk `hcl:"ephemeral_disk,block" change:"destructive"`
	// Update: Rolling update (null for bat/sysb) (default by type).
	Update *UpdateStrategy `hcl:"update,block" change:"inplace"`
	// Migrate: Draining pace (default svc only).
	Migrate *Migrate `hcl:"migrate,block" change:"inplace"`
	// Networks: At most one.
	Networks []*NetworkResource `hcl:"network,block" change:"within"`
	// Meta: Strings.
	Meta map[string]string `hcl:"meta,map,attr" change:"-"`
	// Services: Group services.
	Services []*Service `hcl:"service,block" change:"-"`
	// ShutdownDelay: Wait between deregistering services and killing tasks.
	ShutdownDelay *time.Duration `hcl:"shutdown_delay" change:"inplace"`
	// MaxRunDuration: Stop the allocation after this time (client status `complete`, description `allocation exceeded max_run_duration`).
	MaxRunDuration *time.Duration `hcl:"max_run_duration" change:"inplace"`
	// StopAfterClientDisconnect: Obsolete, superseded by `Disconnect`.
	StopAfterClientDisconnect *time.Duration `hcl:"stop_after_client_disconnect" change:"inplace"`
	// MaxClientDisconnect: Obsolete, superseded by `Disconnect`.
	MaxClientDisconnect *time.Duration `hcl:"max_client_disconnect" change:"inplace"`
	// PreventRescheduleOnLost: Obsolete, superseded by `Disconnect.Replace` (default false).
	PreventRescheduleOnLost bool `api:"null,keep" hcl:"prevent_reschedule_on_lost" change:"inplace"`
	// Scaling: Horizontal scaling policy.
	Scaling *ScalingPolicy `hcl:"scaling,block" change:"inplace"`
	// Consul: Consul settings for group services.
	Consul *Consul `hcl:"consul,block" change:"inplace"`
}

// EphemeralDisk is the EphemeralDisk object of the HTTP API, see http-types.md.
type EphemeralDisk struct {
	// SizeMB: MiB (default 300).
	SizeMB *int `hcl:"size" default:"300"`
	// Sticky: Prefer the previous node and keep data (default false).
	Sticky bool `hcl:"sticky"`
	// Migrate: Copy data from the previous node (implies sticky) (default false).
	Migrate bool `hcl:"migrate"`
}
