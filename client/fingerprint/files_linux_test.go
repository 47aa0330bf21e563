// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/api"
)

func files(m map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, data := range m {
		out[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return out
}

func TestProcessorFiles(t *testing.T) {
	got, err := readProcessors(files(map[string]string{
		"sys/devices/system/cpu/online":                             "0-2\n",
		"sys/devices/system/cpu/cpu0/topology/physical_package_id":  "0\n",
		"sys/devices/system/cpu/cpu1/topology/physical_package_id":  "1\n",
		"sys/devices/system/cpu/cpu2/topology/physical_package_id":  "-1\n",
		"sys/devices/system/cpu/cpu0/cpufreq/base_frequency":        "2400000\n",
		"sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq":      "3900000\n",
		"sys/devices/cpu_atom/cpus":                                 "2\n",
		"sys/devices/system/node/online":                            "0-1\n",
		"sys/devices/system/node/node0/cpulist":                     "0,2\n",
		"sys/devices/system/node/node0/distance":                    "10 21\n",
		"sys/devices/system/node/node1/cpulist":                     "1\n",
		"sys/devices/system/node/node1/distance":                    "21 10\n",
		"proc/cpuinfo":                                              "processor\t: 0\nmodel name\t: Test CPU\ncpu MHz\t\t: 2599.998\n\nprocessor\t: 1\nmodel name\t: Other\ncpu MHz\t\t: 1200.5\n",
		"sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq":      "junk",
		"sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq":      "1",
		"sys/devices/system/node/node0/meminfo":                     "x",
		"sys/devices/system/node/node1/hugepages/nr_hugepages":      "0",
		"sys/devices/system/cpu/cpu0/topology/core_cpus_list":       "0",
		"sys/devices/system/cpu/cpu1/topology/cluster_cpus_list":    "1",
		"sys/devices/system/cpu/cpu2/topology/thread_siblings_list": "2",
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := processor{
		model: "Test CPU",
		cores: []api.NodeProcessorCore{
			{ID: 0, Grade: true, BaseSpeed: 2400, MaxSpeed: 3900, GuessSpeed: 2599},
			{ID: 1, SocketID: 1, NodeID: 1, Grade: true, GuessSpeed: 1200},
			{ID: 2},
		},
		distances: [][]int{{10, 21}, {21, 10}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(processor{})); d != "" {
		t.Errorf("processors (-want +got):\n%s", d)
	}
	got, err = readProcessors(files(map[string]string{
		"proc/cpuinfo": "processor\t: 0\nmodel name\t: Test CPU\ncpu MHz\t\t: 2599.998\n\nprocessor\t: 3\ncpu MHz\t\t: 1200.5\n",
	}))
	want = processor{model: "Test CPU", cores: []api.NodeProcessorCore{{ID: 0, Grade: true, GuessSpeed: 2599}, {ID: 3, Grade: true, GuessSpeed: 1200}}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(processor{})); d != "" || err != nil {
		t.Errorf("processors without sysfs (-want +got): %v\n%s", err, d)
	}
	if _, err := readProcessors(files(nil)); err == nil {
		t.Error("a machine without files has processors")
	}
}

func TestRouteTables(t *testing.T) {
	const v4 = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	010200C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	010200C0	0003	0	0	100	00000000	0	0	0
eth1	00000000	010200C0	0002	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
`
	if got := defaultRoute4(strings.NewReader(v4)); got != "eth0" {
		t.Errorf("default route of IPv4 is %q", got)
	}
	const v6 = `00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
`
	if got := defaultRoute6(strings.NewReader(v6)); got != "eth0" {
		t.Errorf("default route of IPv6 is %q", got)
	}
	if got := defaultRoute4(strings.NewReader("")) + defaultRoute6(strings.NewReader("x y\n")); got != "" {
		t.Errorf("default route of nothing is %q", got)
	}
}
