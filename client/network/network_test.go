// SPDX-License-Identifier: MPL-2.0

package network

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containernetworking/cni/pkg/types"
	types100 "github.com/containernetworking/cni/pkg/types/100"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/testkit"
)

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"CNI bridge plugin v1.6.2\nCNI protocol versions supported: 0.1.0, 1.0.0":                 "1.6.2",
		"CNI portmap plugin version 0.9.1":                                                        "0.9.1",
		"CNI bridge plugin version unknown\nCNI protocol versions supported: 0.4.0, 1.0.0, 0.2.0": "1.0.0",
		"CNI bridge plugin version unknown":                                                       "",
		"usage: tar [options]":                                                                    "",
		"":                                                                                        "",
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("parseVersion(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestVersionsOfPlugins(t *testing.T) {
	testkit.Need(t, "linux")
	first, second := t.TempDir(), t.TempDir()
	write := func(dir, name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	script := func(version string) string { return "#!/bin/sh\necho 'CNI x plugin v" + version + "'\n" }
	write(first, "bridge", script("1.2.3"), 0o755)
	write(first, "README", script("1.1.1"), 0o644)
	write(second, "bridge", script("9.9.9"), 0o755)
	write(second, "mute", "#!/bin/sh\nexit 1\n", 0o755)
	p := newPlugins([]string{first, filepath.Join(first, "none"), second})
	if got, want := p.versions(), map[string]string{"bridge": "1.2.3"}; !cmp.Equal(got, want) {
		t.Errorf("versions are %v, want %v", got, want)
	}
	write(first, "bridge", script("1.2.3-changed"), 0o755)
	write(second, "mute", script("4.5.6"), 0o755)
	if got, want := p.versions(), map[string]string{"bridge": "1.2.3-changed", "mute": "4.5.6"}; !cmp.Equal(got, want) {
		t.Errorf("versions after a change are %v, want %v", got, want)
	}
}

func ip(t *testing.T, on int, text string) *types100.IPConfig {
	t.Helper()
	a, n, err := net.ParseCIDR(text)
	if err != nil {
		t.Fatal(err)
	}
	n.IP = a
	return &types100.IPConfig{Interface: &on, Address: *n}
}

func TestStatus(t *testing.T) {
	bridge, outer, inner, lo := &types100.Interface{Name: "a-bridge"}, &types100.Interface{Name: "veth1"},
		&types100.Interface{Name: "eth0", Sandbox: "/ns"}, &types100.Interface{Name: "eth1", Sandbox: "/ns"}
	all := []*types100.Interface{bridge, outer, lo, inner}
	for name, tc := range map[string]struct {
		ips  []*types100.IPConfig
		dns  types.DNS
		want *api.AllocNetworkStatus
	}{
		"first inside by name": {
			ips:  []*types100.IPConfig{ip(t, 0, "10.0.0.1/8"), ip(t, 2, "10.0.0.9/8"), ip(t, 3, "10.0.0.2/8"), ip(t, 3, "fd00::2/64")},
			want: &api.AllocNetworkStatus{InterfaceName: "eth0", Address: "10.0.0.2", AddressIPv6: "fd00::2"},
		},
		"IPv6 only": {
			ips:  []*types100.IPConfig{ip(t, 3, "fd00::2/64")},
			want: &api.AllocNetworkStatus{InterfaceName: "eth0", Address: "fd00::2", AddressIPv6: "fd00::2"},
		},
		"outside for want of better": {
			ips: []*types100.IPConfig{ip(t, 0, "10.0.0.1/8")}, dns: types.DNS{Nameservers: []string{"10.0.0.53"}, Search: []string{"x"}},
			want: &api.AllocNetworkStatus{InterfaceName: "a-bridge", Address: "10.0.0.1", DNS: &api.DNSConfig{Servers: []string{"10.0.0.53"}, Searches: []string{"x"}}},
		},
		"none": {},
	} {
		got, err := status(&types100.Result{CNIVersion: "1.0.0", Interfaces: all, IPs: tc.ips, DNS: tc.dns})
		if !cmp.Equal(got, tc.want) || (err != nil) != (tc.want == nil) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, tc.want)
		}
	}
}

