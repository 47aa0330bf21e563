// SPDX-License-Identifier: MPL-2.0

// Package java is the java driver: Java programs that run as those of exec do,
// in a root, in namespaces and with privileges of their own.
//
// It adds to package isolated the command line of the virtual machine and what
// the node says of it. The package must not import the agent.
package java

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
const Name = "java"

// version is that of the plugin.
const version = "0.1.0"

// Driver implements drivers.Driver.
type Driver struct {
	drivers.Identity
	drivers.NoLifecycle
	drivers.NoNetworks
	*executor.Tasks

	machine machine

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
func Usable() error {
	if err := isolated.Usable(); err != nil {
		return err
	}
	_, err := find()
	return err
}

// pluginSchema is that of the agent's config block.
var pluginSchema = isolated.SettingsSchema(nil)

// taskSchema is that of a task's config block.
var taskSchema = isolated.OptionsSchema(hclspec.Fields{
	"class":       hclspec.Attr("class", "string"),
	"class_path":  hclspec.Attr("class_path", "string"),
	"jar_path":    hclspec.Attr("jar_path", "string"),
	"jvm_options": hclspec.Attr("jvm_options", "list(string)"),
	"args":        hclspec.Attr("args", "list(string)"),
})

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var settings isolated.Settings
	if err := config.Decode(&settings); err != nil {
		return err
	}
	if err := settings.Validate(); err != nil {
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
		// The contract has it that a host does not count on these, which work.
		FSIsolation: drivers.FSIsolationChroot,
		NetworkIsolationModes: []drivers.NetworkIsolationMode{
			drivers.NetworkIsolationHost, drivers.NetworkIsolationGroup,
		},
		MountConfigs: drivers.MountConfigsAny,
	}, nil
}

// Fingerprint implements drivers.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	return isolated.Fingerprint(ctx, func() (map[string]*values.Attribute, error) { return d.machine.attributes(ctx) }), nil
}

// taskConfig is a task's config block.
type taskConfig struct {
	isolated.Options
	Class      string   `codec:"class"`
	ClassPath  string   `codec:"class_path"`
	JarPath    string   `codec:"jar_path"`
	JVMOptions []string `codec:"jvm_options"`
	Args       []string `codec:"args"`
}

// arguments are those of the virtual machine.
func (o *taskConfig) arguments() []string {
	args := append([]string(nil), o.JVMOptions...)
	if o.ClassPath != "" {
		args = append(args, "-cp", o.ClassPath)
	}
	if o.JarPath != "" {
		args = append(args, "-jar", o.JarPath)
	}
	if o.Class != "" {
		args = append(args, o.Class)
	}
	return append(args, o.Args...)
}

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	var o taskConfig
	if err := config.DecodeDriverConfig(&o); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	if o.Class == "" && o.JarPath == "" {
		return nil, nil, errors.New("task config: jar_path or class must be specified")
	}
	command, err := find()
	if err != nil {
		return nil, nil, err
	}
	d.mu.Lock()
	settings := d.mu.settings
	d.mu.Unlock()
	handle, err := d.Start(ctx, config, func(task *executor.Task, spec *shim.Spec) error {
		return settings.Describe(task, spec, command, o.arguments(), &o.Options)
	})
	return handle, nil, isolated.Explain(err, command)
}
