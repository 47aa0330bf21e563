// SPDX-License-Identifier: MPL-2.0

package rawexec

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// task is a task that the driver knows.
type task struct {
	config *drivers.TaskConfig
	handle *shim.Handle
	logger hclog.Logger
}

// taskState is what a task handle carries. It holds all that is needed for
// recovery, since not every host keeps the rest of the handle whole.
type taskState struct {
	Shim    shim.State `codec:"shim"`
	TaskDir string     `codec:"task_dir"`
}

// RecoverTask implements drivers.Driver. It succeeds for a task that has ended
// since, as long as there is a record of how.
func (d *Driver) RecoverTask(ctx context.Context, handle *drivers.TaskHandle) error {
	if handle == nil || handle.Config == nil {
		return errors.New("recover task: the handle is empty")
	}
	id := handle.Config.ID
	if _, err := d.task(id); err == nil {
		return nil
	}
	if handle.Version != handleVersion {
		return fmt.Errorf("recover task: the handle has version %d, want %d", handle.Version, handleVersion)
	}
	var state taskState
	if err := handle.GetDriverState(&state); err != nil {
		return fmt.Errorf("recover task: %w", err)
	}
	if !d.reserve(id) {
		return fmt.Errorf("recover task: %q is being started or recovered", id)
	}
	t := &task{
		config: handle.Config,
		logger: d.logger.With("alloc_id", handle.Config.AllocID, "task", handle.Config.Name),
	}
	h, err := shim.Attach(ctx, state.Shim)
	if err != nil {
		d.settle(id, nil)
		return fmt.Errorf("recover task: %w", err)
	}
	t.handle = h
	d.settle(id, t)
	if exit, exited := h.Exited(); exited {
		t.logger.Info("task ended while nobody watched", "exit_code", exit.Code, "signal", exit.Signal)
	}
	return nil
}

func (t *task) status() *drivers.TaskStatus {
	status := &drivers.TaskStatus{
		ID:               t.config.ID,
		Name:             t.config.Name,
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
