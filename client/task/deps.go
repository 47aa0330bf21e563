// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/logs"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/users"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Drivers finds the driver of a task; plugins/host.Manager is one.
type Drivers interface {
	// Get returns the driver, waiting while its plugin is being started.
	Get(ctx context.Context, name string) (drivers.Driver, error)
}

// Cgroups makes the control groups of tasks; client/cgroup.Manager is one.
type Cgroups interface {
	Create(alloc, task string, cores []uint16) (path string, err error)
	Remove(alloc, task string) error
}

// Node is what tasks need to know of the node; a value is immutable.
type Node struct {
	*api.Node
	Region string
	// UsableCompute is what tasks may use, in MHz.
	UsableCompute uint64
}

// Deps are what all task runners of a client share.
type Deps struct {
	Logger  hclog.Logger
	Drivers Drivers
	State   *statedb.DB
	Cgroups Cgroups
	// Node returns the present snapshot of the node.
	Node func() *Node
	// Services takes what the tasks offer; nil for nobody.
	Services *services.Registry
	// Artifacts downloads artifacts; nil for a client that does not.
	Artifacts Artifacts
	// Devices reserves devices; nil for a client without device plugins.
	Devices Devices
	// Views shows tasks their directories where their driver hides the rest of the host.
	Views *allocdir.Views
	// Users lends users to tasks whose driver wants each to have one of its own.
	Users *users.Pool
	// Templates is what templates need.
	Templates Templates
	// HostEnv is the environment that tasks without an image of their own inherit.
	HostEnv map[string]string
	// MaxKillTimeout bounds the kill_timeout of jobs.
	MaxKillTimeout time.Duration
	// DeniedUsers are users that tasks of CheckedDrivers must not run as.
	DeniedUsers, CheckedDrivers []string
	// StartLogs is logs.Start but in tests.
	StartLogs func(logs.Config) (*logs.Collector, error)
	// HookRan is told how long the start of a hook took and how it went; nil for nobody.
	HookRan func(hook string, took time.Duration, err error)
	// Random returns a number in [0,1); nil for a random one.
	Random func() float64
}

// Config is one task to run.
type Config struct {
	Deps  *Deps
	Alloc *api.Allocation
	Task  string
	Dir   *allocdir.Dir
	// Isolation is the network namespace of the allocation and Network its address there, nil without one.
	Isolation *drivers.NetworkIsolationSpec
	Network   *api.AllocNetworkStatus
	// JoinNetwork, unless nil, returns both as they are now. It mends the network if it has to, and may take long.
	JoinNetwork func(ctx context.Context) (*drivers.NetworkIsolationSpec, *api.AllocNetworkStatus, error)
	// Restored is what was kept of the task, nil for a new one.
	Restored *statedb.TaskRecord
	// Changed is called after each change of the state, by the goroutine of the runner. It must not block.
	Changed func()
}
