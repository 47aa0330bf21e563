// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func testNode(id string) *api.Node {
	return &api.Node{
		ID: id, Name: id, Datacenter: "dc1", NodePool: "default", ComputedClass: "v1:1",
		Status: api.NodeStatusReady, SchedulingEligibility: api.NodeEligible,
		Drivers: map[string]*api.DriverInfo{"b": {Detected: true, Healthy: true}, "a": {Detected: true, Healthy: true}, "c": {Detected: true}},
		NodeResources: &api.NodeResources{
			Cpu:    api.NodeCpuResources{CpuShares: 4000, TotalCpuCores: 4, ReservableCpuCores: []uint16{0, 1, 2, 3}},
			Memory: api.NodeMemoryResources{MemoryMB: 8000},
			Disk:   api.NodeDiskResources{DiskMB: 10000},
			NodeNetworks: []*api.NodeNetworkResource{{Mode: "host", Addresses: []api.NodeNetworkAddress{
				{Alias: "default", Address: "10.0.0.1"}, {Alias: "private", Address: "192.168.0.1", ReservedPorts: "9000"},
			}}},
		},
		ReservedResources: &api.NodeReservedResources{
			Cpu:      api.NodeReservedCpuResources{CpuShares: 500, ReservedCpuCores: []uint16{0}},
			Memory:   api.NodeMemoryResources{MemoryMB: 1000},
			Networks: api.NodeReservedNetworkResources{ReservedHostPorts: "22,8000-8002"},
		},
	}
}

func testAlloc(id, node string, cpu int64, ports ...int) *api.Allocation {
	r := &api.AllocatedResources{
		Tasks: map[string]*api.AllocatedTaskResources{"main": {
			Cpu: api.AllocatedCpuResources{CpuShares: cpu}, Memory: api.AllocatedMemoryResources{MemoryMB: 2 * cpu},
		}},
		Shared: api.AllocatedSharedResources{DiskMB: 3},
	}
	for _, p := range ports {
		r.Shared.Ports = append(r.Shared.Ports, &api.AllocatedPortMapping{Label: "p", Value: p, HostIP: "10.0.0.1"})
	}
	return &api.Allocation{
		ID: id, NodeID: node, AllocatedResources: r,
		DesiredStatus: api.AllocDesiredRun, ClientStatus: api.AllocClientRunning,
	}
}

func with(a *api.Allocation, edit func(a *api.Allocation)) *api.Allocation {
	dup := *a
	edit(&dup)
	return &dup
}

func TestNodeRow(t *testing.T) {
	table := NewTable()
	table.UpsertNode(testNode("n1"))
	s := table.Snapshot()
	ord, ok := s.Ordinal("n1")
	if !ok || s.NodeID(ord) != "n1" || s.Node(ord).ID != "n1" || s.NodeByID("n1") == nil || s.NodeByID("n2") != nil {
		t.Fatal("the node is not found by its ID")
	}
	if cpu, memory, disk := s.Capacity(ord); cpu != 3500 || memory != 7000 || disk != 10000 {
		t.Errorf("capacity %d %d %d", cpu, memory, disk)
	}
	if got := s.DriverSets()[s.DriverSet(ord)]; got != "a,b" {
		t.Errorf("driver set %q", got)
	}
	l := s.Layout(ord)
	if l.HasCore(0) || !l.HasCore(1) || len(l.Cores) != 3 || l.CoreMHz != 1000 {
		t.Errorf("cores %+v, mean %d", l.Cores, l.CoreMHz)
	}
	for _, test := range []struct {
		ip   string
		port uint16
		want bool
	}{
		{"10.0.0.1", 22, true},
		{"10.0.0.1", 8001, true},
		{"10.0.0.1", 8003, false},
		{"10.0.0.1", 9000, false},
		{"192.168.0.1", 22, true},
		{"192.168.0.1", 9000, true},
		{"192.168.0.1", 9001, false},
	} {
		if got := l.AddressOf(test.ip).Reserved(test.port); got != test.want {
			t.Errorf("%s:%d reserved = %v", test.ip, test.port, got)
		}
	}
	if !s.Ready(ord) {
		t.Error("the node is not ready")
	}
	draining := testNode("n1")
	draining.DrainStrategy = &api.DrainStrategy{}
	table.UpsertNode(draining)
	if table.Snapshot().Ready(ord) || !s.Ready(ord) {
		t.Error("readiness does not follow the row, or changes a snapshot")
	}
}

