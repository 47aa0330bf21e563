// SPDX-License-Identifier: MPL-2.0

// Package rawexec is the raw_exec driver: tasks that are plain processes of the
// host, with limits but without isolation.
//
// Behind each task stands a shim, see package executor, so tasks, their output
// and their exit codes survive both this plugin and the agent. The package must
// not import the agent.
package rawexec

import (
	"context"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Name is what jobs call the driver.
const Name = "raw_exec"

// version is that of the plugin.
const version = "0.1.0"

// Driver implements drivers.Driver.
type Driver struct {
	drivers.Identity
	drivers.NoLifecycle
	drivers.NoNetworks

	*executor.Tasks

	mu struct {
		sync.Mutex
		config  pluginConfig
		changed chan struct{} // closed when config changes
	}
}

var _ drivers.Driver = (*Driver)(nil)

// New returns a driver without tasks. It is disabled until SetConfig enables it.
func New(logger hclog.Logger) *Driver {
	d := &Driver{Identity: drivers.NewIdentity(Name, version, pluginSchema, taskSchema), Tasks: executor.New(logger, findExec)}
	d.mu.changed = make(chan struct{})
	return d
}

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var decoded pluginConfig
	if err := config.Decode(&decoded); err != nil {
		return err
	}
	if err := decoded.parse(); err != nil {
		return err
	}
	if config.Driver != nil {
		d.SetTopology(config.Driver.Topology)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.config = decoded
	close(d.mu.changed)
	d.mu.changed = make(chan struct{})
	return nil
}

// Capabilities implements drivers.Driver.
func (d *Driver) Capabilities(context.Context) (*drivers.Capabilities, error) {
	return &drivers.Capabilities{
		SendSignals: true,
		Exec:        true,
		FSIsolation: drivers.FSIsolationNone,
		NetworkIsolationModes: []drivers.NetworkIsolationMode{
			drivers.NetworkIsolationHost, drivers.NetworkIsolationGroup,
		},
		MountConfigs: drivers.MountConfigsNone,
	}, nil
}

// settings returns the present configuration.
func (d *Driver) settings() pluginConfig {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.config
}
