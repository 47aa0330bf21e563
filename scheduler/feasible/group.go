// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

const (
	networkModeHost = "host"
	networkModeNone = "none"
)

// Reasons for which nodes are filtered, besides the texts of constraints.
const (
	ReasonDrivers     = "missing drivers"
	ReasonDevices     = "missing devices"
	ReasonNetwork     = "missing network"
	ReasonHostVolumes = "missing compatible host volumes"
	ReasonSecrets     = "missing secrets provider"
)

// Group answers for one task group which nodes may run it. It remembers verdicts per computed class, so
// it belongs to one Job and its snapshot. It is not safe for concurrent use.
type Group struct {
	job   *Job
	group *api.TaskGroup

	conditions []*Condition
	drivers    []string
	// usable tells by driver set whether it holds all drivers of the group.
	usable     []bool
	providers  []string
	devices    *Devices
	hasVolumes bool
	// perAlloc is set when allocations want volumes of their own.
	perAlloc bool
	// escaped is set when a condition of the group looks at something unique to a node.
	escaped bool
	memo    []verdict
	// Distinct rules of the group, which the placements of the pass decide.
	distinctHosts bool
	properties    []DistinctProperty
}

// verdict is what is remembered about a class; "" as reason means that nothing filters it.
type verdict struct {
	known  bool
	reason string
}

// DistinctProperty is a distinct_property constraint: at most Allowed allocations with one value.
type DistinctProperty struct {
	Target  Target
	Text    string
	Allowed int
	// JobWide counts the allocations of all groups of the job, else those of the group.
	JobWide bool
}

func newGroup(j *Job, tg *api.TaskGroup) *Group {
	g := &Group{job: j, group: tg, memo: make([]verdict, len(j.snapshot.Classes()))}
	g.distinctHosts = distinctHosts(tg.Constraints)
	g.properties = distinctProperties(tg.Constraints, false)
	g.conditions = compile(tg.Constraints, j.cache)
	for _, task := range tg.Tasks {
		if task == nil {
			continue
		}
		g.conditions = append(g.conditions, compile(task.Constraints, j.cache)...)
		if !slices.Contains(g.drivers, task.Driver) {
			g.drivers = append(g.drivers, task.Driver)
		}
		for _, secret := range task.Secrets {
			if secret != nil && !slices.Contains(g.providers, secret.Provider) {
				g.providers = append(g.providers, secret.Provider)
			}
		}
	}
	for _, set := range j.snapshot.DriverSets() {
		g.usable = append(g.usable, containsDrivers(set, g.drivers))
	}
	g.hasVolumes = len(tg.Volumes) > 0
	for _, v := range tg.Volumes {
		g.perAlloc = g.perAlloc || v != nil && v.Type == volumeHost && v.PerAlloc
	}
	g.devices = NewDevices(tg, j.cache)
	g.escaped = escapes(g.conditions) || hostNetworkIsUnique(tg) || g.devices != nil && g.devices.unique
	return g
}

// Filtered returns why the node must not run the group, or "" when it may. It looks at what does not
// change during a pass; room, distinct_hosts and distinct_property are left to the ranking.
//
// Compat: the reference reports the first node of a class with its reason and the others as "computed
// class ineligible"; here each node is reported with the real reason, so that the counts add up.
func (g *Group) Filtered(ord int) string {
	if reason := g.job.constraint(ord); reason != "" {
		return reason
	}
	if !g.usable[g.job.snapshot.DriverSet(ord)] {
		return ReasonDrivers
	}
	if reason := g.constraint(ord); reason != "" {
		return reason
	}
	if g.devices != nil {
		if _, _, ok := g.devices.Assign(g.job.snapshot.Layout(ord).Devices, anyDevice); !ok {
			return ReasonDevices
		}
	}
	if !g.hasVolumes {
		return ""
	}
	if !g.hasHostVolumes(g.job.snapshot.Node(ord)) {
		return ReasonHostVolumes
	}
	return g.csi()
}

// Escapes reports whether the verdict on a node says nothing about the other nodes of its class.
func (g *Group) Escapes() bool { return g.escaped || g.job.escaped }

