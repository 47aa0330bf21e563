// SPDX-License-Identifier: MPL-2.0

package client

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/fingerprint"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// maxNodeEvents bounds the events that wait for a server.
const maxNodeEvents = 100

// maxAttributes bounds the names and values that a driver adds to the attributes of the node, in bytes: servers keep them, and
// are told them again with each change.
const maxAttributes = 1 << 20

// nodeState is what is known of the node: facts, and what drivers say. Snapshots are immutable.
type nodeState struct {
	cfg *Config
	id  identity
	// changed tells the contact loop that there is something new to register.
	changed chan struct{}

	mu struct {
		sync.Mutex
		facts *fingerprint.Facts
		// drivers and their attributes, by driver name.
		drivers map[string]*api.DriverInfo
		attrs   map[string]map[string]string
		// dynamic is the metadata that was set through the API; nil removes a key. The map is never changed.
		dynamic map[string]*string
		// devices are the groups of devices, by plugin.
		devices map[string][]*api.NodeDeviceResource
		node    *task.Node
		events  []*api.NodeEvent
	}
}

func newNodeState(cfg *Config, id identity, facts *fingerprint.Facts) *nodeState {
	n := &nodeState{cfg: cfg, id: id, changed: make(chan struct{}, 1)}
	n.mu.facts = facts
	n.mu.drivers = map[string]*api.DriverInfo{}
	n.mu.attrs = map[string]map[string]string{}
	n.mu.devices = map[string][]*api.NodeDeviceResource{}
	n.rebuildLocked()
	return n
}

// get returns the present snapshot.
func (n *nodeState) get() *task.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mu.node
}

func (n *nodeState) poke() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// rebuildLocked makes a new snapshot and reports whether it differs from the last.
func (n *nodeState) rebuildLocked() bool {
	c, facts := n.cfg, n.mu.facts
	attrs := maps.Clone(facts.Attributes)
	for _, a := range n.mu.attrs {
		maps.Copy(attrs, a)
	}
	node := &api.Node{
		ID: n.id.id, Name: c.Name, Datacenter: c.Datacenter, NodeClass: c.NodeClass, NodePool: c.NodePool,
		HTTPAddr: c.HTTPAddr, TLSEnabled: c.TLSEnabled, CgroupParent: c.CgroupParent,
		Attributes: attrs, NodeResources: n.resourcesLocked(), ReservedResources: facts.Reserved,
		Links: map[string]string{}, Meta: n.effectiveMetaLocked(), Status: api.NodeStatusInit,
		SchedulingEligibility: api.NodeEligible, Drivers: maps.Clone(n.mu.drivers),
		CSIControllerPlugins: map[string]*api.CSIInfo{}, CSINodePlugins: map[string]*api.CSIInfo{},
		HostVolumes: map[string]*api.NodeHostVolume{}, HostNetworks: facts.HostNetworks,
		NodeMaxAllocs: c.NodeMaxAllocs,
	}
	if c.DefaultIneligible {
		node.SchedulingEligibility = api.NodeIneligible
	}
	for _, v := range c.HostVolumes {
		node.HostVolumes[v.Name] = &api.NodeHostVolume{Name: v.Name, Path: v.Path, ReadOnly: v.ReadOnly}
	}
	if n.mu.node != nil && reflect.DeepEqual(n.mu.node.Node, node) {
		return false
	}
	n.mu.node = &task.Node{Node: node, Region: c.Region, UsableCompute: usableCompute(facts)}
	return true
}

// resourcesLocked are those of the machine with the devices of all plugins.
func (n *nodeState) resourcesLocked() *api.NodeResources {
	resources := *n.mu.facts.Resources
	for _, plugin := range slices.Sorted(maps.Keys(n.mu.devices)) {
		resources.Devices = append(slices.Clip(resources.Devices), n.mu.devices[plugin]...)
	}
	return &resources
}

// setDevices takes all devices that a plugin has detected.
func (n *nodeState) setDevices(plugin string, groups []*device.Group) {
	list := make([]*api.NodeDeviceResource, 0, len(groups))
	for _, g := range groups {
		list = append(list, deviceResource(g))
	}
	n.mu.Lock()
	n.mu.devices[plugin] = list
	changed := n.rebuildLocked()
	n.mu.Unlock()
	if changed {
		n.poke()
	}
}

func deviceResource(g *device.Group) *api.NodeDeviceResource {
	out := &api.NodeDeviceResource{Vendor: g.Vendor, Type: g.Type, Name: g.Name, Attributes: map[string]*api.DeviceAttribute{}}
	for _, d := range g.Devices {
		one := &api.NodeDevice{ID: d.ID, Healthy: d.Healthy, HealthDescription: d.HealthDescription}
		if d.PCIBusID != "" {
			one.Locality = &api.NodeDeviceLocality{PciBusID: d.PCIBusID}
		}
		out.Instances = append(out.Instances, one)
	}
	for name, a := range g.Attributes {
		out.Attributes[name] = &api.DeviceAttribute{Float: a.Float, Int: a.Int, String: a.String, Bool: a.Bool, Unit: a.Unit}
	}
	return out
}

func usableCompute(f *fingerprint.Facts) uint64 {
	total := f.Resources.Cpu.CpuShares - f.Reserved.Cpu.CpuShares
	return uint64(max(total, 0))
}