func TestWhatCounts(t *testing.T) {
	table := NewTable()
	table.UpsertNode(testNode("n1"))
	used := func() (int64, int) {
		s := table.Snapshot()
		ord, _ := s.Ordinal("n1")
		cpu, memory, disk, n := s.Used(ord)
		if memory != 2*cpu || disk != int64(3*n) {
			t.Errorf("cpu %d memory %d disk %d of %d", cpu, memory, disk, n)
		}
		return cpu, n
	}
	a := testAlloc("a", "n1", 100, 20000)
	table.UpsertAlloc(nil, a)
	if cpu, n := used(); cpu != 100 || n != 1 {
		t.Errorf("new: %d %d", cpu, n)
	}
	stopped := with(a, func(a *api.Allocation) { a.DesiredStatus = api.AllocDesiredStop })
	table.UpsertAlloc(a, stopped)
	if cpu, n := used(); cpu != 100 || n != 1 {
		t.Errorf("desired stop and running: %d %d", cpu, n)
	}
	bigger := with(stopped, func(x *api.Allocation) { x.AllocatedResources = testAlloc("a", "n1", 300, 20001).AllocatedResources })
	table.UpsertAlloc(stopped, bigger)
	s := table.Snapshot()
	ord, _ := s.Ordinal("n1")
	if cpu, n := used(); cpu != 300 || n != 1 {
		t.Errorf("changed resources: %d %d", cpu, n)
	}
	if p := s.UsedPorts(ord, "10.0.0.1"); p.Has(20000) || !p.Has(20001) || p.Len() != 1 {
		t.Error("ports do not follow the row")
	}
	done := with(bigger, func(a *api.Allocation) { a.ClientStatus = api.AllocClientComplete })
	table.UpsertAlloc(bigger, done)
	if cpu, n := used(); cpu != 0 || n != 0 {
		t.Errorf("complete: %d %d", cpu, n)
	}
	table.DeleteAlloc(done)
	if cpu, n := used(); cpu != 0 || n != 0 {
		t.Errorf("deleted: %d %d", cpu, n)
	}
}

func TestOrdinalsAreReused(t *testing.T) {
	table := NewTable()
	table.UpsertNode(testNode("n1"))
	table.UpsertNode(testNode("n2"))
	a := testAlloc("a", "n1", 100)
	table.UpsertAlloc(nil, a)
	table.DeleteNode("n1")
	s := table.Snapshot()
	if ord, ok := s.Ordinal("n1"); !ok || s.Node(ord) != nil || s.Nodes() != 1 {
		t.Error("a node with allocations keeps its ordinal without a row")
	}
	table.UpsertNode(testNode("n1"))
	back := table.Snapshot()
	if ord, _ := back.Ordinal("n1"); func() int64 { cpu, _, _, _ := back.Used(ord); return cpu }() != 100 {
		t.Error("a node that comes back lost its use")
	}
	table.DeleteNode("n1")
	table.DeleteAlloc(a)
	if _, ok := table.Snapshot().Ordinal("n1"); ok {
		t.Error("the ordinal is not freed")
	}
	table.UpsertNode(testNode("n3"))
	reused := table.Snapshot()
	if reused.Len() != 2 || reused.Nodes() != 2 {
		t.Errorf("%d ordinals, %d nodes", reused.Len(), reused.Nodes())
	}
	if ord, _ := reused.Ordinal("n3"); func() int64 { cpu, _, _, _ := reused.Used(ord); return cpu }() != 0 {
		t.Error("a reused ordinal keeps the use of the node before")
	}
	if _, ok := s.Ordinal("n1"); !ok {
		t.Error("an older snapshot changed")
	}
}

