// SPDX-License-Identifier: MPL-2.0

package scheduler_test

import (
	"fmt"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler"
)

// BenchmarkProcess measures the pure pass: reconcile, rank, plan. Placements per second are reported as
// placements/s; committing is not part of it.
func BenchmarkProcess(b *testing.B) {
	for _, bench := range []struct {
		name         string
		nodes, count int
		edit         func(j *api.Job)
	}{
		{"1k-nodes/10x1000", 1000, 1000, nil},
		{"1k-nodes/1000x10", 1000, 10, nil},
		{"10k-nodes/10x1000", 10000, 1000, nil},
		{"10k-nodes/1000x10", 10000, 10, nil},
		{"100k-nodes/10x1000", 100000, 1000, nil},
		{"100k-nodes/1000x10", 100000, 10, nil},
		{"1k-nodes/port", 1000, 1000, withPort},
		{"1k-nodes/spread-dc", 1000, 1000, withSpread("${node.datacenter}")},
		{"1k-nodes/spread-node", 1000, 1000, withSpread("${node.unique.id}")},
		{"1k-nodes/affinity", 1000, 1000, withAffinity},
		{"1k-nodes/distinct_hosts", 1000, 1000, withConstraint(&api.Constraint{Operand: api.OpDistinctHosts})},
		{"1k-nodes/distinct_property", 1000, 1000, withConstraint(&api.Constraint{
			Operand: api.OpDistinctProperty, LTarget: "${meta.rack}", RTarget: "40",
		})},
		{"1k-nodes/regexp", 1000, 1000, withConstraint(&api.Constraint{
			Operand: api.OpRegexp, LTarget: "${attr.kernel.name}", RTarget: "^lin",
		})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			c := benchCluster(bench.nodes)
			j := benchJob("bench", bench.count)
			if bench.edit != nil {
				bench.edit(j)
			}
			c.register(j)
			e := c.eval("bench", api.TriggerJobRegister)
			b.ReportAllocs()
			placed := 0
			for b.Loop() {
				out := scheduler.Process(c, e, scheduler.Config{Now: c.now, Seed: 1, Cache: c.cache, NewID: api.NewID})
				for _, rows := range out.Plan.NodeAllocation {
					placed += len(rows)
				}
			}
			if placed != b.N*bench.count {
				b.Fatalf("placed %d of %d", placed, b.N*bench.count)
			}
			b.ReportMetric(float64(placed)/b.Elapsed().Seconds(), "placements/s")
		})
	}
}

// BenchmarkJobs places ten jobs of a thousand one after the other, each on what the others left, and
// commits to the columns: the cost of a placement must not grow with what is already placed.
func BenchmarkJobs(b *testing.B) {
	for _, nodes := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("%d-nodes/10x1000", nodes), func(b *testing.B) {
			b.ReportAllocs()
			placed := 0
			for b.Loop() {
				b.StopTimer()
				c := benchCluster(nodes)
				b.StartTimer()
				for i := range 10 {
					id := fmt.Sprintf("job-%d", i)
					c.register(benchJob(id, 1000))
					out := scheduler.Process(c, c.eval(id, api.TriggerJobRegister), scheduler.Config{
						Now: c.now, Seed: 1, Cache: c.cache, NewID: api.NewID,
					})
					for _, rows := range out.Plan.NodeAllocation {
						for _, a := range rows {
							c.putAlloc(a)
							placed++
						}
					}
					c.commit()
				}
			}
			if placed != b.N*10000 {
				b.Fatalf("placed %d of %d", placed, b.N*10000)
			}
			b.ReportMetric(float64(placed)/b.Elapsed().Seconds(), "placements/s")
		})
	}
}

// crowded is a cluster whose nodes are full of allocations of low priority.
type crowded struct {
	*cluster
	byNode map[string][]*api.Allocation
}

func (c *crowded) AllocsByNode(id string) []*api.Allocation { return c.byNode[id] }

