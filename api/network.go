// SPDX-License-Identifier: MPL-2.0

package api

// NetworkResource is the NetworkResource object of the HTTP API, see http-types.md.
type NetworkResource struct {
	_ struct{} `api:"sparse"`

	// Mode: `host`, `bridge`, `none`, `cni/<name>` (default - (acts as `host`)).
	Mode string `hcl:"mode" change:"destructive"`
	// Device: Interface (filled in allocated networks).
	Device string `hcl:"device" change:"inplace"`
	// CIDR: Node networks only.
	CIDR string `hcl:"cidr" change:"inplace"`
	// IP: Address (allocated networks).
	IP string `hcl:"ip" change:"inplace"`
	// Hostname: Container host name, interpolated.
	Hostname string `hcl:"hostname" change:"destructive"`
	// MBits: Obsolete (default 0).
	MBits int `api:"null,keep" hcl:"mbits" change:"destructive"`
	// DNS: Resolver settings.
	DNS *DNSConfig `hcl:"dns,block" change:"destructive"`
	// ReservedPorts: Static ports (`Value` set).
	ReservedPorts []*Port `hcl:"reserved_ports,block" change:"-"`
	// DynamicPorts: Dynamic ports (`Value` assigned by the scheduler).
	DynamicPorts []*Port `hcl:"port,block" change:"-"`
	// CNI: CNI arguments.
	CNI *CNIConfig `hcl:"cni,block" change:"destructive"`
}

// Port is the Port object of the HTTP API, see http-types.md.
type Port struct {
	_ struct{} `api:"sparse"`

	// Label: Unique name; becomes `NOMAD_PORT_<label>`.
	Label string `hcl:"label,label"`
	// Value: Host port.
	Value int `hcl:"static"`
	// To: Port inside the namespace; -1 = same as host port (default 0).
	To int `hcl:"to"`
	// HostNetwork: Host network name (default `default`).
	HostNetwork string `hcl:"host_network" default:"default"`
	// IgnoreCollision: Allow a static port used by another allocation of the cluster.
	IgnoreCollision bool `hcl:"ignore_collision"`
}

// DNSConfig is the DNSConfig object of the HTTP API, see http-types.md.
type DNSConfig struct {
	// Servers: Resolv.conf entries.
	Servers []string `hcl:"servers"`
	// Searches: Resolv.conf entries.
	Searches []string `hcl:"searches"`
	// Options: Resolv.conf entries.
	Options []string `hcl:"options"`
}

// CNIConfig is the CNIConfig object of the HTTP API, see http-types.md.
type CNIConfig struct {
	// Args: Key/values passed as CNI_ARGS.
	Args map[string]string `hcl:"args"`
}
