// SPDX-License-Identifier: MPL-2.0

package fingerprint

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// aliasDefault is the host network that ports use when they name none.
const aliasDefault = "default"

// defaultSpeed in Mbit/s is for interfaces that do not tell theirs.
const defaultSpeed = 1000

// iface is one network interface with what is needed of it.
type iface struct {
	name     string
	mac      string
	loopback bool
	up       bool
	speed    int
	addrs    []netip.Addr
}

// networkSource is the machine, or a test.
type networkSource struct {
	interfaces   func() ([]iface, error)
	defaultRoute func() string
}

var machineNetwork = networkSource{interfaces: systemInterfaces, defaultRoute: defaultInterface}

func network(cfg *Config, f *Facts) error { return machineNetwork.detect(cfg, f) }

// detect finds the interfaces that matter and their addresses.
func (s networkSource) detect(cfg *Config, f *Facts) error {
	all, err := s.interfaces()
	if err != nil {
		return fmt.Errorf("list network interfaces: %w", err)
	}
	main, err := s.choose(cfg, all)
	if err != nil {
		return err
	}
	f.Resources.NodeNetworks, f.Resources.Networks = nil, nil
	f.HostNetworks = nil
	var errs []error
	nets := map[string]netip.Prefix{}
	for _, h := range cfg.HostNetworks {
		if h.CIDR != "" {
			p, err := netip.ParsePrefix(h.CIDR)
			if err != nil {
				errs = append(errs, fmt.Errorf("host_network %q: cidr: %w", h.Name, err))
				continue
			}
			nets[h.Name] = p.Masked()
		}
		if f.HostNetworks == nil {
			f.HostNetworks = map[string]*api.NodeHostNetwork{}
		}
		f.HostNetworks[h.Name] = &api.NodeHostNetwork{Name: h.Name, CIDR: h.CIDR, Interface: h.Interface, ReservedPorts: h.ReservedPorts}
	}
	for _, i := range all {
		f.addInterface(cfg, i, main, nets)
	}
	return errors.Join(errs...)
}

// choose returns the name of the node's own interface.
func (s networkSource) choose(cfg *Config, all []iface) (string, error) {
	if cfg.Interface != "" {
		if !slices.ContainsFunc(all, func(i iface) bool { return i.name == cfg.Interface }) {
			return "", fmt.Errorf("network_interface %q does not exist on this machine", cfg.Interface)
		}
		return cfg.Interface, nil
	}
	if !cfg.Loopback {
		if name := s.defaultRoute(); name != "" {
			return name, nil
		}
		for _, i := range all {
			if i.up && !i.loopback && len(i.addrs) > 0 {
				return i.name, nil
			}
		}
	}
	for _, i := range all {
		if i.loopback {
			return i.name, nil
		}
	}
	return "", errors.New("no network interface has an address; network_interface can name one")
}

// addInterface adds the addresses of one interface: all of them under the default alias if it is the
// node's own, and each under the host networks that it belongs to.
func (f *Facts) addInterface(cfg *Config, i iface, main string, nets map[string]netip.Prefix) {
	addrs := usableAddrs(cfg, i.addrs)
	var out []api.NodeNetworkAddress
	add := func(a netip.Addr, alias, reserved string) {
		family := "ipv4"
		if a.Is6() {
			family = "ipv6"
		}
		out = append(out, api.NodeNetworkAddress{Family: family, Alias: alias, Address: a.String(), ReservedPorts: reserved})
	}
	speed := cmp.Or(cfg.NetworkSpeed, i.speed, defaultSpeed)
	if i.name == main {
		for _, a := range addrs {
			add(a, aliasDefault, "")
			f.Resources.Networks = append(f.Resources.Networks, &api.NetworkResource{
				Mode: api.NetworkModeHost, Device: i.name, CIDR: netip.PrefixFrom(a, a.BitLen()).String(), IP: a.String(), MBits: speed,
			})
		}
		if len(addrs) > 0 {
			f.set("unique.network.ip-address", addrs[0].String())
		}
	}
	for _, h := range cfg.HostNetworks {
		if f.HostNetworks[h.Name] == nil || h.Interface != "" && h.Interface != i.name || h.Interface == "" && h.CIDR == "" {
			continue
		}
		for _, a := range addrs {
			if p, limited := nets[h.Name]; !limited || p.Contains(a) {
				add(a, h.Name, h.ReservedPorts)
			}
		}
	}
	if len(out) == 0 {
		return
	}
	f.Resources.NodeNetworks = append(f.Resources.NodeNetworks, &api.NodeNetworkResource{
		Mode: api.NetworkModeHost, Device: i.name, MacAddress: i.mac, Speed: speed, Addresses: out,
	})
}

// usableAddrs leaves out link-local addresses if there are others and puts the preferred family first.
func usableAddrs(cfg *Config, addrs []netip.Addr) []netip.Addr {
	var global, local []netip.Addr
	for _, a := range addrs {
		if a.IsLinkLocalUnicast() {
			local = append(local, a)
		} else {
			global = append(global, a)
		}
	}
	if len(global) == 0 && !cfg.DisallowLinkLocal {
		global = local
	}
	first := cfg.PreferredFamily != "ipv6"
	slices.SortStableFunc(global, func(a, b netip.Addr) int {
		switch {
		case a.Is4() == b.Is4():
			return 0
		case a.Is4() == first:
			return -1
		}
		return 1
	})
	return global
}

func systemInterfaces() ([]iface, error) {
	list, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []iface
	for _, n := range list {
		addrs, err := n.Addrs()
		if err != nil {
			continue // gone since it was listed
		}
		i := iface{
			name: n.Name, mac: n.HardwareAddr.String(), loopback: n.Flags&net.FlagLoopback != 0, up: n.Flags&net.FlagUp != 0,
			speed: interfaceSpeed(n.Name),
		}
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				i.addrs = append(i.addrs, p.Addr().Unmap().WithZone(""))
			}
		}
		out = append(out, i)
	}
	return out, nil
}
