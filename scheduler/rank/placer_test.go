// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// world is a random cluster with a random job for one test.
type world struct {
	snapshot  *usage.Snapshot
	job       *api.Job
	group     *api.TaskGroup
	residents []Resident
}

func newWorld(random *rand.Rand) *world {
	w := &world{}
	table := usage.NewTable()
	for i := range 5 + random.IntN(30) {
		table.UpsertNode(&api.Node{
			ID: fmt.Sprintf("n%d", i), Name: fmt.Sprintf("n%d", i), Datacenter: fmt.Sprintf("dc%d", random.IntN(3)),
			NodePool: "default", NodeClass: fmt.Sprintf("c%d", random.IntN(3)), ComputedClass: fmt.Sprintf("v1:%d", i),
			Status: api.NodeStatusReady, SchedulingEligibility: api.NodeEligible,
			Meta: map[string]string{"rack": fmt.Sprintf("r%d", random.IntN(4))},
			NodeResources: &api.NodeResources{
				Cpu:    api.NodeCpuResources{CpuShares: int64(500 + 100*random.IntN(20))},
				Memory: api.NodeMemoryResources{MemoryMB: int64(500 + 100*random.IntN(20))},
				Disk:   api.NodeDiskResources{DiskMB: 10000},
			},
		})
	}
	w.snapshot = table.Snapshot()
	count := 1 + random.IntN(40)
	w.group = &api.TaskGroup{
		Name: "app", Count: &count, EphemeralDisk: &api.EphemeralDisk{SizeMB: new(10)},
		Tasks: []*api.Task{{Name: "main", Resources: &api.Resources{
			CPU: new(50 + 10*random.IntN(10)), MemoryMB: new(50 + 10*random.IntN(10)),
		}}},
	}
	if random.IntN(2) == 0 {
		w.group.Affinities = []*api.Affinity{{LTarget: "${node.class}", Operand: "=", RTarget: "c1", Weight: new(random.IntN(200) - 100)}}
	}
	for _, attribute := range []string{"${node.datacenter}", "${meta.rack}", "${node.unique.id}", "${meta.none}"} {
		if random.IntN(4) == 0 {
			spread := &api.Spread{Attribute: attribute, Weight: new(1 + random.IntN(100))}
			if random.IntN(2) == 0 {
				spread.SpreadTarget = []*api.SpreadTarget{{Value: "dc1", Percent: random.IntN(60)}, {Value: "r2", Percent: random.IntN(40)}}
			}
			w.group.Spreads = append(w.group.Spreads, spread)
		}
	}
	switch random.IntN(6) {
	case 0:
		w.group.Constraints = []*api.Constraint{{Operand: api.OpDistinctHosts}}
	case 1:
		w.group.Constraints = []*api.Constraint{{Operand: api.OpDistinctProperty, LTarget: "${meta.rack}", RTarget: "3"}}
	}
	w.job = &api.Job{ID: "job", NodePool: "default", Datacenters: []string{"*"}, TaskGroups: []*api.TaskGroup{w.group}}
	for range random.IntN(10) {
		name := "app"
		if random.IntN(2) == 0 {
			name = "other"
		}
		w.residents = append(w.residents, Resident{Ord: int32(random.IntN(w.snapshot.Len())), Group: name})
	}
	return w
}

func (w *world) placer(overlay *usage.Overlay, residents []Resident) *Placer {
	nodes := feasible.NewJob(w.snapshot, w.job, nil)
	return New(Input{
		Overlay: overlay, Job: w.job, Group: w.group, Nodes: nodes.Candidates(), Feasible: nodes.Group(w.group),
		Residents: residents, Random: rand.New(rand.NewPCG(3, 4)), Ports: rand.New(rand.NewPCG(5, 6)),
	})
}

// TestOnePassEqualsScans places groups once with one placer and once with a new placer, that is a full
// scan over all nodes, for each allocation: the choices must be the same.
func TestOnePassEqualsScans(t *testing.T) {
	placed, refused := 0, 0
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(random)
		w.group.Tasks[0].Driver = ""
		one := w.placer(usage.NewOverlay(w.snapshot), w.residents)
		overlay := usage.NewOverlay(w.snapshot)
		residents := slices.Clone(w.residents)
		for i := range w.group.CountOrDefault() {
			want := Want{Only: NoNode, Prefer: NoNode}
			if random.IntN(5) == 0 {
				want.Penalty = []int32{int32(random.IntN(w.snapshot.Len()))}
			}
			got, ok := one.Place(want)
			scan := w.placer(overlay, residents)
			best := scan.top()
			expected, expectedOK := scan.Place(want)
			if ok != expectedOK || ok && got.Ord != expected.Ord {
				t.Fatalf("seed %d, placement %d: one pass chose %d %v, a scan %d %v (best %+v)", seed, i, got.Ord, ok, expected.Ord, expectedOK, best)
			}
			if !ok {
				refused++
				break
			}
			placed++
			residents = append(residents, Resident{Ord: int32(expected.Ord), Group: w.group.Name})
		}
	}
	if placed < 2000 || refused == 0 {
		t.Errorf("%d placements and %d refusals prove little", placed, refused)
	}
}

// TestReleaseRestores checks that Release followed by Restore changes nothing about the choices.
func TestReleaseRestores(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(random)
		plain := w.placer(usage.NewOverlay(w.snapshot), w.residents)
		moved := w.placer(usage.NewOverlay(w.snapshot), w.residents)
		for i := range w.group.CountOrDefault() {
			for _, r := range w.residents {
				if r.Group == w.group.Name {
					moved.Release(r)
					moved.Restore(r)
				}
			}
			a, aok := plain.Place(Want{Only: NoNode, Prefer: NoNode})
			b, bok := moved.Place(Want{Only: NoNode, Prefer: NoNode})
			if a.Ord != b.Ord || aok != bok {
				t.Fatalf("seed %d, placement %d: %d %v and %d %v", seed, i, a.Ord, aok, b.Ord, bok)
			}
		}
	}
}

