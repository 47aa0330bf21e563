// SPDX-License-Identifier: MPL-2.0

package drivertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/config"
	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/process"
)

// deadline bounds each test; nothing here is expected to take long.
const deadline = 60 * time.Second

// rig is a harness at work: one plugin process, replaced when a test kills it.
type rig struct {
	Harness
	ctx     context.Context
	plugin  *process.Process
	driver  *drivers.Client
	schema  *config.Schema
	counter *atomic.Int64
}

// newRig launches the plugin as a host does.
func newRig(t *testing.T, h Harness) *rig {
	t.Helper()
	if len(h.Command) == 0 {
		self, err := os.Executable()
		if err != nil {
			t.Fatalf("find the test binary: %v", err)
		}
		h.Command = []string{self, "driver"}
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	r := &rig{Harness: h, ctx: ctx, counter: new(atomic.Int64)}
	r.launch(t)
	return r
}

// with returns the rig with a deadline of the test's own.
func (r *rig) with(t *testing.T) *rig {
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	dup := *r
	dup.ctx = ctx
	return &dup
}

// launch starts a plugin process and configures it.
func (r *rig) launch(t *testing.T) {
	t.Helper()
	plugin, err := process.Launch(r.ctx, process.Spec{
		Name:    r.Name,
		Command: r.Command,
		Env:     append([]string{childEnv + "=1"}, r.Env...),
		Logger:  hclog.New(&hclog.LoggerOptions{Name: "drivertest", Level: hclog.Warn, Output: os.Stderr}),
	})
	if err != nil {
		t.Fatalf("launch the plugin: %v", err)
	}
	t.Cleanup(plugin.Stop)
	r.plugin, r.driver = plugin, plugin.Driver()
	r.configure(t)
}

// configure sends the configuration and initialises the driver.
func (r *rig) configure(t *testing.T) {
	t.Helper()
	spec, err := r.driver.ConfigSchema(r.ctx)
	if err != nil {
		t.Fatalf("get the schema of the plugin: %v", err)
	}
	values, err := config.NoSchema(r.PluginConfig)
	if spec != nil {
		var schema *config.Schema
		if schema, err = config.Compile(spec); err == nil {
			values, err = schema.Encode(r.PluginConfig, nil)
		}
	}
	if err != nil {
		t.Fatalf("encode the configuration of the plugin: %v", err)
	}
	err = r.driver.SetConfig(r.ctx, &base.Config{
		Values: values, Driver: hostInfo(), APIVersion: base.APIVersion,
	})
	if err != nil {
		t.Fatalf("set the configuration of the plugin: %v", err)
	}
	if err := r.driver.Init(r.ctx); err != nil {
		t.Fatalf("initialise the driver: %v", err)
	}
	taskSpec, err := r.driver.TaskConfigSchema(r.ctx)
	if err != nil {
		t.Fatalf("get the schema of tasks: %v", err)
	}
	if r.schema, err = config.Compile(taskSpec); err != nil {
		t.Fatal(err)
	}
}

// hostInfo is what the driver is told of the agent.
func hostInfo() *base.DriverHost {
	return &base.DriverHost{
		ClientMinPort: 14000,
		ClientMaxPort: 14512,
		Topology: &base.Topology{
			NodeIDs:   []uint32{0},
			Distances: [][]uint32{{10}},
			Cores:     []base.Core{{ID: 0, BaseSpeed: 2000}, {ID: 1, BaseSpeed: 2000}},
		},
	}
}

// crash kills the plugin process the hard way and waits for its end.
func (r *rig) crash(t *testing.T) {
	t.Helper()
	r.plugin.Kill()
	select {
	case <-r.plugin.Exited():
	case <-r.ctx.Done():
		t.Fatal("the plugin process did not end when killed")
	}
}

// encode encodes a task's config block.
func (r *rig) encode(t *testing.T, task Config) []byte {
	t.Helper()
	data, err := r.schema.Encode(task, &config.Scope{Env: map[string]string{}})
	if err != nil {
		t.Fatalf("encode the config of the task: %v", err)
	}
	return data
}

// task is a task config with the directories and streams of the contract.
func (r *rig) task(t *testing.T, task Config) *drivers.TaskConfig {
	t.Helper()
	number := r.counter.Add(1)
	// Others may test on the same engine.
	allocID := fmt.Sprintf("00000000-0000-4000-8000-%06d%06d", os.Getpid()%1000000, number)
	dir := filepath.Join(tempDir(t), allocID)
	name := "t"
	for _, sub := range []string{
		"alloc/logs", "alloc/data", "alloc/tmp", name + "/local", name + "/secrets", name + "/tmp", name + "/private",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub)), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	out := &drivers.TaskConfig{
		ID:            fmt.Sprintf("%s/%s/%08x", allocID, name, number),
		Name:          name,
		JobID:         "job",
		JobName:       "job",
		TaskGroupName: "group",
		Namespace:     "default",
		NodeID:        "00000000-0000-4000-8000-000000000000",
		NodeName:      "node",
		AllocID:       allocID,
		DriverConfig:  r.encode(t, task),
		Env: map[string]string{
			"NOMAD_ALLOC_DIR":   filepath.Join(dir, "alloc"),
			"NOMAD_TASK_DIR":    filepath.Join(dir, name, "local"),
			"NOMAD_SECRETS_DIR": filepath.Join(dir, name, "secrets"),
			"PATH":              os.Getenv("PATH"),
		},
		Resources: &drivers.Resources{
			CPUShares: 100,
			MemoryMB:  64,
			Linux: &drivers.LinuxResources{
				CPUShares: 100, MemoryLimitBytes: 64 << 20, PercentTicks: 0.025,
			},
		},
		AllocDir: dir,
	}
	makeStreams(t, out)
	if r.Setup != nil {
		r.Setup(t, out)
	}
	return out
}

