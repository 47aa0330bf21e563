// SPDX-License-Identifier: MPL-2.0

package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
)

// corrections names what the job asks for and no node in the cluster has, and what may have been meant: datacenters
// and pools without nodes, and drivers, host volumes and host networks.
func (p *pass) corrections(x *explanation) []string {
	datacenters, pools, drivers, volumes, networks := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	complaints := map[string]string{} // of drivers that are no use on a node
	for ord := range p.overlay.Len() {
		node := p.overlay.Node(ord)
		if node == nil {
			continue
		}
		datacenters[node.Datacenter], pools[node.NodePool] = true, true
		for name, d := range node.Drivers {
			switch {
			case d == nil:
			case d.Detected && d.Healthy:
				drivers[name] = true
			case complaints[name] == "":
				complaints[name] = d.HealthDescription
			}
		}
		for name := range node.HostVolumes {
			volumes[name] = true
		}
		if node.NodeResources == nil {
			continue
		}
		for _, n := range node.NodeResources.NodeNetworks {
			for _, a := range n.Addresses {
				networks[a.Alias] = true
			}
		}
	}
	if len(datacenters) == 0 {
		return nil
	}
	var out []string
	if pool := x.job.NodePool; pool != "" && pool != api.NodePoolAll && !pools[pool] {
		out = append(out, unknown(fmt.Sprintf("no node is in the node pool %s", pool), pool, pools))
	}
	for _, dc := range x.job.Datacenters {
		if !datacenters[dc] && !strings.Contains(dc, "*") {
			out = append(out, unknown(fmt.Sprintf("no node is in the datacenter %s", dc), dc, datacenters))
		}
	}
	for _, o := range x.Obstacles {
		if o.Nodes < x.Nodes || o.Kind != api.ObstacleConstraint {
			continue
		}
		for prefix, offer := range map[string]map[string]bool{missingDriver: drivers, missingVolume: volumes, missingNetwork: networks} {
			name, ok := strings.CutPrefix(o.Reason, prefix)
			if !ok {
				continue
			}
			if prefix == missingNetwork {
				name, _, _ = strings.Cut(name, " for port ")
				name = strings.Trim(name, `"`)
			}
			// The volumes of other allocations (per_alloc) are no misspellings of this one's.
			if base, _, numbered := strings.Cut(name, "["); numbered && hasPrefix(offer, base+"[") {
				continue
			}
			if offer[name] {
				continue
			}
			text := fmt.Sprintf("no node has the %s %s", strings.TrimSuffix(strings.TrimPrefix(prefix, "missing "), " "), name)
			if why := complaints[name]; prefix == missingDriver && why != "" {
				out = append(out, text+": "+why)
				continue
			}
			out = append(out, unknown(text, name, offer))
		}
	}
	return out
}

func hasPrefix(names map[string]bool, prefix string) bool {
	for name := range names {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// maxOffers is how many names are listed where none is like the one that is asked for.
const maxOffers = 8

// unknown says that something is not there, and which names are.
func unknown(text, name string, offer map[string]bool) string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(offer)), func(n string) bool { return n == "" || !offer[n] })
	if similar := feasible.Nearest(name, names); similar != "" {
		return fmt.Sprintf("%s; did you mean %s?", text, similar)
	}
	switch n := len(names); {
	case n == 0:
		return text
	case n == 1:
		return fmt.Sprintf("%s; there is only %s", text, names[0])
	case n > maxOffers:
		return fmt.Sprintf("%s; there are %s and %d more", text, strings.Join(names[:maxOffers], ", "), n-maxOffers)
	}
	return fmt.Sprintf("%s; there are %s", text, list(names))
}

// corrections names the attributes and values that no node has but that are spelled almost like those that nodes have.
func (x *explanation) corrections() []string {
	var out []string
	for _, o := range x.Obstacles {
		if o.Similar != "" {
			out = append(out, fmt.Sprintf("no node has the attribute of %q; did you mean ${%s}?", o.Reason, o.Similar))
			continue
		}
		c := x.checks.Condition(o.Reason)
		if o.Kind != api.ObstacleConstraint || c == nil {
			continue
		}
		if v := c.Prerelease(x.values[o.Reason]); v != "" {
			out = append(out, fmt.Sprintf("%q counts as a prerelease, which satisfies no %q; compare it with the operator semver", v, o.Reason))
		}
		if similar := feasible.Nearest(c.Equals(), x.values[o.Reason]); similar != "" {
			out = append(out, fmt.Sprintf("no node has the value of %q; did you mean %q?", o.Reason, similar))
		}
	}
	return out
}
