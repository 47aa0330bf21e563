// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"errors"
	"maps"

	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Devices asks device plugins how tasks get at their devices; plugins/host.Manager is one.
type Devices interface {
	ReserveDevices(ctx context.Context, vendor, kind, name string, ids []string) (*device.Reservation, error)
}

// reserved is what the task's devices give it.
type reserved struct {
	env     map[string]string
	mounts  []*drivers.Mount
	devices []*drivers.Device
}

// reserveDevices asks the plugins of the devices that the task was given how it gets at them.
func (r *Runner) reserveDevices(ctx context.Context) error {
	r.reserved = reserved{}
	granted := r.granted()
	if granted == nil || len(granted.Devices) == 0 {
		return nil
	}
	if r.deps.Devices == nil {
		return errors.New("this client has no device plugins")
	}
	got := reserved{env: map[string]string{}}
	err := r.beside(ctx, atOnce, func(ctx context.Context) error {
		for _, d := range granted.Devices {
			res, err := r.deps.Devices.ReserveDevices(ctx, d.Vendor, d.Type, d.Name, d.DeviceIDs)
			if err != nil {
				// The plugin may be starting again.
				return drivers.NewRecoverableError(err, true)
			}
			got.add(res)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.reserved = got
	return r.buildEnv()
}

func (g *reserved) add(res *device.Reservation) {
	maps.Copy(g.env, res.Envs)
	for _, m := range res.Mounts {
		if m != nil {
			g.mounts = append(g.mounts, &drivers.Mount{TaskPath: m.TaskPath, HostPath: m.HostPath, Readonly: m.ReadOnly})
		}
	}
	for _, d := range res.Devices {
		if d != nil {
			g.devices = append(g.devices, &drivers.Device{TaskPath: d.TaskPath, HostPath: d.HostPath, Permissions: d.Permissions})
		}
	}
}
