// SPDX-License-Identifier: MPL-2.0

package api

import "time"

// LookupTaskGroup returns the group of that name, or nil.
func (j *Job) LookupTaskGroup(name string) *TaskGroup {
	if j == nil {
		return nil
	}
	for _, g := range j.TaskGroups {
		if g != nil && g.Name == name {
			return g
		}
	}
	return nil
}

// Stopped reports whether the job is gone or was stopped.
func (j *Job) Stopped() bool { return j == nil || j.Stop }

// IsPeriodic reports whether the job launches children by the clock.
func (j *Job) IsPeriodic() bool { return j != nil && j.Periodic != nil }

// IsPeriodicActive reports whether the clock launches children of the job now.
func (j *Job) IsPeriodicActive() bool {
	return j.IsPeriodic() && Or(j.Periodic.Enabled, true) && !j.Stopped() && !j.IsParameterized()
}

// IsParameterized reports whether the job is a template for dispatched children.
func (j *Job) IsParameterized() bool { return j != nil && j.ParameterizedJob != nil && !j.Dispatched }

// PriorityOrDefault returns the priority, 50 when unset.
func (j *Job) PriorityOrDefault() int {
	if j == nil {
		return JobDefaultPriority
	}
	return Or(j.Priority, JobDefaultPriority)
}

// HasUpdateStrategy reports whether any group rolls its updates.
func (j *Job) HasUpdateStrategy() bool {
	for _, g := range j.TaskGroups {
		if !g.Update.IsEmpty() {
			return true
		}
	}
	return false
}

// LookupTask returns the task of that name, or nil.
func (g *TaskGroup) LookupTask(name string) *Task {
	if g == nil {
		return nil
	}
	for _, t := range g.Tasks {
		if t != nil && t.Name == name {
			return t
		}
	}
	return nil
}

// CountOrDefault returns the wanted number of allocations, 1 when unset.
func (g *TaskGroup) CountOrDefault() int {
	if g == nil {
		return 0
	}
	return Or(g.Count, 1)
}

// ShutdownDelayOrDefault returns the group's shutdown delay, 0 when unset.
func (g *TaskGroup) ShutdownDelayOrDefault() time.Duration {
	if g == nil {
		return 0
	}
	return Val(g.ShutdownDelay)
}

// DiskMB returns the size of the ephemeral disk in MiB.
func (g *TaskGroup) DiskMB() int {
	if g == nil {
		return 0
	}
	if g.EphemeralDisk == nil {
		return DefaultDiskMB
	}
	return Or(g.EphemeralDisk.SizeMB, DefaultDiskMB)
}

// KillTimeoutOrDefault returns the kill timeout, 5s when unset.
func (t *Task) KillTimeoutOrDefault() time.Duration {
	if t == nil {
		return DefaultKillTimeout
	}
	return Or(t.KillTimeout, DefaultKillTimeout)
}

// Hook returns the lifecycle hook of the task, "" for main tasks.
func (t *Task) Hook() string {
	if t == nil || t.Lifecycle == nil {
		return ""
	}
	return t.Lifecycle.Hook
}

// IsSidecar reports whether the task is a lifecycle task that keeps running beside the main tasks.
func (t *Task) IsSidecar() bool { return t != nil && t.Lifecycle != nil && t.Lifecycle.Sidecar }

// IsMain reports whether the task is not a lifecycle task.
func (t *Task) IsMain() bool { return t.Hook() == "" }

// MaxFilesOrDefault returns the number of log files kept, 10 when unset.
func (l *LogConfig) MaxFilesOrDefault() int {
	if l == nil {
		return DefaultLogFiles
	}
	return Or(l.MaxFiles, DefaultLogFiles)
}

// MaxFileSizeMBOrDefault returns the size of one log file in MiB, 10 when unset.
func (l *LogConfig) MaxFileSizeMBOrDefault() int {
	if l == nil {
		return DefaultLogFileSizeMB
	}
	return Or(l.MaxFileSizeMB, DefaultLogFileSizeMB)
}
