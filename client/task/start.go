// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// syncWait bounds the wait for the disk before a start. A disk that is full delays tasks by that, and does
// not keep them from running.
const syncWait = 2 * time.Second

// A driver that takes startSlow to start a task is told of. One that still starts it startGrace after the task was to
// end is not waited for: it may have to fetch an image first, or hang.
const (
	startSlow  = 30 * time.Second
	startGrace = time.Minute
)

// prepareAndStart makes one attempt to start the task.
func (r *Runner) prepareAndStart(ctx context.Context) error {
	name := r.task.Driver
	var driver drivers.Driver
	var schema *config.Schema
	err := r.beside(ctx, atOnce, func(ctx context.Context) error {
		var err error
		driver, schema, err = r.consult(ctx, name)
		return err
	})
	switch {
	case r.kill != nil:
		return errKilled
	case err != nil:
		r.emit(driverFailureEvent(err))
		return err
	}
	if err := r.rejoinNetwork(ctx); err != nil {
		return err
	}
	if err := r.buildEnv(); err != nil {
		r.emit(validationEvent(err))
		return err
	}
	if err := r.runStartHooks(ctx); err != nil {
		return err
	}
	cfg, err := r.taskConfig(schema)
	if err != nil {
		r.emit(validationEvent(err))
		return err
	}
	return r.start(ctx, driver, cfg)
}

// rejoinNetwork makes sure that there is a network before the task starts again: it may have gone down with what held it.
func (r *Runner) rejoinNetwork(ctx context.Context) error {
	r.attempts++
	if r.attempts == 1 || r.joinNetwork == nil {
		return nil
	}
	var isolation *drivers.NetworkIsolationSpec
	var network *api.AllocNetworkStatus
	err := r.beside(ctx, atOnce, func(ctx context.Context) error {
		var err error
		isolation, network, err = r.joinNetwork(ctx)
		return err
	})
	switch {
	case r.kill != nil:
		return errKilled
	case err != nil:
		r.emit(driverFailureEvent(err))
		return drivers.NewRecoverableError(err, true)
	}
	r.isolation, r.network = isolation, network
	return nil
}

// consult asks the driver what is needed to prepare the task. A plugin that dies meanwhile is waited for.
func (r *Runner) consult(ctx context.Context, name string) (drivers.Driver, *config.Schema, error) {
	for try := 1; ; try++ {
		driver, err := r.get(ctx, name, startTries)
		if err != nil {
			return nil, nil, fmt.Errorf("get driver %q: %w", name, err)
		}
		var spec *hclspec.Spec
		r.foreign = isForeign(driver)
		r.caps, err = driver.Capabilities(ctx)
		if err == nil {
			spec, err = driver.TaskConfigSchema(ctx)
		}
		if errors.Is(err, drivers.ErrPluginShutdown) && ctx.Err() == nil {
			if try < startTries {
				continue
			}
			err = drivers.NewRecoverableError(err, true)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("ask driver %q for its capabilities: %w", name, err)
		}
		schema, err := config.Compile(spec)
		if err != nil {
			return nil, nil, fmt.Errorf("schema of driver %q: %w", name, err)
		}
		return driver, schema, nil
	}
}

// isForeign reports whether a driver is known not to be of the agent. The drivers of the agent store the output of their
// tasks themselves.
func isForeign(driver drivers.Driver) bool {
	known, ok := driver.(interface{ OfAgent() bool })
	return ok && !known.OfAgent()
}

// runStartHooks runs the hooks in this goroutine: they emit events, and are quick or do slow work beside.
func (r *Runner) runStartHooks(ctx context.Context) error {
	r.receive()
	if r.kill != nil {
		return errKilled
	}
	err := r.startHooks(ctx)
	var invalid *validationError
	var reported *reportedError
	var hook *hookError
	switch {
	case err == nil, ctx.Err() != nil, r.kill != nil, errors.As(err, &reported):
	case errors.As(err, &invalid):
		r.emit(validationEvent(invalid))
	case errors.As(err, &hook):
		r.emit(hookFailedEvent(hook.hook, hook.err))
	}
	return err
}

// pluginTries is how often a start is tried whose plugin dies under it.
const pluginTries = 3

