// SPDX-License-Identifier: MPL-2.0

package clienttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	"github.com/nomadlike/nomadlike/plugins/host"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// DriverName is the name of the driver.
const DriverName = "fake"

// options are the config block of a task.
type options struct {
	// RunFor is how long the task runs, for ever when empty.
	RunFor string `codec:"run_for"`
	// RunForOnce makes only the first attempt end after RunFor; later ones run for ever.
	RunForOnce bool `codec:"run_for_once"`
	ExitCode   int  `codec:"exit_code"`
	ExitSignal int  `codec:"exit_signal"`
	// OOM says that the kernel killed it.
	OOM bool `codec:"oom"`
	// StartError fails the start, for the first StartErrors attempts, for all when that is 0.
	StartError            string `codec:"start_error"`
	StartErrors           int    `codec:"start_errors"`
	StartErrorRecoverable bool   `codec:"start_error_recoverable"`
	// RecoverError fails the recovery of the task, which runs on.
	RecoverError string `codec:"recover_error"`
	// StartTakes delays the start.
	StartTakes string `codec:"start_takes"`
	// StopTakes is how long the task takes to end when it is stopped; the timeout of the stop bounds it.
	StopTakes string `codec:"stop_takes"`
	// StopErrors is how many stops fail before one works.
	StopErrors int `codec:"stop_errors"`
	// Print is only there to be interpolated.
	Print string `codec:"print"`
}

var schema = hclspec.Object(hclspec.Fields{
	"run_for":                 hclspec.Attr("run_for", "string"),
	"run_for_once":            hclspec.Attr("run_for_once", "bool"),
	"exit_code":               hclspec.Attr("exit_code", "number"),
	"exit_signal":             hclspec.Attr("exit_signal", "number"),
	"oom":                     hclspec.Attr("oom", "bool"),
	"start_error":             hclspec.Attr("start_error", "string"),
	"start_errors":            hclspec.Attr("start_errors", "number"),
	"start_error_recoverable": hclspec.Attr("start_error_recoverable", "bool"),
	"start_takes":             hclspec.Attr("start_takes", "string"),
	"recover_error":           hclspec.Attr("recover_error", "string"),
	"stop_takes":              hclspec.Attr("stop_takes", "string"),
	"stop_errors":             hclspec.Attr("stop_errors", "number"),
	"print":                   hclspec.Attr("print", "string"),
})

// Call is one thing that was asked of the driver.
type Call struct {
	At   time.Time
	What string // "start", "stop", "destroy", "recover", "signal"
	Task string // the name of the task
	Arg  string
}

// String renders the call as "what task arg".
func (c Call) String() string {
	s := c.What + " " + c.Task
	if c.Arg != "" {
		s += " " + c.Arg
	}
	return s
}

// Machine holds the processes of tasks. They survive the driver's plugin and the agent.
type Machine struct {
	mu struct {
		sync.Mutex
		tasks    map[string]*process
		attempts map[string]int
		calls    []Call
		plugin   *Driver
		caps     drivers.Capabilities
		foreign  bool
		// networks are the paths of the networks that the driver has made, by allocation.
		networks map[string]string
		// networkErrors are those of the next calls that make or end one.
		networkErrors []error
		networkTakes  time.Duration
	}
}

// process is a running or ended task.
type process struct {
	config    *drivers.TaskConfig
	options   options
	exit      *drivers.ExitResult
	ended     chan struct{}
	timer     *time.Timer
	stopFails int
}

// NewMachine returns a machine without tasks.
func NewMachine() *Machine {
	m := &Machine{}
	m.mu.tasks, m.mu.attempts, m.mu.networks = map[string]*process{}, map[string]int{}, map[string]string{}
	m.mu.caps = drivers.Capabilities{FSIsolation: drivers.FSIsolationNone, MountConfigs: drivers.MountConfigsAny}
	return m
}

// SetCapabilities changes what the driver says that it can do.
func (m *Machine) SetCapabilities(c drivers.Capabilities) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.caps = c
}

// SetForeign makes the driver one that is not of the agent.
func (m *Machine) SetForeign() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.foreign = true
}

// Calls returns what was asked of the driver so far, but destroying, which comes after every end.
func (m *Machine) Calls() []Call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mu.calls)
}

