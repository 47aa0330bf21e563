// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// VolumeRequest is the VolumeRequest object of the HTTP API, see http-types.md.
type VolumeRequest struct {
	// Name: Name (default map key).
	Name string `hcl:"name,label"`
	// Type: `host`, `csi`.
	Type string `hcl:"type"`
	// Source: Host volume name or CSI volume id; interpolated; with `PerAlloc` the suffix `[index]` is added.
	Source string `hcl:"source"`
	// ReadOnly: Read only (default false).
	ReadOnly bool `hcl:"read_only"`
	// Sticky: Dynamic host volumes: bind to the same volume (default false).
	Sticky bool `hcl:"sticky"`
	// PerAlloc: One volume per allocation (default false).
	PerAlloc bool `hcl:"per_alloc"`
	// AccessMode: Required for csi; modes see 4.2.
	AccessMode string `hcl:"access_mode"`
	// AttachmentMode: Required for csi: `file-system`, `block-device`.
	AttachmentMode string `hcl:"attachment_mode"`
	// MountOptions: Csi file-system only.
	MountOptions *MountOptions `hcl:"mount_options,block"`
}

// MountOptions is the MountOptions object of the HTTP API, see http-types.md.
type MountOptions struct {
	// FSType: File system.
	FSType string `hcl:"fs_type"`
	// MountFlags: Flags; shown as `["[REDACTED]"]` in CSI volume reads (not in job reads).
	MountFlags []string `hcl:"mount_flags"`
}

// VolumeMount is the VolumeMount object of the HTTP API, see http-types.md.
type VolumeMount struct {
	// Volume: Key of the group volume.
	Volume string `hcl:"volume"`
	// Destination: Path in the task.
	Destination string `hcl:"destination"`
	// ReadOnly: Read only (default false).
	ReadOnly bool `hcl:"read_only"`
	// PropagationMode: `private`, `host-to-task`, `bidirectional` (default `private`).
	PropagationMode string `hcl:"propagation_mode" default:"private"`
	// SELinuxLabel: `z` or `Z` (docker).
	SELinuxLabel string `hcl:"selinux_label"`
}

// CSIPluginConfig is the CSIPluginConfig object of the HTTP API, see http-types.md.
type CSIPluginConfig struct {
	// ID: Plugin id.
	ID string `hcl:"id"`
	// Type: `node`, `controller`, `monolith`.
	Type string `hcl:"type"`
	// MountDir: Socket directory in the task (default `/csi`).
	MountDir string `hcl:"mount_dir" default:"/csi"`
	// StagePublishBaseDir: Staging directory (default `/local/csi`).
	StagePublishBaseDir string `hcl:"stage_publish_base_dir" default:"/local/csi"`
	// HealthTimeout: Probe limit (default 30s).
	HealthTimeout time.Duration `hcl:"health_timeout" default:"30s"`
}