// start starts a task that is destroyed when the test ends.
func (r *rig) start(t *testing.T, task Config) (*drivers.TaskConfig, *drivers.TaskHandle) {
	t.Helper()
	return r.startConfig(t, r.task(t, task))
}

// run is start of a Run, and waits until it ends on the stop signal.
func (r *rig) run(t *testing.T) (*drivers.TaskConfig, *drivers.TaskHandle) {
	t.Helper()
	task, handle := r.start(t, r.Run())
	if r.Announces {
		expectOutput(r.ctx, t, task.StdoutPath, "ready")
	}
	return task, handle
}

func (r *rig) startConfig(t *testing.T, task *drivers.TaskConfig) (*drivers.TaskConfig, *drivers.TaskHandle) {
	t.Helper()
	handle, _, err := r.driver.StartTask(r.ctx, task)
	if err != nil {
		t.Fatalf("start the task: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		_ = r.driver.DestroyTask(ctx, task.ID, true) // most tests did so themselves
	})
	return task, handle
}

// wait waits for the exit of a task.
func (r *rig) wait(t *testing.T, id string) *drivers.ExitResult {
	t.Helper()
	exit, err := r.driver.WaitTask(r.ctx, id)
	if err != nil {
		t.Fatalf("wait for the task: %v", err)
	}
	return exit
}

// stop stops a task with all the time it may need.
func (r *rig) stop(t *testing.T, id string) {
	t.Helper()
	if err := r.driver.StopTask(r.ctx, id, deadline/2, ""); err != nil {
		t.Fatalf("stop the task: %v", err)
	}
}

// stillRunning fails unless the driver says that the task runs.
func (r *rig) stillRunning(t *testing.T, id string) {
	t.Helper()
	status, err := r.driver.InspectTask(r.ctx, id)
	if err != nil {
		t.Fatalf("inspect the task: %v", err)
	}
	if status.State != drivers.TaskStateRunning {
		t.Fatalf("the task is %s, want running", status.State)
	}
}
