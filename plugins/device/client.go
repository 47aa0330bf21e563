// SPDX-License-Identifier: MPL-2.0

package device

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/nomadlike/nomadlike/plugins/base"
	devicepb "github.com/nomadlike/nomadlike/plugins/device/proto"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Client is a Plugin at the other end of a gRPC connection. Its errors match
// ErrDisabled and base.ErrPluginShutdown with errors.Is.
type Client struct {
	base   *base.Client
	rpc    devicepb.DevicePluginClient
	exited <-chan struct{}
}

var _ Plugin = (*Client)(nil)

// NewClient returns a client over a connection that the caller owns. The
// channel is closed when the plugin process is known to have ended; nil means
// that nobody will tell.
func NewClient(conn grpc.ClientConnInterface, exited <-chan struct{}) *Client {
	return &Client{base: base.NewClient(conn), rpc: devicepb.NewDevicePluginClient(conn), exited: exited}
}

func (c *Client) fail(ctx context.Context, err error) error {
	return wireErrors.FromStatus(ctx, c.exited, err)
}

// PluginInfo implements Plugin.
func (c *Client) PluginInfo(ctx context.Context) (*base.Info, error) {
	info, err := c.base.PluginInfo(ctx)
	return info, c.fail(ctx, err)
}

// ConfigSchema implements Plugin.
func (c *Client) ConfigSchema(ctx context.Context) (*hclspec.Spec, error) {
	spec, err := c.base.ConfigSchema(ctx)
	return spec, c.fail(ctx, err)
}

// SetConfig implements Plugin.
func (c *Client) SetConfig(ctx context.Context, config *base.Config) error {
	return c.fail(ctx, c.base.SetConfig(ctx, config))
}

// Fingerprint implements Plugin.
func (c *Client) Fingerprint(ctx context.Context) (<-chan *Fingerprint, error) {
	stream, err := c.rpc.Fingerprint(ctx, &devicepb.FingerprintRequest{})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return base.Receive(ctx, stream, fingerprintFromProto, func(err error) *Fingerprint {
		return &Fingerprint{Err: c.fail(ctx, err)}
	}), nil
}

// Reserve implements Plugin. The reservation is nil if the plugin left it out.
func (c *Client) Reserve(ctx context.Context, deviceIDs []string) (*Reservation, error) {
	resp, err := c.rpc.Reserve(ctx, &devicepb.ReserveRequest{DeviceIds: deviceIDs})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return reservationFromProto(resp.GetContainerRes()), nil
}

// Stats implements Plugin.
func (c *Client) Stats(ctx context.Context, interval time.Duration) (<-chan *Stats, error) {
	stream, err := c.rpc.Stats(ctx, &devicepb.StatsRequest{CollectionInterval: durationpb.New(interval)})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return base.Receive(ctx, stream, statsFromProto, func(err error) *Stats {
		return &Stats{Err: c.fail(ctx, err)}
	}), nil
}
