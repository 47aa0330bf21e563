// SPDX-License-Identifier: MPL-2.0

// Package qemu is the qemu driver: tasks that are virtual machines.
//
// A machine is one QEMU process behind a shim, see package executor; this
// package makes its command line and ends it the way a machine is switched off.
// The package must not import the agent.
package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/drivers/executor"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// Name is what jobs call the driver.
const Name = "qemu"

// version is that of the plugin.
const version = "0.1.0"

// fingerprintPeriod is how often the health is sent even without a change.
const fingerprintPeriod = 30 * time.Second

// Driver implements drivers.Driver.
type Driver struct {
	drivers.Identity
	drivers.NoLifecycle
	drivers.NoNetworks
	*executor.Tasks

	emulators emulators

	mu struct {
		sync.Mutex
		config pluginConfig
	}
}

var _ drivers.Driver = (*Driver)(nil)

// New returns a driver without tasks.
func New(logger hclog.Logger) *Driver {
	return &Driver{Identity: drivers.NewIdentity(Name, version, pluginSchema, taskSchema), Tasks: executor.New(logger, nil)}
}

// Usable says why this machine cannot run the driver, nil if it can.
func Usable() error {
	if runtime.GOOS == "windows" {
		return errors.New("not supported on Windows")
	}
	if len(installed()) == 0 {
		return errors.New("no qemu-system program was found in PATH")
	}
	return nil
}

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(_ context.Context, config *base.Config) error {
	var decoded pluginConfig
	if err := config.Decode(&decoded); err != nil {
		return err
	}
	if config.Driver != nil {
		d.SetTopology(config.Driver.Topology)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.config = decoded
	return nil
}

func (d *Driver) settings() *pluginConfig {
	d.mu.Lock()
	defer d.mu.Unlock()
	config := d.mu.config
	return &config
}

// Capabilities implements drivers.Driver.
func (d *Driver) Capabilities(context.Context) (*drivers.Capabilities, error) {
	return &drivers.Capabilities{
		FSIsolation: drivers.FSIsolationNone,
		NetworkIsolationModes: []drivers.NetworkIsolationMode{
			drivers.NetworkIsolationHost, drivers.NetworkIsolationGroup,
		},
		MountConfigs: drivers.MountConfigsNone,
	}, nil
}

// Fingerprint implements drivers.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	out := make(chan *drivers.Fingerprint)
	go func() {
		defer close(out)
		ticker := time.NewTicker(fingerprintPeriod)
		defer ticker.Stop()
		for {
			print := &drivers.Fingerprint{Health: drivers.HealthUndetected}
			if attributes, err := d.emulators.attributes(ctx, d.settings().Emulators); err != nil {
				print.HealthDescription = err.Error()
			} else {
				print.Attributes, print.Health, print.HealthDescription = attributes, drivers.HealthHealthy, "Healthy"
			}
			select {
			case out <- print:
			case <-ctx.Done():
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// SignalTask implements drivers.Driver: a machine takes no signals.
func (d *Driver) SignalTask(context.Context, string, string) error {
	return drivers.ErrSignalsUnsupported
}

// ExecTask implements drivers.Driver: there is no way into a machine.
func (d *Driver) ExecTask(context.Context, string, []string, time.Duration) (*drivers.ExecResult, error) {
	return nil, drivers.ErrExecUnsupported
}

// ExecTaskStreaming implements drivers.Driver.
func (d *Driver) ExecTaskStreaming(context.Context, string, *drivers.ExecOptions) (*drivers.ExitResult, error) {
	return nil, drivers.ErrExecStreamingUnsupported
}

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, config *drivers.TaskConfig) (
	*drivers.TaskHandle, *drivers.NetworkOverride, error,
) {
	var o taskConfig
	if err := config.DecodeDriverConfig(&o); err != nil {
		return nil, nil, fmt.Errorf("task config: %w", err)
	}
	command, err := d.settings().command(config, &o)
	if err != nil {
		return nil, nil, err
	}
	handle, err := d.Start(ctx, config, func(task *executor.Task, spec *shim.Spec) error {
		if spec.User, err = executor.ResolveUser(config.User, executor.Denied{}); err != nil {
			return err
		}
		if o.CloudInit != nil {
			if err := o.CloudInit.write(config, spec.User); err != nil {
				return err
			}
		}
		spec.Path, spec.Args, spec.WorkDir = command[0], command[1:], config.TaskDir()
		spec.Env = environment(config, &o)
		task.Messages = config.Name + "-" + task.Messages
		spec.Cgroup = task.GroupsOfMachine()
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	if len(o.PortMap) == 1 {
		return handle, &drivers.NetworkOverride{PortMap: o.PortMap}, nil
	}
	return handle, nil, nil
}

// environment is that of the emulator, in which ports are those that the guest listens on, sorted by name.
func environment(config *drivers.TaskConfig, o *taskConfig) []string {
	vars := map[string]string{}
	maps.Copy(vars, config.Env)
	for label, port := range o.PortMap {
		vars["NOMAD_PORT_"+label] = strconv.Itoa(port)
	}
	env := make([]string, 0, len(vars))
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// StopTask implements drivers.Driver. A machine that listens is asked to switch
// itself off first.
func (d *Driver) StopTask(ctx context.Context, taskID string, timeout time.Duration, signal string) error {
	task, err := d.Task(taskID)
	if err != nil {
		return err
	}
	if powerDown(ctx, task, timeout) {
		return nil
	}
	return d.Tasks.StopTask(ctx, taskID, timeout, signal)
}

// powerDown asks a machine to switch itself off, and reports whether it did
// within the time.
func powerDown(ctx context.Context, task *executor.Task, timeout time.Duration) bool {
	conn, err := dialMonitor(ctx, task.Config.TaskDir())
	if err != nil {
		return false // the machine has no monitor, or has ended
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err := conn.Write([]byte("system_powerdown\n")); err != nil {
		task.Logger.Warn("machine cannot be asked to switch itself off", "error", err)
		return false
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }() // what it says must not fill up
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-task.Done():
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// emulatorName is what the programs of QEMU begin with.
const emulatorName = "qemu-system-"

// emulators remembers what the programs say of themselves.
type emulators struct {
	mu      sync.Mutex
	path    string
	version string
}

// attributes are those of the node.
func (e *emulators) attributes(ctx context.Context, allowed []string) (map[string]*values.Attribute, error) {
	if err := Usable(); err != nil {
		return nil, err
	}
	var names []string
	var first string
	for _, path := range installed() {
		if name := nameOf(path); len(allowed) == 0 || slices.Contains(allowed, name) {
			names = append(names, name)
			if first == "" {
				first = path
			}
		}
	}
	if len(names) == 0 {
		return nil, errors.New("none of the emulators in emulators_allowlist is installed")
	}
	version, err := e.versionOf(ctx, first)
	if err != nil {
		return nil, err
	}
	return describe(version, names), nil
}
