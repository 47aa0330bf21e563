// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/statedb"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// restore finds the task that an earlier agent started; it reports whether that runs, or has ended and
// can still tell how. Otherwise the task is pending, and has waited for contact with a server if it was
// lost.
func (r *Runner) restore(ctx context.Context) bool {
	rec := r.restored
	r.restored = nil
	switch {
	case rec.Handle.Exit != nil:
		r.restoreEnd(ctx, &rec.Handle)
	case rec.Handle.Handle != nil:
		err := r.recover(ctx, rec.Handle.Handle, rec.Handle.Network)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		r.lost(ctx, rec.Handle.Handle.Config.ID, err)
	case rec.Handle.Pending != "":
		// The last agent died while it started the task. If that succeeded nobody waits for it.
		r.discard(ctx, rec.Handle.Pending)
		r.toPending()
	default:
		r.toPending()
	}
	return false
}

// restoreEnd goes on where the last agent was when the task had ended: at the decision what follows, unless that
// was taken.
func (r *Runner) restoreEnd(ctx context.Context, rec *statedb.TaskHandle) {
	decided := r.state.State == api.TaskStatePending
	if !decided {
		r.exit = rec.Exit
	}
	if rec.Handle != nil {
		r.discard(ctx, rec.Handle.Config.ID)
	}
	if decided || ctx.Err() != nil {
		return
	}
	defer r.forgetExit()
	res := rec.Exit.Result()
	if events := r.state.Events; len(events) == 0 || events[len(events)-1].Type != api.TaskEventTerminated {
		r.emit(terminatedEvent(res))
	}
	r.open = true // it was, or the task had not run
	if r.alloc.ServerTerminalStatus() {
		r.finish(ctx, false)
		return
	}
	if r.state.StartedAt != nil {
		r.policy.started(*r.state.StartedAt)
	}
	o := outcome{succeeded: res.Successful(), recoverable: true}
	if rec.Handle != nil {
		if plan := r.planned(rec.Handle.Config.ID); plan != nil {
			o.succeeded, o.requested = o.succeeded && !plan.failure, !plan.failure
		}
	}
	r.decide(ctx, o)
}

// recover attaches to the task.
func (r *Runner) recover(ctx context.Context, handle *drivers.TaskHandle, network *drivers.NetworkOverride) error {
	name := r.task.Driver
	var driver drivers.Driver
	err := r.beside(ctx, never, func(ctx context.Context) error {
		var err error
		if driver, err = r.get(ctx, name, 0); err != nil {
			return fmt.Errorf("get driver %q: %w", name, err)
		}
		r.foreign = isForeign(driver)
		if r.caps, err = driver.Capabilities(ctx); err != nil {
			return fmt.Errorf("get capabilities of driver %q: %w", name, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// Drivers that copy output open the pipes again, so those come first.
	if err := r.restoreHooks(ctx); err != nil {
		return err
	}
	err = r.beside(ctx, never, func(ctx context.Context) error { return driver.RecoverTask(ctx, handle.Copy()) })
	if err != nil {
		return err
	}
	r.holdHandle(driver, handle, network)
	if r.state.StartedAt != nil {
		r.policy.started(*r.state.StartedAt)
	}
	r.running, r.open = true, true
	r.again = r.planned(handle.Config.ID)
	if r.state.State != api.TaskStateRunning {
		r.state.State = api.TaskStateRunning
		r.publish()
	}
	r.runningHooks()
	r.logger.Info("task is running still")
	return nil
}

// lost deals with a task that cannot be found: it waits for a server, which may have replaced it.
func (r *Runner) lost(ctx context.Context, id string, err error) {
	r.logger.Warn("task cannot be found again", "error", err)
	r.discard(ctx, id)
	wasRunning := r.state.State == api.TaskStateRunning
	r.toPending()
	if !wasRunning {
		return
	}
	r.emit(restoreFailedEvent(err))
	if r.alloc.Job != nil && r.alloc.Job.Type == api.JobTypeSystem || r.alloc.ServerTerminalStatus() {
		return
	}
	r.idle(ctx, func() bool { return r.contacted || r.kill != nil })
}

// freeWait bounds how long a driver may take to free a task that nobody wants.
const freeWait = time.Minute

// discard frees what may be left of a task that is not found or not wanted.
func (r *Runner) discard(ctx context.Context, id string) {
	name := r.task.Driver
	_ = r.beside(ctx, freeWait, func(ctx context.Context) error {
		driver, err := r.get(ctx, name, startTries)
		if err != nil {
			return err
		}
		if err := driver.DestroyTask(ctx, id, true); err != nil && !gone(err) {
			r.logger.Debug("driver has nothing to free of the lost task", "error", err)
		}
		return nil
	})
	if err := r.deps.Cgroups.Remove(r.allocID, r.name); err != nil {
		r.logger.Warn("control group of the lost task cannot be removed", "error", err)
	}
	r.setHandle(nil, nil, nil)
}

func (r *Runner) toPending() {
	if r.state.State != api.TaskStatePending {
		r.state.State = api.TaskStatePending
		r.publish()
	}
}

// planRestart has the running task stopped and started again.
func (r *Runner) planRestart(m restartMsg) {
	r.again = &m
	r.notePlan(m.failure)
	r.emit(m.event)
}

// restartPlan is under what is kept that a task is being stopped to start again, and which start that was of.
const restartPlan = "restart"

// notePlan stores that the task is stopped to start again: the next agent goes on with that.
func (r *Runner) notePlan(failure bool) {
	_, id := r.Driver()
	r.memory[restartPlan] = fmt.Sprintf("%s %t", id, failure)
	r.keepMemory()
}

// planned returns the restart that an earlier agent began for a start of the task, nil if there is none.
func (r *Runner) planned(id string) *restartMsg {
	of, failure, _ := strings.Cut(r.memory[restartPlan], " ")
	if of == "" || of != id {
		return nil
	}
	return &restartMsg{failure: failure == "true", reply: make(chan error, 1)}
}

// keepMemory stores what is kept for the next agent.
func (r *Runner) keepMemory() {
	if err := r.deps.State.PutTaskHooks(r.allocID, r.name, r.memory); err != nil {
		r.logger.Error("what the next agent has to know of the task cannot be stored", "error", err)
	}
}
