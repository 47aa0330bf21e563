// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func lifecycle(hook string, sidecar bool) *api.Lifecycle {
	return &api.Lifecycle{Hook: hook, Sidecar: sidecar}
}

// TestLifecycleAccounting: max(prestart + prestart sidecar, main + poststart + prestart sidecar, poststop).
func TestLifecycleAccounting(t *testing.T) {
	task := func(cpu int64) *api.AllocatedTaskResources {
		return &api.AllocatedTaskResources{
			Cpu: api.AllocatedCpuResources{CpuShares: cpu}, Memory: api.AllocatedMemoryResources{MemoryMB: cpu},
		}
	}
	hooks := map[string]*api.Lifecycle{
		"main": nil, "pre": lifecycle("prestart", false), "side": lifecycle("prestart", true),
		"post": lifecycle("poststart", false), "stop": lifecycle("poststop", false),
	}
	for _, test := range []struct {
		cpu  map[string]int64
		want int64
	}{
		{map[string]int64{"main": 100}, 100},
		{map[string]int64{"main": 100, "pre": 80}, 100},
		{map[string]int64{"main": 100, "pre": 130}, 130},
		{map[string]int64{"main": 100, "pre": 80, "side": 50}, 150},
		{map[string]int64{"main": 100, "pre": 180, "side": 50}, 230},
		{map[string]int64{"main": 100, "post": 20, "side": 50}, 170},
		{map[string]int64{"main": 100, "stop": 400, "side": 50}, 400},
	} {
		r := &api.AllocatedResources{Tasks: map[string]*api.AllocatedTaskResources{}, TaskLifecycles: map[string]*api.Lifecycle{}}
		for name, cpu := range test.cpu {
			r.Tasks[name], r.TaskLifecycles[name] = task(cpu), hooks[name]
		}
		if c := ClaimOfResources(r); c.CPU != test.want || c.MemoryMB != test.want {
			t.Errorf("%v: cpu %d memory %d, want %d", test.cpu, c.CPU, c.MemoryMB, test.want)
		}
	}
}

