// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	benchNodes = 1000
	benchPlan  = 1000
)

func benchNode(i int) string {
	var id [16]byte
	binary.BigEndian.PutUint32(id[:], uint32(i)*2654435761)
	binary.BigEndian.PutUint32(id[12:], uint32(i))
	return formatUUID(id[:])
}

func benchAlloc(i int) string {
	var id [16]byte
	binary.BigEndian.PutUint32(id[:], uint32(i)*2654435761)
	binary.BigEndian.PutUint32(id[8:], uint32(i)*40503)
	binary.BigEndian.PutUint32(id[12:], uint32(i))
	return formatUUID(id[:])
}

// benchCluster returns a machine with nodes and a job.
func benchCluster(tb testing.TB) (*FSM, *api.Job) {
	tb.Helper()
	f := newFSM()
	for i := range benchNodes {
		f.apply(uint64(2+i), NodeRegister.Encode(&NodeRegisterRequest{Node: &api.Node{
			ID: benchNode(i), Name: fmt.Sprintf("node-%d", i), Datacenter: "dc1", Status: api.NodeStatusReady,
			NodeResources: &api.NodeResources{Cpu: api.NodeCpuResources{CpuShares: 1 << 20}, Memory: api.NodeMemoryResources{MemoryMB: 1 << 20}},
		}}))
	}
	r := f.apply(2000, JobRegister.Encode(&JobRegisterRequest{Job: &api.Job{
		Namespace: "default", ID: "web-frontend", Type: api.JobTypeService, Datacenters: []string{"*"},
		TaskGroups: []*api.TaskGroup{{Name: "web", Count: new(benchPlan), Tasks: []*api.Task{{Name: "server", Driver: "docker"}}}},
	}, Eval: &api.Evaluation{ID: "e", Namespace: "default", JobID: "web-frontend"}}))
	return f, r.(*api.Job)
}

// benchRequest is a plan as the scheduler makes it: one evaluation, shared resources and metrics, the
// placements spread over the nodes. With ports each has resources of its own.
func benchRequest(job *api.Job, from int, ports bool) *PlanApplyRequest {
	resources := &api.AllocatedResources{
		Tasks: map[string]*api.AllocatedTaskResources{"server": {
			Cpu: api.AllocatedCpuResources{CpuShares: 100}, Memory: api.AllocatedMemoryResources{MemoryMB: 128},
		}},
		TaskLifecycles: map[string]*api.Lifecycle{"server": nil},
		Shared:         api.AllocatedSharedResources{DiskMB: 150},
	}
	metrics := &api.AllocMetric{NodesEvaluated: benchNodes, NodesInPool: benchNodes, NodesAvailable: map[string]int{"dc1": benchNodes}}
	result := &api.PlanResult{NodeAllocation: map[string][]*api.Allocation{}}
	for i := range benchPlan {
		node := benchNode((from + i) % benchNodes)
		a := &api.Allocation{
			ID: benchAlloc(from + i), Name: api.AllocName(job.ID, "web", i), TaskGroup: "web", NodeID: node,
			DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientPending, AllocatedResources: resources, Metrics: metrics,
		}
		if ports {
			r := *resources
			port := 20000 + (from+i)/benchNodes%12000
			r.Shared.Networks = []*api.NetworkResource{{Mode: "host", Device: "eth0", IP: "10.0.0.1", DynamicPorts: []*api.Port{{Label: "http", Value: port}}}}
			r.Shared.Ports = []*api.AllocatedPortMapping{{Label: "http", Value: port, HostIP: "10.0.0.1"}}
			a.AllocatedResources = &r
		}
		result.NodeAllocation[node] = append(result.NodeAllocation[node], a)
	}
	return &PlanApplyRequest{Time: 1_790_000_000_000_000_000, Plans: []*PlanCommit{{EvalID: benchNode(77), Job: job, Result: result}}}
}

// BenchmarkPlanApply applies plans of 1,000 placements to a cluster of 1,000 nodes.
func BenchmarkPlanApply(b *testing.B) {
	for name, ports := range map[string]bool{"plain": false, "ports": true} {
		b.Run(name, func(b *testing.B) {
			f, job := benchCluster(b)
			index, from, size := uint64(3000), 0, 0
			var entry []byte
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				if from >= 200_000 { // a cluster of a size that exists
					f, job = benchCluster(b)
					from = 0
				}
				entry = PlanApply.Encode(benchRequest(job, from, ports))
				b.StartTimer()
				index++
				f.apply(index, entry)
				from += benchPlan
				size += len(entry)
			}
			b.ReportMetric(float64(b.N*benchPlan)/b.Elapsed().Seconds(), "placements/s")
			b.ReportMetric(float64(size)/float64(b.N*benchPlan), "B/placement")
		})
	}
}