// TestTableModel changes a table at random, with snapshots and rollbacks, and compares each snapshot
// with a table built from scratch.
func TestTableModel(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	table := NewTable()
	nodes, allocs := map[string]*api.Node{}, map[string]*api.Allocation{}
	type moment struct {
		snapshot *Snapshot
		nodes    map[string]*api.Node
		allocs   map[string]*api.Allocation
	}
	now := func() moment {
		m := moment{table.Snapshot(), map[string]*api.Node{}, map[string]*api.Allocation{}}
		maps.Copy(m.nodes, nodes)
		maps.Copy(m.allocs, allocs)
		return m
	}
	moments := []moment{now()}
	for range 6000 {
		nodeID := fmt.Sprintf("n%d", random.IntN(700))
		allocID := fmt.Sprintf("a%d", random.IntN(900))
		switch random.IntN(10) {
		case 0, 1:
			n := testNode(nodeID)
			n.Datacenter = fmt.Sprintf("dc%d", random.IntN(3))
			n.ComputedClass = fmt.Sprintf("v1:%d", random.IntN(500))
			nodes[nodeID] = n
			table.UpsertNode(n)
		case 2:
			delete(nodes, nodeID)
			table.DeleteNode(nodeID)
		case 3:
			if old := allocs[allocID]; old != nil {
				table.DeleteAlloc(old)
				delete(allocs, allocID)
			}
		case 4:
			if old := allocs[allocID]; old != nil {
				changed := with(old, func(a *api.Allocation) { a.ClientStatus = api.AllocClientFailed })
				table.UpsertAlloc(old, changed)
				allocs[allocID] = changed
			}
		default:
			a := testAlloc(allocID, nodeID, int64(random.IntN(100)), 20000+random.IntN(50))
			table.UpsertAlloc(allocs[allocID], a)
			allocs[allocID] = a
		}
		switch random.IntN(100) {
		case 0:
			moments = append(moments, now())
		case 1:
			m := moments[len(moments)-1]
			table.Rollback(m.snapshot)
			nodes, allocs = map[string]*api.Node{}, map[string]*api.Allocation{}
			maps.Copy(nodes, m.nodes)
			maps.Copy(allocs, m.allocs)
		}
	}
	moments = append(moments, now())
	for _, m := range moments {
		fresh := NewTable()
		for _, n := range m.nodes {
			fresh.UpsertNode(n)
		}
		for _, a := range m.allocs {
			fresh.UpsertAlloc(nil, a)
		}
		compareSnapshots(t, m.snapshot, fresh.Snapshot())
	}
}

func compareSnapshots(t *testing.T, got, want *Snapshot) {
	t.Helper()
	if got.Nodes() != want.Nodes() {
		t.Errorf("%d nodes, want %d", got.Nodes(), want.Nodes())
	}
	seen := 0
	for ord := range got.Len() {
		id := got.NodeID(ord)
		if id == "" {
			continue
		}
		seen++
		other, ok := want.Ordinal(id)
		if at, _ := got.Ordinal(id); at != ord || !ok {
			t.Errorf("%s: ordinal %d found as %d, wanted at all: %v", id, ord, at, ok)
			continue
		}
		gc, gm, gd, gn := got.Used(ord)
		wc, wm, wd, wn := want.Used(other)
		if gc != wc || gm != wm || gd != wd || gn != wn {
			t.Errorf("%s: used %d %d %d of %d, want %d %d %d of %d", id, gc, gm, gd, gn, wc, wm, wd, wn)
		}
		if got.Node(ord) != want.Node(other) {
			t.Errorf("%s: another node row", id)
		}
		if got.Node(ord) != nil && (got.Classes()[got.Class(ord)] != want.Classes()[want.Class(other)] ||
			got.Datacenters()[got.Datacenter(ord)] != want.Datacenters()[want.Datacenter(other)]) {
			t.Errorf("%s: another class or datacenter", id)
		}
		if g, w := slices.Collect(got.UsedPorts(ord, "10.0.0.1").All), slices.Collect(want.UsedPorts(other, "10.0.0.1").All); !slices.Equal(g, w) {
			t.Errorf("%s: ports %v, want %v", id, g, w)
		}
	}
	if wanted := want.ids.len(); seen != wanted {
		t.Errorf("%d ordinals in use, want %d", seen, wanted)
	}
}

func TestClassesDoNotGrowForever(t *testing.T) {
	table := NewTable()
	for i := range 20000 {
		n := testNode("n1")
		n.ComputedClass = fmt.Sprintf("v1:%d", i)
		table.UpsertNode(n)
	}
	s := table.Snapshot()
	if len(s.Classes()) > 2000 {
		t.Errorf("%d classes for one node", len(s.Classes()))
	}
	if ord, _ := s.Ordinal("n1"); s.Classes()[s.Class(ord)] != "v1:19999" {
		t.Error("the class of the node is wrong")
	}
}
