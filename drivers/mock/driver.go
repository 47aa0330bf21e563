// SPDX-License-Identifier: MPL-2.0

// Package mock is mock_driver: tasks that exist only as timers, and fail in
// every way that a test or an experiment asks for. A node can run thousands of
// them.
//
// The driver owns its tasks in memory. They survive the plugin process by
// being computed again from their start time. The package must not import the
// agent.
package mock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// Name is what jobs call the driver.
const Name = "mock_driver"

// version is that of the plugin.
const version = "0.1.0"

// handleVersion is that of the driver state in task handles.
const handleVersion = 1

// Driver implements drivers.Driver.
type Driver struct {
	drivers.Identity
	drivers.NoLifecycle
	drivers.NoEvents

	logger hclog.Logger

	// exit ends the process, for tasks that ask for a crash.
	exit func(code int)

	mu struct {
		sync.Mutex
		config     pluginConfig
		configured time.Time
		changed    chan struct{} // closed when config changes
		tasks      map[string]*task
	}
}

var _ drivers.Driver = (*Driver)(nil)

// New returns a driver without tasks.
func New(logger hclog.Logger) *Driver {
	d := &Driver{Identity: drivers.NewIdentity(Name, version, pluginSchema, taskSchema), logger: logger, exit: os.Exit}
	d.mu.changed = make(chan struct{})
	d.mu.tasks = map[string]*task{}
	d.mu.config.FSIsolation = string(drivers.FSIsolationNone)
	return d
}

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var decoded pluginConfig
	if err := config.Decode(&decoded); err != nil {
		return err
	}
	if err := decoded.validate(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.config = decoded
	d.mu.configured = time.Now()
	close(d.mu.changed)
	d.mu.changed = make(chan struct{})
	return nil
}

// Capabilities implements drivers.Driver.
func (d *Driver) Capabilities(context.Context) (*drivers.Capabilities, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &drivers.Capabilities{
		SendSignals:  true,
		Exec:         true,
		FSIsolation:  drivers.FSIsolation(d.mu.config.FSIsolation),
		MountConfigs: drivers.MountConfigsNone,
	}, nil
}

// Fingerprint implements drivers.Driver. It sends when the health changes,
// which the configuration can ask for.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	out := make(chan *drivers.Fingerprint)
	go func() {
		defer close(out)
		for {
			fingerprint, next, changed := d.health()
			select {
			case out <- fingerprint:
			case <-ctx.Done():
				return
			}
			var expired <-chan time.Time
			if next > 0 {
				expired = time.After(next)
			}
			select {
			case <-expired:
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// health returns the present fingerprint, the time until it changes by itself
// or zero, and a channel that is closed when the configuration changes.
func (d *Driver) health() (*drivers.Fingerprint, time.Duration, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var left time.Duration
	if d.mu.config.ShutdownPeriodicAfter {
		left = d.mu.config.ShutdownPeriodicDuration - time.Since(d.mu.configured)
		if left <= 0 {
			return &drivers.Fingerprint{
				Health: drivers.HealthUndetected, HealthDescription: "disabled",
			}, 0, d.mu.changed
		}
	}
	return &drivers.Fingerprint{
		Attributes:        map[string]*values.Attribute{"driver." + Name: values.Flag(true)},
		Health:            drivers.HealthHealthy,
		HealthDescription: "Healthy",
	}, left, d.mu.changed
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

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	decoded, err := decodeTask(config.DriverConfig)
	if err != nil {
		return nil, nil, err
	}
	if err := run.Sleep(ctx, time.Duration(decoded.StartBlockFor)); err != nil {
		return nil, nil, err
	}
	if decoded.StartError != "" {
		return nil, nil, drivers.NewRecoverableError(
			errors.New(decoded.StartError), decoded.StartErrorRecoverable)
	}
	t := newTask(config, decoded, time.Now())
	handle, err := drivers.NewTaskHandle(handleVersion, config, &taskState{
		StartedAt: t.startedAt.UnixNano(), DriverConfig: config.DriverConfig,
	})
	if err != nil {
		return nil, nil, err
	}
	if !d.adopt(t) {
		return nil, nil, fmt.Errorf("task with ID %q already started", config.ID)
	}
	return handle, decoded.override(), nil
}

// adopt makes a task known and runs it, unless its ID is known already.
func (d *Driver) adopt(t *task) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.tasks[t.config.ID] != nil {
		return false
	}
	d.mu.tasks[t.config.ID] = t
	go t.run(func() {
		d.logger.Warn("plugin crashes because a task asks for it", "task", t.config.Name)
		d.exit(1)
	})
	return true
}

// taskState is what a task handle carries.
type taskState struct {
	StartedAt int64 `codec:"started_at"` // Unix time in nanoseconds

	// DriverConfig repeats the task's config, which not every host keeps.
	DriverConfig []byte `codec:"driver_config"`
}

// RecoverTask implements drivers.Driver.
func (d *Driver) RecoverTask(_ context.Context, handle *drivers.TaskHandle) error {
	var state taskState
	if err := handle.Recover(handleVersion, &state); err != nil {
		return err
	}
	if _, err := d.task(handle.Config.ID); err == nil {
		return nil
	}
	decoded, err := decodeTask(state.DriverConfig)
	if err != nil {
		return err
	}
	t := newTask(handle.Config, decoded, time.Unix(0, state.StartedAt))
	t.recovered = true
	d.adopt(t)
	return nil
}

// WaitTask implements drivers.Driver.
func (d *Driver) WaitTask(ctx context.Context, taskID string) (*drivers.ExitResult, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	select {
	case <-t.done:
		return t.exit.Copy(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// StopTask implements drivers.Driver.
func (d *Driver) StopTask(ctx context.Context, taskID string, timeout time.Duration, _ string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	t.stop(timeout)
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// DestroyTask implements drivers.Driver.
func (d *Driver) DestroyTask(_ context.Context, taskID string, force bool) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	if t.running() {
		if !force {
			return fmt.Errorf("task %q is running and can be destroyed only by force", taskID)
		}
		t.kill()
		<-t.done
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
func (d *Driver) SignalTask(_ context.Context, taskID, _ string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	if t.mock.SignalError != "" {
		return errors.New(t.mock.SignalError)
	}
	return nil
}

// TaskStats implements drivers.Driver with made-up figures.
func (d *Driver) TaskStats(ctx context.Context, taskID string, interval time.Duration) (
	<-chan *drivers.TaskStats, error,
) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	if interval <= 0 {
		interval = time.Second
	}
	out := make(chan *drivers.TaskStats)
	go func() {
		defer close(out)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case out <- &drivers.TaskStats{Timestamp: time.Now(), Usage: usage}:
			case <-t.done:
				return
			case <-ctx.Done():
				return
			}
			select {
			case <-ticker.C:
			case <-t.done:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// usage is what every task claims to use.
var usage = drivers.ResourceUsage{
	CPU:    drivers.CPUUsage{Percent: 1, TotalTicks: 10, Measured: []string{drivers.CPUPercent, drivers.CPUTotalTicks}},
	Memory: drivers.MemoryUsage{RSS: 1 << 20, Measured: []string{drivers.MemoryRSS}},
}

// CreateNetwork implements drivers.Driver: there is nothing to isolate.
func (d *Driver) CreateNetwork(context.Context, string, *drivers.NetworkRequest) (
	*drivers.NetworkIsolationSpec, bool, error,
) {
	return nil, true, nil
}

// DestroyNetwork implements drivers.Driver.
func (d *Driver) DestroyNetwork(context.Context, string, *drivers.NetworkIsolationSpec) error {
	return nil
}