func TestBridgeList(t *testing.T) {
	m := New(Config{Bridge: "br9", Subnet: "10.9.0.0/16", SubnetIPv6: "fd00::/112", Hairpin: true, Logger: hclog.NewNullLogger()})
	list, err := m.list(api.NetworkModeBridge)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, p := range list.Plugins {
		kinds = append(kinds, p.Network.Type)
	}
	if want := []string{"loopback", "bridge", "firewall", "portmap"}; list.Name != "nomad" || list.CNIVersion != "0.4.0" || !slices.Equal(kinds, want) {
		t.Errorf("list %q of version %s has the plugins %q, want %q", list.Name, list.CNIVersion, kinds, want)
	}
	var bridge struct {
		Bridge      string
		HairpinMode bool
		IPMasq      bool
		IPAM        struct {
			Ranges [][]struct{ Subnet string }
			Routes []struct{ Dst string }
		}
	}
	if err := json.Unmarshal(list.Plugins[1].Bytes, &bridge); err != nil {
		t.Fatal(err)
	}
	if bridge.Bridge != "br9" || !bridge.HairpinMode || !bridge.IPMasq || len(bridge.IPAM.Ranges) != 2 || bridge.IPAM.Ranges[1][0].Subnet != "fd00::/112" ||
		len(bridge.IPAM.Routes) != 2 {
		t.Errorf("the bridge plugin is told %s", list.Plugins[1].Bytes)
	}
}

func TestListsOfTheOperator(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1.conflist": `{"cniVersion": "0.4.0", "name": "mine", "plugins": [{"type": "ptp"}]}`,
		"2.conf":     `{"cniVersion": "0.4.0", "name": "single", "type": "macvlan"}`,
		"3.conflist": `{"cniVersion": "0.4.0", "name": "mine", "plugins": [{"type": "ptp"}]}`,
		"4.conflist": `{"cniVersion"`,
		"5.txt":      `not a network`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := New(Config{ConfigDir: dir, Logger: hclog.NewNullLogger()})
	names, err := m.Names()
	if !slices.Equal(names, []string{"mine", "single"}) || err == nil || !strings.Contains(err.Error(), "3.conflist: network \"mine\" is defined") ||
		!strings.Contains(err.Error(), "4.conflist") {
		t.Errorf("networks %q, %v", names, err)
	}
	if list, err := m.list("cni/single"); err != nil || list.Plugins[0].Network.Type != "macvlan" {
		t.Errorf("cni/single is %+v, %v", list, err)
	}
	for mode, want := range map[string]string{"cni/other": `no network "other" is configured in ` + dir, "bridged": `network mode "bridged" is not known`} {
		if _, err := m.list(mode); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("mode %q gives %v, want %q", mode, err, want)
		}
	}
	if names, err := New(Config{ConfigDir: filepath.Join(dir, "none")}).Names(); len(names) > 0 || err != nil {
		t.Errorf("without a directory there are %q, %v", names, err)
	}
}

