// SPDX-License-Identifier: MPL-2.0

// Package plugins is the launch protocol of plugin processes: the handshake,
// the names of the services, and Serve, which turns a driver into a process
// that any host of the published protocol can run.
//
// The contracts live in plugins/drivers and plugins/device, the host side in
// plugins/host. This package must not import either the host or the agent.
package plugins

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/device"
	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Handshake is what host and plugin agree on before they talk. The cookie
// guards against running a plugin by hand; it is not a secret.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  2,
	MagicCookieKey:   "NOMAD_PLUGIN_MAGIC_COOKIE",
	MagicCookieValue: "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255",
}

// The names under which the services of a plugin process are dispensed.
const (
	BaseName   = "base"
	DriverName = "driver"
	DeviceName = "device"
)

// ClientSet is what a host hands to go-plugin in order to dispense
// *base.Client, *drivers.Client and *device.Client.
func ClientSet() goplugin.PluginSet {
	return goplugin.PluginSet{
		BaseName: &service{client: func(_ context.Context, conn *grpc.ClientConn) any {
			return base.NewClient(conn)
		}},
		DriverName: &service{client: func(ctx context.Context, conn *grpc.ClientConn) any {
			return drivers.NewClient(conn, ctx.Done())
		}},
		DeviceName: &service{client: func(ctx context.Context, conn *grpc.ClientConn) any {
			return device.NewClient(conn, ctx.Done())
		}},
	}
}

// service adapts one side of a contract to go-plugin.
type service struct {
	goplugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server)

	// client gets a context that ends when the plugin process has ended.
	client func(context.Context, *grpc.ClientConn) any
}

var _ goplugin.GRPCPlugin = (*service)(nil)

// GRPCServer implements goplugin.GRPCPlugin.
func (s *service) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	if s.register == nil {
		return errors.New("this side of the plugin protocol serves nothing")
	}
	s.register(server)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin.
func (s *service) GRPCClient(ctx context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	if s.client == nil {
		return nil, errors.New("this side of the plugin protocol calls nothing")
	}
	return s.client(ctx, conn), nil
}
