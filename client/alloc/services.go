// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/client/taskenv"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// workload is the group, or one of its tasks, as services see it.
func (r *Runner) workload(a *api.Allocation, t *api.Task) *services.Workload {
	node := r.deps.Tasks.Node()
	return &services.Workload{
		Alloc: a, Task: t, Network: r.networkStatus(),
		Env: taskenv.Build(&taskenv.Input{Node: node.Node, Region: node.Region, Alloc: a, Task: t, Network: r.networkStatus()}),
	}
}

// registerServices offers the services of the group, which comes before its tasks start.
func (r *Runner) registerServices(context.Context) error {
	a := r.Alloc()
	r.offered, r.offeredAt = true, r.networkStatus()
	if !services.Used(a.Group()) || a.ServerTerminalStatus() {
		return nil
	}
	if r.restored != nil {
		// What tasks offer is known once they are found again.
		r.deps.Tasks.Services.Hold(r.id)
	}
	list, err := services.Registrations(r.workload(a, nil))
	if err != nil {
		return err
	}
	r.deps.Tasks.Services.Set(r.id, services.GroupOwner, list)
	return nil
}

// startChecks runs the checks of all services of the group and its tasks.
func (r *Runner) startChecks(context.Context) error {
	a := r.Alloc()
	if a.ServerTerminalStatus() {
		return nil
	}
	list, err := r.checks(a)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		r.monitor().Set(r.ctx, list)
	}
	return nil
}

func (r *Runner) checks(a *api.Allocation) ([]*services.Check, error) {
	group := a.Group()
	if !services.Used(group) {
		return nil, nil
	}
	list, err := services.Checks(r.workload(a, nil))
	if err != nil {
		return nil, err
	}
	for _, t := range group.Tasks {
		if len(t.Services) == 0 {
			continue
		}
		more, err := services.Checks(r.workload(a, t))
		if err != nil {
			return nil, fmt.Errorf("task %q: %w", t.Name, err)
		}
		list = append(list, more...)
	}
	return list, nil
}

// monitor returns what runs the checks; it is made when there are any.
func (r *Runner) monitor() *services.Monitor {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mu.monitor == nil {
		probe := r.deps.Probe
		if probe == nil {
			probe = func(ctx context.Context, c *services.Check) services.Outcome { return c.Probe(ctx, r.runCommand) }
		}
		r.mu.monitor = services.NewMonitor(r.mu.alloc.Name, r.taskChanged, probe)
	}
	return r.mu.monitor
}

// runCommand runs a command of a check in a task.
func (r *Runner) runCommand(ctx context.Context, name string, command []string, timeout time.Duration) (*drivers.ExecResult, error) {
	tr := r.Task(name)
	if tr == nil {
		return nil, fmt.Errorf("task %q is not there yet", name)
	}
	return tr.Command(ctx, command, timeout)
}

// CheckResults returns the latest results of the checks by their ID.
func (r *Runner) CheckResults() map[string]*api.CheckResult {
	r.mu.Lock()
	m := r.mu.monitor
	r.mu.Unlock()
	if m == nil {
		return map[string]*api.CheckResult{}
	}
	return m.Results()
}

// checkStates are how the checks stand.
func (r *Runner) checkStates() []services.State {
	r.mu.Lock()
	m := r.mu.monitor
	r.mu.Unlock()
	if m == nil {
		return nil
	}
	return m.States()
}

// followNetwork offers the services of the group where its network is since it was made anew.
func (r *Runner) followNetwork() {
	if a := r.Alloc(); r.networkStatus() != r.offeredAt && services.Used(a.Group()) {
		r.updateServices(a)
	}
}

// updateServices takes what a new version of the job offers, or another network of the group. Before their time
// nothing is offered: it may come while the network is made.
func (r *Runner) updateServices(a *api.Allocation) {
	if !r.offered || r.withdrawn || r.ended || a.ServerTerminalStatus() {
		return
	}
	r.offeredAt = r.networkStatus()
	list, err := services.Registrations(r.workload(a, nil))
	if err != nil {
		r.logger.Error("services cannot be registered as they are now", "error", err)
		return
	}
	r.deps.Tasks.Services.Set(r.id, services.GroupOwner, list)
	checks, err := r.checks(a)
	if err != nil {
		r.logger.Error("checks cannot be run as they are now", "error", err)
		return
	}
	if len(checks) > 0 || len(r.checkStates()) > 0 {
		r.monitor().Set(r.ctx, checks)
	}
}

// withdrawServices takes back what the group offers and ends the checks, before any task is stopped.
func (r *Runner) withdrawServices() {
	if r.withdrawn {
		return
	}
	r.withdrawn = true
	r.deps.Tasks.Services.Set(r.id, services.GroupOwner, nil)
	r.stopChecks()
}

func (r *Runner) stopChecks() {
	r.mu.Lock()
	m := r.mu.monitor
	r.mu.Unlock()
	if m != nil {
		m.Stop()
	}
}

// releaseServices ends the hold of registerServices once all tasks have been looked for.
func (r *Runner) releaseServices(runners map[string]*task.Runner) {
	for _, tr := range runners {
		select {
		case <-tr.Settled():
		case <-tr.Done():
			return // the agent stops
		}
	}
	r.deps.Tasks.Services.Release(r.id)
}

// restartUnhealthy restarts tasks whose checks have failed for long enough (runtime.md 7.2), and returns when
// to look again.
func (r *Runner) restartUnhealthy(v view, now time.Time) time.Time {
	if r.stop.active() {
		return time.Time{}
	}
	var next time.Time
	for _, c := range r.checkStates() {
		if c.Restart == nil {
			continue
		}
		started := latestStart(v, c.RestartTask)
		if started.IsZero() {
			continue // it comes back here when a task has started
		}
		at := restartAt(c, started)
		switch {
		case at.IsZero():
		case now.Before(at):
			if next.IsZero() || at.Before(next) {
				next = at
			}
		case r.unhealthy[c.ID] != started:
			// Once a start: what follows is a new one.
			r.unhealthy[c.ID] = started
			r.restartFor(v, c)
		}
	}
	return next
}

// restartAt is when the check restarts its task if it stays as it is, zero for never.
func restartAt(c services.State, started time.Time) time.Time {
	if c.Status == services.Success {
		return time.Time{}
	}
	bad := started.Add(api.Or(c.Restart.Grace, time.Second))
	if c.Since.After(bad) {
		bad = c.Since
	}
	more := time.Duration(c.Restart.Limit - 1)
	if more > 0 && c.Interval > math.MaxInt64/more {
		return time.Time{} // in centuries
	}
	return bad.Add(more * c.Interval)
}

// latestStart is when the task, or the last of all tasks when name is empty, was started; zero when it does
// not run.
func latestStart(v view, name string) time.Time {
	var latest time.Time
	for _, t := range v.tasks {
		s := v.state(t)
		if name != "" && t.Name != name || s.State != api.TaskStateRunning || s.StartedAt == nil {
			continue
		}
		if s.StartedAt.After(latest) {
			latest = *s.StartedAt
		}
	}
	return latest
}

func (r *Runner) restartFor(v view, c services.State) {
	r.logger.Info("tasks are restarted because a check fails", "check", c.Name, "service", c.Service, "output", c.Output)
	for _, t := range v.tasks {
		if c.RestartTask != "" && t.Name != c.RestartTask || v.state(t).State != api.TaskStateRunning {
			continue
		}
		if tr := r.Task(t.Name); tr != nil {
			tr.Fail(task.RestartSignaled(fmt.Sprintf("healthcheck: check %q unhealthy", c.Name)))
		}
	}
}
