// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"encoding/json"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
)

func testConfig(t *testing.T) *Config {
	return &Config{
		AllocDir: t.TempDir(), Loopback: true, MinDynamicPort: 20000, MaxDynamicPort: 32000, CgroupVersion: "2",
		Version: "2.0.6", Revision: "abc", AdvertiseAddr: "127.0.0.1:4646", ServiceDiscovery: true, CanReserveCores: true,
	}
}

// This machine, whatever it is, has all that constraints and the scheduler rely on.
func TestThisMachine(t *testing.T) {
	f := Detect(testConfig(t), hclog.NewNullLogger())
	for _, name := range []string{
		"cpu.arch", "cpu.numcores", "cpu.frequency", "cpu.totalcompute", "cpu.usablecompute", "cpu.reservablecores", "kernel.name",
		"kernel.arch", "kernel.version", "os.name", "os.signals", "os.cgroups.version", "memory.totalbytes", "unique.hostname",
		"unique.storage.bytestotal", "unique.network.ip-address", "unique.advertise.address", "nomad.version", "nomad.revision",
		"nomad.service_discovery", "numa.node.count", "numa.node0.cores",
	} {
		if f.Attributes[name] == "" {
			t.Errorf("attribute %s is missing", name)
		}
	}
	for name, want := range map[string]string{
		"cpu.arch": runtime.GOARCH, "kernel.name": runtime.GOOS, "cpu.numcores": strconv.Itoa(runtime.NumCPU()),
		"nomad.version": "2.0.6", "unique.network.ip-address": "127.0.0.1",
	} {
		if got := f.Attributes[name]; got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	r := f.Resources
	if r.Cpu.CpuShares <= 0 || r.Memory.MemoryMB <= 0 || r.Disk.DiskMB <= 0 || len(r.Cpu.ReservableCpuCores) != runtime.NumCPU() ||
		len(r.Processors.Topology.Cores) != runtime.NumCPU() || r.MinDynamicPort != 20000 || r.MaxDynamicPort != 32000 {
		t.Errorf("resources = %+v", r)
	}
	if len(r.NodeNetworks) != 1 || r.NodeNetworks[0].Addresses[0].Alias != "default" || r.Networks[0].IP != "127.0.0.1" || r.Networks[0].CIDR != "127.0.0.1/32" {
		t.Errorf("networks = %+v", r.NodeNetworks)
	}
	again := f.Refresh(testConfig(t), hclog.NewNullLogger())
	if d := cmp.Diff(f, again); d != "" {
		t.Errorf("nothing changed, and yet (-first +again):\n%s", d)
	}
}

func TestOperatorHasTheLastWord(t *testing.T) {
	cfg := testConfig(t)
	cfg.TotalCompute, cfg.TotalMemoryMB, cfg.TotalDiskMB = 9000, 512, 1024
	cfg.ReservedCPU, cfg.ReservedMemoryMB, cfg.ReservedDiskMB, cfg.ReservedPorts = 1000, 100, 200, "22,80-90"
	f := Detect(cfg, hclog.NewNullLogger())
	if f.Attributes["cpu.totalcompute"] != "9000" || f.Attributes["cpu.usablecompute"] != "8000" || f.Attributes["memory.totalbytes"] != strconv.Itoa(512<<20) {
		t.Errorf("attributes = %v", f.Attributes)
	}
	if f.Resources.Cpu.CpuShares != 9000 || f.Resources.Memory.MemoryMB != 512 || f.Resources.Disk.DiskMB != 1024 {
		t.Errorf("resources = %+v", f.Resources)
	}
	want := &api.NodeReservedResources{
		Cpu: api.NodeReservedCpuResources{CpuShares: 1000}, Memory: api.NodeMemoryResources{MemoryMB: 100},
		Disk: api.NodeDiskResources{DiskMB: 200}, Networks: api.NodeReservedNetworkResources{ReservedHostPorts: "22,80-90"},
	}
	if d := cmp.Diff(want, f.Reserved); d != "" {
		t.Errorf("reserved (-want +got):\n%s", d)
	}

	cfg = testConfig(t)
	cfg.ReservedCores, cfg.CanReserveCores = []uint16{0}, false
	f = Detect(cfg, hclog.NewNullLogger())
	first := f.Resources.Processors.Topology.Cores[0]
	if !first.Disable || !slices.Equal(f.Reserved.Cpu.ReservedCpuCores, []uint16{0}) || f.Reserved.Cpu.CpuShares != int64(speed(first)) {
		t.Errorf("core %+v, reserved %+v", first, f.Reserved.Cpu)
	}
	if len(f.Resources.Cpu.ReservableCpuCores) != 0 || f.Attributes["cpu.reservablecores"] != "0" {
		t.Error("cores can be reserved without control groups")
	}
	usable, err := strconv.ParseInt(f.Attributes["cpu.usablecompute"], 10, 64)
	if err != nil || usable != f.Resources.Cpu.CpuShares-int64(speed(first)) {
		t.Errorf("usable compute %d of %d, %v", usable, f.Resources.Cpu.CpuShares, err)
	}
}

func TestAllowAndDeny(t *testing.T) {
	cfg := testConfig(t)
	cfg.Deny = []string{"memory"}
	if f := Detect(cfg, hclog.NewNullLogger()); f.Attributes["memory.totalbytes"] != "" || f.Attributes["cpu.arch"] == "" {
		t.Errorf("attributes = %v", f.Attributes)
	}
	cfg.Deny, cfg.Allow = nil, []string{"memory"}
	if f := Detect(cfg, hclog.NewNullLogger()); f.Attributes["memory.totalbytes"] == "" || f.Attributes["cpu.arch"] != "" {
		t.Errorf("attributes = %v", f.Attributes)
	}
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestNetworks(t *testing.T) {
	lo := iface{name: "lo", loopback: true, up: true, addrs: []netip.Addr{ip("127.0.0.1"), ip("::1")}}
	eth := iface{name: "eth0", mac: "02:fc:00:00:00:01", up: true, speed: 10000, addrs: []netip.Addr{ip("fe80::1"), ip("fd00::2"), ip("192.0.2.2")}}
	pub := iface{name: "pub0", up: true, addrs: []netip.Addr{ip("203.0.113.5"), ip("203.0.114.5")}}
	local := iface{name: "ll0", up: true, addrs: []netip.Addr{ip("169.254.1.1")}}
	source := func(route string, ifaces ...iface) networkSource {
		return networkSource{interfaces: func() ([]iface, error) { return ifaces, nil }, defaultRoute: func() string { return route }}
	}
	for name, tc := range map[string]struct {
		source networkSource
		cfg    Config
		want   []string // device alias address reserved
		ip     string
		err    string
	}{
		"default route":    {source: source("eth0", lo, eth, pub), want: []string{"eth0 default 192.0.2.2 ", "eth0 default fd00::2 "}, ip: "192.0.2.2"},
		"loopback":         {source: source("eth0", lo, eth), cfg: Config{Loopback: true}, want: []string{"lo default 127.0.0.1 ", "lo default ::1 "}, ip: "127.0.0.1"},
		"named":            {source: source("eth0", lo, eth, pub), cfg: Config{Interface: "pub0"}, want: []string{"pub0 default 203.0.113.5 ", "pub0 default 203.0.114.5 "}, ip: "203.0.113.5"},
		"named, missing":   {source: source("eth0", lo, eth), cfg: Config{Interface: "eth7"}, err: `network_interface "eth7" does not exist`},
		"ipv6 first":       {source: source("eth0", lo, eth), cfg: Config{PreferredFamily: "ipv6"}, want: []string{"eth0 default fd00::2 ", "eth0 default 192.0.2.2 "}, ip: "fd00::2"},
		"no route":         {source: source("", lo, pub), want: []string{"pub0 default 203.0.113.5 ", "pub0 default 203.0.114.5 "}, ip: "203.0.113.5"},
		"only loopback":    {source: source("", lo), want: []string{"lo default 127.0.0.1 ", "lo default ::1 "}, ip: "127.0.0.1"},
		"nothing":          {source: source(""), err: "no network interface"},
		"only link-local":  {source: source("ll0", lo, local), want: []string{"ll0 default 169.254.1.1 "}, ip: "169.254.1.1"},
		"link-local is no": {source: source("ll0", lo, local), cfg: Config{DisallowLinkLocal: true}},
		"host networks": {
			source: source("eth0", lo, eth, pub),
			cfg: Config{HostNetworks: []HostNetwork{
				{Name: "public", Interface: "pub0", CIDR: "203.0.113.0/24", ReservedPorts: "22"},
				{Name: "anything", CIDR: "203.0.0.0/16"},
				{Name: "own", Interface: "eth0"},
				{Name: "none"},
			}},
			want: []string{
				"eth0 default 192.0.2.2 ", "eth0 default fd00::2 ", "eth0 own 192.0.2.2 ", "eth0 own fd00::2 ",
				"pub0 public 203.0.113.5 22", "pub0 anything 203.0.113.5 ", "pub0 anything 203.0.114.5 ",
			},
			ip: "192.0.2.2",
		},
		"bad cidr": {
			source: source("eth0", lo, eth), cfg: Config{HostNetworks: []HostNetwork{{Name: "bad", CIDR: "10.0.0.0"}}},
			want: []string{"eth0 default 192.0.2.2 ", "eth0 default fd00::2 "}, ip: "192.0.2.2", err: `host_network "bad": cidr`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &Facts{Attributes: map[string]string{}, Resources: &api.NodeResources{}}
			err := tc.source.detect(&tc.cfg, f)
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("error = %v, want %q", err, tc.err)
			}
			var got []string
			for _, n := range f.Resources.NodeNetworks {
				for _, a := range n.Addresses {
					got = append(got, strings.Join([]string{n.Device, a.Alias, a.Address, a.ReservedPorts}, " "))
				}
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("addresses\n%q, want\n%q", got, tc.want)
			}
			if got := f.Attributes["unique.network.ip-address"]; got != tc.ip {
				t.Errorf("own address %q, want %q", got, tc.ip)
			}
		})
	}
}

