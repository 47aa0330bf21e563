// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/fingerprint"
)

// TestDoubts tells of settings that do nothing on a machine of two cores with one address, and of no others.
func TestDoubts(t *testing.T) {
	cfg := Config{
		DataDir: t.TempDir(), ReservableCores: "0-1,4-6", Reserved: &ReservedConfig{CPU: 100, Cores: "1,9", MemoryMB: 500, DiskMB: 99},
		HostNetworks: []*HostNetworkConfig{{Name: "here", Interface: "eth0"}, {Name: "nowhere", CIDR: "10.0.0.0/8"}},
		HostVolumes:  []*HostVolumeConfig{{Name: "root", Path: "/"}, {Name: "gone", Path: "/no/such/volume"}},
		ChrootEnv:    map[string]string{"/": "/host", "/no/such/path": "/x"},
	}
	cfg.Template.FunctionDenylist = []string{"plugin", "writetofile", "env", "nomad*", "key", "sprig_upper"}
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	facts := &fingerprint.Facts{Resources: &api.NodeResources{}, Reserved: &api.NodeReservedResources{}}
	facts.Resources.Processors.Topology = &api.NodeProcessorTopology{Cores: []api.NodeProcessorCore{{ID: 0}, {ID: 1}}}
	facts.Resources.NodeNetworks = []*api.NodeNetworkResource{{Addresses: []api.NodeNetworkAddress{{Alias: "default"}, {Alias: "here"}}}}
	facts.Resources.Cpu.CpuShares, facts.Reserved.Cpu.CpuShares = 2000, 1100
	facts.Resources.Memory.MemoryMB, facts.Reserved.Memory.MemoryMB = 500, 500
	facts.Resources.Disk.DiskMB, facts.Reserved.Disk.DiskMB = 100, 99
	var got []string
	for _, d := range cfg.doubts(facts) {
		got = append(got, fmt.Sprintf("%s: %s", d.setting, d.reason))
	}
	want := []string{
		"client.reservable_cores: this machine has no cores 4-6",
		"client.reserved.cores: this machine has no cores 9",
		"client.reserved.memory: 500 MiB leave nothing to tasks of the 500 that the node has",
		`client.host_network "nowhere": no address of this machine belongs to it; interfaces and their addresses are looked at again later`,
		`client.host_volume "gone": "/no/such/volume" does not exist; tasks that mount it fail until it does`,
		`client.chroot_env: "/no/such/path" does not exist`,
		"client.template.function_denylist: templates have no function writetofile",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}
