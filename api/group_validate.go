// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// hasGateway says that a gateway is asked for, which brings a task of its own.
func (g *TaskGroup) hasGateway() bool {
	return slices.ContainsFunc(g.Services, func(s *Service) bool { return s != nil && s.Connect != nil && s.Connect.Gateway != nil })
}

// validate checks the group; earlier are the constraints of the job.
func (g *TaskGroup) validate(c *checker, job *Job, limits Limits, earlier *earlierConstraints) {
	c.check(g.Name != "", "", "Missing task group name")
	c.check(!strings.Contains(g.Name, "\x00"), "", "Task group name contains null character")
	c.environ("meta", g.Meta)
	c.check(g.CountOrDefault() >= 0, "count", "Task group count can't be negative")
	if job.Type == JobTypeSystem && g.CountOrDefault() > 1 {
		c.failf("count", "Job task group %s has count %d. Count cannot exceed 1 with system scheduler", g.Name, g.CountOrDefault())
	}
	c.check(len(g.Tasks) > 0 || g.hasGateway(), "task", "Missing tasks for task group")
	for i, constraint := range g.Constraints {
		constraint.validate(c, i, constraintScopeGroup)
	}
	earlier = validateConflicts(c, earlier, g.Constraints)
	validateAffinities(c, g.Affinities, job.Type)
	validateSpreads(c, g.Spreads, job.Type)
	g.validatePolicies(c, job)
	g.validateDisconnect(c, job.Type)
	g.validateDurations(c, job)
	if g.EphemeralDisk != nil {
		atLeast(c, "ephemeral_disk.size", g.DiskMB(), 10)
		atMost(c, "ephemeral_disk.size", g.DiskMB())
	}
	g.validateTasks(c)
	g.validateNetworks(c)
	g.validateVolumes(c, job)
	g.validateServices(c)
	g.validateScaling(c, job)
	g.validateConsul(c)
	for i, t := range g.Tasks {
		label := t.Name
		if label == "" {
			label = strconv.Itoa(i + 1)
		}
		c.within(c.at.block("task", label), "Task "+label+" validation failed", func(c *checker) {
			t.validate(c, job, g, limits, earlier)
		})
	}
	g.warn(c)
}

// validatePolicies checks the blocks that depend on the job type; canonicalisation left them unset where
// the type has none.
func (g *TaskGroup) validatePolicies(c *checker, job *Job) {
	if job.rollsUpdates() {
		g.Update.validate(c)
		c.check(job.Type != JobTypeSystem || g.Update.CanaryOrDefault() <= 100, "update.canary",
			"Canary of a system job is a percentage of its nodes: must be between 0 and 100, got %d", g.Update.CanaryOrDefault())
	} else if g.Update != nil {
		c.failf("update", "Job type %q does not allow update block", job.Type)
	}
	g.RestartPolicy.validate(c)
	switch job.Type {
	case JobTypeSystem, JobTypeSysBatch:
		c.check(g.ReschedulePolicy == nil, "reschedule", "Job type %q does not allow reschedule block", job.Type)
	default:
		g.ReschedulePolicy.validate(c)
	}
	if job.Type == JobTypeService {
		g.Migrate.validate(c)
	} else if g.Migrate != nil {
		c.failf("migrate", "Job type %q does not allow migrate block", job.Type)
	}
}

func (g *TaskGroup) validateDisconnect(c *checker, jobType string) {
	d := g.Disconnect
	if d == nil {
		return
	}
	c.check(d.LostAfter >= 0, "disconnect.lost_after", "Disconnect lost_after cannot be negative")
	if d.StopOnClientAfter != nil {
		c.check(*d.StopOnClientAfter >= 0, "disconnect.stop_on_client_after", "Disconnect stop_on_client_after cannot be negative")
		c.check(d.LostAfter == 0, "disconnect", "Disconnect lost_after and stop_on_client_after cannot both be set")
		c.check(jobType != JobTypeSystem && jobType != JobTypeSysBatch, "disconnect.stop_on_client_after",
			"Disconnect stop_on_client_after can only be used with service and batch jobs")
	}
	c.oneOf("disconnect.reconcile", d.Reconcile, "best_score", "longest_running", "keep_original", "keep_replacement")
}

func (g *TaskGroup) validateDurations(c *checker, job *Job) {
	c.check(g.ShutdownDelayOrDefault() >= 0, "shutdown_delay", "ShutdownDelay must be a positive value")
	if g.MaxRunDuration == nil {
		return
	}
	c.check(*g.MaxRunDuration > 0, "max_run_duration", "max_run_duration must be greater than zero")
	c.check(job.Type == JobTypeBatch || job.Type == JobTypeSysBatch, "max_run_duration",
		"max_run_duration can only be used with batch and sysbatch jobs")
}

