// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

func classNode() *api.Node {
	return &api.Node{
		ID: "a", Name: "a", Datacenter: "dc1", NodeClass: "c", NodePool: "p",
		Attributes: map[string]string{"x": "1", "unique.h": "a"},
		Meta:       map[string]string{"m": "1", "unique.m": "a"},
		NodeResources: &api.NodeResources{
			Cpu:    api.NodeCpuResources{CpuShares: 1000},
			Memory: api.NodeMemoryResources{MemoryMB: 1000},
			NodeNetworks: []*api.NodeNetworkResource{{Mode: "host", MacAddress: "aa", Addresses: []api.NodeNetworkAddress{
				{Alias: "default", Address: "10.0.0.1"},
			}}},
			Devices: []*api.NodeDeviceResource{{
				Vendor: "v", Type: "gpu", Name: "n", Instances: []*api.NodeDevice{{ID: "1"}},
				Attributes: map[string]*api.DeviceAttribute{"mem": {Int: new(int64(4)), Unit: "GiB"}},
			}},
		},
	}
}

func TestComputeClass(t *testing.T) {
	want := ComputeClass(classNode())
	if len(want) < 4 || want[:3] != "v1:" {
		t.Fatalf("class %q", want)
	}
	for name, edit := range map[string]func(n *api.Node){
		"id":               func(n *api.Node) { n.ID = "b" },
		"name":             func(n *api.Node) { n.Name = "b" },
		"unique attribute": func(n *api.Node) { n.Attributes["unique.h"] = "b" },
		"unique meta":      func(n *api.Node) { n.Meta["unique.m"] = "b" },
		"address":          func(n *api.Node) { n.NodeResources.NodeNetworks[0].Addresses[0].Address = "10.0.0.2" },
		"mac":              func(n *api.Node) { n.NodeResources.NodeNetworks[0].MacAddress = "bb" },
		"device instance":  func(n *api.Node) { n.NodeResources.Devices[0].Instances[0].ID = "2" },
		"status":           func(n *api.Node) { n.Status = api.NodeStatusDown },
	} {
		n := classNode()
		edit(n)
		if got := ComputeClass(n); got != want {
			t.Errorf("%s changes the class", name)
		}
	}
	seen := map[string]string{want: "nothing"}
	for name, edit := range map[string]func(n *api.Node){
		"datacenter":       func(n *api.Node) { n.Datacenter = "dc2" },
		"class":            func(n *api.Node) { n.NodeClass = "d" },
		"pool":             func(n *api.Node) { n.NodePool = "q" },
		"attribute":        func(n *api.Node) { n.Attributes["x"] = "2" },
		"attribute key":    func(n *api.Node) { n.Attributes = map[string]string{"y": "1"} },
		"meta":             func(n *api.Node) { n.Meta["m"] = "2" },
		"meta gone":        func(n *api.Node) { n.Meta = nil },
		"cpu":              func(n *api.Node) { n.NodeResources.Cpu.CpuShares = 2000 },
		"memory":           func(n *api.Node) { n.NodeResources.Memory.MemoryMB = 2000 },
		"mode":             func(n *api.Node) { n.NodeResources.NodeNetworks[0].Mode = "bridge" },
		"alias":            func(n *api.Node) { n.NodeResources.NodeNetworks[0].Addresses[0].Alias = "x" },
		"device name":      func(n *api.Node) { n.NodeResources.Devices[0].Name = "m" },
		"device attribute": func(n *api.Node) { n.NodeResources.Devices[0].Attributes["mem"].Unit = "MiB" },
		"no resources":     func(n *api.Node) { n.NodeResources = nil },
	} {
		n := classNode()
		edit(n)
		got := ComputeClass(n)
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s have the same class", name, other)
		}
		seen[got] = name
	}
}