// DistinctHosts reports whether distinct_hosts applies: jobWide when the job asks for it, else byGroup
// when the group does.
func (g *Group) DistinctHosts() (jobWide, byGroup bool) {
	return g.job.distinctHosts, g.distinctHosts && !g.job.distinctHosts
}

// DistinctProperties returns the distinct_property rules of the job and the group.
func (g *Group) DistinctProperties() []DistinctProperty {
	if len(g.job.properties) == 0 {
		return g.properties
	}
	return append(slices.Clone(g.job.properties), g.properties...)
}

// AddEligibility records for each computed class whether the group may run on its nodes. A class that
// another group may run on stays eligible.
func (g *Group) AddEligibility(classes map[string]bool) {
	names := g.job.snapshot.Classes()
	for class, v := range g.memo {
		if names[class] == "" {
			continue
		}
		outside := g.job.outside[class]
		inside := v.known || g.job.memo[class].known && g.job.memo[class].reason != ""
		switch {
		case inside:
			ok := v.known && v.reason == "" && g.job.memo[class].reason == ""
			classes[names[class]] = classes[names[class]] || ok
		case outside:
			classes[names[class]] = classes[names[class]] || false
		}
	}
}

// constraint checks everything that is equal for all nodes of a class unless the group escapes.
func (g *Group) constraint(ord int) string {
	class := g.job.snapshot.Class(ord)
	if g.escaped || g.job.snapshot.Classes()[class] == "" {
		return g.evaluate(ord, g.job.snapshot.Node(ord))
	}
	v := &g.memo[class]
	if !v.known {
		v.known, v.reason = true, g.evaluate(ord, g.job.snapshot.Node(ord))
	}
	return v.reason
}

func (g *Group) evaluate(ord int, node *api.Node) string {
	for _, c := range g.conditions {
		if !c.Holds(node) {
			return c.text
		}
	}
	if len(g.devices.missing(g.job.snapshot.Layout(ord).Devices)) > 0 {
		return ReasonDevices
	}
	if reason := g.network(ord, node); reason != "" {
		return reason
	}
	for _, provider := range g.providers {
		if _, ok := node.Attributes["plugins.secrets."+provider+".version"]; !ok {
			return ReasonSecrets
		}
	}
	return ""
}

func containsDrivers(set string, wanted []string) bool {
	have := strings.Split(set, usage.DriverSeparator)
	for _, name := range wanted {
		if !slices.Contains(have, name) {
			return false
		}
	}
	return true
}

// anyDevice accepts every instance, whoever has it: what a node offers, not what is left of it.
func anyDevice(usage.Device) bool { return true }

// Devices returns the device requests of the group, nil when there are none.
func (g *Group) Devices() *Devices { return g.devices }

func (g *Group) network(ord int, node *api.Node) string {
	if len(g.group.Networks) == 0 || g.group.Networks[0] == nil {
		return ""
	}
	network := g.group.Networks[0]
	mode := modeName(network.Mode)
	if mode == networkModeNone {
		return ""
	}
	if node.NodeResources == nil || !slices.Contains(networkModes(node.NodeResources), mode) {
		return ReasonNetwork
	}
	layout := g.job.snapshot.Layout(ord)
	for _, ports := range [2][]*api.Port{network.ReservedPorts, network.DynamicPorts} {
		for _, p := range ports {
			if p == nil || p.HostNetwork == "" || p.HostNetwork == usage.DefaultHostNetwork {
				continue
			}
			name, ok := HostNetwork(p, node)
			if !ok || !layout.HasNetwork(name) {
				return hostNetworkPrefix + strconv.Quote(p.HostNetwork) + " for port " + strconv.Quote(p.Label)
			}
		}
	}
	return ""
}

const volumeHost = "host"

// hostNetworkPrefix begins the reason for a node without the host network of a port.
const hostNetworkPrefix = "missing host network "

// hasHostVolumes checks host volumes: a volume of the node with that name, writable unless only read. Of
// volumes of single allocations it wants one at least; HasVolumesOf looks for the one.
//
// Compat: dynamic host volumes (those with an ID) are not tracked yet and do not match.
func (g *Group) hasHostVolumes(node *api.Node) bool {
	for _, v := range g.group.Volumes {
		if v != nil && v.Type == volumeHost && !hasHostVolume(node, v) {
			return false
		}
	}
	return true
}

