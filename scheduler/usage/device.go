// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"iter"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// DimensionDevices is the dimension of a node whose free device instances do not satisfy the request.
const DimensionDevices = "devices: no devices match request"

// Device is one device instance of a node.
type Device struct {
	Vendor, Type, Name, ID string
}

// DeviceGroup is a group of equal devices of a node with the instances that may be assigned.
type DeviceGroup struct {
	*api.NodeDeviceResource

	// Healthy are the IDs of the healthy instances, in the order of the node.
	Healthy []string
}

// Device returns the instance of the group with that ID.
func (g *DeviceGroup) Device(id string) Device { return Device{g.Vendor, g.Type, g.Name, id} }

// HasDevice reports whether the node offers the instance and it is healthy.
func (l *Layout) HasDevice(d Device) bool {
	for i := range l.Devices {
		if g := &l.Devices[i]; g.Device(d.ID) == d && slices.Contains(g.Healthy, d.ID) {
			return true
		}
	}
	return false
}

func deviceGroups(devices []*api.NodeDeviceResource) []DeviceGroup {
	var out []DeviceGroup
	for _, d := range devices {
		if d == nil {
			continue
		}
		g := DeviceGroup{NodeDeviceResource: d}
		for _, one := range d.Instances {
			if one != nil && one.Healthy {
				g.Healthy = append(g.Healthy, one.ID)
			}
		}
		out = append(out, g)
	}
	return out
}

// Devices yields the device instances of the claim.
func (c Claim) Devices() iter.Seq[Device] {
	return func(yield func(Device) bool) {
		if c.resources == nil {
			return
		}
		for _, task := range c.resources.Tasks {
			if task == nil {
				continue
			}
			for _, d := range task.Devices {
				if d == nil {
					continue
				}
				for _, id := range d.DeviceIDs {
					if !yield(Device{d.Vendor, d.Type, d.Name, id}) {
						return
					}
				}
			}
		}
	}
}

func (c Claim) holdsDevice(want Device) bool {
	for d := range c.Devices() {
		if d == want {
			return true
		}
	}
	return false
}

// deviceTable holds the device instances in use of one node; a nil one is empty. It is copied on the first
// write of each epoch. Nodes have few devices, so it is a list.
type deviceTable struct {
	epoch uint64
	used  []deviceUse
}

// deviceUse counts how often an instance was claimed: by an allocation that is being stopped and by its
// successor at the same time.
type deviceUse struct {
	Device

	count int
}

func (t *deviceTable) has(d Device) bool {
	return t != nil && slices.ContainsFunc(t.used, func(u deviceUse) bool { return u.Device == d })
}

func (t *deviceTable) writable(epoch uint64) *deviceTable {
	switch {
	case t == nil:
		return &deviceTable{epoch: epoch}
	case t.epoch == epoch:
		return t
	}
	return &deviceTable{epoch: epoch, used: slices.Clone(t.used)}
}

// add counts one more claim of the instance; the receiver must be writable.
func (t *deviceTable) add(d Device) {
	for i := range t.used {
		if t.used[i].Device == d {
			t.used[i].count++
			return
		}
	}
	t.used = append(t.used, deviceUse{Device: d, count: 1})
}

// remove takes one claim of the instance back; the receiver must be writable.
func (t *deviceTable) remove(d Device) {
	for i := range t.used {
		if t.used[i].Device != d {
			continue
		}
		if t.used[i].count--; t.used[i].count == 0 {
			t.used = slices.Delete(t.used, i, i+1)
		}
		return
	}
}
