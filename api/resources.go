// SPDX-License-Identifier: MPL-2.0

package api

// Resources is the Resources object of the HTTP API, see http-types.md.
type Resources struct {
	// CPU: MHz share; minimum 1 (default 100 (0 when `Cores` is set)).
	CPU *int `hcl:"cpu" change:"destructive"`
	// Cores: Whole cores reserved; excludes `CPU` (default 0).
	Cores int `api:"null" hcl:"cores" change:"destructive"`
	// MemoryMB: MiB, minimum 10 (default 300).
	MemoryMB *int `hcl:"memory" default:"300" change:"destructive"`
	// MemoryMaxMB: Oversubscription ceiling; -1 means no limit; needs the scheduler setting (default 0).
	MemoryMaxMB int `api:"null,keep" hcl:"memory_max" change:"destructive"`
	// SecretsMB: Size of the secrets tmpfs (1 when 0) (default 0).
	SecretsMB int `api:"null,keep" hcl:"secrets" change:"destructive"`
	// DiskMB: Obsolete (default 0).
	DiskMB int `api:"null,keep" hcl:"disk" change:"inplace"`
	// IOPS: Obsolete, ignored (default 0).
	IOPS int `api:"null,keep" hcl:"iops" change:"inplace"`
	// Networks: Obsolete on tasks; use the group network.
	Networks []*NetworkResource `hcl:"network,block" change:"within"`
	// Devices: Device requests.
	Devices []*RequestedDevice `hcl:"device,block" change:"destructive"`
	// NUMA: NUMA preference (needs `Cores`).
	NUMA *NUMA `hcl:"numa,block" change:"destructive"`
}

// NUMA is the NUMA object of the HTTP API, see http-types.md.
type NUMA struct {
	// Affinity: `none`, `prefer`, `require` (default `none`).
	Affinity string `hcl:"affinity" default:"none"`
	// Devices: Subset of requested devices the rule covers.
	Devices []string `hcl:"devices"`
}

// RequestedDevice is the RequestedDevice object of the HTTP API, see http-types.md.
type RequestedDevice struct {
	// Name: `type`, `vendor/type` or `vendor/type/name`.
	Name string `hcl:"name,label"`
	// Count: Instances (default 1).
	Count *int `hcl:"count" default:"1"`
	// Constraints: On `${device.attr.…}`.
	Constraints []*Constraint `hcl:"constraint,block"`
	// Affinities: On `${device.attr.…}`.
	Affinities []*Affinity `hcl:"affinity,block"`
}