func hasHostVolume(node *api.Node, v *api.VolumeRequest) bool {
	if !v.PerAlloc {
		return fitsVolume(node.HostVolumes[v.Source], v)
	}
	for name, volume := range node.HostVolumes {
		if strings.HasPrefix(name, v.Source+"[") && fitsVolume(volume, v) {
			return true
		}
	}
	return false
}

func fitsVolume(volume *api.NodeHostVolume, v *api.VolumeRequest) bool {
	return volume != nil && volume.ID == "" && (v.ReadOnly || !volume.ReadOnly)
}

// PerAlloc reports whether each allocation of the group wants host volumes of its own.
func (g *Group) PerAlloc() bool { return g.perAlloc }

// HasVolumesOf reports whether the node has the volumes of the allocation with that index.
func (g *Group) HasVolumesOf(node *api.Node, index int) bool {
	for _, v := range g.group.Volumes {
		if v == nil || v.Type != volumeHost || !v.PerAlloc {
			continue
		}
		if !fitsVolume(node.HostVolumes[ownVolume(v, index)], v) {
			return false
		}
	}
	return true
}

// ownVolume is the name of the volume that the allocation with that index has for itself.
func ownVolume(v *api.VolumeRequest, index int) string {
	return v.Source + "[" + strconv.Itoa(index) + "]"
}

func (g *Group) csi() string {
	missing := ""
	for _, v := range g.group.Volumes {
		if v != nil && v.Type == "csi" && (missing == "" || v.Source < missing) {
			missing = v.Source
		}
	}
	if missing == "" {
		return ""
	}
	return "missing CSI Volume " + missing
}

// HostNetwork returns the host network of the port on the node: "default" when the port names none, the
// value of its interpolation otherwise; false when that has no value on the node.
func HostNetwork(p *api.Port, node *api.Node) (string, bool) {
	if p.HostNetwork == "" {
		return usage.DefaultHostNetwork, true
	}
	if !strings.HasPrefix(p.HostNetwork, "${") {
		return p.HostNetwork, true
	}
	t := NewTarget(p.HostNetwork)
	return t.Value(node)
}

func hostNetworkIsUnique(tg *api.TaskGroup) bool {
	for _, network := range tg.Networks {
		if network == nil {
			continue
		}
		for _, ports := range [2][]*api.Port{network.ReservedPorts, network.DynamicPorts} {
			for _, p := range ports {
				if p == nil {
					continue
				}
				if t := NewTarget(p.HostNetwork); t.IsUnique() {
					return true
				}
			}
		}
	}
	return false
}

func compile(constraints []*api.Constraint, cache *Cache) []*Condition {
	var out []*Condition
	for _, c := range constraints {
		if c == nil || c.Operand == api.OpDistinctHosts || c.Operand == api.OpDistinctProperty {
			continue
		}
		out = append(out, NewCondition(c.LTarget, c.Operand, c.RTarget, cache))
	}
	return out
}

func escapes(conditions []*Condition) bool {
	return slices.ContainsFunc(conditions, (*Condition).IsUnique)
}

func distinctHosts(constraints []*api.Constraint) bool {
	for _, c := range constraints {
		if c == nil || c.Operand != api.OpDistinctHosts {
			continue
		}
		if on, err := strconv.ParseBool(c.RTarget); err != nil || on {
			return true
		}
	}
	return false
}

func distinctProperties(constraints []*api.Constraint, jobWide bool) []DistinctProperty {
	var out []DistinctProperty
	for _, c := range constraints {
		if c == nil || c.Operand != api.OpDistinctProperty {
			continue
		}
		allowed := 1
		if n, err := strconv.Atoi(c.RTarget); err == nil && n > 0 {
			allowed = n
		}
		out = append(out, DistinctProperty{Target: NewTarget(c.LTarget), Text: c.LTarget, Allowed: allowed, JobWide: jobWide})
	}
	return out
}
