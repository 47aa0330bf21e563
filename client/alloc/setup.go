// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/internal/run"
)

// step is one part of preparing an allocation.
type step struct {
	name string
	run  func(ctx context.Context) error
}

// setup prepares the allocation in the order of runtime.md 4.1, and reports whether its tasks can run.
// Otherwise their states are final.
func (r *Runner) setup(ctx context.Context) bool {
	if states := r.initialStates(); r.restored != nil && allEnded(states) {
		r.static = states
		r.openOld()
		return false
	}
	for _, s := range []step{
		{"alloc_dir", r.makeDir},
		{"max_run_duration", r.startClock},
		{"preempted_allocs", r.awaitPreempted},
		{"previous_alloc", r.takePrevious},
		{"network", r.setupNetwork},
		{"group_services", r.registerServices},
		{"checks", r.startChecks},
	} {
		begin := time.Now()
		err := s.run(ctx)
		took := time.Since(begin)
		r.logger.Trace("allocation step has run", "step", s.name, "duration", took, "error", err)
		if r.deps.StepRan != nil {
			r.deps.StepRan(s.name, took, err)
		}
		if ctx.Err() != nil {
			// The agent stops; the next one goes on.
			r.static = r.initialStates()
			return false
		}
		if err != nil {
			r.fail(fmt.Errorf("failed to setup alloc: %w", err))
			return false
		}
	}
	return true
}

func allEnded(states map[string]*api.TaskState) bool {
	for _, s := range states {
		if s.State != api.TaskStateDead {
			return false
		}
	}
	return len(states) > 0
}

// started is when the allocation came to this client.
func (r *Runner) started() time.Time {
	if r.status.Started.IsZero() {
		r.status.Started = time.Now()
	}
	return r.status.Started
}

// openOld opens the directory of an allocation that had ended, if it still exists.
func (r *Runner) openOld() {
	dir, err := r.deps.Dirs.Open(r.id)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.logger.Warn("directory of the ended allocation cannot be opened", "error", err)
		}
		return
	}
	r.mu.Lock()
	r.mu.dir = dir
	r.mu.Unlock()
}

func (r *Runner) makeDir(context.Context) error {
	for _, t := range r.tasks() {
		if t == nil {
			return errors.New("the group has a task without content")
		}
	}
	if len(r.tasks()) == 0 {
		return fmt.Errorf("job %q has no group %q with tasks", r.Alloc().JobID, r.Alloc().TaskGroup)
	}
	size := 0
	if disk := r.Alloc().Group().EphemeralDisk; disk != nil && disk.SizeMB != nil {
		size = *disk.SizeMB
	}
	dir, err := r.deps.Dirs.Create(r.id, size)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.mu.dir = dir
	r.mu.Unlock()
	return nil
}

// startClock makes sure that the next agent knows when the allocation began.
func (r *Runner) startClock(context.Context) error {
	r.started()
	if r.restored == nil {
		r.storeStatus()
	}
	return nil
}

// takePrevious waits for the allocation that this one replaces, if it keeps the data of that, and moves
// the data. That of one on another node is fetched if the job wants that.
func (r *Runner) takePrevious(ctx context.Context) error {
	a := r.Alloc()
	group := a.Group()
	if a.PreviousAllocation == "" || r.status.Moved || group.EphemeralDisk == nil || r.anyStarted() {
		return nil
	}
	if !group.EphemeralDisk.Sticky && !group.EphemeralDisk.Migrate {
		return nil
	}
	prev := r.deps.Previous(a.PreviousAllocation)
	if prev == nil {
		if group.EphemeralDisk.Migrate && r.deps.FetchPrevious != nil {
			r.fetchPrevious(ctx, a)
		}
		return nil
	}
	if !r.awaitPrevious(ctx, prev) {
		return nil
	}
	if dir := prev.Dir(); dir != nil {
		var names []string
		for _, t := range group.Tasks {
			names = append(names, t.Name)
		}
		if err := r.Dir().Take(dir, names); err != nil {
			return err
		}
	}
	r.status.Moved = true
	r.storeStatus()
	return nil
}

// anyStarted reports whether a task has been started by an earlier agent: its data is its own by now.
func (r *Runner) anyStarted() bool {
	for _, s := range r.initialStates() {
		if s.StartedAt != nil {
			return true
		}
	}
	return false
}

// awaitPrevious waits for the end of an allocation; false when this one is not wanted any more.
func (r *Runner) awaitPrevious(ctx context.Context, prev *Runner) bool {
	patience := time.NewTimer(previousWait)
	defer patience.Stop()
	for {
		if r.destroying || r.Alloc().ServerTerminalStatus() {
			return false
		}
		select {
		case <-prev.Finished():
			return true
		case <-prev.Done():
			return true
		case <-r.box.C():
			r.receive()
		case <-patience.C:
			r.logger.Warn("previous allocation has not ended; the tasks start without its data", "previous_alloc", prev.ID(), "duration", previousWait)
			r.without = "that allocation has not ended"
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// fail makes all tasks failed because the allocation cannot be prepared.
func (r *Runner) fail(err error) {
	r.logger.Error("allocation cannot be prepared", "error", err)
	r.withdrawServices()
	r.deps.Tasks.Services.Release(r.id)
	now := time.Now()
	r.static = r.initialStates()
	for name, old := range r.static {
		s := *old
		s.State, s.Failed, s.FinishedAt = api.TaskStateDead, true, &now
		s.Events = append(append([]*api.TaskEvent(nil), old.Events...), task.SetupFailure(err))
		r.static[name] = &s
		if err := r.deps.Tasks.State.PutTaskState(r.id, name, &s); err != nil {
			r.logger.Error("state of the task cannot be stored", "task", name, "error", err)
		}
	}
	r.status.SetupError = err.Error()
	r.storeStatus()
}

// closeDir releases the directory.
func (r *Runner) closeDir() {
	r.mu.Lock()
	dir := r.mu.dir
	r.mu.dir = nil
	r.mu.Unlock()
	if dir != nil {
		_ = dir.Close()
	}
}

// Retries of removing a directory that something still uses.
const (
	removeTries = 5
	removeWait  = 2 * time.Second
)

// remove deletes all that the client has of the allocation.
func (r *Runner) remove(ctx context.Context) {
	r.closeDir()
	for try := 1; ; try++ {
		unreleased := r.releaseNetwork(ctx)
		err := errors.Join(unreleased, r.deps.Tasks.Views.HideAll(r.id), r.deps.Dirs.Destroy(r.id))
		if err == nil {
			break
		}
		if try == removeTries {
			if passing(unreleased) {
				r.logger.Error("network of the allocation cannot be removed; the next agent tries it again", "error", err)
				return
			}
			r.logger.Error("network or directory of the allocation cannot be removed; remove it by hand", "error", err)
			break
		}
		if run.Sleep(ctx, removeWait) != nil {
			return // the state stays, and with it the next agent's duty to remove
		}
	}
	r.deps.Tasks.State.DeleteAlloc(r.id)
}
