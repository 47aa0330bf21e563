// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// cluster is a state in memory that plans are applied to in the way of the plan applier and the FSM.
type cluster struct {
	index    uint64
	now      time.Time
	table    *usage.Table
	snapshot *usage.Snapshot
	cache    *feasible.Cache
	config   *api.SchedulerConfiguration
	pools    map[string]*api.NodePoolSchedulerConfiguration

	nodes    map[string]*api.Node
	jobs     map[string]*api.Job
	versions map[string][]*api.Job
	allocs   map[string]*api.Allocation
	byJob    map[string][]string
	evals    []*api.Evaluation
	blocked  map[string]*api.Evaluation
	// deployments holds the newest one of each job.
	deployments map[string]*api.Deployment
	seed        uint64
}

func newCluster() *cluster {
	c := &cluster{
		index:    1,
		now:      time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC),
		table:    usage.NewTable(),
		cache:    feasible.NewCache(),
		nodes:    map[string]*api.Node{},
		jobs:     map[string]*api.Job{},
		pools:    map[string]*api.NodePoolSchedulerConfiguration{},
		versions: map[string][]*api.Job{},
		allocs:   map[string]*api.Allocation{},
		byJob:    map[string][]string{},
		blocked:  map[string]*api.Evaluation{},

		deployments: map[string]*api.Deployment{},
	}
	c.commit()
	return c
}

func (c *cluster) commit() {
	c.index++
	c.snapshot = c.table.Snapshot()
}

func (c *cluster) Index() uint64             { return c.index }
func (c *cluster) Usage() *usage.Snapshot    { return c.snapshot }
func (c *cluster) Job(_, id string) *api.Job { return c.jobs[id] }
func (c *cluster) SchedulerConfig(pool string) *api.SchedulerConfiguration {
	if own := c.pools[pool]; own != nil {
		return own.Over(cmp.Or(c.config, &api.SchedulerConfiguration{}))
	}
	return c.config
}

// LatestDeployment counts in the way of the state store.
func (c *cluster) LatestDeployment(_, jobID string) *api.Deployment {
	old := c.deployments[jobID]
	if old == nil {
		return nil
	}
	d := *old
	d.TaskGroups = map[string]*api.DeploymentState{}
	for name, g := range old.TaskGroups {
		s := *g
		for _, id := range c.byJob[jobID] {
			a := c.allocs[id]
			if a.DeploymentID != d.ID || a.TaskGroup != name {
				continue
			}
			s.PlacedAllocs++
			status := a.DeploymentStatus
			if status != nil && status.Canary && !slices.Contains(s.PlacedCanaries, id) {
				s.PlacedCanaries = append(slices.Clip(s.PlacedCanaries), id)
			}
			if status != nil && status.Healthy != nil && *status.Healthy {
				s.HealthyAllocs++
			} else if status != nil && status.Healthy != nil {
				s.UnhealthyAllocs++
			}
		}
		d.TaskGroups[name] = &s
	}
	return &d
}

// promote makes the canaries of the job's deployment ordinary allocations.
func (c *cluster) promote(jobID string) {
	d := c.LatestDeployment("", jobID)
	for _, g := range d.TaskGroups {
		g.Promoted = true
		g.PlacedAllocs, g.HealthyAllocs, g.UnhealthyAllocs = 0, 0, 0
		for _, id := range g.PlacedCanaries {
			c.change(id, func(a *api.Allocation) {
				status := *a.DeploymentStatus
				status.Canary = false
				a.DeploymentStatus = &status
			})
		}
	}
	d.StatusDescription = api.DeploymentDescRunning
	c.deployments[jobID] = d
}

func (c *cluster) JobVersion(_, id string, version uint64) *api.Job {
	for _, j := range c.versions[id] {
		if j.Version == version {
			return j
		}
	}
	return nil
}

func (c *cluster) AllocsByJob(_, id string) []*api.Allocation {
	out := make([]*api.Allocation, 0, len(c.byJob[id]))
	for _, a := range c.byJob[id] {
		out = append(out, c.allocs[a])
	}
	return out
}

func (c *cluster) AllocsByNode(id string) []*api.Allocation {
	var out []*api.Allocation
	for _, a := range c.allocs {
		if a.NodeID == id {
			out = append(out, a)
		}
	}
	return out
}

func (c *cluster) putNode(n *api.Node) {
	n.ComputedClass = feasible.ComputeClass(n)
	c.nodes[n.ID] = n
	c.table.UpsertNode(n)
}

func (c *cluster) putAlloc(a *api.Allocation) {
	old := c.allocs[a.ID]
	c.table.UpsertAlloc(old, a)
	if old == nil {
		c.byJob[a.JobID] = append(c.byJob[a.JobID], a.ID)
	}
	c.allocs[a.ID] = a
}

// register stores a job as a new version.
func (c *cluster) register(j *api.Job) {
	c.index++
	if old := c.jobs[j.ID]; old != nil {
		j.Version, j.CreateIndex = old.Version+1, old.CreateIndex
	} else {
		j.CreateIndex = c.index
	}
	j.ModifyIndex, j.JobModifyIndex = c.index, c.index
	c.jobs[j.ID] = j
	c.versions[j.ID] = append(c.versions[j.ID], j)
}

