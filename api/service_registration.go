// SPDX-License-Identifier: MPL-2.0

package api

// ServiceIDPrefix begins the IDs of all service registrations; the ID of the allocation follows.
const ServiceIDPrefix = "_nomad-task-"

// ServiceRegistration is the ServiceRegistration object of the HTTP API, see http-types.md.
type ServiceRegistration struct {
	// ID: `_nomad-task-<alloc>-<task or group-<group>>-<service>-<port label>`.
	ID string
	// ServiceName: Origin.
	ServiceName string
	// Namespace: Origin.
	Namespace string
	// NodeID: Origin.
	NodeID string
	// Datacenter: Origin.
	Datacenter string
	// JobID: Origin.
	JobID string
	// AllocID: Origin.
	AllocID string
	// Tags: List, `null` when none.
	Tags []string
	// Address: Endpoint.
	Address string
	// Port: Endpoint.
	Port int
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
}

// ServiceListStub is the Service list entry object of the HTTP API, see http-types.md.
type ServiceListStub struct {
	// Namespace: Namespace.
	Namespace string
	// Services: `[{ServiceName, Tags}]`, tags are the union over instances.
	Services []*ServiceStub
}

// ServiceStub is one service name with the union of its instances' tags.
type ServiceStub struct {
	ServiceName string
	Tags        []string
}
