// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Connect is the Connect object of the HTTP API, see http-types.md.
type Connect struct {
	// Native: Task speaks the mesh itself.
	Native bool `hcl:"native"`
	// SidecarService: Proxy registration.
	SidecarService *SidecarService `hcl:"sidecar_service,block"`
	// SidecarTask: Overrides for the injected proxy task.
	SidecarTask *SidecarTask `hcl:"sidecar_task,block"`
	// Gateway: Gateway service (one of ingress, terminating, mesh).
	Gateway *Gateway `hcl:"gateway,block"`
}

// SidecarTask is the SidecarTask object of the HTTP API, see http-types.md.
type SidecarTask struct {
	// Name: Task name (default `connect-proxy-<service>`).
	Name string `hcl:"name" default:"connect-proxy-<service>"`
	// Driver: Driver (default `docker`).
	Driver string `hcl:"driver" default:"docker"`
	// User: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	User string `hcl:"user"`
	// Config: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	Config map[string]any `hcl:"config,any"`
	// Env: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	Env map[string]string `hcl:"env,map,attr"`
	// Resources: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	Resources *Resources `hcl:"resources,block"`
	// Meta: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	Meta map[string]string `hcl:"meta,map,attr"`
	// KillTimeout: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	KillTimeout *time.Duration `hcl:"kill_timeout"`
	// LogConfig: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	LogConfig *LogConfig `hcl:"logs,block"`
	// ShutdownDelay: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	ShutdownDelay *time.Duration `hcl:"shutdown_delay"`
	// KillSignal: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	KillSignal string `hcl:"kill_signal"`
	// VolumeMounts: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	VolumeMounts []*VolumeMount `hcl:"volume_mount,block"`
	// Identities: Overrides (CPU 250, memory 128 for the injected task) (default like Task).
	Identities []*WorkloadIdentity `hcl:"identity,block"`
}

// SidecarService is the SidecarService object of the HTTP API, see http-types.md.
type SidecarService struct {
	// Tags: Service settings.
	Tags []string `hcl:"tags"`
	// Meta: Service settings.
	Meta map[string]string `hcl:"meta,map"`
	// Port: Proxy port label (`connect-proxy-<service>` by default).
	Port string `hcl:"port"`
	// Proxy: Proxy settings.
	Proxy *ConsulProxy `hcl:"proxy,block"`
	// DisableDefaultTCPCheck: No implicit check.
	DisableDefaultTCPCheck bool `hcl:"disable_default_tcp_check"`
}

// ConsulProxy is the ConsulProxy object of the HTTP API, see http-types.md.
type ConsulProxy struct {
	// LocalServiceAddress: Where the service listens.
	LocalServiceAddress string `hcl:"local_service_address"`
	// LocalServicePort: Where the service listens.
	LocalServicePort int `hcl:"local_service_port"`
	// Upstreams: Upstream services.
	Upstreams []*ConsulUpstream `hcl:"upstreams,block"`
	// Expose: Expose paths (second spelling accepted on input).
	Expose *Expose `hcl:"expose,block"`
	// ExposeConfig: Second spelling of Expose in requests; Canonicalize moves it.
	ExposeConfig *Expose `api:"in" hcl:"-"`
	// TransparentProxy: Transparent proxy.
	TransparentProxy *TransparentProxy `hcl:"transparent_proxy,block"`
	// Config: Opaque.
	Config map[string]any `hcl:"config,any"`
}

// ConsulUpstream is the ConsulUpstream object of the HTTP API, see http-types.md.
type ConsulUpstream struct {
	// DestinationName: Target.
	DestinationName string `hcl:"destination_name"`
	// DestinationNamespace: Target.
	DestinationNamespace string `hcl:"destination_namespace"`
	// DestinationPeer: Target.
	DestinationPeer string `hcl:"destination_peer"`
	// DestinationPartition: Target.
	DestinationPartition string `hcl:"destination_partition"`
	// DestinationType: `service`, `prepared_query`.
	DestinationType string `hcl:"destination_type"`
	// LocalBindPort: Local listener.
	LocalBindPort int `hcl:"local_bind_port"`
	// LocalBindAddress: Local listener.
	LocalBindAddress string `hcl:"local_bind_address"`
	// LocalBindSocketPath: Local listener.
	LocalBindSocketPath string `hcl:"local_bind_socket_path"`
	// LocalBindSocketMode: Local listener.
	LocalBindSocketMode string `hcl:"local_bind_socket_mode"`
	// Datacenter: Target datacenter.
	Datacenter string `hcl:"datacenter"`
	// MeshGateway: Object with `Mode` (`none`, `local`, `remote`, `""`).
	MeshGateway *ConsulMeshGateway `hcl:"mesh_gateway,block"`
	// Config: Opaque.
	Config map[string]any `hcl:"config,any"`
}

// Expose is the Expose object of the HTTP API, see http-types.md.
type Expose struct {
	// Paths: List of expose paths.
	Paths []*ExposePath `hcl:"path,block"`
	// Path: Second spelling of Paths in requests; Canonicalize moves it.
	Path []*ExposePath `api:"in" hcl:"-"`
}

// ExposePath is the ExposePath object of the HTTP API, see http-types.md.
type ExposePath struct {
	// Path: HTTP path.
	Path string `hcl:"path"`
	// Protocol: `http`, `http2`, `grpc`.
	Protocol string `hcl:"protocol"`
	// LocalPathPort: Service port.
	LocalPathPort int `hcl:"local_path_port"`
	// ListenerPort: Port label.
	ListenerPort string `hcl:"listener_port"`
}

// TransparentProxy is the TransparentProxy object of the HTTP API, see http-types.md.
type TransparentProxy struct {
	// UID: User of the proxy.
	UID string `hcl:"uid"`
	// OutboundPort: Redirect port.
	OutboundPort int `hcl:"outbound_port"`
	// ExcludeInboundPorts: Exclusions.
	ExcludeInboundPorts []string `hcl:"exclude_inbound_ports"`
	// ExcludeOutboundPorts: Exclusions.
	ExcludeOutboundPorts []int `hcl:"exclude_outbound_ports"`
	// ExcludeOutboundCIDRs: Exclusions.
	ExcludeOutboundCIDRs []string `hcl:"exclude_outbound_cidrs"`
	// ExcludeUIDs: Exclusions.
	ExcludeUIDs []string `hcl:"exclude_uids"`
	// NoDNS: Do not redirect DNS.
	NoDNS bool `hcl:"no_dns"`
}

// ConsulMeshGateway selects how an upstream crosses datacenters.
type ConsulMeshGateway struct {
	// Mode: "none", "local", "remote" or "".
	Mode string `hcl:"mode"`
}