// BenchmarkPlanEncode encodes such plans.
func BenchmarkPlanEncode(b *testing.B) {
	_, job := benchCluster(b)
	r := benchRequest(job, 0, false)
	b.ReportAllocs()
	for b.Loop() {
		PlanApply.Encode(r)
	}
	b.ReportMetric(float64(b.N*benchPlan)/b.Elapsed().Seconds(), "placements/s")
}

// benchUpdate is what clients report of 1,000 allocations that started.
func benchUpdate(from int) *AllocsClientUpdateRequest {
	r := &AllocsClientUpdateRequest{Time: 1_790_000_001_000_000_000}
	at := time.Unix(1_790_000_001, 5).UTC()
	for i := range benchPlan {
		r.Allocs = append(r.Allocs, ClientUpdate(&api.Allocation{
			ID: benchAlloc(from + i), ClientStatus: api.AllocClientRunning, ClientDescription: api.AllocClientDescRunning,
			TaskStates: map[string]*api.TaskState{"server": {State: api.TaskStateRunning, StartedAt: &at, Events: []*api.TaskEvent{
				{Type: "Received", Time: 1_790_000_000_000_000_000, DisplayMessage: "Task received by client"},
				{Type: "Task Setup", Time: 1_790_000_000_000_000_000, Message: "Building Task Directory", DisplayMessage: "Building Task Directory"},
				{Type: "Started", Time: 1_790_000_000_000_000_000, DisplayMessage: "Task started by client"},
			}}},
		}))
	}
	return r
}

// BenchmarkClientUpdate applies reports of 1,000 started allocations.
func BenchmarkClientUpdate(b *testing.B) {
	f, job := benchCluster(b)
	for i := range 20 {
		f.apply(uint64(3000+i), PlanApply.Encode(benchRequest(job, i*benchPlan, false)))
	}
	var entries [][]byte
	for i := range 20 {
		entries = append(entries, AllocsClientUpdate.Encode(benchUpdate(i*benchPlan)))
	}
	index := uint64(4000)
	b.ReportAllocs()
	for b.Loop() {
		index++
		f.apply(index, entries[index%20])
	}
	b.ReportMetric(float64(b.N*benchPlan)/b.Elapsed().Seconds(), "updates/s")
	b.ReportMetric(float64(len(entries[0]))/benchPlan, "B/update")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkHeap reports what an allocation takes of the heap: placed, and running with its task states.
func BenchmarkHeap(b *testing.B) {
	for b.Loop() {
		f, job := benchCluster(b)
		before := heap()
		const plans = 50
		for i := range plans {
			f.apply(uint64(3000+i), PlanApply.Encode(benchRequest(job, i*benchPlan, false)))
		}
		placed := heap()
		for i := range plans {
			f.apply(uint64(4000+i), AllocsClientUpdate.Encode(benchUpdate(i*benchPlan)))
		}
		running := heap()
		b.ReportMetric(float64(placed-before)/(plans*benchPlan), "B/placed")
		b.ReportMetric(float64(running-before)/(plans*benchPlan), "B/running")
		runtime.KeepAlive(f)
	}
}

// BenchmarkSnapshot saves and restores 50,000 running allocations.
func BenchmarkSnapshot(b *testing.B) {
	f, job := benchCluster(b)
	const plans = 50
	for i := range plans {
		f.apply(uint64(3000+i), PlanApply.Encode(benchRequest(job, i*benchPlan, false)))
		f.apply(uint64(4000+i), AllocsClientUpdate.Encode(benchUpdate(i*benchPlan)))
	}
	saved := snapshotOf(b, f)
	b.Run("save", func(b *testing.B) {
		for b.Loop() {
			if err := f.store.Snapshot().Save(io.Discard); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*plans*benchPlan)/b.Elapsed().Seconds(), "allocs/s")
		b.ReportMetric(float64(len(saved))/(plans*benchPlan), "B/alloc")
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			restoreInto(b, state.New(), saved)
		}
		b.ReportMetric(float64(b.N*plans*benchPlan)/b.Elapsed().Seconds(), "allocs/s")
	})
	b.Run("heap", func(b *testing.B) {
		for b.Loop() {
			before := heap()
			s := state.New()
			restoreInto(b, s, saved)
			b.ReportMetric(float64(heap()-before)/(plans*benchPlan), "B/alloc")
			runtime.KeepAlive(s)
		}
	})
}

func restoreInto(b *testing.B, s *state.Store, saved []byte) {
	b.Helper()
	if err := s.Restore(bytes.NewReader(saved)); err != nil {
		b.Fatal(err)
	}
}