// validateTasks checks what concerns the tasks together.
func (g *TaskGroup) validateTasks(c *checker) {
	leaders, mains := 0, 0
	names := make([]string, len(g.Tasks))
	for i, t := range g.Tasks {
		names[i] = t.Name
		if t.Leader {
			leaders++
		}
		if t.IsMain() {
			mains++
		}
	}
	c.unique("Task", names)
	c.check(leaders <= 1, "task", "Only one task may be marked as leader")
	c.check(len(g.Tasks) == 0 || mains > 0, "task", "Task group must have at least one task that is not a lifecycle task")
}

func (g *TaskGroup) validateScaling(c *checker, job *Job) {
	p := g.Scaling
	if p == nil {
		return
	}
	c.within(c.at.field("scaling"), "Task group scaling policy validation failed", func(c *checker) {
		c.check(job.Type != JobTypeSystem, "", "System jobs may not have a scaling block")
		c.check(p.Type == "horizontal", "type", "Scaling policy of a group must have type \"horizontal\", got %q", p.Type)
		if p.Max == nil {
			c.failf("max", "Missing maximum count")
			return
		}
		low, high, count := Val(p.Min), *p.Max, g.CountOrDefault()
		c.check(low >= 0, "min", "Minimum count must not be negative")
		c.check(low <= high, "max", "Maximum count must not be less than minimum count")
		c.check(count >= low, "min", "Task group count %d is less than the minimum count %d of the scaling policy", count, low)
		c.check(count <= high, "max", "Task group count %d is greater than the maximum count %d of the scaling policy", count, high)
	})
}

// validateConsul checks that the partitions of group and tasks agree.
func (g *TaskGroup) validateConsul(c *checker) {
	group := ""
	if g.Consul != nil {
		group = g.Consul.Partition
		g.Consul.validate(c)
	}
	for _, t := range g.Tasks {
		if t.Consul == nil {
			continue
		}
		task := t.Consul.Partition
		c.check(group == "" || task == "" || group == task, "consul.partition",
			"Consul partition %q of task %q differs from %q of the group", task, t.Name, group)
	}
}

func (s *Consul) validate(c *checker) {
	c.check(s.Cluster == "" || s.Cluster == DefaultCluster, "consul.cluster", "Only the Consul cluster %q can be used, got %q", DefaultCluster, s.Cluster)
}

// warn notes what is accepted but looks like a mistake.
func (g *TaskGroup) warn(c *checker) {
	if p := g.Update.MaxParallelOrDefault(); g.CountOrDefault() > 1 && p > g.CountOrDefault() {
		c.warnf("update.max_parallel", "Update max parallel count of group %q is greater than its count (%d > %d). "+
			"A destructive change would replace all its allocations at the same time.", g.Name, p, g.CountOrDefault())
	}
	const obsolete = "%s of group %q is deprecated and has no effect, use the disconnect block"
	if g.StopAfterClientDisconnect != nil {
		c.warnf("stop_after_client_disconnect", obsolete, "stop_after_client_disconnect", g.Name)
	}
	if g.MaxClientDisconnect != nil {
		c.warnf("max_client_disconnect", obsolete, "max_client_disconnect", g.Name)
	}
	if g.PreventRescheduleOnLost {
		c.warnf("prevent_reschedule_on_lost", obsolete, "prevent_reschedule_on_lost", g.Name)
	}
	for _, n := range g.Networks {
		if n.MBits > 0 {
			c.warnf("network.mbits", "mbits of group %q is deprecated and has no effect", g.Name)
		}
	}
	for _, s := range g.Services {
		s.warn(c, "group "+strconv.Quote(g.Name))
	}
	for _, t := range g.Tasks {
		for _, s := range t.Services {
			s.warn(c, "task "+strconv.Quote(t.Name))
		}
	}
	g.warnShutdownDelay(c)
}

// warnShutdownDelay warns about services that nothing gives time to leave the registry.
func (g *TaskGroup) warnShutdownDelay(c *checker) {
	if g.ShutdownDelayOrDefault() > 0 {
		return
	}
	anyTask := slices.ContainsFunc(g.Tasks, func(t *Task) bool { return t.ShutdownDelay > 0 })
	warned := false
	for _, s := range g.Services {
		if s.TaskName != "" {
			if t := g.LookupTask(s.TaskName); t != nil && t.ShutdownDelay == 0 {
				c.warnf("service", "service %q in group %q is for task %q, but neither that task nor the group has shutdown_delay set", s.Name, g.Name, t.Name)
			}
			continue
		}
		if !anyTask && !warned {
			warned = true
			c.warnf("shutdown_delay", "group %q defines services, but neither the group nor any of its tasks have shutdown_delay set", g.Name)
		}
	}
	for _, t := range g.Tasks {
		if len(t.Services) > 0 && t.ShutdownDelay == 0 {
			c.warnf(fmt.Sprintf("task[%q].shutdown_delay", t.Name), "task %q in group %q defines services, but neither the task nor the group has shutdown_delay set", t.Name, g.Name)
		}
	}
}