// Running returns the names of the tasks that run, sorted.
func (m *Machine) Running() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for _, p := range m.mu.tasks {
		if p.exit == nil {
			names = append(names, p.config.Name)
		}
	}
	slices.Sort(names)
	return names
}

// Config returns the config of the newest attempt to run a task, nil when there was none.
func (m *Machine) Config(task string) *drivers.TaskConfig {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.mu.tasks {
		if p.config.Name == task {
			return p.config
		}
	}
	return nil
}

// Printed returns the print option of a task as the driver was sent it.
func (m *Machine) Printed(task string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.mu.tasks {
		if p.config.Name == task {
			return p.options.Print
		}
	}
	return ""
}

// Exit ends a running task by itself.
func (m *Machine) Exit(task string, code int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.mu.tasks {
		if p.config.Name == task {
			m.endLocked(p, &drivers.ExitResult{ExitCode: code})
		}
	}
}

// Reboot forgets all tasks, as a machine that was restarted does.
func (m *Machine) Reboot() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.mu.tasks {
		if p.timer != nil {
			p.timer.Stop()
		}
	}
	m.mu.tasks = map[string]*process{}
}

// CrashPlugin ends the plugin process; the tasks go on.
func (m *Machine) CrashPlugin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.crashLocked()
}

func (m *Machine) crashLocked() {
	if m.mu.plugin != nil {
		close(m.mu.plugin.dead)
		m.mu.plugin = nil
	}
}

func (m *Machine) noteLocked(what, task, arg string) {
	m.mu.calls = append(m.mu.calls, Call{At: time.Now(), What: what, Task: task, Arg: arg})
}

