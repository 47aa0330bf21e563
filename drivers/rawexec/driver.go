// SPDX-License-Identifier: MPL-2.0

// Package rawexec is the raw_exec driver: tasks that are plain processes of the
// host, with limits but without isolation.
//
// Behind each task stands a shim (internal/shim), so tasks, their output and
// their exit codes survive both this plugin and the agent. The driver owns the
// list of tasks and their control groups for as long as they are known. The
// package must not import the agent.
package rawexec

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Name is what jobs call the driver.
const Name = "raw_exec"

// version is that of the plugin.
const version = "0.1.0"

// handleVersion is that of the driver state in task handles.
const handleVersion = 1

// Driver implements drivers.Driver.
type Driver struct {
	drivers.NoLifecycle
	drivers.NoEvents
	drivers.NoNetworks

	logger hclog.Logger

	mu struct {
		sync.Mutex
		config   pluginConfig
		topology *base.Topology
		changed  chan struct{} // closed when config changes
		// tasks are those that are known. A nil task is being started or
		// recovered.
		tasks map[string]*task
	}
}

var _ drivers.Driver = (*Driver)(nil)

// New returns a driver without tasks. It is disabled until SetConfig enables it.
func New(logger hclog.Logger) *Driver {
	d := &Driver{logger: logger}
	d.mu.changed = make(chan struct{})
	d.mu.tasks = make(map[string]*task)
	return d
}

// PluginInfo implements drivers.Driver.
func (d *Driver) PluginInfo(context.Context) (*base.Info, error) {
	return &base.Info{
		Type: base.TypeDriver, APIVersions: []string{base.APIVersion}, Version: version, Name: Name,
	}, nil
}

// ConfigSchema implements drivers.Driver.
func (d *Driver) ConfigSchema(context.Context) (*hclspec.Spec, error) { return pluginSchema, nil }

// TaskConfigSchema implements drivers.Driver.
func (d *Driver) TaskConfigSchema(context.Context) (*hclspec.Spec, error) { return taskSchema, nil }

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var decoded pluginConfig
	if len(config.Values) > 0 {
		if err := hclspec.Decode(config.Values, &decoded); err != nil {
			return err
		}
	}
	if err := decoded.parse(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.config = decoded
	if config.Driver != nil {
		d.mu.topology = config.Driver.Topology
	}
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

// reserve makes an ID known before there is a task, so that it is not started
// twice. It reports false if it is known already.
func (d *Driver) reserve(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.mu.tasks[id]; known {
		return false
	}
	d.mu.tasks[id] = nil
	return true
}

// settle makes a reserved ID known for good, or forgets it if t is nil.
func (d *Driver) settle(id string, t *task) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t == nil {
		delete(d.mu.tasks, id)
	} else {
		d.mu.tasks[id] = t
	}
}

// task returns a known task.
func (d *Driver) task(id string) (*task, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.mu.tasks[id]; t != nil {
		return t, nil
	}
	return nil, drivers.ErrTaskNotFound
}

// settings returns the present configuration.
func (d *Driver) settings() pluginConfig {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.config
}

// WaitTask implements drivers.Driver.
func (d *Driver) WaitTask(ctx context.Context, taskID string) (*drivers.ExitResult, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	exit, err := t.handle.Wait(ctx)
	if err != nil {
		return nil, err
	}
	if exit.LogDropped > 0 {
		t.logger.Warn("some output of the task could not be stored",
			"bytes", exit.LogDropped, "error", exit.LogErr)
	}
	return exitResult(exit), nil
}

// StopTask implements drivers.Driver.
func (d *Driver) StopTask(ctx context.Context, taskID string, timeout time.Duration, signal string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	number := defaultStopSignal
	if signal != "" {
		if number, err = shim.ParseSignal(signal); err != nil {
			// A task whose job names no real signal has to end all the same.
			t.logger.Warn("task stops with the default signal instead", "signal", signal, "error", err)
			number = defaultStopSignal
		}
	}
	if err := t.handle.Stop(ctx, number, timeout); err != nil {
		return fmt.Errorf("stop task: %w", err)
	}
	return nil
}

// DestroyTask implements drivers.Driver.
func (d *Driver) DestroyTask(ctx context.Context, taskID string, force bool) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	if err := t.handle.Destroy(ctx, force); err != nil {
		return fmt.Errorf("destroy task: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.mu.tasks, taskID)
	return nil
}

// InspectTask implements drivers.Driver.
func (d *Driver) InspectTask(_ context.Context, taskID string) (*drivers.TaskStatus, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	return t.status(), nil
}

// SignalTask implements drivers.Driver.
func (d *Driver) SignalTask(ctx context.Context, taskID, signal string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	number, err := shim.ParseSignal(signal)
	if err != nil {
		// The contract takes any name: one that is no signal interrupts the task.
		t.logger.Warn("task gets the default signal instead", "signal", signal, "error", err)
		number = defaultStopSignal
	}
	return t.handle.Signal(ctx, number)
}