func TestNamespace(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts")
	m := New(Config{Logger: hclog.NewNullLogger()})
	id := "nomadlike-test-" + filepath.Base(t.TempDir()) + filepath.Base(filepath.Dir(t.TempDir()))
	t.Cleanup(func() { _ = m.RemoveNamespace(id) })
	// Before the namespace is made: the first thread, whose one that is, may be the thread that makes it.
	own, err := os.Stat("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	path, created, err := m.CreateNamespace(id)
	if err != nil || !created {
		t.Fatalf("CreateNamespace = %q, %t, %v", path, created, err)
	}
	made, err := os.Stat(path)
	if err != nil || os.SameFile(own, made) {
		t.Errorf("the namespace is that of the test itself, %v", err)
	}
	if _, created, err := m.CreateNamespace(id); created || err != nil {
		t.Errorf("a second CreateNamespace = %t, %v", created, err)
	}
	for range 2 {
		if err := m.RemoveNamespace(id); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is left: %v", err)
	}
	for _, bad := range []string{"", "..", "a/b", ".hidden"} {
		if _, _, err := m.CreateNamespace(bad); err == nil {
			t.Errorf("a namespace named %q was made", bad)
		}
	}
}

// TestLostNamespace checks that nothing of a connection is left on the host whose namespace was lost, and is not
// there or another one when the connection is ended.
func TestLostNamespace(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts", "cni")
	m := New(Config{
		Path: []string{testkit.CNIPath}, ConfigDir: t.TempDir(), Bridge: "nltest", Subnet: "172.31.219.0/24", Logger: hclog.NewNullLogger(),
	})
	id := fmt.Sprintf("00000000-0000-4000-b000-%012d", os.Getpid())
	t.Cleanup(func() {
		_ = m.RemoveNamespace(id)
		_ = exec.Command("ip", "link", "delete", "nltest").Run()
		_ = exec.Command("iptables", "-w", "-D", adminChain, "-o", "nltest", "-d", "172.31.219.0/24", "-j", "ACCEPT").Run()
	})
	req := &Request{AllocID: id, Mode: api.NetworkModeBridge, Ports: []Port{{Value: 31219, Inner: 80}}}
	attach := func() {
		t.Helper()
		path, _, err := m.CreateNamespace(id)
		if err != nil {
			t.Fatal(err)
		}
		req.Namespace = path
		if _, err := m.Attach(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	detach := func(what string) {
		t.Helper()
		if err := m.Detach(t.Context(), req); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		rules, err := exec.Command("iptables-save", "-t", "nat").Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(rules), id) {
			t.Errorf("%s: rules are left:\n%s", what, rules)
		}
		addresses, err := filepath.Glob(filepath.Join(dataDir, bridgeList, "172.31.219.*"))
		if err != nil || len(addresses) > 0 {
			t.Errorf("%s: addresses are left: %q, %v", what, addresses, err)
		}
	}
	lose := func() {
		t.Helper()
		if err := m.RemoveNamespace(id); err != nil {
			t.Fatal(err)
		}
	}
	attach()
	lose()
	detach("without its namespace")
	attach()
	lose()
	if _, _, err := m.CreateNamespace(id); err != nil {
		t.Fatal(err)
	}
	detach("with another namespace")
	attach()
	lose()
	if err := os.WriteFile(req.Namespace, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	detach("with the file of its namespace")
	attach()
	out, err := exec.Command("iptables-save", "-t", "nat").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "-A POSTROUTING -s 172.31.219.") {
			script := "iptables -w -t nat -D" + strings.TrimPrefix(strings.TrimSpace(line), "-A")
			if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", script, err, out)
			}
		}
	}
	lose()
	detach("with the chain only")
	attach()
	detach("as usual")
}

// TestSweep checks that rules for addresses of the bridge that nobody has go with the next connection that ends, and
// others stay.
func TestSweep(t *testing.T) {
	testkit.Need(t, "linux", "root", "mounts", "cni")
	m := New(Config{
		Path: []string{testkit.CNIPath}, ConfigDir: t.TempDir(), Bridge: "nltest2", Subnet: "172.31.217.0/24", Logger: hclog.NewNullLogger(),
	})
	id := fmt.Sprintf("00000000-0000-4000-c000-%012d", os.Getpid())
	path, _, err := m.CreateNamespace(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = m.RemoveNamespace(id)
		_ = exec.Command("ip", "link", "delete", "nltest2").Run()
		_ = exec.Command("iptables", "-w", "-D", adminChain, "-o", "nltest2", "-d", "172.31.217.0/24", "-j", "ACCEPT").Run()
	})
	req := &Request{AllocID: id, Mode: api.NetworkModeBridge, Namespace: path}
	if _, err := m.Attach(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{"172.31.217.77": false, "172.31.217.78": true, "172.31.218.77": true}
	for address := range rules {
		for _, rule := range [][]string{{"-s", address + "/32", "-j", "ACCEPT"}, {"-d", address + "/32", "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED", "-j", "ACCEPT"}} {
			if out, err := exec.Command("iptables", append([]string{"-w", "-A", forwardChain}, rule...)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			t.Cleanup(func() { _ = exec.Command("iptables", append([]string{"-w", "-D", forwardChain}, rule...)...).Run() })
		}
	}
	taken := filepath.Join(dataDir, bridgeList, "172.31.217.78")
	if err := os.WriteFile(taken, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(taken) })
	if err := m.Detach(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("iptables", "-w", "-S", forwardChain).Output()
	if err != nil {
		t.Fatal(err)
	}
	for address, stays := range rules {
		want := 0
		if stays {
			want = 2
		}
		if got := strings.Count(string(out), " "+address+"/32 "); got != want {
			t.Errorf("%d rules for %s, want %d", got, address, want)
		}
	}
}
