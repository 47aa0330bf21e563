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
func New(logger hclog.Logger) *Driver { return &Driver{Tasks: executor.New(logger, nil)} }

// Usable says why this machine cannot run the driver, nil if it can.
func Usable() error { return isolated.Usable() }

// PluginInfo implements drivers.Driver.
func (d *Driver) PluginInfo(context.Context) (*base.Info, error) {
	return &base.Info{
		Type: base.TypeDriver, APIVersions: []string{base.APIVersion}, Version: version, Name: Name,
	}, nil
}

// pluginSchema is that of the agent's config block.
var pluginSchema = hclspec.Object(hclspec.Fields{
	"no_pivot_root":       hclspec.AttrOr("no_pivot_root", "bool", "false"),
	"default_pid_mode":    hclspec.AttrOr("default_pid_mode", "string", `"private"`),
	"default_ipc_mode":    hclspec.AttrOr("default_ipc_mode", "string", `"private"`),
	"default_userns_mode": hclspec.AttrOr("default_userns_mode", "string", `"host"`),
	"allow_caps":          hclspec.AttrOr("allow_caps", "list(string)", isolated.AllowedByDefault),
	"denied_host_uids":    hclspec.Attr("denied_host_uids", "string"),
	"denied_host_gids":    hclspec.Attr("denied_host_gids", "string"),
	"pids_limit":          hclspec.Attr("pids_limit", "number"),
})

// taskSchema is that of a task's config block.
var taskSchema = hclspec.Object(hclspec.Fields{
	"command":     hclspec.RequiredAttr("command", "string"),
	"args":        hclspec.Attr("args", "list(string)"),
	"pid_mode":    hclspec.Attr("pid_mode", "string"),
	"ipc_mode":    hclspec.Attr("ipc_mode", "string"),
	"userns_mode": hclspec.Attr("userns_mode", "string"),
	"cap_add":     hclspec.Attr("cap_add", "list(string)"),
	"cap_drop":    hclspec.Attr("cap_drop", "list(string)"),
	"work_dir":    hclspec.Attr("work_dir", "string"),
	"pids_limit":  hclspec.Attr("pids_limit", "number"),
})

// ConfigSchema implements drivers.Driver.
func (d *Driver) ConfigSchema(context.Context) (*hclspec.Spec, error) { return pluginSchema, nil }

// TaskConfigSchema implements drivers.Driver.
func (d *Driver) TaskConfigSchema(context.Context) (*hclspec.Spec, error) { return taskSchema, nil }

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var decoded struct {
		NoPivotRoot       bool     `codec:"no_pivot_root"`
		DefaultPIDMode    string   `codec:"default_pid_mode"`
		DefaultIPCMode    string   `codec:"default_ipc_mode"`
		DefaultUsernsMode string   `codec:"default_userns_mode"`
		AllowCaps         []string `codec:"allow_caps"`
		DeniedHostUIDs    string   `codec:"denied_host_uids"`
		DeniedHostGIDs    string   `codec:"denied_host_gids"`
		PidsLimit         int64    `codec:"pids_limit"`
	}
	if err := hclspec.Decode(config.Values, &decoded); err != nil {
		return err
	}
	denied, err := executor.ParseDenied(decoded.DeniedHostUIDs, decoded.DeniedHostGIDs)
	settings := isolated.Settings{
		NoPivotRoot: decoded.NoPivotRoot, DefaultPIDMode: decoded.DefaultPIDMode, DefaultIPCMode: decoded.DefaultIPCMode, DefaultUsernsMode: decoded.DefaultUsernsMode,
		AllowCaps: decoded.AllowCaps, Denied: denied, PidsLimit: decoded.PidsLimit,
	}
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
	Command    string   `codec:"command"`
	Args       []string `codec:"args"`
	PidMode    string   `codec:"pid_mode"`
	IPCMode    string   `codec:"ipc_mode"`
	UsernsMode string   `codec:"userns_mode"`
	CapAdd     []string `codec:"cap_add"`
	CapDrop    []string `codec:"cap_drop"`
	WorkDir    string   `codec:"work_dir"`
	PidsLimit  int64    `codec:"pids_limit"`
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
		return settings.Describe(task, spec, &isolated.Options{
			Command: o.Command, Args: o.Args, PidMode: o.PidMode, IPCMode: o.IPCMode, UsernsMode: o.UsernsMode,
			CapAdd: o.CapAdd, CapDrop: o.CapDrop, WorkDir: o.WorkDir, PidsLimit: o.PidsLimit,
		})
	})
	return handle, nil, isolated.Explain(err, o.Command)
}
