// SPDX-License-Identifier: MPL-2.0

package api

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

const maxPort = 65535

// networkChecker holds what is unique over the networks of a group.
type networkChecker struct {
	*checker
	labels  map[string]bool
	statics map[string]map[int]string // host network to port to label
	cniArgs map[string]bool
}

// validateNetworks checks the networks of the group, and the obsolete ones of its tasks, together.
func (g *TaskGroup) validateNetworks(c *checker) {
	c.within(c.at.field("network"), "Task group network validation failed", func(c *checker) {
		n := &networkChecker{c, map[string]bool{}, map[string]map[int]string{}, map[string]bool{}}
		for _, network := range g.Networks {
			n.network(network)
		}
		for _, t := range g.Tasks {
			if t.Resources == nil {
				continue
			}
			for _, network := range t.Resources.Networks {
				n.network(network)
			}
		}
	})
}

var hostnamePattern = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?(\.[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?)*\.?$`)

func (n *networkChecker) network(network *NetworkResource) {
	host := network.Mode == "" || network.Mode == NetworkModeHost
	for _, p := range network.ReservedPorts {
		n.port(p, host)
		n.static(p)
	}
	for _, p := range network.DynamicPorts {
		n.port(p, host)
	}
	if h := network.Hostname; h != "" && !strings.Contains(h, "${") {
		n.check(len(h) <= 253 && hostnamePattern.MatchString(h), "hostname", "Hostname is not a valid DNS name: %q", h)
	}
	if network.CNI == nil {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(network.CNI.Args)) {
		value := network.CNI.Args[key]
		n.check(!strings.Contains(key, ";") && !strings.Contains(value, ";"), "cni.args", "invalid ';' character in CNI arg \"%s=%s\"", key, value)
		n.check(!n.cniArgs[key], "cni.args", "duplicate CNI arg %q", key)
		n.cniArgs[key] = true
	}
}

func (n *networkChecker) port(p *Port, host bool) {
	at := `port["` + p.Label + `"]`
	n.check(p.Label != "", at, "Port label must not be empty")
	n.check(!n.labels[p.Label], at, "Port label %s already in use", p.Label)
	n.labels[p.Label] = true
	n.check(p.To >= -1, at+".to", "Port %q cannot be mapped to negative value %d", p.Label, p.To)
	n.check(p.To <= maxPort, at+".to", "Port %q cannot be mapped to a port (%d) greater than %d", p.Label, p.To, maxPort)
	n.check(!p.IgnoreCollision || host, at+".ignore_collision", "Port %q collision may not be ignored on a network that is not in host mode", p.Label)
}

// static checks a port that is the same on every node.
func (n *networkChecker) static(p *Port) {
	at := `port["` + p.Label + `"].static`
	if p.Value < 1 || p.Value > maxPort {
		n.failf(at, "Port %q cannot be %d: must be between 1 and %d", p.Label, p.Value, maxPort)
		return
	}
	if p.IgnoreCollision {
		return
	}
	used := n.statics[p.HostNetwork]
	if used == nil {
		used = map[int]string{}
		n.statics[p.HostNetwork] = used
	}
	if other, taken := used[p.Value]; taken {
		n.failf(at, "Static port %d already reserved by %s", p.Value, other)
		return
	}
	used[p.Value] = p.Label
}

// hasPort reports whether the label is one of the group's ports.
func (g *TaskGroup) hasPort(label string) bool {
	for _, n := range g.Networks {
		if n.hasPort(label) {
			return true
		}
	}
	return false
}

func (n *NetworkResource) hasPort(label string) bool {
	for _, p := range n.ReservedPorts {
		if p.Label == label {
			return true
		}
	}
	for _, p := range n.DynamicPorts {
		if p.Label == label {
			return true
		}
	}
	return false
}