// start hands the task to the driver. A plugin that dies under it is given another chance, here and by the restart policy.
func (r *Runner) start(ctx context.Context, driver drivers.Driver, cfg *drivers.TaskConfig) error {
	// Should the agent die before the driver answers, the next one knows what to look for.
	r.putHandle(&statedb.TaskHandle{Pending: cfg.ID})
	name := r.task.Driver
	var handle *drivers.TaskHandle
	var network *drivers.NetworkOverride
	slow := time.AfterFunc(startSlow, func() { r.box.Put(slowMsg{}) })
	err := r.beside(ctx, startGrace, func(ctx context.Context) error {
		wait, cancel := context.WithTimeout(ctx, syncWait)
		defer cancel()
		if err := r.deps.State.Sync(wait); err != nil {
			r.logger.Warn("task is started although its state is not on disk yet", "error", err)
		}
		for try := 1; ; try++ {
			var err error
			handle, network, err = driver.StartTask(ctx, cfg)
			switch {
			case !errors.Is(err, drivers.ErrPluginShutdown) || ctx.Err() != nil:
				return err
			case try == pluginTries:
				return drivers.NewRecoverableError(err, true)
			}
			if driver, err = r.get(ctx, name, startTries); err != nil {
				return err
			}
		}
	})
	slow.Stop()
	if err == nil && handle == nil {
		err = errors.New("driver returned no handle")
	}
	if err != nil {
		if ctx.Err() == nil {
			r.emit(driverFailureEvent(err))
			if r.kill != nil {
				r.discard(ctx, cfg.ID) // it may have begun
			}
		}
		return fmt.Errorf("start task: %w", err)
	}
	// The next agent needs all of the config, whatever the driver sent back.
	if handle.Config == nil || handle.Config.ID != cfg.ID {
		handle.Config = cfg
	}
	if len(handle.Config.DriverConfig) == 0 {
		handle.Config.DriverConfig = cfg.DriverConfig
	}
	r.setHandle(driver, handle, network)
	now := time.Now()
	r.policy.started(now)
	r.state.State, r.state.StartedAt = api.TaskStateRunning, &now
	r.running = true
	r.emit(startedEvent())
	r.runningHooks()
	return nil
}

// buildEnv makes the environment of an attempt to run the task.
func (r *Runner) buildEnv() error {
	env, err := r.makeEnv()
	if err == nil {
		r.env = env
	}
	return err
}

// makeEnv makes the environment for the driver's view of the file system.
func (r *Runner) makeEnv() (*taskenv.Env, error) {
	dirs := taskenv.Dirs{
		Alloc: r.dir.SharedPath(), Task: r.dir.TaskPath(r.name, allocdir.Local), Secrets: r.dir.TaskPath(r.name, allocdir.Secrets),
	}
	host := r.deps.HostEnv
	switch r.caps.FSIsolation {
	case drivers.FSIsolationNone, "":
	case drivers.FSIsolationImage:
		dirs = taskenv.Dirs{Alloc: "/alloc", Task: "/local", Secrets: "/secrets"}
		host = nil
	case drivers.FSIsolationChroot:
		// The driver makes the root; nothing is copied into the task's directory.
		dirs = taskenv.Dirs{Alloc: "/alloc", Task: "/local", Secrets: "/secrets"}
	case drivers.FSIsolationUnveil:
		seen := r.deps.Views.Seen(r.allocID, r.name)
		dirs = taskenv.Dirs{Alloc: seen.Shared, Task: seen.Local, Secrets: seen.Secrets}
	default:
		return nil, fmt.Errorf("driver %q isolates the file system by %q, which is not known", r.task.Driver, r.caps.FSIsolation)
	}
	r.seen = allocdir.Seen{
		Shared: dirs.Alloc, Local: dirs.Task, Secrets: dirs.Secrets, Rooted: r.caps.FSIsolation == drivers.FSIsolationChroot,
	}
	node := r.deps.Node()
	return taskenv.Build(&taskenv.Input{
		Node: node.Node, Region: node.Region, Alloc: r.alloc, Task: r.task, Dirs: dirs, Host: host, DriverPorts: r.ports,
		Hooks:     r.reserved.env,
		Templates: r.templates.env,
		Network:   r.network,
	}), nil
}

