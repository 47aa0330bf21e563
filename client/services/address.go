// SPDX-License-Identifier: MPL-2.0

package services

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/nomadlike/nomadlike/api"
)

// Modes of addresses (jobspec.md 8).
const (
	modeAuto      = "auto"
	modeHost      = "host"
	modeDriver    = "driver"
	modeAlloc     = "alloc"
	modeAllocIPv6 = "alloc_ipv6"
)

// endpoint is where a service or check is reached.
type endpoint struct {
	host string
	port int
}

// port is a port of the allocation: on the host, and as the task has it.
type port struct {
	host         string
	value, inner int
}

// address returns where something in the address mode is reached (runtime.md 7.1); given is the address that
// the job names, which auto alone allows.
func (w *Workload) address(mode, given, label string) (endpoint, error) {
	label = w.Env.Replace(label)
	if mode == "" || mode == modeAuto {
		if given != "" {
			return w.givenAddress(w.Env.Replace(given), label)
		}
		mode = modeHost
		if w.Driver != nil && w.Driver.AutoAdvertise && w.Driver.IP != "" {
			mode = modeDriver
		}
	}
	switch mode {
	case modeHost:
		return w.hostAddress(label)
	case modeDriver:
		return w.driverAddress(label)
	case modeAlloc, modeAllocIPv6:
		return w.allocAddress(mode, label)
	}
	return endpoint{}, fmt.Errorf("unknown address_mode %q", mode)
}

func (w *Workload) givenAddress(host, label string) (endpoint, error) {
	if p, ok := w.lookup(label); ok {
		return endpoint{host, p.value}, nil
	}
	n, err := number(label)
	return endpoint{host, n}, err
}

func (w *Workload) hostAddress(label string) (endpoint, error) {
	if label == "" {
		return endpoint{host: w.hostIP()}, nil
	}
	p, ok := w.lookup(label)
	if !ok {
		return endpoint{}, fmt.Errorf("port %q is not a port of the group's network", label)
	}
	return endpoint{p.host, p.value}, nil
}

// plainHost matches addresses and names of hosts: what a driver says ends up in the configuration of others.
var plainHost = regexp.MustCompile(`^[0-9A-Za-z._:%-]+$`)

func (w *Workload) driverAddress(label string) (endpoint, error) {
	if w.Driver == nil || w.Driver.IP == "" {
		return endpoint{}, errors.New(`address_mode "driver" cannot be used: the task's driver gives it no address of its own`)
	}
	at := endpoint{host: w.Driver.IP}
	if !plainHost.MatchString(at.host) {
		return endpoint{}, fmt.Errorf("%q, which the driver gives as the address of the task, is neither an address nor a name", at.host)
	}
	if mapped, ok := w.Driver.PortMap[label]; ok {
		if mapped < 0 || mapped > 65535 {
			return endpoint{}, fmt.Errorf("%d, to which the driver maps the port %q, is no port", mapped, label)
		}
		at.port = mapped
		return at, nil
	}
	if p, ok := w.lookup(label); ok {
		at.port = p.inner
		return at, nil
	}
	var err error
	at.port, err = number(label)
	return at, err
}

func (w *Workload) allocAddress(mode, label string) (endpoint, error) {
	at := endpoint{}
	if w.Network != nil {
		at.host = w.Network.Address
		if mode == modeAllocIPv6 {
			at.host = w.Network.AddressIPv6
		}
	}
	if at.host == "" {
		return endpoint{}, fmt.Errorf("address_mode %q cannot be used: the allocation has no network namespace with such an address", mode)
	}
	if p, ok := w.lookup(label); ok {
		at.port = p.inner
		return at, nil
	}
	var err error
	at.port, err = number(label)
	return at, err
}

// number reads a port that is given by number; empty is 0.
func number(label string) (int, error) {
	if label == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(label)
	if err != nil || n < 1 || n > 65535 {
		return 0, fmt.Errorf("port %q is neither a port of the group's network nor a number", label)
	}
	return n, nil
}

// lookup finds a port of the allocation by its label.
func (w *Workload) lookup(label string) (port, bool) {
	res := w.Alloc.AllocatedResources
	if label == "" || res == nil {
		return port{}, false
	}
	for _, p := range res.Shared.Ports {
		if p != nil && p.Label == label {
			return newPort(p.HostIP, p.Value, p.To), true
		}
	}
	for _, n := range w.networks() {
		for _, p := range slices.Concat(n.ReservedPorts, n.DynamicPorts) {
			if p != nil && p.Label == label {
				return newPort(n.IP, p.Value, p.To), true
			}
		}
	}
	return port{}, false
}

func newPort(host string, value, to int) port {
	p := port{host: host, value: value, inner: value}
	if to > 0 {
		p.inner = to
	}
	return p
}

// networks are those of the group and, in the old form, of the task.
func (w *Workload) networks() []*api.NetworkResource {
	res := w.Alloc.AllocatedResources
	if res == nil {
		return nil
	}
	all := slices.Clone(res.Shared.Networks)
	if w.Task != nil {
		if t := res.Tasks[w.Task.Name]; t != nil {
			all = append(all, t.Networks...)
		}
	}
	return slices.DeleteFunc(all, func(n *api.NetworkResource) bool { return n == nil })
}

// hostIP is the address of the allocation's network on the host, empty without one: what listens nowhere may
// be a service for its name and tags only.
func (w *Workload) hostIP() string {
	for _, n := range w.networks() {
		if n.IP != "" {
			return n.IP
		}
	}
	if res := w.Alloc.AllocatedResources; res != nil {
		for _, p := range res.Shared.Ports {
			if p != nil && p.HostIP != "" {
				return p.HostIP
			}
		}
	}
	return ""
}
