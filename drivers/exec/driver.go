// SPDX-License-Identifier: MPL-2.0

// Package exec is the exec driver: programs of this machine in a root, in
// namespaces and with privileges of their own.
//
// What a task sees and may do is decided by package isolated and carried out by
// the shim; package executor has what all drivers of processes share. The
// package must not import the agent.
package exec

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/drivers/executor/isolated"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// Name is what jobs call the driver.
const Name = "exec"

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
		settings isolated.Settings
	}
}

var _ drivers.Driver = (*Driver)(nil)

// New returns a driver without tasks.
func New(logger hclog.Logger) *Driver {
	return &Driver{Identity: drivers.NewIdentity(Name, version, pluginSchema, taskSchema), Tasks: executor.New(logger, nil)}
}

// Usable says why this machine cannot run the driver, nil if it can.
func Usable() error { return isolated.Usable() }

// pluginSchema is that of the agent's config block.
var pluginSchema = isolated.SettingsSchema(hclspec.Fields{
	"no_pivot_root":    hclspec.AttrOr("no_pivot_root", "bool", "false"),
	"denied_host_uids": hclspec.Attr("denied_host_uids", "string"),
	"denied_host_gids": hclspec.Attr("denied_host_gids", "string"),
})

// taskSchema is that of a task's config block.
var taskSchema = isolated.OptionsSchema(hclspec.Fields{
	"command": hclspec.RequiredAttr("command", "string"),
	"args":    hclspec.Attr("args", "list(string)"),
})

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var decoded struct {
		isolated.Settings
		DeniedHostUIDs string `codec:"denied_host_uids"`
		DeniedHostGIDs string `codec:"denied_host_gids"`
	}
	if err := config.Decode(&decoded); err != nil {
		return err
	}
	settings := decoded.Settings
	var err error
	settings.Denied, err = executor.ParseDenied(decoded.DeniedHostUIDs, decoded.DeniedHostGIDs)
	if err := errors.Join(err, settings.Validate()); err != nil {
		return err
	}
	if config.Driver != nil {
		d.SetTopology(config.Driver.Topology)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.settings = settings
	return nil
}

// Capabilities implements drivers.Driver.
func (d *Driver) Capabilities(context.Context) (*drivers.Capabilities, error) {
	return &drivers.Capabilities{
		SendSignals: true,
		Exec:        true,
		FSIsolation: drivers.FSIsolationChroot,
		NetworkIsolationModes: []drivers.NetworkIsolationMode{
			drivers.NetworkIsolationHost, drivers.NetworkIsolationGroup,
		},
		MountConfigs: drivers.MountConfigsAny,
	}, nil
}

// Fingerprint implements drivers.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	return isolated.Fingerprint(ctx, func() (map[string]*values.Attribute, error) {
		return map[string]*values.Attribute{"driver." + Name: values.Flag(true)}, nil
	}), nil
}

// taskConfig is a task's config block.
type taskConfig struct {
	isolated.Options
	Command string   `codec:"command"`
	Args    []string `codec:"args"`
}

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	var o taskConfig
	if err := config.DecodeDriverConfig(&o); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	if o.Command == "" {
		return nil, nil, errors.New("task config: command must not be empty")
	}
	d.mu.Lock()
	settings := d.mu.settings
	d.mu.Unlock()
	handle, err := d.Start(ctx, config, func(task *executor.Task, spec *shim.Spec) error {
		return settings.Describe(task, spec, o.Command, o.Args, &o.Options)
	})
	return handle, nil, isolated.Explain(err, o.Command)
}
