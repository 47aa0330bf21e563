// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/internal/shim"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Waits around a container's end.
const (
	drainLimit  = 2 * time.Second
	retryMin    = 250 * time.Millisecond
	retryMax    = 5 * time.Second
	settleLimit = 30 * time.Second
)

// task is a container that the driver watches.
type task struct {
	driver    *Driver
	config    *drivers.TaskConfig
	logger    hclog.Logger
	container string
	image     string
	tty       bool
	network   *drivers.NetworkOverride
	startedAt time.Time

	// ctx ends when the task is forgotten.
	ctx    context.Context
	cancel context.CancelFunc

	// ended is closed when the container has stopped, copied when its output
	// has been stored, done when both are over; exit and finishedAt are valid
	// then.
	ended, copied, done chan struct{}
	exit                *drivers.ExitResult
	finishedAt          time.Time
}

func newTask(d *Driver, config *drivers.TaskConfig, container string) *task {
	t := &task{
		driver: d, config: config, container: container,
		logger: d.logger.With("alloc_id", config.AllocID, "task", config.Name),
		ended:  make(chan struct{}), copied: make(chan struct{}), done: make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// begin starts to watch the container. fresh says that it has only just started.
func (t *task) begin(fresh bool) {
	go func() {
		defer close(t.copied)
		t.copyLogs(fresh)
	}()
	go t.watch()
}

// running returns the tasks whose containers have not ended.
func (d *Driver) running() []*task {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []*task
	for _, t := range d.mu.tasks {
		if t == nil {
			continue
		}
		select {
		case <-t.ended:
		default:
			list = append(list, t)
		}
	}
	return list
}

// RecoverTask implements drivers.Driver.
func (d *Driver) RecoverTask(ctx context.Context, handle *drivers.TaskHandle) error {
	var state taskState
	if err := handle.Recover(handleVersion, &state); err != nil {
		return err
	}
	id := handle.Config.ID
	if _, err := d.task(id); err == nil {
		return nil
	}
	if state.ContainerID == "" {
		return errors.New("recover task: the handle names no container")
	}
	if !d.reserve(id) {
		return fmt.Errorf("recover task: %q is being started or recovered", id)
	}
	_, engine := d.settings()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	found, err := engine.ContainerInspect(ctx, state.ContainerID, client.ContainerInspectOptions{})
	if err != nil && !unreachable(err) {
		d.settle(id, nil)
		return fmt.Errorf("recover task: inspect container %s: %w", state.ContainerID, err)
	}
	t := newTask(d, handle.Config, state.ContainerID)
	t.image, t.tty, t.network = state.ImageID, state.TTY, state.DriverNetwork
	if err == nil && found.Container.State != nil {
		t.startedAt = engineTime(found.Container.State.StartedAt)
		d.learnKeeper(&found.Container)
	}
	if n := handle.Config.NetworkIsolation; n != nil && n.Labels[sandboxContainer] != "" {
		d.holdPause(n.Labels[sandboxContainer]) // the engine may have been away when this process looked for those
	}
	// An engine that is away comes back, and its containers often with it: the
	// watch goes on until that is known.
	d.images.resume(state.ImageID, id, state.ImageBrought)
	d.settle(id, t)
	t.begin(false)
	return nil
}

// watch waits for the end of the container, through any absence of the engine.
func (t *task) watch() {
	away := false
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		_, engine := t.driver.settings()
		waiting := engine.ContainerWait(t.ctx, t.container, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		var err error
		select {
		case result := <-waiting.Result:
			if exit, at, failed := t.outcome(result.StatusCode); failed == nil {
				t.finish(exit, at)
				return
			} else {
				err = failed
			}
		case err = <-waiting.Error:
		}
		switch {
		case t.ctx.Err() != nil:
			return
		case notFound(err):
			t.finish(&drivers.ExitResult{ExitCode: -1, Err: errors.New("the container was removed by somebody else")}, time.Now())
			return
		}
		t.driver.health.poke()
		if !away {
			away = true
			t.logger.Warn("end of the container cannot be awaited, trying again", "error", err)
			t.driver.Emit(t.config, "Docker engine cannot be reached; the task is watched again when it is back", nil)
		}
		if run.Sleep(t.ctx, pause) != nil {
			return
		}
	}
}

// outcome asks how a container that has stopped came to its end.
func (t *task) outcome(code int64) (*drivers.ExitResult, time.Time, error) {
	_, engine := t.driver.settings()
	ctx, cancel := context.WithTimeout(t.ctx, callTimeout)
	defer cancel()
	found, err := engine.ContainerInspect(ctx, t.container, client.ContainerInspectOptions{})
	exit := &drivers.ExitResult{ExitCode: int(code)}
	at := time.Now()
	switch {
	case notFound(err):
		// Removed meanwhile; the exit code is known all the same.
	case err != nil:
		return nil, at, err
	case found.Container.State != nil:
		state := found.Container.State
		if state.Running {
			return nil, at, errors.New("the container runs again")
		}
		exit.ExitCode, exit.OOMKilled = state.ExitCode, state.OOMKilled
		if finished := engineTime(state.FinishedAt); !finished.IsZero() {
			at = finished
		}
		if at.Before(t.startedAt) {
			at = t.startedAt // the engine takes the time of the start late
		}
	}
	switch {
	case exit.OOMKilled:
		exit.Err = errors.New("OOM Killed")
	case exit.ExitCode != 0:
		exit.Err = fmt.Errorf("Docker container exited with non-zero exit code: %d", exit.ExitCode)
	}
	return exit, at, nil
}

// finish settles the exit after the last of the output.
func (t *task) finish(exit *drivers.ExitResult, at time.Time) {
	close(t.ended)
	timer := time.NewTimer(drainLimit)
	defer timer.Stop()
	select {
	case <-t.copied:
	case <-timer.C:
		t.logger.Warn("output of the container does not end and is left")
		t.cancel()
	}
	t.exit, t.finishedAt = exit, at
	close(t.done)
}

// over reports whether the container has ended and its output is written.
func (t *task) over() bool {
	select {
	case <-t.done:
		return true
	default:
		return false
	}
}

// StopTask implements drivers.Driver.
func (d *Driver) StopTask(ctx context.Context, taskID string, timeout time.Duration, signal string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	if signal != "" {
		if _, err := shim.ParseSignal(signal); err != nil {
			t.logger.Warn("task stops with the default signal instead", "signal", signal, "error", err)
			signal = ""
		}
	}
	if err := t.stop(ctx, timeout, signal); err != nil {
		return fmt.Errorf("stop container %s: %w", t.container, err)
	}
	select {
	case <-t.done:
	case <-time.After(settleLimit):
		return errors.New("the engine has stopped the container and does not report its end")
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// stuckLimit is how long an engine may take to end a container whose time is up.
const stuckLimit = 5 * time.Second

func (t *task) stop(ctx context.Context, timeout time.Duration, signal string) error {
	select {
	case <-t.ended:
		return nil
	default:
	}
	stuck := time.AfterFunc(timeout+stuckLimit, func() { t.driver.endStuck(t.container) })
	defer stuck.Stop()
	_, engine := t.driver.settings()
	seconds := int((timeout + time.Second - 1) / time.Second)
	if signal != "" {
		_, err := engine.ContainerKill(ctx, t.container, client.ContainerKillOptions{Signal: signal})
		switch {
		case notFound(err) || says(err, "is not running"):
			return nil
		case err != nil:
			return err
		}
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select {
		case <-t.ended:
			return nil
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		seconds = 0
	}
	_, err := engine.ContainerStop(ctx, t.container, client.ContainerStopOptions{Timeout: &seconds})
	if notFound(err) || says(err, "is not running") {
		return nil
	}
	return err
}

// remove kills and removes the container and forgets what belongs to it.
func (t *task) remove(ctx context.Context) error {
	config, _ := t.driver.settings()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if !config.GC.Container {
		return t.stop(ctx, 0, "")
	}
	stuck := time.AfterFunc(stuckLimit, func() { t.driver.endStuck(t.container) })
	defer stuck.Stop()
	if err := t.driver.removeContainer(ctx, t.container, true); err != nil && !says(err, "already in progress") {
		return err
	}
	return nil
}

// release gives up what the driver holds for a task besides its container.
func (t *task) release() {
	t.cancel()
	t.forgetLogs()
	t.driver.letGo(t.config)
	t.driver.images.release(t.image, t.config.ID)
}

// SignalTask implements drivers.Driver.
func (d *Driver) SignalTask(ctx context.Context, taskID, signal string) error {
	t, err := d.task(taskID)
	if err != nil {
		return err
	}
	if _, err := shim.ParseSignal(signal); err != nil {
		return err
	}
	_, engine := d.settings()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = engine.ContainerKill(ctx, t.container, client.ContainerKillOptions{Signal: signal})
	return err
}
