// SPDX-License-Identifier: MPL-2.0

package client

import (
	"slices"
	"time"

	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
)

// counted is what of a task was counted.
type counted struct {
	// last is the newest event; several may have the same time.
	last  *api.TaskEvent
	ended bool
}

// count counts what has become of the tasks of an allocation since the last time. What was before this agent, it does
// not count again.
func (r *reporter) count(a *alloc.Runner, report *api.Allocation) {
	c := r.client
	if c.deps.Metrics == nil || !c.cfg.Metrics.Allocs {
		return
	}
	for name, s := range report.TaskStates {
		if s == nil {
			continue
		}
		for _, what := range r.news(report.ID, name, s) {
			labels := c.taskLabels(c.metricLabels()[:nodeLabels], a, name)
			c.deps.Metrics.IncrCounterWithLabels([]string{"client", "allocs", what}, 1, labels)
		}
	}
}

// news tells what is new of a task: running, restart, oom_killed, and complete or failed at its end.
func (r *reporter) news(id, name string, s *api.TaskState) (news []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tasks := r.mu.counted[id]
	if tasks == nil {
		tasks = map[string]counted{}
		r.mu.counted[id] = tasks
	}
	n := tasks[name]
	for _, e := range s.Events[slices.Index(s.Events, n.last)+1:] {
		if e == nil || n.last == nil && e.Time < r.since.UnixNano() {
			continue
		}
		n.last = e
		switch {
		case e.Type == api.TaskEventStarted:
			news = append(news, "running")
		case e.Type == api.TaskEventRestarting:
			news = append(news, "restart")
		case e.Type == api.TaskEventTerminated && e.Details["oom_killed"] == "true":
			news = append(news, "oom_killed")
		}
	}
	if s.State == api.TaskStateDead && !n.ended {
		n.ended = true
		switch {
		case s.FinishedAt != nil && s.FinishedAt.Before(r.since):
		case s.Failed:
			news = append(news, "failed")
		default:
			news = append(news, "complete")
		}
	}
	n.ended = n.ended && s.State == api.TaskStateDead
	tasks[name] = n
	return news
}

// hookRan tells how a hook of an allocation or a task went.
func (c *Client) hookRan(kind, hook string, took time.Duration, err error) {
	m := c.deps.Metrics
	if m == nil || c.cfg.Metrics.NoHooks {
		return
	}
	phase := "prerun"
	if kind == "task_hook" {
		phase = "prestart"
	}
	labels := with(c.metricLabels()[:nodeLabels], "hook_name", hook)
	m.AddSampleWithLabels([]string{"client", kind, phase, "elapsed"}, float32(took.Seconds()*1e3), labels)
	result := "success"
	if err != nil {
		result = "failed"
	}
	m.IncrCounterWithLabels([]string{"client", kind, phase, result}, 1, labels)
}

// publishRunTime tells how long the allocation may run, and how long it still may.
func (c *Client) publishRunTime(r *alloc.Runner, base []metrics.Label) {
	a := r.Alloc()
	g := a.Group()
	if g == nil || g.MaxRunDuration == nil {
		return
	}
	labels := base
	for _, l := range [][2]string{{"job", a.JobID}, {"task_group", a.TaskGroup}, {"alloc_id", a.ID}, {"namespace", a.Namespace}} {
		labels = with(labels, l[0], l[1])
	}
	set := func(name string, d time.Duration) {
		c.deps.Metrics.SetGaugeWithLabels([]string{"client", "allocs", "max_run_duration", name}, float32(d.Seconds()), labels)
	}
	set("configured_seconds", *g.MaxRunDuration)
	var began time.Time
	for _, s := range r.Report().TaskStates {
		if s != nil && s.StartedAt != nil && (began.IsZero() || s.StartedAt.Before(began)) {
			began = *s.StartedAt
		}
	}
	if !began.IsZero() {
		set("remaining_seconds", max(0, time.Until(began.Add(*g.MaxRunDuration))))
	}
}
