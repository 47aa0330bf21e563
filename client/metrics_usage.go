// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
)

// MetricsConfig says which measurements are published, besides what there is and what is allocated of it. Its fields
// come from the telemetry block of the agent's configuration.
type MetricsConfig struct {
	// Allocs publishes what each task uses and what becomes of it, Node what the machine does.
	Allocs, Node bool
	// NoHooks leaves out how long the hooks of allocations and tasks take.
	NoHooks bool
	// AllocMeta labels the tasks' numbers with the meta of job, group and task: all of it, or AllowedMeta only.
	AllocMeta   bool
	AllowedMeta []string
}

// publishNode publishes what the machine does.
func (c *Client) publishNode(ctx context.Context, base []metrics.Label) {
	s, err := c.stats.Collect(ctx)
	if err != nil {
		c.logger.Debug("machine is not measured", "error", err)
		return
	}
	set := func(value float64, labels []metrics.Label, name ...string) {
		c.deps.Metrics.SetGaugeWithLabels(append([]string{"client"}, name...), float32(value), labels)
	}
	set(float64(s.Uptime), base, "uptime")
	m := s.Memory
	for name, v := range map[string]uint64{"total": m.Total, "available": m.Available, "used": m.Used, "free": m.Free} {
		set(float64(v), base, "host", "memory", name)
	}
	for _, core := range s.CPU {
		labels := with(base, "cpu", core.CPU)
		for name, v := range map[string]float64{
			"total": core.TotalPercent, "total_percent": core.TotalPercent, "total_ticks": core.TotalTicks, "user": core.User,
			"system": core.System, "idle": core.Idle,
		} {
			set(v, labels, "host", "cpu", name)
		}
		c.deps.Metrics.IncrCounterWithLabels([]string{"client", "host", "cpu", "total_ticks_count"}, float32(core.TotalTicks), labels)
	}
	for _, d := range s.DiskStats {
		labels := with(base, "disk", d.Device)
		for name, v := range map[string]float64{
			"size": float64(d.Size), "used": float64(d.Used), "available": float64(d.Available),
			"used_percent": d.UsedPercent, "inodes_percent": d.InodesUsedPercent,
		} {
			set(v, labels, "host", "disk", name)
		}
	}
}

// publishAllocs publishes what the tasks use.
func (c *Client) publishAllocs(ctx context.Context, base []metrics.Label) {
	for _, r := range c.allRunners() {
		if isFinished(r) || ctx.Err() != nil {
			continue
		}
		c.publishRunTime(r, base)
		use, err := c.allocStats(ctx, &api.AllocStatsRequest{AllocID: r.ID()})
		if err != nil {
			continue // it ended since
		}
		a := r.Alloc()
		for name, t := range use.Tasks {
			if t != nil && t.ResourceUsage != nil {
				c.publishTask(t.ResourceUsage, granted(a, name), c.taskLabels(base, r, name))
			}
		}
	}
}

// granted is what the task may use.
func granted(a *api.Allocation, task string) *api.AllocatedTaskResources {
	if a.AllocatedResources == nil || a.AllocatedResources.Tasks[task] == nil {
		return &api.AllocatedTaskResources{}
	}
	return a.AllocatedResources.Tasks[task]
}

func (c *Client) publishTask(u *api.ResourceUsage, may *api.AllocatedTaskResources, labels []metrics.Label) {
	set := func(kind, name string, value float64) {
		c.deps.Metrics.SetGaugeWithLabels([]string{"client", "allocs", kind, name}, float32(value), labels)
	}
	const mebibyte = 1 << 20
	if m := u.MemoryStats; m != nil {
		for name, v := range map[string]uint64{
			"rss": m.RSS, "cache": m.Cache, "swap": m.Swap, "mapped_file": m.MappedFile, "usage": m.Usage, "max_usage": m.MaxUsage,
			"kernel_usage": m.KernelUsage, "kernel_max_usage": m.KernelMaxUsage,
		} {
			set("memory", name, float64(v))
		}
		set("memory", "allocated", float64(may.Memory.MemoryMB*mebibyte))
		if most := may.Memory.MemoryMaxMB; most > 0 {
			set("memory", "max_allocated", float64(most*mebibyte))
		}
	}
	if p := u.CpuStats; p != nil {
		for name, v := range map[string]float64{
			"total_percent": p.Percent, "system": p.SystemMode, "user": p.UserMode, "total_ticks": p.TotalTicks,
			"throttled_time": float64(p.ThrottledTime), "throttled_periods": float64(p.ThrottledPeriods),
		} {
			set("cpu", name, v)
		}
		c.deps.Metrics.IncrCounterWithLabels([]string{"client", "allocs", "cpu", "total_ticks_count"}, float32(p.TotalTicks), labels)
		if may.Cpu.CpuShares > 0 {
			set("cpu", "allocated", float64(may.Cpu.CpuShares))
		}
	}
}

// taskLabels say which task it is.
func (c *Client) taskLabels(base []metrics.Label, r *alloc.Runner, task string) []metrics.Label {
	a := r.Alloc()
	labels := with(base, "job", a.JobID)
	add := func(name, value string) { labels = append(labels, metrics.Label{Name: name, Value: value}) }
	add("task_group", a.TaskGroup)
	add("alloc_id", a.ID)
	add("namespace", a.Namespace)
	add("task", task)
	if a.Job == nil {
		return labels
	}
	if parent := a.Job.ParentID; parent != "" {
		add("parent_id", parent)
		launch := strings.TrimPrefix(a.JobID, parent+"/")
		if id, ok := strings.CutPrefix(launch, "dispatch-"); ok {
			add("dispatch_id", id)
		} else if id, ok := strings.CutPrefix(launch, "periodic-"); ok {
			add("periodic_id", id)
		}
	}
	if !c.cfg.Metrics.AllocMeta {
		return labels
	}
	for key, value := range taskMeta(a.Job, a.TaskGroup, task) {
		if len(c.cfg.Metrics.AllowedMeta) == 0 || slices.Contains(c.cfg.Metrics.AllowedMeta, key) {
			add(strings.ReplaceAll(key, "-", "_"), value)
		}
	}
	return labels
}

// taskMeta is the meta of job, group and task, the inner ones first.
func taskMeta(j *api.Job, group, task string) map[string]string {
	out := map[string]string{}
	put := func(m map[string]string) {
		maps.Copy(out, m)
	}
	put(j.Meta)
	if g := j.LookupTaskGroup(group); g != nil {
		put(g.Meta)
		for _, t := range g.Tasks {
			if t.Name == task {
				put(t.Meta)
			}
		}
	}
	return out
}

// with returns the labels and one more.
func with(labels []metrics.Label, name, value string) []metrics.Label {
	return append(slices.Clip(labels), metrics.Label{Name: name, Value: value})
}
