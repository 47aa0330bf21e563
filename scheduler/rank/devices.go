// SPDX-License-Identifier: MPL-2.0

package rank

import (
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// freeDevice tells which instances of the node no allocation has.
func (p *Placer) freeDevice(ord int) func(usage.Device) bool {
	return func(d usage.Device) bool { return !p.overlay.UsesDevice(ord, d) }
}

// grantDevices chooses device instances for the tasks that ask for some.
func (p *Placer) grantDevices(ord int, granted *api.AllocatedResources) string {
	if p.devices == nil {
		return ""
	}
	groups := p.overlay.Layout(ord).Devices
	grants, _, ok := p.devices.Assign(groups, p.freeDevice(ord))
	if !ok {
		return usage.DimensionDevices
	}
	for _, g := range grants {
		group := &groups[g.Group]
		task := p.ownTask(granted, g.Task)
		task.Devices = append(slices.Clip(task.Devices), &api.AllocatedDeviceResource{
			Vendor: group.Vendor, Type: group.Type, Name: group.Name, DeviceIDs: g.IDs,
		})
	}
	return ""
}