// TestReleaseReadmits checks that a value of a distinct_property that a replaced allocation gives up can
// be used again, on all nodes that have it.
func TestReleaseReadmits(t *testing.T) {
	w := newWorld(rand.New(rand.NewPCG(1, 1)))
	w.group.Spreads, w.group.Affinities = nil, nil
	w.group.Constraints = []*api.Constraint{{Operand: api.OpDistinctProperty, LTarget: "${meta.rack}"}}
	w.residents = nil
	racks := map[string]bool{}
	var first Resident
	for ord := range w.snapshot.Len() {
		if rack := w.snapshot.Node(ord).Meta["rack"]; !racks[rack] {
			racks[rack] = true
			first = Resident{Ord: int32(ord), Group: "app"}
			w.residents = append(w.residents, first)
		}
	}
	p := w.placer(usage.NewOverlay(w.snapshot), w.residents)
	if got, ok := p.Place(Want{Only: NoNode, Prefer: NoNode}); ok {
		t.Fatalf("placed on %d although each rack is in use", got.Ord)
	}
	p.Release(first)
	got, ok := p.Place(Want{Only: NoNode, Prefer: NoNode})
	if want := w.snapshot.Node(int(first.Ord)).Meta["rack"]; !ok || w.snapshot.Node(got.Ord).Meta["rack"] != want {
		t.Fatalf("placed %v on %d, want a node of rack %s", ok, got.Ord, want)
	}
	if got, ok := p.Place(Want{Only: NoNode, Prefer: NoNode}); ok {
		t.Fatalf("placed a second one on %d", got.Ord)
	}
}

// TestHeapOrder checks the heap against sorting.
func TestHeapOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	p := &Placer{candidates: make([]candidate, 300), heaps: make([]nodeHeap, 1)}
	for i := range p.candidates {
		p.candidates[i] = candidate{score: float64(random.IntN(20)), tie: random.Uint32(), heap: noHeap}
		p.push(0, int32(i))
	}
	for range 2000 {
		i := int32(random.IntN(len(p.candidates)))
		switch {
		case p.candidates[i].heap == noHeap:
			p.push(0, i)
		case random.IntN(3) == 0:
			p.remove(i)
		default:
			p.candidates[i].score = float64(random.IntN(20))
			p.fix(p.heaps[0], int(p.candidates[i].position))
		}
	}
	var want []int32
	for i := range p.candidates {
		if p.candidates[i].heap != noHeap {
			want = append(want, int32(i))
		}
	}
	slices.SortFunc(want, func(a, b int32) int {
		if p.better(a, b) {
			return -1
		}
		return 1
	})
	for _, i := range want {
		if p.heaps[0][0] != i {
			t.Fatalf("the heap gives %d, want %d", p.heaps[0][0], i)
		}
		p.remove(i)
	}
	if len(p.heaps[0]) != 0 {
		t.Errorf("%d left", len(p.heaps[0]))
	}
}

// TestPortsOfTheStopped replaces an allocation on its node, whose tasks have their ports until they have ended: the
// new one gets another dynamic port, although it draws the same lots, unless there is no other.
func TestPortsOfTheStopped(t *testing.T) {
	for _, width := range []int{1, 2, 10000} {
		table := usage.NewTable()
		table.UpsertNode(&api.Node{
			ID: "n1", Datacenter: "dc1", NodePool: "default", Status: api.NodeStatusReady, SchedulingEligibility: api.NodeEligible,
			NodeResources: &api.NodeResources{
				Cpu: api.NodeCpuResources{CpuShares: 1000}, Memory: api.NodeMemoryResources{MemoryMB: 1000}, Disk: api.NodeDiskResources{DiskMB: 1000},
				NodeNetworks: []*api.NodeNetworkResource{{Mode: "host", Addresses: []api.NodeNetworkAddress{
					{Alias: usage.DefaultHostNetwork, Address: "10.0.0.1"},
				}}},
				MinDynamicPort: 20000, MaxDynamicPort: 20000 + width - 1,
			},
		})
		w := &world{snapshot: table.Snapshot(), group: &api.TaskGroup{
			Name: "app", Networks: []*api.NetworkResource{{DynamicPorts: []*api.Port{{Label: "http"}}}},
			Tasks: []*api.Task{{Name: "main", Resources: &api.Resources{CPU: new(100), MemoryMB: new(100)}}},
		}}
		w.job = &api.Job{ID: "job", NodePool: "default", Datacenters: []string{"*"}, TaskGroups: []*api.TaskGroup{w.group}}
		first, ok := w.placer(usage.NewOverlay(w.snapshot), nil).Place(Want{Only: NoNode, Prefer: NoNode})
		if !ok {
			t.Fatal("the node has no room")
		}
		old := &api.Allocation{ID: "old", NodeID: "n1", AllocatedResources: first.Resources, DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientRunning}
		table.UpsertAlloc(nil, old)
		w.snapshot = table.Snapshot()
		overlay := usage.NewOverlay(w.snapshot)
		overlay.RemoveAlloc(old)
		second, ok := w.placer(overlay, nil).Place(Want{Only: NoNode, Prefer: NoNode})
		if !ok {
			t.Fatal("the node has no room for the replacement")
		}
		a, b := first.Resources.Shared.Ports[0].Value, second.Resources.Shared.Ports[0].Value
		if (a == b) != (width == 1) {
			t.Errorf("of %d ports, the first has %d and its replacement %d", width, a, b)
		}
	}
}
