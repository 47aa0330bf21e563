// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/alloc"
	"github.com/nomadlike/nomadlike/client/task"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// deviceRef names one device of the node.
type deviceRef struct{ vendor, kind, name, id string }

// deviceStatsWait bounds the wait for the statistics of devices, which their plugins send once an interval.
const (
	deviceStatsWait     = 3 * time.Second
	deviceStatsInterval = time.Second
)

// devices returns who reserves devices and measures them, nil when the drivers' host knows none.
func (c *Client) devices() Devices {
	d, _ := c.drivers.(Devices)
	return d
}

// Devices are the device plugins of the node; plugins/host.Manager is one.
type Devices interface {
	task.Devices
	// DeviceStats reads one sample of the statistics of all devices.
	DeviceStats(ctx context.Context, interval time.Duration) []*device.GroupStats
}

// deviceStats returns a sample of the devices of the groups that wanted accepts.
func (c *Client) deviceStats(ctx context.Context, wanted func(vendor, kind, name, id string) bool) []*api.DeviceGroupStats {
	out := []*api.DeviceGroupStats{}
	d := c.devices()
	if d == nil || len(c.Node().NodeResources.Devices) == 0 {
		return out
	}
	ctx, cancel := context.WithTimeout(ctx, deviceStatsWait)
	defer cancel()
	for _, g := range d.DeviceStats(ctx, deviceStatsInterval) {
		group := &api.DeviceGroupStats{Vendor: g.Vendor, Type: g.Type, Name: g.Name, InstanceStats: map[string]any{}}
		for id, s := range g.Instances {
			if s != nil && wanted(g.Vendor, g.Type, g.Name, id) {
				group.InstanceStats[id] = &api.DeviceStats{Summary: statValue(s.Summary), Stats: statObject(s.Stats), Timestamp: s.Timestamp}
			}
		}
		if len(group.InstanceStats) > 0 {
			out = append(out, group)
		}
	}
	return out
}

func anyDevice(string, string, string, string) bool { return true }

// addDeviceStats adds what the devices of the allocation's tasks do.
func (c *Client) addDeviceStats(ctx context.Context, a *alloc.Runner, out *api.AllocResourceUsage) {
	granted := a.Alloc().AllocatedResources
	if granted == nil {
		return
	}
	owner := map[deviceRef]string{}
	for name, t := range granted.Tasks {
		if out.Tasks[name] == nil {
			continue
		}
		for _, d := range t.Devices {
			for _, id := range d.DeviceIDs {
				owner[deviceRef{d.Vendor, d.Type, d.Name, id}] = name
			}
		}
	}
	if len(owner) == 0 {
		return
	}
	mine := c.deviceStats(ctx, func(vendor, kind, name, id string) bool {
		return owner[deviceRef{vendor, kind, name, id}] != ""
	})
	out.ResourceUsage.DeviceStats = mine
	for task, u := range out.Tasks {
		u.ResourceUsage.DeviceStats = nil
		for _, g := range mine {
			one := &api.DeviceGroupStats{Vendor: g.Vendor, Type: g.Type, Name: g.Name, InstanceStats: map[string]any{}}
			for id, s := range g.InstanceStats {
				if owner[deviceRef{g.Vendor, g.Type, g.Name, id}] == task {
					one.InstanceStats[id] = s
				}
			}
			if len(one.InstanceStats) > 0 {
				u.ResourceUsage.DeviceStats = append(u.ResourceUsage.DeviceStats, one)
			}
		}
	}
}

func statValue(s *values.Stat) *api.StatValue {
	if s == nil {
		return nil
	}
	return &api.StatValue{
		FloatNumeratorVal: s.FloatNumerator, FloatDenominatorVal: s.FloatDenominator,
		IntNumeratorVal: s.IntNumerator, IntDenominatorVal: s.IntDenominator,
		StringVal: s.String, BoolVal: s.Bool, Unit: s.Unit, Desc: s.Description,
	}
}

func statObject(s *values.Stats) *api.StatObject {
	if s == nil {
		return nil
	}
	out := &api.StatObject{}
	for k, nested := range s.Nested {
		if out.Nested == nil {
			out.Nested = map[string]*api.StatObject{}
		}
		out.Nested[k] = statObject(nested)
	}
	for k, v := range s.Attributes {
		if out.Attributes == nil {
			out.Attributes = map[string]*api.StatValue{}
		}
		out.Attributes[k] = statValue(v)
	}
	return out
}
