// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"encoding/binary"
	"hash"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// uniquePrefix starts the attribute and meta keys that are left out of the computed class.
const uniquePrefix = "unique."

// ComputeClass returns the computed class of the node, "v1:" and a hash over everything that a
// constraint which does not escape may look at: datacenter, node class, pool, attributes and meta
// without the unique ones, and the kind and amount of its resources. Nodes of one class are
// interchangeable to such constraints. Addresses, MAC addresses and device instances do not count, they
// differ between otherwise equal nodes.
func ComputeClass(n *api.Node) string {
	h := classHash{fnv.New64a()}
	h.text("datacenter", n.Datacenter)
	h.text("class", n.NodeClass)
	h.text("pool", n.NodePool)
	h.pairs("attr", n.Attributes)
	h.pairs("meta", n.Meta)
	if n.NodeResources != nil {
		h.resources(n.NodeResources)
	}
	return "v1:" + strconv.FormatUint(h.Sum64(), 10)
}

type classHash struct{ hash.Hash64 }

// text adds strings, each with its length, so that no two lists of strings look the same.
func (h classHash) text(parts ...string) {
	for _, part := range parts {
		h.number(int64(len(part)))
		_, _ = h.Write([]byte(part)) // a hash never fails to write
	}
}

func (h classHash) number(n int64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(n))
	_, _ = h.Write(b[:])
}

func (h classHash) pairs(kind string, m map[string]string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		if !strings.HasPrefix(k, uniquePrefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	h.number(int64(len(keys)))
	for _, k := range keys {
		h.text(kind, k, m[k])
	}
}

func (h classHash) resources(r *api.NodeResources) {
	h.number(r.Cpu.CpuShares)
	h.number(int64(r.Cpu.TotalCpuCores))
	h.number(int64(len(r.Cpu.ReservableCpuCores)))
	h.number(r.Memory.MemoryMB)
	h.number(r.Disk.DiskMB)
	h.number(int64(r.MinDynamicPort))
	h.number(int64(r.MaxDynamicPort))
	if topology := r.Processors.Topology; topology != nil {
		h.number(int64(len(topology.Nodes)))
		for _, c := range topology.Cores {
			h.number(int64(c.NodeID)<<32 | int64(c.ID))
			h.number(int64(c.BaseSpeed))
		}
	}
	modes := networkModes(r)
	aliases := make([]string, 0, 4)
	for _, network := range r.NodeNetworks {
		if network == nil {
			continue
		}
		for _, a := range network.Addresses {
			aliases = append(aliases, a.Alias)
		}
	}
	slices.Sort(aliases)
	h.text(modes...)
	h.text(slices.Compact(aliases)...)
	for _, d := range r.Devices {
		if d != nil {
			h.device(d)
		}
	}
}

func (h classHash) device(d *api.NodeDeviceResource) {
	h.text("device", d.Vendor, d.Type, d.Name)
	attributes := make(map[string]string, len(d.Attributes))
	for k, a := range d.Attributes {
		if a != nil {
			attributes[k] = deviceText(a)
		}
	}
	h.pairs("device attr", attributes)
}

func deviceText(a *api.DeviceAttribute) string {
	switch {
	case a.Float != nil:
		return "f" + strconv.FormatFloat(*a.Float, 'g', -1, 64) + a.Unit
	case a.Int != nil:
		return "i" + strconv.FormatInt(*a.Int, 10) + a.Unit
	case a.Bool != nil:
		return "b" + strconv.FormatBool(*a.Bool)
	case a.String != nil:
		return "s" + *a.String
	}
	return ""
}

// networkModes returns the modes that the node offers, sorted.
func networkModes(r *api.NodeResources) []string {
	modes := make([]string, 0, 4)
	for _, network := range r.NodeNetworks {
		if network != nil {
			modes = append(modes, modeName(network.Mode))
		}
	}
	if len(modes) == 0 {
		for _, network := range r.Networks {
			if network != nil {
				modes = append(modes, modeName(network.Mode))
			}
		}
	}
	slices.Sort(modes)
	return slices.Compact(modes)
}

func modeName(mode string) string {
	if mode == "" {
		return networkModeHost
	}
	return mode
}