func TestCores(t *testing.T) {
	for text, want := range map[string][]uint16{
		"": nil, " \n": nil, "0": {0}, "0-3,8": {0, 1, 2, 3, 8}, "8, 1-2 ,2": {1, 2, 8},
	} {
		got, err := ParseCores(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("ParseCores(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "1-", "3-1", "1-x", "70000", "-1"} {
		if got, err := ParseCores(text); err == nil {
			t.Errorf("ParseCores(%q) = %v", text, got)
		}
	}
	if got := FormatCores([]uint16{0, 1, 2, 5, 7, 8}); got != "0-2,5,7-8" {
		t.Errorf("FormatCores = %q", got)
	}
}

func TestNames(t *testing.T) {
	id, version := parseOSRelease("NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n# ID=no\nID=debian\nbroken\n")
	if id != "debian" || version != "12" {
		t.Errorf("os release = %q %q", id, version)
	}
	for in, want := range map[string]string{
		"3d1219c7c4c5404aaa1f6d2a48adfda4\n":   "3d1219c7-c4c5-404a-aa1f-6d2a48adfda4",
		"3D1219C7-C4C5-404A-AA1F-6D2A48ADFDA4": "3d1219c7-c4c5-404a-aa1f-6d2a48adfda4",
		"":                                     "", "short": "", "zz1219c7c4c5404aaa1f6d2a48adfda4": "",
	} {
		if got := uuidForm(in); got != want {
			t.Errorf("uuidForm(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzParseCores(f *testing.F) {
	f.Add("0-3,8")
	f.Fuzz(func(t *testing.T, text string) {
		cores, err := ParseCores(text)
		if err != nil {
			return
		}
		again, err := ParseCores(FormatCores(cores))
		if err != nil || !slices.Equal(cores, again) {
			a, _ := json.Marshal([]any{cores, again})
			t.Errorf("%q does not survive: %s, %v", text, a, err)
		}
	})
}
