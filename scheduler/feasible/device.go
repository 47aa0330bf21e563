// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// assignSteps bounds how many combinations of device groups are tried for one node.
const assignSteps = 256

// Devices are the device requests of a task group, compiled. A nil *Devices asks for none.
type Devices struct {
	asks []deviceAsk
	// weight is the sum of the absolute weights of all device affinities.
	weight float64
	unique bool
}

// deviceAsk is one device block.
type deviceAsk struct {
	task  string
	name  string
	count int
	// vendor and model are "" for any.
	vendor, kind, model string

	conditions []deviceCondition
	// instances are the conditions on ${device.ids}, which instances have to satisfy as well.
	instances  []deviceCondition
	affinities []deviceAffinity
}

type deviceAffinity struct {
	deviceCondition

	weight float64
}

// DeviceGrant are the instances that a task gets for one of its device blocks.
type DeviceGrant struct {
	Task string
	// Group is the index of the device group of the node.
	Group int
	IDs   []string
}

// NewDevices compiles the device blocks of the tasks; nil when there are none.
func NewDevices(tg *api.TaskGroup, cache *Cache) *Devices {
	var d *Devices
	for _, task := range tg.Tasks {
		if task == nil || task.Resources == nil {
			continue
		}
		for _, r := range task.Resources.Devices {
			if r == nil {
				continue
			}
			if d == nil {
				d = &Devices{}
			}
			d.add(task.Name, r, cache)
		}
	}
	return d
}

func (d *Devices) add(task string, r *api.RequestedDevice, cache *Cache) {
	ask := deviceAsk{task: task, name: r.Name, count: 1}
	if r.Count != nil {
		ask.count = *r.Count
	}
	switch parts := strings.SplitN(r.Name, "/", 3); len(parts) {
	case 1:
		ask.kind = parts[0]
	case 2:
		ask.vendor, ask.kind = parts[0], parts[1]
	default:
		ask.vendor, ask.kind, ask.model = parts[0], parts[1], parts[2]
	}
	for _, c := range r.Constraints {
		if c == nil {
			continue
		}
		condition := newDeviceCondition(c.LTarget, c.Operand, c.RTarget, cache)
		ask.conditions = append(ask.conditions, condition)
		if condition.onIDs() {
			ask.instances = append(ask.instances, condition)
			d.unique = true
		}
	}
	for _, a := range r.Affinities {
		if a == nil {
			continue
		}
		weight := float64(a.WeightOrDefault())
		ask.affinities = append(ask.affinities, deviceAffinity{newDeviceCondition(a.LTarget, a.Operand, a.RTarget, cache), weight})
		d.weight += math.Abs(weight)
	}
	d.asks = append(d.asks, ask)
}

// HasAffinities reports whether the choice of devices has a score.
func (d *Devices) HasAffinities() bool { return d != nil && d.weight > 0 }

// Requests says in words what is asked for, such as "2 devices gpu where ${device.attr.memory} >= 10 GiB".
func (d *Devices) Requests() []string {
	if d == nil {
		return nil
	}
	var out []string
	for i := range d.asks {
		ask := &d.asks[i]
		text := "the device " + ask.name
		if ask.count > 1 {
			text = strconv.Itoa(ask.count) + " devices " + ask.name
		}
		for c := range ask.conditions {
			joint := " and "
			if c == 0 {
				joint = " where "
			}
			text += joint + ask.conditions[c].text
		}
		out = append(out, text)
	}
	return out
}

// missing returns a text for each request that no device group satisfies, however many instances it has.
func (d *Devices) missing(groups []usage.DeviceGroup) []string {
	if d == nil {
		return nil
	}
	var out []string
	for i := range d.asks {
		ask := &d.asks[i]
		var failed []string
		known, ok := false, false
		for g := range groups {
			if !ask.names(groups[g].NodeDeviceResource) {
				continue
			}
			known = true
			text := ask.fails(groups[g].NodeDeviceResource)
			ok = ok || text == ""
			failed = append(failed, text)
		}
		switch {
		case ok:
		case known:
			slices.Sort(failed)
			for _, text := range slices.Compact(failed) {
				out = append(out, "device "+ask.name+": "+text)
			}
		default:
			out = append(out, "missing device "+ask.name)
		}
	}
	return out
}

