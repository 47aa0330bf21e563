// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/logs"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// hook is one thing that is done around a task. Functions that are nil do nothing.
type hook struct {
	name string
	// once is not done again after it has succeeded, not even by the next agent.
	once bool
	// start comes before each start of the task, in order.
	start func(ctx context.Context) error
	// running comes when the process has been started, or was found again, in order.
	running func() error
	// update comes when a running task gets a new version of the allocation, in order.
	update func() error
	// stopping comes before a running task is stopped, its shutdown delay included, in order.
	stopping func()
	// restore comes before a running task is found again, in order.
	restore func(ctx context.Context) error
	// exited comes after each end of a process, in reverse order.
	exited func(ctx context.Context) error
	// stop comes once when the task has ended for good, in reverse order.
	stop func(ctx context.Context) error
}

// hookDone is what a hook that is done once leaves behind.
const hookDone = "done"

// taskHooks are the hooks in the order of runtime.md 4.2.
func (r *Runner) taskHooks() []hook {
	var collector *logs.Collector
	var collected logs.Config
	announced := false
	return []hook{
		{name: "validate", start: r.validate},
		{name: userHook, start: func(context.Context) error { return r.lendUser() }, stop: func(context.Context) error {
			r.returnUser()
			return nil
		}},
		{name: "task_dir", start: func(context.Context) error {
			if r.state.StartedAt == nil && !announced {
				announced = true
				r.emit(setupEvent())
			}
			return r.buildDir()
		}, restore: func(context.Context) error { return r.buildDir() }, stop: func(context.Context) error { return r.hideDir() }},
		{name: logsHook, start: func(context.Context) error {
			cfg := r.logConfig()
			if collector != nil && cfg == collected {
				return nil
			}
			if collector != nil {
				collector.Stop()
			}
			var err error
			if collector, err = r.startLogs(cfg); err != nil {
				return drivers.NewRecoverableError(err, true)
			}
			collected = cfg
			return nil
		}, restore: func(context.Context) error {
			cfg := r.logConfig()
			running := cfg
			running.Running = true
			var err error
			if collector, err = r.startLogs(running); err != nil {
				return err
			}
			collected = cfg
			return nil
		}, stop: func(context.Context) error {
			if collector != nil {
				collector.Stop()
				collector = nil
			}
			r.endLogs()
			return nil
		}},
		{name: "dispatch_payload", once: true, start: r.writePayload},
		{name: "volumes", start: func(context.Context) error { return r.findVolumes() }},
		{name: "artifacts", start: r.fetchArtifacts},
		{name: "devices", start: r.reserveDevices},
		r.templatesHook(),
		{name: "cgroup", start: func(context.Context) error { return r.createCgroup() }, exited: func(context.Context) error {
			return r.deps.Cgroups.Remove(r.allocID, r.name)
		}},
		{name: "services", running: r.offer, update: r.offer, stopping: r.withdraw, exited: func(context.Context) error {
			r.withdraw()
			return nil
		}},
	}
}

// runningHooks and updateHooks tell the hooks; what fails there does not end the task.
func (r *Runner) runningHooks() {
	for _, h := range r.hooks {
		if h.running != nil {
			r.noteHook(h.name, h.running())
		}
	}
}

func (r *Runner) updateHooks() {
	for _, h := range r.hooks {
		if h.update != nil {
			r.noteHook(h.name, h.update())
		}
	}
}

func (r *Runner) noteHook(name string, err error) {
	if err != nil {
		r.logger.Error("task hook failed", "hook", name, "error", err)
		r.emit(hookFailedEvent(name, err))
	}
}

func (r *Runner) stoppingHooks() {
	for _, h := range r.hooks {
		if h.stopping != nil {
			h.stopping()
		}
	}
}

// startHooks runs the start of all hooks.
func (r *Runner) startHooks(ctx context.Context) error {
	for _, h := range r.hooks {
		if h.start == nil || h.once && r.memory[h.name] == hookDone {
			continue
		}
		if ctx.Err() != nil {
			return errKilled
		}
		begin := time.Now()
		err := h.start(ctx)
		took := time.Since(begin)
		r.logger.Trace("task hook has run", "hook", h.name, "duration", took, "error", err)
		if r.deps.HookRan != nil {
			r.deps.HookRan(h.name, took, err)
		}
		if err != nil {
			return &hookError{hook: h.name, err: err}
		}
		if h.once {
			r.memory[h.name] = hookDone
			r.keepMemory()
		}
	}
	return nil
}

// hookError is the failure of a hook.
type hookError struct {
	hook string
	err  error
}

func (e *hookError) Error() string { return "task hook " + e.hook + ": " + e.err.Error() }
func (e *hookError) Unwrap() error { return e.err }

// restoreHooks runs the restore of all hooks.
func (r *Runner) restoreHooks(ctx context.Context) error {
	for _, h := range r.hooks {
		if h.restore == nil {
			continue
		}
		if err := h.restore(ctx); err != nil {
			return &hookError{hook: h.name, err: err}
		}
	}
	return nil
}

// destroyWait is for how long a driver may take to forget a task that has ended.
const destroyWait = 5 * time.Minute

