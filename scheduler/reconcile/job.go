// SPDX-License-Identifier: MPL-2.0

package reconcile

import (
	"maps"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// Input is what a job wants and what exists of it.
type Input struct {
	// Job is the newest version; nil when it was purged.
	Job *api.Job
	// IsBatch selects the rules of batch jobs.
	IsBatch bool
	// Allocs are all allocations of the job.
	Allocs []*api.Allocation
	// Node returns a node row, nil when it is gone.
	Node func(id string) *api.Node
	// FitsInPlace reports whether the allocation may go on running on its node as part of Job.
	FitsInPlace func(a *api.Allocation, group *api.TaskGroup) bool
	// Deployment is the newest one of the job, or nil.
	Deployment *api.Deployment
	// EvalID is the evaluation being processed and Trigger what caused it.
	EvalID  string
	Trigger string
	Now     time.Time
}

// Result says what has to happen.
type Result struct {
	// Groups follow the order of the job; groups that the job lacks come last.
	Groups []*Group
	// DeploymentUpdates end deployments that no longer apply.
	DeploymentUpdates []*api.DeploymentStatusUpdate
}

// Group is the result for one task group.
type Group struct {
	Name string
	// TaskGroup is nil when the job no longer has the group or is stopped.
	TaskGroup *api.TaskGroup
	// Desired are the counts for the plan annotations.
	Desired api.DesiredUpdates

	// Stop lists what stops whatever happens to the placements.
	Stop []Stop
	// InPlace lists allocations that change to the newest version and go on running.
	InPlace []*api.Allocation
	// Place lists what is missing, most important first.
	Place []Placement
	// Replace lists destructive updates: the old allocation stops only if its successor finds a node.
	Replace []Placement
	// Later lists failed allocations whose reschedule is due in the future and not yet arranged. Those
	// that are in Replace too need it only if their successor finds no node now.
	Later []Delayed
	// Continue is when the next step of a rolling update may be possible; zero when none is left.
	Continue time.Time
}

// Stop is an allocation that stops.
type Stop struct {
	Alloc *api.Allocation
	// ClientStatus is set when the servers decide it in place of the client: lost.
	ClientStatus string
	Description  string
}

// Kind says why an allocation is missing.
type Kind uint8

const (
	// KindNew is an allocation without predecessor.
	KindNew Kind = iota
	// KindLost replaces one whose node is gone.
	KindLost
	// KindMigrate replaces one that leaves a draining node.
	KindMigrate
	// KindReschedule replaces a failed one by its reschedule policy.
	KindReschedule
	// KindUpdate replaces one of an older job version.
	KindUpdate
)

// Placement is one allocation to place.
type Placement struct {
	Name string
	Kind Kind
	// Previous is the allocation it takes over from, or nil. With KindReschedule and KindUpdate it stops
	// when the placement succeeds.
	Previous *api.Allocation
	// Delay is the reschedule delay that led here.
	Delay time.Duration
}

// Delayed is a failed allocation with the time of its replacement.
type Delayed struct {
	Alloc *api.Allocation
	At    time.Time
}

// Run reconciles the job.
func Run(in Input) *Result {
	byGroup := map[string][]*api.Allocation{}
	for _, a := range in.Allocs {
		byGroup[a.TaskGroup] = append(byGroup[a.TaskGroup], a)
	}
	r := &Result{}
	stopped := in.Job.Stopped()
	if !stopped {
		for _, tg := range in.Job.TaskGroups {
			r.Groups = append(r.Groups, newGroupPass(&in, tg, byGroup[tg.Name]).run())
			delete(byGroup, tg.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byGroup)) {
		r.Groups = append(r.Groups, stopAll(&in, name, byGroup[name]))
	}
	r.DeploymentUpdates = endDeployment(&in, stopped)
	return r
}

// stopAll is the result for a group that should not run at all.
func stopAll(in *Input, name string, allocs []*api.Allocation) *Group {
	g := &Group{Name: name}
	for _, a := range allocs {
		switch classify(in, a) {
		case classLost:
			g.stop(a, api.AllocClientLost, api.AllocDescLost)
			g.Desired.Stop++
		case classIgnored:
			g.reap(in, a)
		default:
			if !a.TerminalStatus() {
				g.stop(a, "", api.AllocDescNotNeeded)
				g.Desired.Stop++
			}
		}
	}
	return g
}

func (g *Group) stop(a *api.Allocation, clientStatus, description string) {
	g.Stop = append(g.Stop, Stop{Alloc: a, ClientStatus: clientStatus, Description: description})
}

// reap marks an allocation lost that was told to stop on a node that will never confirm it.
func (g *Group) reap(in *Input, a *api.Allocation) {
	if a.ServerTerminalStatus() && !a.ClientTerminalStatus() && isLost(in.Node(a.NodeID)) {
		g.stop(a, api.AllocClientLost, a.DesiredDescription)
	}
}

// endDeployment cancels the active deployment of a stopped job or of an older version.
func endDeployment(in *Input, stopped bool) []*api.DeploymentStatusUpdate {
	d := in.Deployment
	if !isActive(d) {
		return nil
	}
	description := ""
	switch {
	case stopped:
		description = "Cancelled because job is stopped"
	case d.JobVersion != in.Job.Version || d.JobCreateIndex != in.Job.CreateIndex:
		description = "Cancelled due to newer version of job"
	default:
		return nil
	}
	return []*api.DeploymentStatusUpdate{{
		DeploymentID: d.ID, Status: api.DeploymentCancelled, StatusDescription: description,
	}}
}

// isActive reports whether the deployment still steers its job.
func isActive(d *api.Deployment) bool {
	if d == nil {
		return false
	}
	switch d.Status {
	case api.DeploymentSuccessful, api.DeploymentFailed, api.DeploymentCancelled:
		return false
	}
	return true
}
