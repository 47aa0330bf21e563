// SPDX-License-Identifier: MPL-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/sim"
)

// Placement is one measurement of scheduling: Jobs service jobs of Count allocations each, on Nodes
// simulated nodes.
type Placement struct {
	Name   string
	Nodes  int
	Jobs   int
	Count  int
	Target float64
	// Edit adds what the measurement is about to a job.
	Edit func(*api.Job)
}

// profileTime is how long a profile of the server is taken.
const profileTime = 3 * time.Second

// submitters is how many jobs are registered at a time.
const submitters = 64

// Placements are the measurements of scheduling.
var Placements = []Placement{
	{Name: "placements, 10 jobs x 1,000", Nodes: 1000, Jobs: 10, Count: 1000, Target: 20_000},
	{Name: "placements, 1,000 jobs x 10", Nodes: 1000, Jobs: 1000, Count: 10, Target: 5_000},
	{Name: "placements, 10 jobs x 10,000 on 5,000 nodes", Nodes: 5000, Jobs: 10, Count: 10_000, Target: 20_000},
	{
		Name: "placements with a dynamic port, 10 jobs x 1,000", Nodes: 1000, Jobs: 10, Count: 1000, Target: 5_000,
		Edit: func(j *api.Job) {
			j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []*api.Port{{Label: "http"}}}}
		},
	},
	{
		Name: "placements with spread, 4 jobs x 1,000", Nodes: 1000, Jobs: 4, Count: 1000, Target: 10_000,
		Edit: func(j *api.Job) {
			j.Spreads = []*api.Spread{{Attribute: "${node.unique.name}", Weight: new(100)}}
		},
	},
	{
		Name: "placements with affinity, 4 jobs x 1,000", Nodes: 1000, Jobs: 4, Count: 1000, Target: 5_000,
		Edit: func(j *api.Job) {
			j.Affinities = []*api.Affinity{{LTarget: "${node.datacenter}", RTarget: "dc1", Operand: "=", Weight: new(50)}}
		},
	},
	{
		Name: "placements with distinct_hosts, 4 jobs x 1,000", Nodes: 1000, Jobs: 4, Count: 1000, Target: 5_000,
		Edit: func(j *api.Job) { j.Constraints = []*api.Constraint{{Operand: api.OpDistinctHosts}} },
	},
	{
		Name: "placements with distinct_property, 4 jobs x 1,000", Nodes: 1000, Jobs: 4, Count: 1000, Target: 5_000,
		Edit: func(j *api.Job) {
			j.Constraints = []*api.Constraint{{Operand: api.OpDistinctProperty, LTarget: "${node.unique.name}", RTarget: "4"}}
		},
	},
}

// Million is the measurement of a million allocations; it needs several GiB of memory.
var Million = Placement{Name: "a million allocations", Nodes: 5000, Jobs: 100, Count: 10_000}

// Run starts a server and the nodes, submits the jobs and measures until the last one is placed, as a
// caller sees it.
// With a profile, the file gets a CPU profile of the server's first seconds of work.
func (p *Placement) Run(ctx context.Context, bin, profile string) (f Figure, err error) {
	f = Figure{Name: p.Name, Unit: "/s", Target: p.Target, More: true}
	each := int64(p.Jobs*p.Count/p.Nodes + 1)
	a, err := startCluster(ctx, bin, serverConfig, sim.Config{Count: p.Nodes, CPU: max(4000, 20*each), MemoryMB: max(8192, 20*each)})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, a.stop()) }()
	pid := a.cmd.Process.Pid
	before, heapBefore := resident(pid), a.heap(ctx)

	if profile != "" {
		a.group.Go("profile", func(ctx context.Context) error { return a.profile(ctx, profile, profileTime) })
	}
	start, used := time.Now(), processorTime(pid)
	registered, err := p.submit(ctx, a.servers)
	if err != nil {
		return f, a.failed(err)
	}
	placed, usedPlacing := time.Since(start), processorTime(pid)-used
	total := p.Jobs * p.Count
	if err := awaitRunning(a.group.Context(), a.fleet, int64(total)); err != nil {
		return f, a.failed(err)
	}
	running, usedRunning := time.Since(start), processorTime(pid)-used
	if profile != "" {
		settle(ctx, profileTime)
	}

	f.Value = float64(total) / placed.Seconds()
	f.Detail = map[string]float64{"registered s": registered.Seconds(), "placed s": placed.Seconds(), "running s": running.Seconds()}
	if usedPlacing > 0 {
		f.Detail["server CPU s placed"], f.Detail["server CPU s running"] = usedPlacing, usedRunning
	}
	if after := resident(pid); before > 0 {
		f.Detail["resident kB an allocation"] = float64(after-before) / 1000 / float64(total)
	}
	if after := a.heap(ctx); heapBefore > 0 {
		f.Detail["heap kB an allocation"] = (after - heapBefore) / 1000 / float64(total)
	}
	return f, nil
}

// submit registers the jobs, several at a time, and waits until each is placed in full. It returns how long
// the registrations took.
func (p *Placement) submit(ctx context.Context, c api.Caller) (registered time.Duration, err error) {
	start := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg, registrations sync.WaitGroup
	slots := make(chan struct{}, submitters)
	for n := range p.Jobs {
		registrations.Add(1)
		wg.Go(func() {
			slots <- struct{}{}
			resp, _, err := api.JobRegister.Call(ctx, c, &api.JobRegisterRequest{Job: p.job(n)})
			<-slots
			registrations.Done()
			if err == nil {
				err = p.placed(ctx, c, resp.EvalID)
			}
			if err != nil {
				cancel(fmt.Errorf("job %d: %w", n, err))
			}
		})
	}
	registrations.Wait()
	registered = time.Since(start)
	wg.Wait()
	return registered, context.Cause(ctx)
}

// placed waits until the evaluation is complete and everything is placed.
func (p *Placement) placed(ctx context.Context, c api.Caller, evalID string) error {
	req := &api.EvalRequest{EvalID: evalID}
	for {
		req.MaxWait = time.Minute
		e, meta, err := api.EvalGet.Call(ctx, c, req)
		if err != nil {
			return err
		}
		if e.TerminalStatus() {
			if e.Status != api.EvalStatusComplete || len(e.FailedTGAllocs) > 0 {
				return fmt.Errorf("evaluation %s is %s (%s) with %v queued", e.ID, e.Status, e.StatusDescription, e.QueuedAllocations)
			}
			return nil
		}
		req.MinIndex = meta.Index
	}
}

func (p *Placement) job(n int) *api.Job {
	id := fmt.Sprintf("bench-%04d", n)
	j := &api.Job{
		ID: id, Name: id, Type: api.JobTypeService, Datacenters: []string{"*"},
		TaskGroups: []*api.TaskGroup{{
			Name: "g", Count: new(p.Count), EphemeralDisk: &api.EphemeralDisk{SizeMB: new(10)},
			Tasks: []*api.Task{{
				Name: "t", Driver: "mock_driver",
				LogConfig: &api.LogConfig{MaxFiles: new(1), MaxFileSizeMB: new(1)},
				Resources: &api.Resources{CPU: new(10), MemoryMB: new(10)},
			}},
		}},
	}
	if p.Edit != nil {
		p.Edit(j)
	}
	return j
}

// awaitRunning waits until the fleet runs that many allocations.
func awaitRunning(ctx context.Context, fleet *sim.Fleet, want int64) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	t := time.NewTicker(5 * time.Millisecond)
	defer t.Stop()
	for fleet.Stats().Running < want {
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d allocations run: %w", fleet.Stats().Running, want, ctx.Err())
		}
	}
	return nil
}