// Short returns the name of the first request with too few instances that may be taken, how many it wants
// and how many there are at most in one device group.
func (d *Devices) Short(groups []usage.DeviceGroup, free func(usage.Device) bool) (name string, wanted, have int) {
	if d == nil {
		return "", 0, 0
	}
	for i := range d.asks {
		ask := &d.asks[i]
		most := 0
		for g := range groups {
			if ask.matches(groups[g].NodeDeviceResource) {
				most = max(most, len(ask.instancesOf(&groups[g], len(groups[g].Healthy), free)))
			}
		}
		if most < ask.count {
			return ask.name, ask.count, most
		}
	}
	return "", 0, 0
}

// Assign chooses one device group and its first free instances for each request: the group with the best
// affinity, if that leaves enough for the others. The score is the sum of the weights of the affinities that
// hold over the sum of all absolute weights (scheduler.md 5.3).
func (d *Devices) Assign(groups []usage.DeviceGroup, free func(usage.Device) bool) (grants []DeviceGrant, score float64, ok bool) {
	if d == nil {
		return nil, 0, true
	}
	a := assignment{d: d, groups: groups, free: free, steps: assignSteps}
	if !a.assign(0) {
		return nil, 0, false
	}
	if d.weight > 0 {
		score = a.weight / d.weight
	}
	return a.grants, score, true
}

// assignment is a search over the requests in their order.
type assignment struct {
	d      *Devices
	groups []usage.DeviceGroup
	free   func(usage.Device) bool
	grants []DeviceGrant
	weight float64
	steps  int
}

type deviceOption struct {
	group  int
	weight float64
	ids    []string
}

func (a *assignment) assign(at int) bool {
	if at == len(a.d.asks) {
		return true
	}
	ask := &a.d.asks[at]
	var options []deviceOption
	for g := range a.groups {
		group := &a.groups[g]
		if !ask.matches(group.NodeDeviceResource) {
			continue
		}
		ids := ask.instancesOf(group, ask.count, func(d usage.Device) bool { return a.free(d) && !a.granted(g, d.ID) })
		if len(ids) == ask.count {
			options = append(options, deviceOption{g, ask.weigh(group.NodeDeviceResource), ids})
		}
	}
	slices.SortStableFunc(options, func(x, y deviceOption) int {
		switch {
		case x.weight > y.weight:
			return -1
		case x.weight < y.weight:
			return 1
		}
		return 0
	})
	for _, o := range options {
		if a.steps--; a.steps < 0 {
			return false
		}
		a.grants = append(a.grants, DeviceGrant{Task: ask.task, Group: o.group, IDs: o.ids})
		a.weight += o.weight
		if a.assign(at + 1) {
			return true
		}
		a.weight -= o.weight
		a.grants = a.grants[:len(a.grants)-1]
	}
	return false
}

func (a *assignment) granted(group int, id string) bool {
	for _, g := range a.grants {
		if g.Group == group && slices.Contains(g.IDs, id) {
			return true
		}
	}
	return false
}

// Wants returns how many instances the requests that the device group satisfies ask for.
func (d *Devices) Wants(g *api.NodeDeviceResource) (most int) {
	if d == nil {
		return 0
	}
	for i := range d.asks {
		if ask := &d.asks[i]; ask.matches(g) {
			most += ask.count
		}
	}
	return most
}

func (ask *deviceAsk) names(g *api.NodeDeviceResource) bool {
	return g.Type == ask.kind && (ask.vendor == "" || g.Vendor == ask.vendor) && (ask.model == "" || g.Name == ask.model)
}

// fails returns the text of the first constraint that the group does not satisfy, or "".
func (ask *deviceAsk) fails(g *api.NodeDeviceResource) string {
	for i := range ask.conditions {
		if c := &ask.conditions[i]; !c.holdsFor(g) {
			return c.text
		}
	}
	return ""
}

func (ask *deviceAsk) matches(g *api.NodeDeviceResource) bool {
	return ask.names(g) && ask.fails(g) == ""
}

func (ask *deviceAsk) weigh(g *api.NodeDeviceResource) float64 {
	sum := 0.0
	for i := range ask.affinities {
		if a := &ask.affinities[i]; a.holdsFor(g) {
			sum += a.weight
		}
	}
	return sum
}

// instancesOf returns up to limit instances that may be taken.
func (ask *deviceAsk) instancesOf(g *usage.DeviceGroup, limit int, free func(usage.Device) bool) []string {
	var ids []string
	for _, id := range g.Healthy {
		if len(ids) == limit {
			break
		}
		if ask.takes(id) && free(g.Device(id)) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (ask *deviceAsk) takes(id string) bool {
	for i := range ask.instances {
		if !ask.instances[i].holdsForInstance(id) {
			return false
		}
	}
	return true
}
