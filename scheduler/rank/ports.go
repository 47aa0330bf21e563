// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

const (
	// dynamicTries is how often a dynamic port is guessed before the range is searched.
	dynamicTries = 20
	modeNone     = "none"

	reasonDynamicPorts = "network: dynamic port selection failed"
)

// takenPort is a port that an earlier port of the same allocation got.
type takenPort struct {
	ip   string
	port uint16
}

// grantPorts chooses the host ports of one allocation: a static port on the first address of its host
// network where it is free, a dynamic one at random from the node's range.
func (p *Placer) grantPorts(ord int, granted *api.AllocatedResources) string {
	p.taken = p.taken[:0]
	for _, ask := range p.need.ports {
		network, mappings, reason := p.grantNetwork(ord, ask.network, p.dynamicPort)
		if reason != "" {
			return reason
		}
		if ask.task != "" {
			task := p.ownTask(granted, ask.task)
			task.Networks = append(slices.Clip(task.Networks), network)
			continue
		}
		granted.Shared.Networks = []*api.NetworkResource{network}
		granted.Shared.Ports = mappings
	}
	return ""
}

func (p *Placer) grantNetwork(ord int, ask *api.NetworkResource, dynamic choose) (*api.NetworkResource, []*api.AllocatedPortMapping, string) {
	network := *ask
	network.ReservedPorts, network.DynamicPorts = nil, nil
	if ask.Mode == modeNone {
		return &network, nil, ""
	}
	layout := p.overlay.Layout(ord)
	var mappings []*api.AllocatedPortMapping
	if n := len(ask.ReservedPorts) + len(ask.DynamicPorts); n > 0 {
		mappings = make([]*api.AllocatedPortMapping, 0, n)
	}
	for _, port := range ask.ReservedPorts {
		got, m, reason := p.grantPort(ord, layout, port, p.staticPort)
		if reason != "" {
			return nil, nil, reason
		}
		network.ReservedPorts = append(network.ReservedPorts, got)
		mappings = append(mappings, m)
	}
	for _, port := range ask.DynamicPorts {
		got, m, reason := p.grantPort(ord, layout, port, dynamic)
		if reason != "" {
			return nil, nil, reason
		}
		network.DynamicPorts = append(network.DynamicPorts, got)
		mappings = append(mappings, m)
	}
	switch {
	case len(mappings) > 0:
		network.IP = mappings[0].HostIP
	case network.IP == "":
		if i := slices.IndexFunc(layout.Addresses, isDefaultNetwork); i >= 0 {
			network.IP = layout.Addresses[i].IP
		}
	}
	return &network, mappings, ""
}

func isDefaultNetwork(a usage.Address) bool { return a.Network == usage.DefaultHostNetwork }

// choose picks a port on one address and reports whether there is one.
type choose func(ord int, layout *usage.Layout, a *usage.Address, ask *api.Port) (uint16, bool)

func (p *Placer) grantPort(ord int, layout *usage.Layout, ask *api.Port, pick choose) (*api.Port, *api.AllocatedPortMapping, string) {
	hostNetwork, ok := feasible.HostNetwork(ask, p.overlay.Node(ord))
	reason := "network: no addresses available for " + hostNetwork + " network"
	if !ok {
		return nil, nil, reason
	}
	for i := range layout.Addresses {
		a := &layout.Addresses[i]
		if a.Network != hostNetwork {
			continue
		}
		value, ok := pick(ord, layout, a, ask)
		if !ok {
			reason = exhaustedPort(ask)
			continue
		}
		p.taken = append(p.taken, takenPort{a.IP, value})
		got := *ask
		got.Value = int(value)
		if got.To == -1 {
			got.To = got.Value
		}
		return &got, &api.AllocatedPortMapping{
			Label: ask.Label, Value: got.Value, To: got.To, HostIP: a.IP, IgnoreCollision: ask.IgnoreCollision,
		}, ""
	}
	return nil, nil, reason
}

// exhaustedPort is the dimension of a port that no address of its host network has.
func exhaustedPort(ask *api.Port) string {
	if ask.Value > 0 {
		return usage.PortCollision(ask.Label, ask.Value)
	}
	return reasonDynamicPorts
}

func (p *Placer) staticPort(ord int, _ *usage.Layout, a *usage.Address, ask *api.Port) (uint16, bool) {
	port := uint16(ask.Value)
	if ask.Value <= 0 || ask.Value > 65535 {
		return 0, false
	}
	if ask.IgnoreCollision {
		return port, true
	}
	return port, p.portIsFree(ord, a, port)
}

// dynamicPort prefers ports that no allocation has which the plan stops: its tasks have them until they have ended.
func (p *Placer) dynamicPort(ord int, layout *usage.Layout, a *usage.Address, _ *api.Port) (uint16, bool) {
	if layout.MaxPort < layout.MinPort {
		return 0, false
	}
	held := p.overlay.Snapshot.UsedPorts(ord, a.IP)
	width := uint32(layout.MaxPort) - uint32(layout.MinPort) + 1
	for range dynamicTries {
		port := layout.MinPort + uint16(p.ports.Uint32N(width))
		if p.portIsFree(ord, a, port) && !held.Has(port) {
			return port, true
		}
	}
	return p.lowestPort(ord, layout, a, nil)
}

// lowestPort searches the range of dynamic ports.
func (p *Placer) lowestPort(ord int, layout *usage.Layout, a *usage.Address, _ *api.Port) (uint16, bool) {
	if layout.MaxPort < layout.MinPort {
		return 0, false
	}
	used := p.overlay.UsedPorts(ord, a.IP)
	for from := layout.MinPort; ; {
		port, ok := usage.NextFree(from, layout.MaxPort, used, a.ReservedSet())
		if !ok {
			return 0, false
		}
		if !slices.Contains(p.taken, takenPort{a.IP, port}) {
			return port, true
		}
		if port == layout.MaxPort {
			return 0, false
		}
		from = port + 1
	}
}

// portsFit reports whether the ports of one allocation are to be had on the node.
func (p *Placer) portsFit(ord int) bool {
	p.taken = p.taken[:0]
	for _, ask := range p.need.ports {
		if _, _, reason := p.grantNetwork(ord, ask.network, p.lowestPort); reason != "" {
			return false
		}
	}
	return true
}

func (p *Placer) portIsFree(ord int, a *usage.Address, port uint16) bool {
	return !a.Reserved(port) && !p.overlay.UsedPorts(ord, a.IP).Has(port) &&
		!slices.Contains(p.taken, takenPort{a.IP, port})
}