func (c *cluster) eval(jobID, trigger string) *api.Evaluation {
	c.seed++
	e := &api.Evaluation{
		ID: fmt.Sprintf("eval-%d", c.seed), Namespace: api.DefaultNamespace, JobID: jobID, Type: api.JobTypeService,
		TriggeredBy: trigger, Status: api.EvalStatusPending, Priority: 50,
	}
	if j := c.jobs[jobID]; j != nil {
		e.Type, e.Priority = j.Type, j.PriorityOrDefault()
	}
	return e
}

func (c *cluster) process(e *api.Evaluation) *scheduler.Outcome {
	return scheduler.Process(c, e, scheduler.Config{Now: c.now, Seed: 1, Cache: c.cache})
}

// apply commits an outcome after the plan applier's check, which must accept what the scheduler planned.
func (c *cluster) apply(tb testing.TB, out *scheduler.Outcome) {
	tb.Helper()
	overlay := usage.NewOverlay(c.snapshot)
	nodeIDs := map[string]bool{}
	for id := range out.Plan.NodeUpdate {
		nodeIDs[id] = true
	}
	for id := range out.Plan.NodeAllocation {
		nodeIDs[id] = true
	}
	for id := range out.Plan.NodePreemptions {
		nodeIDs[id] = true
	}
	for id := range nodeIDs {
		part := usage.Part{NodeID: id, Place: out.Plan.NodeAllocation[id], Stop: slices.Concat(out.Plan.NodeUpdate[id], out.Plan.NodePreemptions[id])}
		if reason, ok := usage.Fits(overlay, part, func(id string) *api.Allocation { return c.allocs[id] }); !ok {
			tb.Fatalf("the applier refuses the part for node %s: %s", id, reason)
		}
	}
	c.index++
	if d := out.Plan.Deployment; d != nil {
		if old := c.deployments[out.Eval.JobID]; old != nil && old.ID == d.ID {
			for name, g := range d.TaskGroups {
				old.TaskGroups[name].DesiredTotal = g.DesiredTotal
			}
		} else {
			c.deployments[out.Eval.JobID] = d
		}
	}
	for _, u := range out.Plan.DeploymentUpdates {
		for _, d := range c.deployments {
			if d.ID == u.DeploymentID {
				d.Status, d.StatusDescription = u.Status, u.StatusDescription
			}
		}
	}
	for _, rows := range out.Plan.NodeUpdate {
		for _, a := range rows {
			c.write(a)
		}
	}
	for _, rows := range out.Plan.NodePreemptions {
		for _, a := range rows {
			c.write(a)
		}
	}
	for _, rows := range out.Plan.NodeAllocation {
		for _, a := range rows {
			c.write(a)
		}
	}
	c.evals = append(c.evals, out.FollowUps...)
	delete(c.blocked, out.Eval.JobID)
	if out.Blocked != nil {
		c.blocked[out.Eval.JobID] = out.Blocked
	}
	if out.Reblock {
		c.blocked[out.Eval.JobID] = out.Eval
	}
	c.commit()
}

func (c *cluster) write(a *api.Allocation) {
	row := *a
	row.ModifyIndex, row.AllocModifyIndex = c.index, c.index
	if old := c.allocs[a.ID]; old != nil {
		row.CreateIndex, row.NextAllocation = old.CreateIndex, old.NextAllocation
		if a.DeploymentID == old.DeploymentID && a.DeploymentStatus == nil {
			row.DeploymentStatus = old.DeploymentStatus
		}
	} else {
		row.CreateIndex = c.index
		if previous := c.allocs[a.PreviousAllocation]; previous != nil {
			linked := *previous
			linked.NextAllocation = a.ID
			c.putAlloc(&linked)
		}
	}
	c.putAlloc(&row)
}

// change replaces one allocation row.
func (c *cluster) change(id string, edit func(a *api.Allocation)) {
	row := *c.allocs[id]
	edit(&row)
	c.putAlloc(&row)
}

// setClient records a client status with task states.
func (c *cluster) setClient(id, status string) {
	now := c.now
	c.change(id, func(a *api.Allocation) {
		a.ClientStatus = status
		a.ModifyTime = now.UnixNano()
		state := &api.TaskState{State: api.TaskStateRunning, StartedAt: &now}
		switch status {
		case api.AllocClientFailed:
			state = &api.TaskState{State: api.TaskStateDead, Failed: true, FinishedAt: &now}
		case api.AllocClientComplete, api.AllocClientLost:
			state = &api.TaskState{State: api.TaskStateDead, FinishedAt: &now}
		}
		a.TaskStates = map[string]*api.TaskState{"main": state}
	})
}

// sorted returns the allocations of a job by name, then age.
func (c *cluster) sorted(jobID string) []*api.Allocation {
	out := c.AllocsByJob("", jobID)
	slices.SortFunc(out, func(a, b *api.Allocation) int {
		if a.Name != b.Name {
			return compareNames(a, b)
		}
		return int(a.CreateIndex) - int(b.CreateIndex)
	})
	return out
}

func compareNames(a, b *api.Allocation) int {
	if a.TaskGroup != b.TaskGroup {
		if a.TaskGroup < b.TaskGroup {
			return -1
		}
		return 1
	}
	return a.Index() - b.Index()
}
