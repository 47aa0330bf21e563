// SPDX-License-Identifier: MPL-2.0

package alloc

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/plugins/device"
)

// cards reserves devices of one plugin, which fails the first time.
type cards struct{ asked int }

func (c *cards) ReserveDevices(_ context.Context, vendor, kind, name string, ids []string) (*device.Reservation, error) {
	if c.asked++; c.asked == 1 {
		return nil, errors.New("the plugin is starting")
	}
	return &device.Reservation{
		Envs:    map[string]string{"CARDS": vendor + "/" + kind + "/" + name + "=" + strings.Join(ids, ",")},
		Mounts:  []*device.Mount{{TaskPath: "/lib/card", HostPath: "/usr/lib/card", ReadOnly: true}},
		Devices: []*device.Spec{{TaskPath: "/dev/card0", HostPath: "/dev/card7", Permissions: "rw"}},
	}, nil
}

func TestDevices(t *testing.T) {
	inBench(t, func(t *testing.T, b *bench) {
		b.deps.Tasks.Devices = &cards{}
		a := allocation(job(api.JobTypeService, tk("t")))
		a.AllocatedResources.Tasks["t"].Devices = []*api.AllocatedDeviceResource{{Vendor: "acme", Type: "gpu", Name: "x1", DeviceIDs: []string{"c1", "c2"}}}
		r := b.run(a)
		pass(time.Minute)
		wantState(t, r, "t", api.TaskStateRunning, false, 1)
		if got := events(r, "t"); !strings.Contains(got, "Task hook failed: devices: the plugin is starting") {
			t.Errorf("events\n%s", got)
		}
		c := b.machine.Config("t")
		if c.Env["CARDS"] != "acme/gpu/x1=c1,c2" || c.DeviceEnv["CARDS"] != c.Env["CARDS"] {
			t.Errorf("environment %q, of devices %q", c.Env["CARDS"], c.DeviceEnv["CARDS"])
		}
		if len(c.Mounts) != 1 || c.Mounts[0].HostPath != "/usr/lib/card" || !c.Mounts[0].Readonly ||
			len(c.Devices) != 1 || c.Devices[0].HostPath != "/dev/card7" || c.Devices[0].Permissions != "rw" {
			t.Errorf("mounts %+v, devices %+v", c.Mounts, c.Devices)
		}
	})
}