// SetNodeData takes settings of the node that may change while the client runs.
func (c *Client) SetNodeData(meta map[string]string, class string, volumes []*HostVolumeConfig) {
	n := c.node
	n.mu.Lock()
	cfg := *n.cfg
	cfg.Meta, cfg.NodeClass, cfg.HostVolumes = maps.Clone(meta), class, volumes
	n.cfg = &cfg
	changed := n.rebuildLocked()
	n.mu.Unlock()
	if changed {
		n.poke()
	}
}

// setFacts takes facts that were found anew.
func (n *nodeState) setFacts(f *fingerprint.Facts) {
	n.mu.Lock()
	n.mu.facts = f
	changed := n.rebuildLocked()
	n.mu.Unlock()
	if changed {
		n.poke()
	}
}

// currentFacts returns the facts as they were last found.
func (n *nodeState) currentFacts() *fingerprint.Facts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mu.facts
}

// fingerprint takes what a driver says of its health. Each is complete, but attributes that are left out
// keep their value.
func (n *nodeState) fingerprint(name string, f *drivers.Fingerprint) {
	now := time.Now()
	info := &api.DriverInfo{
		Attributes: map[string]string{}, Detected: f.Health != drivers.HealthUndetected && f.Err == nil,
		Healthy: f.Health == drivers.HealthHealthy && f.Err == nil, HealthDescription: f.HealthDescription, UpdateTime: &now,
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	old := n.mu.drivers[name]
	attrs := maps.Clone(n.mu.attrs[name])
	if attrs == nil {
		attrs = map[string]string{}
	}
	for k, v := range f.Attributes {
		if text := v.Render(); text != "" {
			attrs[k] = text
		} else {
			delete(attrs, k)
		}
	}
	if size := textSize(attrs); size > maxAttributes {
		attrs = map[string]string{}
		info.Detected, info.Healthy = false, false
		info.HealthDescription = fmt.Sprintf("failed to fingerprint driver: it has told %d bytes of attributes, of which at most %d are taken",
			size, maxAttributes)
	}
	maps.Copy(info.Attributes, attrs)
	delete(info.Attributes, "driver."+name)
	if info.Detected {
		info.Attributes["driver."+name] = "true"
		attrs["driver."+name] = "1"
	} else {
		delete(attrs, "driver."+name)
	}
	if old != nil {
		same := old.Detected == info.Detected && old.Healthy == info.Healthy && old.HealthDescription == info.HealthDescription
		if same {
			info.UpdateTime = old.UpdateTime
		} else {
			n.eventLocked(&api.NodeEvent{
				Message: info.HealthDescription, Subsystem: "Driver", Details: map[string]string{"driver": name}, Timestamp: &now,
			})
		}
	}
	n.mu.drivers[name], n.mu.attrs[name] = info, attrs
	if n.rebuildLocked() {
		n.poke()
	}
}

// textSize is how many bytes the keys and values of a map have.
func textSize(m map[string]string) int {
	size := 0
	for k, v := range m {
		size += len(k) + len(v)
	}
	return size
}

func (n *nodeState) eventLocked(e *api.NodeEvent) {
	n.mu.events = append(n.mu.events, e)
	if over := len(n.mu.events) - maxNodeEvents; over > 0 {
		n.mu.events = n.mu.events[over:]
	}
}

// takeEvents returns the events that wait for a server and forgets them.
func (n *nodeState) takeEvents() []*api.NodeEvent {
	n.mu.Lock()
	defer n.mu.Unlock()
	events := n.mu.events
	n.mu.events = nil
	return events
}

// putBack queues events again that could not be sent.
func (n *nodeState) putBack(events []*api.NodeEvent) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.events = append(events, n.mu.events...)
	if over := len(n.mu.events) - maxNodeEvents; over > 0 {
		n.mu.events = n.mu.events[over:]
	}
}

// driverHost is what drivers are told of the node.
func driverHost(c *Config, r *api.NodeResources) *base.DriverHost {
	return &base.DriverHost{
		ClientMinPort: uint32(c.ClientMinPort), ClientMaxPort: uint32(c.ClientMaxPort), Topology: topology(r),
	}
}

func topology(r *api.NodeResources) *base.Topology {
	t := r.Processors.Topology
	if t == nil {
		return &base.Topology{OverrideTotal: uint64(max(r.Cpu.CpuShares, 0))}
	}
	out := &base.Topology{OverrideTotal: t.OverrideTotalCompute, OverrideWithheld: t.OverrideWitholdCompute}
	for _, id := range t.Nodes {
		out.NodeIDs = append(out.NodeIDs, uint32(id))
	}
	for _, row := range t.Distances {
		var line []uint32
		for _, d := range row {
			line = append(line, uint32(d))
		}
		out.Distances = append(out.Distances, line)
	}
	for _, c := range t.Cores {
		out.Cores = append(out.Cores, base.Core{
			SocketID: uint32(c.SocketID), NodeID: uint32(c.NodeID), ID: uint32(c.ID), Efficiency: !c.Grade, Disabled: c.Disable,
			BaseSpeed: c.BaseSpeed, MaxSpeed: c.MaxSpeed, GuessSpeed: c.GuessSpeed,
		})
	}
	return out
}