// clearAttempt frees what an attempt to run the task holds, after its end.
func (r *Runner) clearAttempt(ctx context.Context) {
	driver, id := r.Driver()
	_ = r.beside(ctx, never, func(ctx context.Context) error {
		if driver != nil {
			ctx, cancel := context.WithTimeout(ctx, destroyWait)
			defer cancel()
			if err := driver.DestroyTask(ctx, id, true); err != nil && !gone(err) {
				r.logger.Warn("driver did not free the task", "error", err)
			}
		}
		for _, h := range slices.Backward(r.hooks) {
			if h.exited == nil {
				continue
			}
			if err := h.exited(ctx); err != nil {
				r.logger.Warn("task hook failed after the task", "hook", h.name, "error", err)
			}
		}
		return nil
	})
	r.running = false
	r.setHandle(nil, nil, nil)
}

// stopHooks runs the stop of all hooks.
func (r *Runner) stopHooks(ctx context.Context) {
	_ = r.beside(ctx, never, func(ctx context.Context) error {
		for _, h := range slices.Backward(r.hooks) {
			if h.stop == nil {
				continue
			}
			if err := h.stop(ctx); err != nil {
				r.logger.Warn("task hook failed at the end of the task", "hook", h.name, "error", err)
			}
		}
		return nil
	})
}

// gone reports whether a driver's error says that there is nothing to act on.
func gone(err error) bool {
	return errors.Is(err, drivers.ErrTaskNotFound) || errors.Is(err, drivers.ErrPluginShutdown)
}

// validate refuses what the operator does not allow.
func (r *Runner) validate(context.Context) error {
	if slices.Contains(r.deps.CheckedDrivers, r.task.Driver) && slices.Contains(r.deps.DeniedUsers, r.task.User) {
		return &validationError{fmt.Errorf("running as user %q is disallowed; the client options user.denylist and user.checked_drivers say who may not run which drivers", r.task.User)}
	}
	return nil
}

// validationError is a mistake in the job that only the client can see.
type validationError struct{ err error }

func (e *validationError) Error() string { return e.err.Error() }
func (e *validationError) Unwrap() error { return e.err }

func (r *Runner) buildDir() error {
	secrets := 0
	if res := r.task.Resources; res != nil {
		secrets = res.SecretsMB
	}
	if err := r.dir.BuildTask(r.name, secrets); err != nil {
		return err
	}
	if r.caps.FSIsolation != drivers.FSIsolationUnveil {
		return nil
	}
	uid, gid := r.userIDs()
	return r.deps.Views.Show(r.dir, r.name, uid, gid)
}

// hideDir takes away what the task was shown.
func (r *Runner) hideDir() error {
	if r.caps == nil || r.caps.FSIsolation != drivers.FSIsolationUnveil {
		return nil
	}
	return r.deps.Views.Hide(r.allocID, r.name)
}

func (r *Runner) logConfig() logs.Config {
	cfg := logs.Config{
		AllocDir: r.dir.Path(), Task: r.name, Logger: r.logger,
		MaxFiles: r.task.LogConfig.MaxFilesOrDefault(), MaxFileSizeMB: r.task.LogConfig.MaxFileSizeMBOrDefault(),
	}
	cfg.Outlive = r.foreign
	if r.task.LogConfig != nil {
		cfg.Disabled = r.task.LogConfig.Disabled
	}
	if r.caps != nil && r.caps.DisableLogCollection {
		cfg.Disabled = true
	}
	return cfg
}

// logsHook remembers the process that collects the output of the task.
const logsHook = "logs"

// startLogs has the output of the task collected.
func (r *Runner) startLogs(cfg logs.Config) (*logs.Collector, error) {
	cfg.Earlier = r.memory[logsHook]
	collector, err := r.deps.StartLogs(cfg)
	if err != nil {
		return nil, err
	}
	r.output.stdout, r.output.stderr = collector.Stdout, collector.Stderr
	if collector.Record != cfg.Earlier {
		r.memory[logsHook] = collector.Record
		r.keepMemory()
	}
	return collector, nil
}

// endLogs ends what an earlier agent has left of that.
func (r *Runner) endLogs() {
	if record, ok := r.memory[logsHook]; ok {
		logs.End(record)
		delete(r.memory, logsHook)
		r.keepMemory()
	}
}

// writePayload writes what a job was dispatched with where the task wants it.
func (r *Runner) writePayload(context.Context) error {
	want := r.task.DispatchPayload
	if want == nil || want.File == "" || r.alloc.Job == nil || len(r.alloc.Job.Payload) == 0 {
		return nil
	}
	return r.dir.WriteLocal(r.name, want.File, r.alloc.Job.Payload)
}

func (r *Runner) createCgroup() error {
	var cores []uint16
	if granted := r.granted(); granted != nil {
		cores = granted.Cpu.ReservedCores
	}
	path, err := r.deps.Cgroups.Create(r.allocID, r.name, cores)
	if err != nil {
		if len(cores) > 0 {
			return drivers.NewRecoverableError(err, true)
		}
		// A task without cores of its own runs without a group as well.
		r.logger.Warn("task runs without a control group of its own", "error", err)
	}
	r.cgroup = path
	return nil
}

// granted are the resources the task was given, nil when the servers sent none.
func (r *Runner) granted() *api.AllocatedTaskResources {
	if r.alloc.AllocatedResources == nil {
		return nil
	}
	return r.alloc.AllocatedResources.Tasks[r.name]
}
