// SPDX-License-Identifier: MPL-2.0

// Package docker is the docker driver: tasks that are containers of a Docker
// engine, through its HTTP interface.
//
// The engine supervises the containers, so tasks outlive this plugin and the
// agent without a process of ours beside them: one goroutine a task waits for
// its end, one copies its output into the allocation's log files. The Driver
// owns the list of tasks, package-internal nouns own the rest: images the
// pulls and what is removed again, reconciler the containers nobody knows. The
// package must not import the agent.
package docker

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Name is what jobs call the driver.
const Name = "docker"

// version is that of the plugin, handleVersion that of the driver state in
// task handles.
const (
	version       = "0.1.0"
	handleVersion = 1
)

// callTimeout bounds calls that the engine answers at once.
const callTimeout = 5 * time.Minute

// Driver implements drivers.Driver.
type Driver struct {
	drivers.Identity

	logger hclog.Logger
	// node is the ID of the node that the driver works for, which its containers carry as a label; empty under a host
	// that does not tell.
	node   string
	images *images
	drivers.Events
	health *health

	// learning reads what an earlier process has left of images.
	learning sync.Once
	// reconciling starts the search for containers that nobody knows.
	reconciling sync.Once

	mu struct {
		sync.Mutex
		config   pluginConfig
		topology *base.Topology
		engine   *client.Client
		// tasks are those that are known. A nil task is being started or
		// recovered.
		tasks map[string]*task
		// pauses are the containers that hold the network of an allocation: true for those that somebody has asked this
		// process for, false for those that it has found when it began or could not end when it was asked to.
		pauses map[string]bool
		// removed are containers that were removed since remains of them were last looked for.
		removed map[string]bool
		// keeper is the address of what keeps the engine's containers running, as their processes have it.
		keeper string
	}
}

var _ drivers.Driver = (*Driver)(nil)

// nodeVariable is where the agent tells the ID of its node: the plugin protocol has no place for it.
const nodeVariable = "NOMADLIKE_NODE_ID"

// New returns a driver without tasks.
func New(logger hclog.Logger) *Driver {
	d := &Driver{
		Identity: drivers.NewIdentity(Name, version, pluginSchema, taskSchema),
		logger:   logger, node: os.Getenv(nodeVariable), health: newHealth(),
	}
	d.images = newImages(d)
	d.mu.tasks = map[string]*task{}
	d.mu.pauses = map[string]bool{}
	d.mu.removed = map[string]bool{}
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
	engine, err := newEngine(&decoded)
	if err != nil {
		return err
	}
	d.mu.Lock()
	old := d.mu.engine
	d.mu.config, d.mu.engine = decoded, engine
	if config.Driver != nil {
		d.mu.topology = config.Driver.Topology
	}
	d.mu.Unlock()
	if old != nil {
		_ = old.Close() // idle connections only; calls under way go on
	}
	d.health.poke()
	return nil
}

// Init implements drivers.Driver. Pause containers of an earlier process are
// learnt again, so that they are not taken for leftovers, and images, so that
// they go when nobody uses them.
func (d *Driver) Init(ctx context.Context) error {
	d.learning.Do(d.images.learn)
	ctx, cancel := context.WithTimeout(ctx, initTimeout)
	defer cancel()
	if err := d.learnPauses(ctx); err != nil {
		d.logger.Debug("containers of networks cannot be listed", "error", err)
	}
	return nil
}

// initTimeout bounds the look at an engine that may be away.
const initTimeout = 5 * time.Second

// Shutdown implements drivers.Driver. Containers go on.
func (d *Driver) Shutdown(context.Context) error { return nil }

// Capabilities implements drivers.Driver.
func (d *Driver) Capabilities(context.Context) (*drivers.Capabilities, error) {
	config, _ := d.settings()
	return &drivers.Capabilities{
		SendSignals: true,
		Exec:        true,
		FSIsolation: drivers.FSIsolationImage,
		NetworkIsolationModes: []drivers.NetworkIsolationMode{
			drivers.NetworkIsolationHost, drivers.NetworkIsolationGroup, drivers.NetworkIsolationTask,
		},
		MustCreateNetwork:    true,
		MountConfigs:         drivers.MountConfigsAny,
		DisableLogCollection: config.DisableLogCollection,
	}, nil
}

// settings returns the present configuration and the engine it leads to.
func (d *Driver) settings() (*pluginConfig, *client.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	config := d.mu.config
	return &config, d.mu.engine
}

func (d *Driver) topology() *base.Topology {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.topology
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

// known returns the containers that belong to tasks or networks.
func (d *Driver) known() map[string]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	containers := map[string]bool{}
	for _, t := range d.mu.tasks {
		if t != nil {
			containers[t.container] = true
		}
	}
	for id := range d.mu.pauses {
		containers[id] = true
	}
	return containers
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

// InspectTask implements drivers.Driver.
func (d *Driver) InspectTask(_ context.Context, taskID string) (*drivers.TaskStatus, error) {
	t, err := d.task(taskID)
	if err != nil {
		return nil, err
	}
	status := &drivers.TaskStatus{
		ID: t.config.ID, Name: t.config.Name, State: drivers.TaskStateRunning, StartedAt: t.startedAt,
		DriverAttributes: map[string]string{"container_id": t.container}, NetworkOverride: t.network.Copy(),
	}
	select {
	case <-t.done:
		status.State, status.CompletedAt, status.Exit = drivers.TaskStateExited, t.finishedAt, t.exit.Copy()
	default:
	}
	return status, nil
}

// DestroyTask implements drivers.Driver.
func (d *Driver) DestroyTask(ctx context.Context, taskID string, force bool) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	ended := t.over()
	if !ended && !force {
		return fmt.Errorf("destroy task: container %s is running", t.container)
	}
	err = t.remove(ctx)
	if err == nil || ended {
		// A container that has ended and cannot be removed, as while the engine is away, belongs to nobody from now on: a new
		// start of the same name makes room, and reconciliation finds it.
		t.release()
		d.mu.Lock()
		delete(d.mu.tasks, taskID)
		d.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("destroy task: %w", err)
	}
	return nil
}
