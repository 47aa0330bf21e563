// SPDX-License-Identifier: MPL-2.0

package base

import (
	"context"

	"google.golang.org/grpc"

	basepb "github.com/nomadlike/nomadlike/plugins/base/proto"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Client is a Plugin at the other end of a gRPC connection. It returns gRPC
// errors as they are; the clients of the plugin types embed it and classify
// them.
type Client struct {
	rpc basepb.BasePluginClient
}

// NewClient returns a client over a connection that the caller owns.
func NewClient(conn grpc.ClientConnInterface) *Client {
	return &Client{rpc: basepb.NewBasePluginClient(conn)}
}

// PluginInfo implements Plugin.
func (c *Client) PluginInfo(ctx context.Context) (*Info, error) {
	resp, err := c.rpc.PluginInfo(ctx, &basepb.PluginInfoRequest{})
	if err != nil {
		return nil, err
	}
	return infoFromProto(resp)
}

// ConfigSchema implements Plugin.
func (c *Client) ConfigSchema(ctx context.Context) (*hclspec.Spec, error) {
	resp, err := c.rpc.ConfigSchema(ctx, &basepb.ConfigSchemaRequest{})
	if err != nil {
		return nil, err
	}
	return resp.GetSpec(), nil
}

// SetConfig implements Plugin.
func (c *Client) SetConfig(ctx context.Context, config *Config) error {
	_, err := c.rpc.SetConfig(ctx, &basepb.SetConfigRequest{
		MsgpackConfig:    config.Values,
		NomadConfig:      driverHostToProto(config.Driver),
		PluginApiVersion: config.APIVersion,
	})
	return err
}
