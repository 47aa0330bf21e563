// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Messages to the goroutine of a runner.
type (
	updateMsg struct {
		alloc *api.Allocation
		back  bool
	}
	abandonMsg  struct{}
	destroyMsg  struct{}
	contactMsg  struct{}
	resetAllMsg struct{ reply chan error }
)

// userRestart is the reason of restarts that users ask for.
const userRestart = "User requested task to restart"

// Update takes a new version of the allocation from the servers.
func (r *Runner) Update(a *api.Allocation) { r.box.Put(updateMsg{alloc: a}) }

// GoBack takes the version of the allocation that the servers went back to, though it may be older than the present one.
func (r *Runner) GoBack(a *api.Allocation) { r.box.Put(updateMsg{alloc: a, back: true}) }

// Abandon ends all tasks because no server was heard of for too long; poststop tasks run. An allocation that it brings to
// its end is lost, so that the servers replace it whenever they hear of that: it has neither failed nor done its work.
func (r *Runner) Abandon() { r.box.Put(abandonMsg{}) }

// Destroy ends all tasks and removes everything of the allocation from this client. Done tells the end.
func (r *Runner) Destroy() { r.box.Put(destroyMsg{}) }

// Contact says that a server was reached.
func (r *Runner) Contact() { r.box.Put(contactMsg{}) }

// receive deals with the messages that have come.
func (r *Runner) receive() {
	for _, m := range r.box.Take() {
		switch m := m.(type) {
		case updateMsg:
			if m.back || m.alloc.AllocModifyIndex >= r.Alloc().AllocModifyIndex {
				r.receiveUpdate(m.alloc)
			}
		case abandonMsg:
			r.abandon()
		case destroyMsg:
			r.destroying = true
			r.stop.stop(stopSpec{noDelay: true, skipPoststop: true}, time.Now())
		case contactMsg:
			r.each(func(tr *task.Runner) { tr.Contact() })
		case resetAllMsg:
			m.reply <- r.resetAll()
		}
	}
}

// each calls fn for every task runner.
func (r *Runner) each(fn func(*task.Runner)) {
	r.mu.Lock()
	runners := r.mu.runners
	r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(runners)) {
		fn(runners[name])
	}
}

func (r *Runner) receiveUpdate(a *api.Allocation) {
	old := r.Alloc()
	if err := r.deps.Tasks.State.PutAlloc(a); err != nil {
		r.logger.Error("allocation cannot be stored", "error", err)
	}
	r.mu.Lock()
	r.mu.alloc = a
	r.mu.Unlock()
	if a.ClientStatus == api.AllocClientUnknown && old.ClientStatus != api.AllocClientUnknown && !a.ServerTerminalStatus() {
		// The servers had taken the node for lost, and are in contact with it again.
		r.each(func(tr *task.Runner) { tr.Event(task.Reconnected()) })
	}
	if a.DeploymentID != old.DeploymentID {
		// Another deployment judges anew, and has its own time for it.
		r.status.Health = nil
		r.health = newHealth(a, time.Now(), nil)
		r.storeStatus()
	}
	if a.ServerTerminalStatus() {
		return // the tasks stop with what they have
	}
	r.each(func(tr *task.Runner) { tr.Update(a) })
	r.updateServices(a)
}

// resetAll makes all tasks but poststop ones begin anew, in the order of their lifecycle.
func (r *Runner) resetAll() error {
	if r.stop.active() || r.ended {
		return task.ErrNotRunning
	}
	for _, t := range r.tasks() {
		tr := r.Task(t.Name)
		if tr == nil || isPoststop(t) {
			continue
		}
		if s := tr.State(); s.State != api.TaskStatePending {
			r.resetting[t.Name] = s.Restarts
		}
		r.opened[t.Name] = false
		tr.Reset(task.RestartSignaled(userRestart))
	}
	return nil
}

// await waits until there are task runners.
func (r *Runner) await(ctx context.Context) error {
	select {
	case <-r.ready:
		return nil
	case <-r.done:
		return task.ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Restart restarts one task, all tasks that run when name is empty, or all tasks from the beginning of
// their lifecycle.
func (r *Runner) Restart(ctx context.Context, name string, all bool) error {
	if name != "" && all {
		return api.CodeErrorf(api.ClassInvalid, 500, "task name cannot be set when restarting all tasks")
	}
	if err := r.await(ctx); err != nil {
		return err
	}
	if all {
		m := resetAllMsg{reply: make(chan error, 1)}
		r.box.Put(m)
		select {
		case err := <-m.reply:
			return err
		case <-r.done:
			return task.ErrEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if name != "" {
		tr := r.Task(name)
		if tr == nil {
			return api.CodeErrorf(api.ClassNotFound, 500, "Could not find task runner for task: %s", name)
		}
		return tr.Restart(ctx, task.RestartSignaled(userRestart), false)
	}
	return r.running(func(tr *task.Runner) error {
		return tr.Restart(ctx, task.RestartSignaled(userRestart), false)
	})
}

// Signal sends a signal to one task, to all that run when name is empty.
func (r *Runner) Signal(ctx context.Context, name, signal string) error {
	if err := r.await(ctx); err != nil {
		return err
	}
	if name != "" {
		tr := r.Task(name)
		if tr == nil {
			return api.CodeErrorf(api.ClassNotFound, 500, "Task not found")
		}
		return tr.Signal(ctx, signal)
	}
	err := r.running(func(tr *task.Runner) error {
		if err := tr.Signal(ctx, signal); err != nil {
			return signalError(tr, err)
		}
		return nil
	})
	if err != task.ErrNotRunning { //nolint:errorlint // the bare one says that no task runs
		return err
	}
	var errs []error
	r.each(func(tr *task.Runner) { errs = append(errs, signalError(tr, task.ErrNotRunning)) })
	return errors.Join(errs...)
}

// signalError is the contract's text for a task that could not be signalled (cli.md, alloc signal).
func signalError(tr *task.Runner, err error) error {
	return fmt.Errorf("Failed to signal task: %s, err: %w", tr.Name(), err) //nolint:staticcheck // the contract's text
}

// running calls fn at once for all tasks that run. It is an error if there are none.
func (r *Runner) running(fn func(*task.Runner) error) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	count := 0
	r.each(func(tr *task.Runner) {
		if tr.State().State != api.TaskStateRunning {
			return
		}
		count++
		wg.Go(func() {
			if err := fn(tr); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	})
	wg.Wait()
	if count == 0 {
		return task.ErrNotRunning
	}
	return errors.Join(errs...)
}

// DriverEvent hands a task what its driver has to say.
func (r *Runner) DriverEvent(e *drivers.TaskEvent) {
	if tr := r.Task(e.TaskName); tr != nil {
		tr.DriverEvent(e)
	}
}

// Event adds an event to all tasks.
func (r *Runner) Event(make func() *api.TaskEvent) {
	r.each(func(tr *task.Runner) { tr.Event(make()) })
}