// BenchmarkPreemption places allocations for each of which others have to go.
func BenchmarkPreemption(b *testing.B) {
	for _, nodes := range []int{1000, 10000} {
		b.Run(fmt.Sprintf("%d-nodes/1000", nodes), func(b *testing.B) {
			c := &crowded{cluster: benchCluster(nodes), byNode: map[string][]*api.Allocation{}}
			c.config = &api.SchedulerConfiguration{PreemptionConfig: api.PreemptionConfig{ServiceSchedulerEnabled: true}}
			low := benchJob("low", nodes*20)
			low.Priority = new(10)
			resources := &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{"main": {
				Cpu: api.AllocatedCpuResources{CpuShares: 1000}, Memory: api.AllocatedMemoryResources{MemoryMB: 500},
			}}}
			for i := range nodes * 20 {
				a := &api.Allocation{
					ID: fmt.Sprintf("a%d", i), NodeID: fmt.Sprintf("n%d", i%nodes), JobID: "low", Job: low, TaskGroup: "app",
					AllocatedResources: resources, ClientStatus: api.AllocClientRunning, DesiredStatus: api.AllocDesiredRun,
				}
				c.table.UpsertAlloc(nil, a)
				c.byNode[a.NodeID] = append(c.byNode[a.NodeID], a)
			}
			c.commit()
			c.register(benchJob("high", 1000))
			e := c.eval("high", api.TriggerJobRegister)
			b.ReportAllocs()
			placed := 0
			for b.Loop() {
				out := scheduler.Process(c, e, scheduler.Config{Now: c.now, Seed: 1, Cache: c.cache, NewID: api.NewID})
				for _, rows := range out.Plan.NodeAllocation {
					placed += len(rows)
				}
			}
			if placed != b.N*1000 {
				b.Fatalf("placed %d of %d", placed, b.N*1000)
			}
			b.ReportMetric(float64(placed)/b.Elapsed().Seconds(), "placements/s")
		})
	}
}

// BenchmarkUsage measures the columns: an allocation put and a snapshot for every hundred of them.
func BenchmarkUsage(b *testing.B) {
	c := benchCluster(5000)
	resources := &api.AllocatedResources{
		Tasks: map[string]*api.AllocatedTaskResources{"main": {
			Cpu: api.AllocatedCpuResources{CpuShares: 10}, Memory: api.AllocatedMemoryResources{MemoryMB: 10},
		}},
		Shared: api.AllocatedSharedResources{Ports: []*api.AllocatedPortMapping{{Label: "http", Value: 20001, HostIP: "10.0.0.1"}}},
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		a := &api.Allocation{NodeID: fmt.Sprintf("n%d", i%5000), AllocatedResources: resources, ClientStatus: api.AllocClientRunning}
		c.table.UpsertAlloc(nil, a)
		if i++; i%100 == 0 {
			c.snapshot = c.table.Snapshot()
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "upserts/s")
}

func benchCluster(nodes int) *cluster {
	c := newCluster()
	for i := range nodes {
		n := newNode(fmt.Sprintf("n%d", i))
		n.Datacenter = fmt.Sprintf("dc%d", i%3)
		n.Meta["rack"] = fmt.Sprintf("r%d", i%40)
		n.NodeResources.Cpu.CpuShares = 20000
		n.NodeResources.Memory.MemoryMB = 40000
		c.putNode(n)
	}
	c.commit()
	return c
}

func benchJob(id string, count int) *api.Job {
	return &api.Job{
		ID: id, Name: id, Namespace: api.DefaultNamespace, Type: api.JobTypeService, NodePool: api.NodePoolDefault,
		Datacenters: []string{"*"}, Priority: new(50),
		TaskGroups: []*api.TaskGroup{{
			Name: "app", Count: &count, EphemeralDisk: &api.EphemeralDisk{SizeMB: new(10)},
			Tasks: []*api.Task{{
				Name: "main", Driver: "mock_driver",
				Resources: &api.Resources{CPU: new(100), MemoryMB: new(64)},
			}},
		}},
	}
}

func withPort(j *api.Job) {
	j.TaskGroups[0].Networks = []*api.NetworkResource{{DynamicPorts: []*api.Port{{Label: "http"}}}}
}

func withSpread(attribute string) func(j *api.Job) {
	return func(j *api.Job) {
		j.TaskGroups[0].Spreads = []*api.Spread{{Attribute: attribute, Weight: new(50)}}
	}
}

func withAffinity(j *api.Job) {
	j.TaskGroups[0].Affinities = []*api.Affinity{{
		LTarget: "${node.datacenter}", Operand: "=", RTarget: "dc1", Weight: new(50),
	}}
}

func withConstraint(x *api.Constraint) func(j *api.Job) {
	return func(j *api.Job) { j.TaskGroups[0].Constraints = append(j.TaskGroups[0].Constraints, x) }
}
