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
	// IsBatch selects the rules of batch and sysbatch jobs.
	IsBatch bool
	// Allocs are all allocations of the job.
	Allocs []*api.Allocation
	// Node returns a node row, nil when it is gone.
	Node func(id string) *api.Node
	// FitsInPlace reports whether the allocation may go on running on its node as part of Job.
	FitsInPlace func(a *api.Allocation, group *api.TaskGroup) bool
	// Nodes are the IDs of the nodes that a system or sysbatch group may run on: ready, in the job's
	// datacenters and pool, and not filtered. Other jobs do not ask.
	Nodes func(group *api.TaskGroup) []string
	// Deployment is the newest one of the job, or nil.
	Deployment *api.Deployment
	// EvalID is the evaluation being processed, Trigger what caused it and Priority its priority.
	EvalID   string
	Trigger  string
	Priority int
	// NewID makes the ID of a deployment; nil means that none is created.
	NewID func() string
	Now   time.Time
}

// Result says what has to happen.
type Result struct {
	// Groups follow the order of the job; groups that the job lacks come last.
	Groups []*Group
	// Deployment is to be created or changed, nil for none.
	Deployment *api.Deployment
	// DeploymentID is the deployment of the newest version that is under way, or the one that stopping the job cancels, "" for
	// none.
	DeploymentID string
	// DeploymentUpdates end deployments that no longer apply, or are complete.
	DeploymentUpdates []*api.DeploymentStatusUpdate
}

// Group is the result for one task group.
type Group struct {
	Name string
	// TaskGroup is nil when the job no longer has the group or is stopped.
	TaskGroup *api.TaskGroup
	// Desired are the counts for the plan annotations.
	Desired api.DesiredUpdates
	// DeploymentID is the deployment that placements and updates of the newest version belong to, or "".
	DeploymentID string

	// Stop lists what stops whatever happens to the placements.
	Stop []Stop
	// Disconnect lists allocations that become unknown and Reconnect those that go on after they were.
	Disconnect, Reconnect []*api.Allocation
	// InPlace lists allocations that change to the newest version and go on running.
	InPlace []*api.Allocation
	// Place lists what is missing, most important first.
	Place []Placement
	// Replace lists destructive updates: the old allocation stops only if its successor finds a node.
	Replace []Placement
	// Later lists what has to be looked at again in the future and is not yet arranged. Failed allocations
	// that are in Replace too need it only if their successor finds no node now.
	Later []Delayed
}

// Stop is an allocation that stops.
type Stop struct {
	Alloc *api.Allocation
	// ClientStatus is set when the servers decide it in place of the client: lost.
	ClientStatus string
	Description  string
	// States are the status changes to record, nil for no change.
	States []*api.AllocState
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
	// KindDisconnect stands in for one on a node without contact, by its reschedule policy.
	KindDisconnect
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
	// Job is the older version to run while canaries of the newest wait for their promotion; nil for the
	// newest version.
	Job *api.Job
	// Canary marks a canary of the deployment.
	Canary bool
	// NodeID is the only node that comes into question, "" for any. System and sysbatch jobs set it.
	NodeID string
}

// Reschedules reports whether the placement follows from a reschedule policy.
func (p *Placement) Reschedules() bool { return p.Kind == KindReschedule || p.Kind == KindDisconnect }

// DelayKind says what a Delayed waits for.
type DelayKind uint8

const (
	// DelayReschedule is the time at which the policy replaces the allocation.
	DelayReschedule DelayKind = iota
	// DelayLost is the time at which an unknown allocation becomes lost.
	DelayLost
	// DelayStop is the time at which a client without contact has stopped the allocation for sure.
	DelayStop
)

// Delayed is an allocation with the time at which it is looked at again.
type Delayed struct {
	Alloc *api.Allocation
	At    time.Time
	Kind  DelayKind
}

// Run reconciles a service or batch job.
func Run(in Input) *Result {
	return run(&in, func(r *rollout, tg *api.TaskGroup, allocs []*api.Allocation) *Group {
		return newGroupPass(&in, r, tg, allocs).run()
	})
}

// RunSystem reconciles a system or sysbatch job.
func RunSystem(in Input) *Result {
	return run(&in, func(r *rollout, tg *api.TaskGroup, allocs []*api.Allocation) *Group {
		return newSystemPass(&in, r, tg, allocs).run()
	})
}

func run(in *Input, group func(*rollout, *api.TaskGroup, []*api.Allocation) *Group) *Result {
	byGroup := map[string][]*api.Allocation{}
	for _, a := range in.Allocs {
		byGroup[a.TaskGroup] = append(byGroup[a.TaskGroup], a)
	}
	r := &Result{}
	stopped := in.Job.Stopped()
	roll := newRollout(in)
	if !stopped {
		for _, tg := range in.Job.TaskGroups {
			r.Groups = append(r.Groups, group(roll, tg, byGroup[tg.Name]))
			delete(byGroup, tg.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byGroup)) {
		r.Groups = append(r.Groups, stopAll(in, name, byGroup[name]))
	}
	r.Deployment, r.DeploymentUpdates = roll.finish(stopped)
	d := r.Deployment
	if d == nil {
		d = roll.active()
	}
	switch {
	case d != nil:
		r.DeploymentID = d.ID
	case stopped && len(r.DeploymentUpdates) > 0:
		r.DeploymentID = r.DeploymentUpdates[0].DeploymentID
	}
	for _, g := range r.Groups {
		g.settle(in)
		if d != nil && d.TaskGroups[g.Name] != nil {
			g.DeploymentID = d.ID
		}
	}
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
			if g.reap(in, a) {
				continue
			}
			if !a.TerminalStatus() {
				g.Desired.Stop++
			} else if a.ClientStatus != api.AllocClientFailed || a.NextAllocation != "" {
				continue
			}
			// A failed one would wait for its reschedule policy, or hold its place without one, when the
			// job runs again.
			g.stop(a, "", api.AllocDescNotNeeded)
		}
	}
	return g
}

func (g *Group) stop(a *api.Allocation, clientStatus, description string) {
	g.Stop = append(g.Stop, Stop{Alloc: a, ClientStatus: clientStatus, Description: description})
}

// settle lets a stop win over a change of contact, and marks what stops on nodes that will never confirm it
// lost.
func (g *Group) settle(in *Input) {
	stopped := make(map[*api.Allocation]bool, len(g.Stop))
	for i := range g.Stop {
		s := &g.Stop[i]
		stopped[s.Alloc] = true
		if s.ClientStatus == "" && !s.Alloc.ClientTerminalStatus() && isGone(in.Node(s.Alloc.NodeID)) {
			s.ClientStatus = api.AllocClientLost
		}
	}
	isStopped := func(a *api.Allocation) bool { return stopped[a] }
	g.Disconnect = slices.DeleteFunc(g.Disconnect, isStopped)
	g.Reconnect = slices.DeleteFunc(g.Reconnect, isStopped)
}

// reap marks an allocation lost that was told to stop on a node that will never confirm it, and reports
// whether it was one.
func (g *Group) reap(in *Input, a *api.Allocation) bool {
	if !a.ServerTerminalStatus() || a.ClientTerminalStatus() || !isGone(in.Node(a.NodeID)) {
		return false
	}
	g.stop(a, api.AllocClientLost, a.DesiredDescription)
	return true
}
