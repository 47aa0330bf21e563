// SPDX-License-Identifier: MPL-2.0

package api

// CSIPlugin is the CSIPlugin object of the HTTP API, see http-types.md.
type CSIPlugin struct {
	// ID: Identity.
	ID string
	// Provider: Identity.
	Provider string
	// Version: Identity.
	Version string
	// ControllerRequired: Needs a controller.
	ControllerRequired bool
	// Controllers: CSIInfo by node id.
	Controllers map[string]*CSIInfo
	// Nodes: CSIInfo by node id.
	Nodes map[string]*CSIInfo
	// Allocations: Plugin allocations (filtered by permission).
	Allocations []*AllocListStub
	// ControllerJobs: Map namespace → job → `{Namespace, ID, Expected}`.
	ControllerJobs map[string]map[string]*CSIPluginJob
	// NodeJobs: Map namespace → job → `{Namespace, ID, Expected}`.
	NodeJobs map[string]map[string]*CSIPluginJob
	// ControllersHealthy: Counts.
	ControllersHealthy int
	// ControllersExpected: Counts.
	ControllersExpected int
	// NodesHealthy: Counts.
	NodesHealthy int
	// NodesExpected: Counts.
	NodesExpected int
	// CreateIndex: Indexes.
	CreateIndex uint64
	// ModifyIndex: Indexes.
	ModifyIndex uint64
	// CreateTime: Times.
	CreateTime int64
	// ModifyTime: Times.
	ModifyTime int64
}

// CSIPluginListStub is the CSIPluginListStub object of the HTTP API, see http-types.md.
type CSIPluginListStub struct {
	// ID: As CSIPlugin.
	ID string
	// Provider: As CSIPlugin.
	Provider string
	// ControllerRequired: As CSIPlugin.
	ControllerRequired bool
	// ControllersHealthy: As CSIPlugin.
	ControllersHealthy int
	// ControllersExpected: As CSIPlugin.
	ControllersExpected int
	// NodesHealthy: As CSIPlugin.
	NodesHealthy int
	// NodesExpected: As CSIPlugin.
	NodesExpected int
	// CreateIndex: As CSIPlugin.
	CreateIndex uint64
	// ModifyIndex: As CSIPlugin.
	ModifyIndex uint64
}

// CSIPluginJob counts the expected instances of a job that runs a CSI plugin.
type CSIPluginJob struct {
	Namespace string
	ID        string
	Expected  int
}
