// SPDX-License-Identifier: MPL-2.0

package api

import (
	"strconv"
	"strings"
)

// AllocName returns the name of the index-th allocation of a group: "job.group[index]".
func AllocName(job, group string, index int) string {
	return job + "." + group + "[" + strconv.Itoa(index) + "]"
}

// AllocSuffix returns the part of an allocation name after the job id: "group[index]".
func AllocSuffix(name, job string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, job), ".")
}

// Index returns the number in the allocation's name, or -1 when the name has none.
func (a *Allocation) Index() int {
	if a == nil {
		return -1
	}
	name := a.Name
	if !strings.HasSuffix(name, "]") {
		return -1
	}
	open := strings.LastIndexByte(name, '[')
	if open < 0 {
		return -1
	}
	n, err := strconv.Atoi(name[open+1 : len(name)-1])
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// Stub returns the row of a list, without resources and task states.
func (a *Allocation) Stub() *AllocListStub {
	s := &AllocListStub{
		ID: a.ID, EvalID: a.EvalID, Name: a.Name, Namespace: a.Namespace, NodeID: a.NodeID, NodeName: a.NodeName,
		JobID: a.JobID, TaskGroup: a.TaskGroup, DesiredStatus: a.DesiredStatus, DesiredDescription: a.DesiredDescription,
		ClientStatus: a.ClientStatus, ClientDescription: a.ClientDescription, DesiredTransition: a.DesiredTransition,
		DeploymentStatus: a.DeploymentStatus, FollowupEvalID: a.FollowupEvalID, NextAllocation: a.NextAllocation,
		RescheduleTracker: a.RescheduleTracker, PreemptedAllocations: a.PreemptedAllocations,
		PreemptedByAllocation: a.PreemptedByAllocation, CreateIndex: a.CreateIndex, ModifyIndex: a.ModifyIndex,
		CreateTime: a.CreateTime, ModifyTime: a.ModifyTime,
	}
	if a.Job != nil {
		s.JobType, s.JobVersion = a.Job.Type, a.Job.Version
	}
	return s
}

// ServerTerminalStatus reports whether the servers want the allocation gone: desired stop or evict.
func (a *Allocation) ServerTerminalStatus() bool {
	return a.DesiredStatus == AllocDesiredStop || a.DesiredStatus == AllocDesiredEvict
}

// ClientTerminalStatus reports whether the client will do nothing more for the allocation: complete,
// failed or lost.
func (a *Allocation) ClientTerminalStatus() bool {
	switch a.ClientStatus {
	case AllocClientComplete, AllocClientFailed, AllocClientLost:
		return true
	}
	return false
}

// TerminalStatus reports whether the allocation is at its end for the servers or for the client.
func (a *Allocation) TerminalStatus() bool {
	return a.ServerTerminalStatus() || a.ClientTerminalStatus()
}

// RanSuccessfully reports whether the allocation finished its work: client status complete and no
// task failed.
func (a *Allocation) RanSuccessfully() bool {
	if a.ClientStatus != AllocClientComplete || len(a.TaskStates) == 0 {
		return false
	}
	for _, state := range a.TaskStates {
		if state == nil || state.State != TaskStateDead || state.Failed {
			return false
		}
	}
	return true
}

// Group returns the task group of the embedded job that the allocation runs, or nil.
func (a *Allocation) Group() *TaskGroup {
	if a == nil || a.Job == nil {
		return nil
	}
	return a.Job.LookupTaskGroup(a.TaskGroup)
}

// ShouldMigrate reports whether a drain asked the allocation to move.
func (t DesiredTransition) ShouldMigrate() bool { return Val(t.Migrate) }

// ShouldReschedule reports whether the allocation was marked for rescheduling.
func (t DesiredTransition) ShouldReschedule() bool { return Val(t.Reschedule) }

// ShouldForceReschedule reports whether the allocation was marked for rescheduling whatever its policy says.
func (t DesiredTransition) ShouldForceReschedule() bool { return Val(t.ForceReschedule) }

// ShouldSkipShutdownDelay reports whether shutdown delays are skipped when the allocation stops.
func (t DesiredTransition) ShouldSkipShutdownDelay() bool { return Val(t.NoShutdownDelay) }

// ShouldDisableMigrationPlacement reports whether a drained allocation gets no replacement.
func (t DesiredTransition) ShouldDisableMigrationPlacement() bool {
	return Val(t.MigrateDisablePlacement)
}

// IsHealthy reports whether the allocation was found healthy.
func (s *AllocDeploymentStatus) IsHealthy() bool { return s != nil && Val(s.Healthy) }

// IsUnhealthy reports whether the allocation was found not healthy.
func (s *AllocDeploymentStatus) IsUnhealthy() bool { return s != nil && !Or(s.Healthy, true) }
