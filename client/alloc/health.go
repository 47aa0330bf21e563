// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/services"
	"github.com/nomadlike/nomadlike/client/task"
)

// health decides once whether the allocation counts as healthy, for its deployment or for what drains nodes
// (runtime.md 8).
type health struct {
	// wanted says that somebody waits for a verdict; deployment that it is a deployment.
	wanted, deployment bool
	minHealthy         time.Duration
	deadline           time.Time
	verdict            *api.AllocDeploymentStatus
	// checks says that the checks of services have a say.
	checks bool
}

// newHealth returns the judge for the allocation, which has been here since the given time. A verdict
// that was reached before stands.
func newHealth(a *api.Allocation, since time.Time, verdict *api.AllocDeploymentStatus) *health {
	group := a.Group()
	if group == nil {
		return &health{}
	}
	h := &health{wanted: true, deployment: a.DeploymentID != "", verdict: verdict}
	rule := ""
	deadline := 5 * time.Minute
	switch u, m := group.Update, group.Migrate; {
	case h.deployment && u != nil:
		rule, h.minHealthy, deadline = u.HealthCheck, api.Or(u.MinHealthyTime, 10*time.Second), api.Or(u.HealthyDeadline, deadline)
	case !h.deployment && m != nil && a.Job.Type == api.JobTypeService:
		rule, h.minHealthy, deadline = m.HealthCheck, api.Or(m.MinHealthyTime, 10*time.Second), api.Or(m.HealthyDeadline, deadline)
	default:
		return &health{}
	}
	if rule == api.HealthManual {
		return &health{}
	}
	h.deadline, h.checks = since.Add(deadline), rule != api.HealthTaskStates
	return h
}

// pending reports whether a verdict is still to come.
func (h *health) pending() bool { return h.wanted && h.verdict == nil }

// judge looks at the tasks and checks. When there is no verdict yet it returns when to look again.
func (h *health) judge(v view, checks []services.State, now time.Time) (again time.Time, reasons map[string]string) {
	if !h.pending() {
		return time.Time{}, nil
	}
	reasons = map[string]string{}
	var since time.Time
	running := true
	for _, t := range v.tasks {
		s := v.state(t)
		if isPoststop(t) {
			continue
		}
		switch {
		case s.State == api.TaskStateDead && s.Failed:
			reasons[t.Name] = "Unhealthy because of failed task"
		case s.State == api.TaskStateDead && !t.IsMain() && !t.IsSidecar():
			// A prestart or poststart task that succeeded.
		case s.State == api.TaskStateDead:
			reasons[t.Name] = "Unhealthy because of dead task"
		case s.State != api.TaskStateRunning || s.StartedAt == nil:
			running = false
		case s.StartedAt.After(since):
			since = *s.StartedAt
		}
	}
	if len(reasons) > 0 {
		h.decide(false, now)
		return time.Time{}, reasons
	}
	since, failing := h.passing(checks, since)
	if running && len(failing) == 0 {
		at := since.Add(h.minHealthy)
		if !now.Before(at) {
			h.decide(true, now)
			return time.Time{}, nil
		}
		if at.Before(h.deadline) {
			return at, nil
		}
	}
	if now.Before(h.deadline) {
		return h.deadline, nil
	}
	for _, t := range v.tasks {
		s := v.state(t)
		switch {
		case isPoststop(t) || s.State == api.TaskStateDead:
		case s.State != api.TaskStateRunning:
			reasons[t.Name] = "Task not running by deadline"
		case s.StartedAt != nil && s.StartedAt.Add(h.minHealthy).After(h.deadline):
			reasons[t.Name] = fmt.Sprintf("Task not running for min_healthy_time of %v by deadline", h.minHealthy)
		case len(failing) > 0:
			reasons[t.Name] = fmt.Sprintf("Checks of services not passing by deadline: %s", strings.Join(failing, ", "))
		case since.Add(h.minHealthy).After(h.deadline):
			reasons[t.Name] = fmt.Sprintf("Checks of services not passing for min_healthy_time of %v by deadline", h.minHealthy)
		}
	}
	h.decide(false, now)
	return time.Time{}, reasons
}

// passing moves the time since when all is well to that of the last check that began to pass. It names the
// checks that do not.
func (h *health) passing(checks []services.State, since time.Time) (_ time.Time, failing []string) {
	if !h.checks {
		return since, nil
	}
	for _, c := range checks {
		switch {
		case c.Readiness:
		case c.Status != services.Success:
			failing = append(failing, strconv.Quote(c.Name))
		case c.Since.After(since):
			since = c.Since
		}
	}
	return since, failing
}

func (h *health) decide(healthy bool, now time.Time) {
	h.verdict = &api.AllocDeploymentStatus{Healthy: &healthy, Timestamp: &now}
}

// status is what is reported: the verdict with what the servers know of the allocation, nil before it.
func (h *health) status(a *api.Allocation) *api.AllocDeploymentStatus {
	if h.verdict == nil {
		return nil
	}
	out := *h.verdict
	if a.DeploymentStatus != nil {
		out.Canary, out.ModifyIndex = a.DeploymentStatus.Canary, a.DeploymentStatus.ModifyIndex
	}
	return &out
}

// explain tells the tasks why the allocation is unhealthy.
func explain(runners map[string]*task.Runner, reasons map[string]string) {
	for name, reason := range reasons {
		if r := runners[name]; r != nil {
			r.Event(task.Unhealthy(reason))
		}
	}
}