// taskConfig is all that the driver is told.
func (r *Runner) taskConfig(schema *config.Schema) (*drivers.TaskConfig, error) {
	encoded, err := schema.Encode(r.task.Config, &config.Scope{Env: r.env.Map(), Values: r.env.Node()})
	if err != nil {
		return nil, fmt.Errorf("failed to parse config: %w", err)
	}
	node := r.deps.Node()
	a := r.alloc
	cfg := &drivers.TaskConfig{
		ID: newTaskID(a.ID, r.name), Name: r.name, JobID: a.JobID, TaskGroupName: a.TaskGroup, Namespace: a.Namespace,
		NodeID: node.ID, NodeName: node.Name, AllocID: a.ID, DriverConfig: encoded, Env: r.env.Map(), User: r.userName(),
		Resources: r.resources(node), Mounts: slices.Concat(r.mounts, r.reserved.mounts),
		Devices: r.reserved.devices, DeviceEnv: r.reserved.env, AllocDir: r.dir.Path(),
		StdoutPath: r.output.stdout, StderrPath: r.output.stderr, DNS: r.dns(), NetworkIsolation: r.isolation.Copy(),
	}
	if a.Job != nil {
		cfg.JobName, cfg.ParentJobID = a.Job.Name, a.Job.ParentID
	}
	return cfg, nil
}

// newTaskID names one attempt to run a task.
func newTaskID(alloc, task string) string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails, see its documentation.
	return alloc + "/" + task + "/" + hex.EncodeToString(b[:])
}

// resources translates what the task was granted.
func (r *Runner) resources(node *Node) *drivers.Resources {
	out := &drivers.Resources{Linux: &drivers.LinuxResources{CpusetCgroup: r.cgroup}}
	if g := r.granted(); g != nil {
		out.CPUShares, out.MemoryMB, out.MemoryMaxMB = g.Cpu.CpuShares, g.Memory.MemoryMB, g.Memory.MemoryMaxMB
		out.Linux.CPUShares = g.Cpu.CpuShares
		out.Linux.MemoryLimitBytes = max(g.Memory.MemoryMB, g.Memory.MemoryMaxMB) << 20
		cores := make([]string, len(g.Cpu.ReservedCores))
		for i, c := range g.Cpu.ReservedCores {
			cores[i] = strconv.Itoa(int(c))
		}
		out.Linux.CpusetCpus = strings.Join(cores, ",")
		if node.UsableCompute > 0 {
			out.Linux.PercentTicks = float64(g.Cpu.CpuShares) / float64(node.UsableCompute)
		}
		for _, n := range g.Networks {
			out.Networks = append(out.Networks, legacyNetwork(n))
		}
	}
	if r.alloc.AllocatedResources != nil {
		for _, p := range r.alloc.AllocatedResources.Shared.Ports {
			out.Ports = append(out.Ports, &drivers.PortMapping{Label: p.Label, Value: p.Value, To: p.To, HostIP: p.HostIP})
		}
	}
	return out
}

func legacyNetwork(n *api.NetworkResource) *drivers.NetworkResource {
	out := &drivers.NetworkResource{Device: n.Device, CIDR: n.CIDR, IP: n.IP, MBits: n.MBits}
	for _, p := range n.ReservedPorts {
		out.ReservedPorts = append(out.ReservedPorts, drivers.NetworkPort{Label: p.Label, Value: p.Value})
	}
	for _, p := range n.DynamicPorts {
		out.DynamicPorts = append(out.DynamicPorts, drivers.NetworkPort{Label: p.Label, Value: p.Value})
	}
	return out
}

// dns is the resolver configuration that the job gives, or else its network; nil for that of the host.
func (r *Runner) dns() *drivers.DNSConfig {
	var d *api.DNSConfig
	if r.network != nil {
		d = r.network.DNS
	}
	if group := r.alloc.Group(); group != nil && len(group.Networks) > 0 && group.Networks[0].DNS != nil {
		d = group.Networks[0].DNS
	}
	if d == nil {
		return nil
	}
	return &drivers.DNSConfig{
		Servers: r.env.ReplaceAll(d.Servers), Searches: r.env.ReplaceAll(d.Searches), Options: r.env.ReplaceAll(d.Options),
	}
}

// Env returns the environment of the current attempt, nil before the first.
func (r *Runner) Env() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.handle == nil {
		return nil
	}
	return maps.Clone(r.mu.handle.Config.Env)
}
