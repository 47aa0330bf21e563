// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Errors of requests.
var (
	// ErrNotRunning says that a task has no process to act on.
	ErrNotRunning = api.CodeErrorf(api.ClassInvalid, 500, "Task not running")
	// ErrEnded says that the runner has gone.
	ErrEnded = api.Errorf(api.ClassUnavailable, "the client is shutting down")
)

// Messages to the goroutine of a runner.
type (
	startMsg   struct{}
	contactMsg struct{}
	resetMsg   struct{ event *api.TaskEvent }
	killMsg    struct {
		event   *api.TaskEvent
		noDelay bool
		// failed says that the task counts as failed.
		failed bool
	}
	restartMsg struct {
		event   *api.TaskEvent
		failure bool
		reply   chan error
	}
	signalMsg struct {
		ctx    context.Context // of the caller
		event  *api.TaskEvent
		signal string
		reply  chan error
	}
	updateMsg struct{ alloc *api.Allocation }
	eventMsg  struct{ event *api.TaskEvent }
	// slowMsg says that a driver takes long to start the task. A driver that tells what it does is believed.
	slowMsg struct{}
)

// Start opens the gate: the task may run now. It has no effect on a task that runs or has ended.
func (r *Runner) Start() { r.box.Put(startMsg{}) }

// Contact says that a server was reached, which tasks that could not be restored wait for.
func (r *Runner) Contact() { r.box.Put(contactMsg{}) }

// Kill ends the task for good, with the event as the reason, nil for none. noDelay skips its shutdown
// delay, also one that is under way.
func (r *Runner) Kill(event *api.TaskEvent, noDelay bool) {
	r.box.Put(killMsg{event: event, noDelay: noDelay})
}

// Abort ends the task for good as one that has failed, with the event as the reason.
func (r *Runner) Abort(event *api.TaskEvent) { r.box.Put(killMsg{event: event, failed: true}) }

// Reset stops the task, if it runs, and makes it wait for Start again, also when it had ended.
func (r *Runner) Reset(event *api.TaskEvent) { r.box.Put(resetMsg{event: event}) }

// Update takes a new version of the allocation.
func (r *Runner) Update(a *api.Allocation) { r.box.Put(updateMsg{alloc: a}) }

// Event adds an event to the task.
func (r *Runner) Event(e *api.TaskEvent) { r.box.Put(eventMsg{event: e}) }

// DriverEvent adds what a driver has to say of the task.
func (r *Runner) DriverEvent(e *drivers.TaskEvent) { r.Event(driverEvent(e)) }

// Restart stops the running task and starts it again at once. It returns when the task has stopped. A
// failure is counted by the restart policy; other restarts are not.
func (r *Runner) Restart(ctx context.Context, event *api.TaskEvent, failure bool) error {
	m := restartMsg{event: event, failure: failure, reply: make(chan error, 1)}
	r.box.Put(m)
	return r.await(ctx, m.reply)
}

// Fail stops the running task and restarts it as if it had failed, with the event as the reason.
func (r *Runner) Fail(event *api.TaskEvent) {
	r.box.Put(restartMsg{event: event, failure: true, reply: make(chan error, 1)})
}

// RestartSoon is Restart without a wait for it; a task that does not run is left alone.
func (r *Runner) RestartSoon(event *api.TaskEvent) {
	r.box.Put(restartMsg{event: event, reply: make(chan error, 1)})
}

// Signal sends a signal to the running task.
func (r *Runner) Signal(ctx context.Context, signal string) error {
	m := signalMsg{ctx: ctx, event: SignalingEvent(signal), signal: signal, reply: make(chan error, 1)}
	r.box.Put(m)
	return r.await(ctx, m.reply)
}

func (r *Runner) await(ctx context.Context, reply chan error) error {
	select {
	case err := <-reply:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-r.done:
		return ErrEnded
	}
}
