// SPDX-License-Identifier: MPL-2.0

// Package executor is what drivers have in common whose tasks are processes of
// this machine: raw_exec, exec, java and qemu.
//
// Behind each task stands a shim (internal/shim), so tasks, their output and
// their exit codes survive both the plugin and the agent. Tasks owns the list of
// tasks and their control groups for as long as they are known, and implements
// all of the driver contract that has to do with a task which runs; a driver
// embeds it and adds what is its own, above all how a task is started. The
// package must not import the agent.
package executor

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// handleVersion is that of the driver state in task handles.
const handleVersion = 1

// DefaultStopSignal ends a task whose job names no signal.
const DefaultStopSignal = syscall.SIGINT

// Tasks are the tasks of a driver.
type Tasks struct {
	drivers.Events
	logger hclog.Logger
	find   func(config *drivers.TaskConfig, command string) (string, error)

	mu struct {
		sync.Mutex
		topology *base.Topology
		// tasks are those that are known. A nil task is being started or
		// recovered.
		tasks map[string]*Task
	}
}

// New returns no tasks. find, if not nil, turns the name of a command that is to
// run beside a task into a path; without it the shim looks inside the task's
// root.
func New(logger hclog.Logger, find func(config *drivers.TaskConfig, command string) (string, error)) *Tasks {
	t := &Tasks{logger: logger, find: find}
	t.mu.tasks = make(map[string]*Task)
	return t
}

// SetTopology tells what the machine's processors are, for statistics.
func (t *Tasks) SetTopology(topology *base.Topology) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.topology = topology
}

// Topology returns what SetTopology was told last.
func (t *Tasks) Topology() *base.Topology {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mu.topology
}

// NewTask returns a task that does not run yet.
func (t *Tasks) NewTask(config *drivers.TaskConfig) *Task {
	return &Task{
		Config: config, Logger: t.logger.With("alloc_id", config.AllocID, "task", config.Name), Messages: messagesFile, find: t.find,
	}
}

// Reserve makes an ID known before there is a task, so that it is not started
// twice. It reports false if it is known already.
func (t *Tasks) Reserve(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.mu.tasks[id]; known {
		return false
	}
	t.mu.tasks[id] = nil
	return true
}

// Settle makes a reserved ID known for good, or forgets it if task is nil.
func (t *Tasks) Settle(id string, task *Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if task == nil {
		delete(t.mu.tasks, id)
	} else {
		t.mu.tasks[id] = task
	}
}

// Task returns a known task.
func (t *Tasks) Task(id string) (*Task, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if task := t.mu.tasks[id]; task != nil {
		return task, nil
	}
	return nil, drivers.ErrTaskNotFound
}

// WaitTask implements drivers.Driver.
func (t *Tasks) WaitTask(ctx context.Context, taskID string) (*drivers.ExitResult, error) {
	task, err := t.Task(taskID)
	if err != nil {
		return nil, err
	}
	for {
		patience, cancel := context.WithTimeout(ctx, outputPeriod)
		exit, err := task.handle.Wait(patience)
		cancel()
		switch {
		case err == nil:
			t.lost(task, exit.LogDropped, exit.LogErr)
			return exitResult(exit), nil
		case ctx.Err() != nil || patience.Err() == nil:
			return nil, err
		}
		t.checkOutput(ctx, task)
	}
}

// StopTask implements drivers.Driver.
func (t *Tasks) StopTask(ctx context.Context, taskID string, timeout time.Duration, signal string) error {
	task, err := t.Task(taskID)
	if err != nil {
		return err
	}
	number := DefaultStopSignal
	if signal != "" {
		if number, err = shim.ParseSignal(signal); err != nil {
			// A task whose job names no real signal has to end all the same.
			task.Logger.Warn("task stops with the default signal instead", "signal", signal, "error", err)
			number = DefaultStopSignal
		}
	}
	if err := task.handle.Stop(ctx, number, timeout); err != nil {
		return fmt.Errorf("stop task: %w", err)
	}
	return nil
}

// DestroyTask implements drivers.Driver.
func (t *Tasks) DestroyTask(ctx context.Context, taskID string, force bool) error {
	task, err := t.Task(taskID)
	if err != nil {
		return err
	}
	if err := task.handle.Destroy(ctx, force); err != nil {
		return fmt.Errorf("destroy task: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.mu.tasks, taskID)
	return nil
}

// InspectTask implements drivers.Driver.
func (t *Tasks) InspectTask(_ context.Context, taskID string) (*drivers.TaskStatus, error) {
	task, err := t.Task(taskID)
	if err != nil {
		return nil, err
	}
	return task.status(), nil
}

// SignalTask implements drivers.Driver.
func (t *Tasks) SignalTask(ctx context.Context, taskID, signal string) error {
	task, err := t.Task(taskID)
	if err != nil {
		return err
	}
	number, err := shim.ParseSignal(signal)
	if err != nil {
		// The contract takes any name: one that is no signal interrupts the task.
		task.Logger.Warn("task gets the default signal instead", "signal", signal, "error", err)
		number = DefaultStopSignal
	}
	return task.handle.Signal(ctx, number)
}
