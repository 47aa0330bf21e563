// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"maps"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Outside returns why the node does not come into question for the job at all, whatever it asks for: its
// status, eligibility, datacenter and pool. It is empty for candidates.
func (j *Job) Outside(ord int) []string {
	n := j.snapshot.Node(ord)
	var reasons []string
	switch {
	case n.Status != api.NodeStatusReady:
		reasons = append(reasons, "node is "+n.Status)
	case n.DrainStrategy != nil:
		reasons = append(reasons, "node is draining")
	case n.SchedulingEligibility != api.NodeEligible:
		reasons = append(reasons, "node is ineligible")
	}
	if !j.datacenters[j.snapshot.Datacenter(ord)] {
		reasons = append(reasons, "datacenter "+n.Datacenter+" is none of "+strings.Join(j.job.Datacenters, ", "))
	}
	if !j.pools[j.snapshot.Pool(ord)] {
		reasons = append(reasons, "node pool "+poolName(n.NodePool)+" is not "+poolName(j.job.NodePool))
	}
	return reasons
}

// missingVolumes names the host volumes that the node lacks or has only for reading, those that the allocation with that
// index has for itself included; of these any is enough when the index is negative.
func (g *Group) missingVolumes(node *api.Node, index int) []string {
	var reasons []string
	for _, key := range slices.Sorted(maps.Keys(g.group.Volumes)) {
		v := g.group.Volumes[key]
		if v == nil || v.Type != volumeHost {
			continue
		}
		name, there := v.Source, false
		if v.PerAlloc && index >= 0 {
			name = ownVolume(v, index)
			there = fitsVolume(node.HostVolumes[name], v)
		} else {
			there = hasHostVolume(node, v)
		}
		if there {
			continue
		}
		reason := "missing host volume " + name
		if has := node.HostVolumes[name]; has != nil && has.ReadOnly && !v.ReadOnly {
			reason += " for writing"
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

// IsNetwork reports whether a reason is about networks or host networks.
func IsNetwork(reason string) bool {
	return strings.HasPrefix(reason, ReasonNetwork) || strings.HasPrefix(reason, hostNetworkPrefix)
}

// Condition returns the compiled constraint of the job or group with that text, or nil.
func (g *Group) Condition(text string) *Condition {
	for _, list := range [][]*Condition{g.job.conditions, g.conditions} {
		for _, c := range list {
			if c.text == text {
				return c
			}
		}
	}
	return nil
}

// Obstacles returns everything that keeps the group off the node, where Filtered returns the first reason
// only, for the allocation with that index, or for any when it is negative. Room and the distinct rules are left to
// the ranking.
func (g *Group) Obstacles(ord, index int) []string {
	node := g.job.snapshot.Node(ord)
	var reasons, plugins []string
	for _, list := range [][]*Condition{g.job.conditions, g.conditions} {
		for _, c := range list {
			plugin, implied := api.BridgePlugin(c.text)
			switch {
			case c.Holds(node):
			case implied:
				plugins = append(plugins, plugin)
			case !slices.Contains(reasons, c.text):
				reasons = append(reasons, c.text)
			}
		}
	}
	if len(plugins) > 0 {
		slices.Sort(plugins)
		reasons = append(reasons, "missing CNI plugins "+strings.Join(slices.Compact(plugins), ", ")+" ("+api.BridgePluginVersion+")")
	}
	have := strings.Split(g.job.snapshot.DriverSets()[g.job.snapshot.DriverSet(ord)], usage.DriverSeparator)
	for _, name := range g.drivers {
		if !slices.Contains(have, name) {
			reasons = append(reasons, "missing driver "+name)
		}
	}
	if missing := g.devices.missing(g.job.snapshot.Layout(ord).Devices); len(missing) > 0 {
		reasons = append(reasons, missing...)
	} else if name, _, _ := g.devices.Short(g.job.snapshot.Layout(ord).Devices, anyDevice); name != "" {
		reasons = append(reasons, "missing healthy instances of device "+name)
	}
	switch reason := g.network(ord, node); reason {
	case "":
	case ReasonNetwork:
		reasons = append(reasons, reason+" "+modeName(g.group.Networks[0].Mode))
	default:
		reasons = append(reasons, reason)
	}
	for _, provider := range g.providers {
		if _, ok := node.Attributes["plugins.secrets."+provider+".version"]; !ok {
			reasons = append(reasons, ReasonSecrets)
		}
	}
	if g.hasVolumes {
		reasons = append(reasons, g.missingVolumes(node, index)...)
		if reason := g.csi(); reason != "" {
			reasons = append(reasons, reason)
		}
	}
	return reasons
}