func TestFits(t *testing.T) {
	stop := func(a *api.Allocation) *api.Allocation {
		return with(a, func(a *api.Allocation) { a.DesiredStatus = api.AllocDesiredStop })
	}
	old := testAlloc("old", "n1", 3000, 20000)
	cores := func(id string, ids ...uint16) *api.Allocation {
		a := testAlloc(id, "n1", 10)
		a.AllocatedResources.Tasks["main"].Cpu.ReservedCores = ids
		return a
	}
	for _, test := range []struct {
		name   string
		edit   func(n *api.Node)
		exists []*api.Allocation
		part   Part
		want   string
	}{
		{"room", nil, nil, Part{Place: []*api.Allocation{testAlloc("a", "n1", 100)}}, ""},
		{"cpu", nil, []*api.Allocation{old}, Part{Place: []*api.Allocation{testAlloc("a", "n1", 501)}}, "cpu"},
		{"exactly", nil, []*api.Allocation{old}, Part{Place: []*api.Allocation{testAlloc("a", "n1", 500)}}, ""},
		{"two together", nil, []*api.Allocation{old}, Part{Place: []*api.Allocation{testAlloc("a", "n1", 300), testAlloc("b", "n1", 300)}}, "cpu"},
		{"memory", func(n *api.Node) { n.NodeResources.Memory.MemoryMB = 1100 }, nil, Part{Place: []*api.Allocation{testAlloc("a", "n1", 100)}}, "memory"},
		{"disk", func(n *api.Node) { n.NodeResources.Disk.DiskMB = 2 }, nil, Part{Place: []*api.Allocation{testAlloc("a", "n1", 100)}}, "disk"},
		{"max allocs", func(n *api.Node) { n.NodeMaxAllocs = 1 }, []*api.Allocation{old}, Part{Place: []*api.Allocation{testAlloc("a", "n1", 100)}}, "max allocation exceeded"},
		{"port", nil, []*api.Allocation{old}, Part{Place: []*api.Allocation{testAlloc("a", "n1", 100, 20000)}}, "network: reserved port collision p=20000"},
		{"reserved port", nil, nil, Part{Place: []*api.Allocation{testAlloc("a", "n1", 100, 22)}}, "network: reserved port collision p=22"},
		{"port in the same part", nil, nil, Part{Place: []*api.Allocation{testAlloc("a", "n1", 1, 80), testAlloc("b", "n1", 1, 80)}}, "network: reserved port collision p=80"},
		{"cores", nil, []*api.Allocation{cores("x", 1)}, Part{Place: []*api.Allocation{cores("a", 1)}}, "cores"},
		{"withheld core", nil, nil, Part{Place: []*api.Allocation{cores("a", 0)}}, "cores"},
		{"other cores", nil, []*api.Allocation{cores("x", 1)}, Part{Place: []*api.Allocation{cores("a", 2, 3)}}, ""},
		{"a stop makes room", nil, []*api.Allocation{old}, Part{
			Place: []*api.Allocation{testAlloc("a", "n1", 3500, 20000)}, Stop: []*api.Allocation{stop(old)},
		}, ""},
		{"update on an overfull node", func(n *api.Node) { n.NodeResources.Cpu.CpuShares = 1000 }, []*api.Allocation{old}, Part{
			Place: []*api.Allocation{with(old, func(a *api.Allocation) { a.Job = &api.Job{} })},
		}, ""},
		{"update that grows", nil, []*api.Allocation{old}, Part{Place: []*api.Allocation{testAlloc("old", "n1", 3600)}}, "cpu"},
		{"not ready", func(n *api.Node) { n.SchedulingEligibility = api.NodeIneligible }, nil, Part{Place: []*api.Allocation{testAlloc("a", "n1", 1)}}, ReasonNodeNotReady},
		{"update when not ready", func(n *api.Node) { n.SchedulingEligibility = api.NodeIneligible }, []*api.Allocation{old}, Part{Place: []*api.Allocation{old}}, ""},
		{"disconnected", func(n *api.Node) { n.Status = api.NodeStatusDisconnected }, []*api.Allocation{old}, Part{Place: []*api.Allocation{old}}, ReasonNodeDisconnected},
		{"unknown on disconnected", func(n *api.Node) { n.Status = api.NodeStatusDisconnected }, []*api.Allocation{old}, Part{
			Place: []*api.Allocation{with(old, func(a *api.Allocation) { a.ClientStatus = api.AllocClientUnknown })},
		}, ""},
		{"stop on a down node", func(n *api.Node) { n.Status = api.NodeStatusDown }, []*api.Allocation{old}, Part{Stop: []*api.Allocation{stop(old)}}, ""},
		{"missing node", nil, nil, Part{NodeID: "n9", Place: []*api.Allocation{testAlloc("a", "n9", 1)}}, ReasonNodeMissing},
		{"stop on a missing node", nil, []*api.Allocation{old}, Part{NodeID: "n9", Stop: []*api.Allocation{stop(old)}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			node := testNode("n1")
			if test.edit != nil {
				test.edit(node)
			}
			table := NewTable()
			table.UpsertNode(node)
			rows := map[string]*api.Allocation{}
			for _, a := range test.exists {
				table.UpsertAlloc(nil, a)
				rows[a.ID] = a
			}
			before := table.Snapshot()
			overlay := NewOverlay(before)
			if test.part.NodeID == "" {
				test.part.NodeID = "n1"
			}
			reason, ok := Fits(overlay, test.part, func(id string) *api.Allocation { return rows[id] })
			if reason != test.want || ok != (test.want == "") {
				t.Fatalf("Fits = %q %v, want %q", reason, ok, test.want)
			}
			if ok {
				for _, list := range [][]*api.Allocation{test.part.Stop, test.part.Place} {
					for _, a := range list {
						table.UpsertAlloc(rows[a.ID], a)
					}
				}
			}
			compareOverlay(t, overlay, table.Snapshot())
		})
	}
}

// compareOverlay checks that a part left the overlay as the table is after the commit, or unchanged.
func compareOverlay(t *testing.T, overlay *Overlay, want *Snapshot) {
	t.Helper()
	ord, _ := want.Ordinal("n1")
	gc, gm, gd, gn := overlay.Used(ord)
	wc, wm, wd, wn := want.Used(ord)
	if gc != wc || gm != wm || gd != wd || gn != wn {
		t.Errorf("overlay holds %d %d %d of %d, the table %d %d %d of %d", gc, gm, gd, gn, wc, wm, wd, wn)
	}
	if g, w := overlay.UsedPorts(ord, "10.0.0.1").Len(), want.UsedPorts(ord, "10.0.0.1").Len(); g != w {
		t.Errorf("overlay holds %d ports, the table %d", g, w)
	}
}