func (m *Machine) endLocked(p *process, res *drivers.ExitResult) {
	if p.exit != nil {
		return
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	p.exit = res
	close(p.ended)
}

// driver returns the driver, starting its plugin.
func (m *Machine) driver() *Driver {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.plugin == nil {
		m.mu.plugin = &Driver{machine: m, dead: make(chan struct{}), known: map[string]bool{}}
	}
	return m.mu.plugin
}

// Get returns the driver; it implements task.Drivers.
func (m *Machine) Get(ctx context.Context, name string) (drivers.Driver, error) {
	if name != DriverName {
		return nil, fmt.Errorf("%q: %w", name, host.ErrUnknownDriver)
	}
	return m.driver(), ctx.Err()
}

// Driver is the driver in one plugin process.
type Driver struct {
	drivers.NoLifecycle
	drivers.NoEvents
	machine *Machine
	dead    chan struct{}
	// known are the tasks that this process has started or recovered.
	known map[string]bool
}

var _ drivers.Driver = (*Driver)(nil)

func (d *Driver) alive() error {
	select {
	case <-d.dead:
		return drivers.ErrPluginShutdown
	default:
		return nil
	}
}

// PluginInfo implements drivers.Driver.
func (d *Driver) PluginInfo(context.Context) (*base.Info, error) {
	return &base.Info{Type: base.TypeDriver, APIVersions: []string{base.APIVersion}, Version: "0.1.0", Name: DriverName}, nil
}

// ConfigSchema implements drivers.Driver.
func (d *Driver) ConfigSchema(context.Context) (*hclspec.Spec, error) { return nil, nil }

// SetConfig implements drivers.Driver.
func (d *Driver) SetConfig(context.Context, *base.Config) error { return nil }

// TaskConfigSchema implements drivers.Driver.
func (d *Driver) TaskConfigSchema(context.Context) (*hclspec.Spec, error) { return schema, d.alive() }

// Capabilities implements drivers.Driver.
func (d *Driver) Capabilities(context.Context) (*drivers.Capabilities, error) {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	c := d.machine.mu.caps
	return &c, d.alive()
}

// OfAgent reports whether the driver is one of the agent's own.
func (d *Driver) OfAgent() bool {
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	return !d.machine.mu.foreign
}

// Fingerprint implements drivers.Driver.
func (d *Driver) Fingerprint(ctx context.Context) (<-chan *drivers.Fingerprint, error) {
	out := make(chan *drivers.Fingerprint, 1)
	out <- Healthy()
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

// Healthy is the fingerprint of the driver when all is well.
func Healthy() *drivers.Fingerprint {
	return &drivers.Fingerprint{
		Health: drivers.HealthHealthy, HealthDescription: "Healthy", Attributes: map[string]*values.Attribute{"driver." + DriverName: values.Flag(true)},
	}
}

// StartTask implements drivers.Driver.
func (d *Driver) StartTask(ctx context.Context, c *drivers.TaskConfig) (*drivers.TaskHandle, *drivers.NetworkOverride, error) {
	if err := d.alive(); err != nil {
		return nil, nil, err
	}
	var o options
	if err := c.DecodeDriverConfig(&o); err != nil {
		return nil, nil, err
	}
	m := d.machine
	m.mu.Lock()
	key := c.AllocID + "/" + c.Name
	m.mu.attempts[key]++
	attempt := m.mu.attempts[key]
	m.noteLocked("start", c.Name, "")
	m.mu.Unlock()
	if wait, _ := time.ParseDuration(o.StartTakes); wait > 0 {
		select {
		case <-time.After(wait):
		case <-d.dead:
			return nil, nil, drivers.ErrPluginShutdown
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	if o.StartError != "" && (o.StartErrors == 0 || attempt <= o.StartErrors) {
		return nil, nil, drivers.NewRecoverableError(errors.New(o.StartError), o.StartErrorRecoverable)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.tasks[c.ID] != nil {
		return nil, nil, fmt.Errorf("task with ID %q already started", c.ID)
	}
	p := &process{config: c.Copy(), options: o, ended: make(chan struct{}), stopFails: o.StopErrors}
	m.mu.tasks[c.ID] = p
	d.known[c.ID] = true
	if run, _ := time.ParseDuration(o.RunFor); o.RunFor != "" && (!o.RunForOnce || attempt <= 1) {
		p.timer = time.AfterFunc(run, func() {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.endLocked(p, &drivers.ExitResult{ExitCode: o.ExitCode, Signal: o.ExitSignal, OOMKilled: o.OOM})
		})
	}
	handle, err := drivers.NewTaskHandle(1, c, struct{}{})
	return handle, nil, err
}

// find returns a task that this plugin process knows.
func (d *Driver) find(id string) (*process, error) {
	if err := d.alive(); err != nil {
		return nil, err
	}
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	p := d.machine.mu.tasks[id]
	if p == nil || !d.known[id] {
		return nil, drivers.ErrTaskNotFound
	}
	return p, nil
}

// RecoverTask implements drivers.Driver.
func (d *Driver) RecoverTask(_ context.Context, h *drivers.TaskHandle) error {
	if err := d.alive(); err != nil {
		return err
	}
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	d.machine.noteLocked("recover", h.Config.Name, "")
	switch p := d.machine.mu.tasks[h.Config.ID]; {
	case p == nil:
		return errors.New("task has gone")
	case p.options.RecoverError != "":
		return errors.New(p.options.RecoverError)
	}
	d.known[h.Config.ID] = true
	return nil
}

// WaitTask implements drivers.Driver.
func (d *Driver) WaitTask(ctx context.Context, id string) (*drivers.ExitResult, error) {
	p, err := d.find(id)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.ended:
		return p.exit.Copy(), nil
	case <-d.dead:
		return nil, drivers.ErrPluginShutdown
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// StopTask implements drivers.Driver.
func (d *Driver) StopTask(ctx context.Context, id string, timeout time.Duration, signal string) error {
	p, err := d.find(id)
	if err != nil {
		return err
	}
	m := d.machine
	m.mu.Lock()
	m.noteLocked("stop", p.config.Name, fmt.Sprintf("%s %v", signal, timeout))
	if p.stopFails > 0 {
		p.stopFails--
		m.mu.Unlock()
		return errors.New("cannot stop")
	}
	m.mu.Unlock()
	take, _ := time.ParseDuration(p.options.StopTakes)
	res := &drivers.ExitResult{ExitCode: 130, Signal: 2}
	if take > timeout {
		take, res = timeout, &drivers.ExitResult{ExitCode: 137, Signal: 9}
	}
	if take > 0 {
		select {
		case <-time.After(take):
		case <-p.ended:
		case <-d.dead:
			return drivers.ErrPluginShutdown
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.endLocked(p, res)
	return nil
}

// DestroyTask implements drivers.Driver.
func (d *Driver) DestroyTask(_ context.Context, id string, force bool) error {
	if err := d.alive(); err != nil {
		return err
	}
	m := d.machine
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.mu.tasks[id]
	if p == nil {
		return drivers.ErrTaskNotFound
	}
	if p.exit == nil {
		if !force {
			return errors.New("task is running")
		}
		m.noteLocked("destroy", p.config.Name, "")
		m.endLocked(p, &drivers.ExitResult{ExitCode: 137, Signal: 9})
	}
	delete(m.mu.tasks, id)
	return nil
}

// InspectTask implements drivers.Driver.
func (d *Driver) InspectTask(_ context.Context, id string) (*drivers.TaskStatus, error) {
	p, err := d.find(id)
	if err != nil {
		return nil, err
	}
	return &drivers.TaskStatus{ID: id, Name: p.config.Name, State: drivers.TaskStateRunning}, nil
}

// SignalTask implements drivers.Driver.
func (d *Driver) SignalTask(_ context.Context, id, signal string) error {
	p, err := d.find(id)
	if err != nil {
		return err
	}
	d.machine.mu.Lock()
	defer d.machine.mu.Unlock()
	d.machine.noteLocked("signal", p.config.Name, signal)
	return nil
}

// TaskStats implements drivers.Driver: each sample uses more memory than the one before.
func (d *Driver) TaskStats(ctx context.Context, id string, interval time.Duration) (<-chan *drivers.TaskStats, error) {
	p, err := d.find(id)
	if err != nil {
		return nil, err
	}
	out := make(chan *drivers.TaskStats)
	go func() {
		defer close(out)
		for n := uint64(1); ; n++ {
			u := drivers.ResourceUsage{
				Memory: drivers.MemoryUsage{RSS: n << 20, Measured: []string{drivers.MemoryRSS}},
				CPU:    drivers.CPUUsage{Percent: 1, Measured: []string{drivers.CPUPercent}},
			}
			select {
			case out <- &drivers.TaskStats{Timestamp: time.Now(), Usage: u, Pids: map[string]*drivers.ResourceUsage{"1": &u}}:
			case <-ctx.Done():
				return
			case <-p.ended:
				return
			}
			select {
			case <-time.After(interval):
			case <-ctx.Done():
				return
			case <-p.ended:
				return
			}
		}
	}()
	return out, nil
}

// ExecTask implements drivers.Driver.
func (d *Driver) ExecTask(_ context.Context, id string, command []string, _ time.Duration) (*drivers.ExecResult, error) {
	if _, err := d.find(id); err != nil {
		return nil, err
	}
	return &drivers.ExecResult{Stdout: []byte(fmt.Sprint(command)), Exit: &drivers.ExitResult{}}, nil
}

// ExecTaskStreaming implements drivers.Driver: it copies its input to both outputs and exits with 3.
func (d *Driver) ExecTaskStreaming(_ context.Context, id string, opts *drivers.ExecOptions) (*drivers.ExitResult, error) {
	if _, err := d.find(id); err != nil {
		return nil, err
	}
	if opts.TTY {
		size := <-opts.Resize
		_, err := fmt.Fprintf(opts.Stdout, "%d %d\r\n", size.Height, size.Width)
		return &drivers.ExitResult{}, err
	}
	buf := make([]byte, 1024)
	for {
		n, err := opts.Stdin.Read(buf)
		if n > 0 {
			if _, err := fmt.Fprintf(opts.Stdout, "out %s", buf[:n]); err != nil {
				return nil, err
			}
			if _, err := fmt.Fprintf(opts.Stderr, "err %s", buf[:n]); err != nil {
				return nil, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return &drivers.ExitResult{ExitCode: 3}, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Plugins are the driver plugins of a client; they implement client.Drivers.
type Plugins struct {
	*Machine
	config host.Config
	ready  chan struct{}
}

// NewPlugins returns a client's plugins on the machine.
func NewPlugins(m *Machine, config host.Config) *Plugins {
	return &Plugins{Machine: m, config: config, ready: make(chan struct{})}
}

// Run implements client.Drivers.
func (p *Plugins) Run(ctx context.Context) error {
	p.config.Fingerprint(DriverName, Healthy())
	close(p.ready)
	<-ctx.Done()
	p.CrashPlugin()
	return nil
}

// Ready implements client.Drivers.
func (p *Plugins) Ready() <-chan struct{} { return p.ready }
