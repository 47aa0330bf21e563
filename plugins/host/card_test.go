// SPDX-License-Identifier: MPL-2.0

package host_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// card is a device plugin with two cards, one of which is named after the
// process, so that a test sees a restart.
type card struct{ enabled bool }

func (*card) PluginInfo(context.Context) (*base.Info, error) {
	return &base.Info{Type: base.TypeDevice, APIVersions: []string{base.APIVersion}, Version: "1.0.0", Name: "card"}, nil
}

func (*card) ConfigSchema(context.Context) (*hclspec.Spec, error) {
	return hclspec.Object(hclspec.Fields{"enabled": hclspec.AttrOr("enabled", "bool", "true")}), nil
}

func (c *card) SetConfig(_ context.Context, config *base.Config) error {
	var decoded struct {
		Enabled bool `codec:"enabled"`
	}
	err := hclspec.Decode(config.Values, &decoded)
	c.enabled = decoded.Enabled
	return err
}

func (c *card) Fingerprint(ctx context.Context) (<-chan *device.Fingerprint, error) {
	if !c.enabled {
		return nil, device.ErrDisabled
	}
	out := make(chan *device.Fingerprint, 1)
	out <- &device.Fingerprint{Groups: []*device.Group{{
		Vendor: "v", Type: device.TypeGPU, Name: "n", Attributes: map[string]*values.Attribute{"memory": values.Int(8, "GiB")},
		Devices: []*device.Device{{ID: "fixed", Healthy: true}, {ID: fmt.Sprint(os.Getpid()), Healthy: true}},
	}}}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (*card) Reserve(_ context.Context, ids []string) (*device.Reservation, error) {
	return &device.Reservation{Envs: map[string]string{"CARDS": strings.Join(ids, ",")}}, nil
}

func (*card) Stats(ctx context.Context, _ time.Duration) (<-chan *device.Stats, error) {
	out := make(chan *device.Stats, 1)
	out <- &device.Stats{Groups: []*device.GroupStats{{Vendor: "v", Type: device.TypeGPU, Name: "n"}}}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}
