// SPDX-License-Identifier: MPL-2.0

package executor

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Task is a task that a driver knows.
type Task struct {
	Config *drivers.TaskConfig
	Logger hclog.Logger
	// Messages is the file in the task directory where the shim says what goes wrong.
	Messages string

	handle *shim.Handle
	find   func(config *drivers.TaskConfig, command string) (string, error)
	// told is how many bytes of lost output were told of.
	told atomic.Int64
}

// taskState is what a task handle carries. It holds all that is needed for
// recovery, since not every host keeps the rest of the handle whole.
type taskState struct {
	Shim    shim.State `codec:"shim"`
	TaskDir string     `codec:"task_dir"`
}

// RecoverTask implements drivers.Driver. It succeeds for a task that has ended
// since, as long as there is a record of how.
func (t *Tasks) RecoverTask(ctx context.Context, handle *drivers.TaskHandle) error {
	var state taskState
	if err := handle.Recover(handleVersion, &state); err != nil {
		return err
	}
	id := handle.Config.ID
	if _, err := t.Task(id); err == nil {
		return nil
	}
	if !t.Reserve(id) {
		return fmt.Errorf("recover task: %q is being started or recovered", id)
	}
	task := t.NewTask(handle.Config)
	h, err := shim.Attach(ctx, state.Shim)
	if err != nil {
		t.Settle(id, nil)
		return fmt.Errorf("recover task: %w", err)
	}
	task.handle = h
	t.Settle(id, task)
	if exit, exited := h.Exited(); exited {
		task.Logger.Info("task ended while nobody watched", "exit_code", exit.Code, "signal", exit.Signal)
	}
	return nil
}

// Done is closed when the task has ended.
func (t *Task) Done() <-chan struct{} { return t.handle.Done() }

func (t *Task) status() *drivers.TaskStatus {
	status := &drivers.TaskStatus{
		ID:               t.Config.ID,
		Name:             t.Config.Name,
		State:            drivers.TaskStateRunning,
		StartedAt:        t.handle.StartedAt(),
		DriverAttributes: map[string]string{"pid": fmt.Sprint(t.handle.PID())},
	}
	if exit, exited := t.handle.Exited(); exited {
		status.State = drivers.TaskStateExited
		status.CompletedAt = exit.At
		status.Exit = exitResult(exit)
	}
	return status
}

func exitResult(exit shim.Exit) *drivers.ExitResult {
	return &drivers.ExitResult{
		ExitCode:  exit.Code,
		Signal:    exit.Signal,
		OOMKilled: exit.OOMKilled,
		Err:       exit.Err,
	}
}
