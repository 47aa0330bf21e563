// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// Gateway is the Gateway object of the HTTP API, see http-types.md.
type Gateway struct {
	// Proxy: Gateway proxy settings.
	Proxy *GatewayProxy `hcl:"proxy,block"`
	// Ingress: `{TLS, Listeners:[{Port, Protocol, Services}]}`; service: `{Name, Hosts, TLS, RequestHeaders, ResponseHeaders, MaxConnections, MaxPendingRequests, MaxConcurrentRequests}`; TLS: `{Enabled, TLSMinVersion, TLSMaxVersion, CipherSuites, SDS:{ClusterName, CertResource}}`; headers: `{Add, Set, Remove}`.
	Ingress *IngressGateway `hcl:"ingress,block"`
	// Terminating: `{Services:[{Name, CAFile, CertFile, KeyFile, SNI}]}`.
	Terminating *TerminatingGateway `hcl:"terminating,block"`
	// Mesh: `{}`.
	Mesh *MeshGateway `hcl:"mesh,block"`
}

// GatewayProxy is the GatewayProxy object of the HTTP API, see http-types.md.
type GatewayProxy struct {
	// ConnectTimeout: Timeout (default 5s).
	ConnectTimeout *time.Duration `hcl:"connect_timeout" default:"5s"`
	// EnvoyGatewayBindTaggedAddresses: Bind behaviour.
	EnvoyGatewayBindTaggedAddresses bool `hcl:"envoy_gateway_bind_tagged_addresses"`
	// EnvoyGatewayNoDefaultBind: Bind behaviour.
	EnvoyGatewayNoDefaultBind bool `hcl:"envoy_gateway_no_default_bind"`
	// EnvoyGatewayBindAddresses: Map of `{Name, Address, Port}`.
	EnvoyGatewayBindAddresses map[string]*GatewayBindAddress `hcl:"envoy_gateway_bind_addresses,block"`
	// EnvoyDNSDiscoveryType: `STRICT_DNS`, `LOGICAL_DNS`.
	EnvoyDNSDiscoveryType string `hcl:"envoy_dns_discovery_type"`
	// Config: Opaque.
	Config map[string]any `hcl:"config,any"`
}

// GatewayBindAddress is one named listener address of a gateway proxy.
type GatewayBindAddress struct {
	Name    string `hcl:"name,label"`
	Address string `hcl:"address"`
	Port    int    `hcl:"port"`
}

// IngressGateway is the ingress form of a gateway.
type IngressGateway struct {
	TLS       *GatewayTLS        `hcl:"tls,block"`
	Listeners []*IngressListener `hcl:"listener,block"`
}

// IngressListener is one listener of an ingress gateway.
type IngressListener struct {
	Port     int               `hcl:"port"`
	Protocol string            `hcl:"protocol" default:"tcp"`
	Services []*IngressService `hcl:"service,block"`
}

// IngressService is one service behind an ingress listener.
type IngressService struct {
	Name                  string             `hcl:"name"`
	Hosts                 []string           `hcl:"hosts"`
	TLS                   *GatewayTLS        `hcl:"tls,block"`
	RequestHeaders        *GatewayHTTPHeader `hcl:"request_headers,block"`
	ResponseHeaders       *GatewayHTTPHeader `hcl:"response_headers,block"`
	MaxConnections        *int               `hcl:"max_connections"`
	MaxPendingRequests    *int               `hcl:"max_pending_requests"`
	MaxConcurrentRequests *int               `hcl:"max_concurrent_requests"`
}

// GatewayTLS is the TLS block of gateway listeners and services.
type GatewayTLS struct {
	Enabled       bool        `hcl:"enabled"`
	TLSMinVersion string      `hcl:"tls_min_version"`
	TLSMaxVersion string      `hcl:"tls_max_version"`
	CipherSuites  []string    `hcl:"cipher_suites"`
	SDS           *GatewaySDS `hcl:"sds,block"`
}

// GatewaySDS names a certificate in a secret discovery service.
type GatewaySDS struct {
	ClusterName  string `hcl:"cluster_name"`
	CertResource string `hcl:"cert_resource"`
}

// GatewayHTTPHeader changes HTTP headers at an ingress service.
type GatewayHTTPHeader struct {
	Add    map[string]string `hcl:"add,map,attr"`
	Set    map[string]string `hcl:"set,map,attr"`
	Remove []string          `hcl:"remove"`
}

// TerminatingGateway is the terminating form of a gateway.
type TerminatingGateway struct {
	Services []*TerminatingService `hcl:"service,block"`
}

// TerminatingService is one service behind a terminating gateway.
type TerminatingService struct {
	Name     string `hcl:"name"`
	CAFile   string `hcl:"ca_file"`
	CertFile string `hcl:"cert_file"`
	KeyFile  string `hcl:"key_file"`
	SNI      string `hcl:"sni"`
}

// MeshGateway is the mesh form of a gateway; it has no settings.
type MeshGateway struct{}
