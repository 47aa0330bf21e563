// SPDX-License-Identifier: MPL-2.0

// Package plugins is the launch protocol of plugin processes: the handshake,
// the names of the services, and Serve, which turns a driver into a process
// that any host of the published protocol can run.
//
// The contracts live in plugins/drivers and plugins/device; plugins/process
// runs plugin processes and plugins/host manages them for an agent. This
// package must not import the agent.
package plugins

//go:generate ./generate.sh

import (
	"context"
	"errors"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// Handshake is what host and plugin agree on before they talk. The cookie
// guards against running a plugin by hand; it is not a secret.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  2,
	MagicCookieKey:   "NOMAD_PLUGIN_MAGIC_COOKIE",
	MagicCookieValue: "e4327c2e01eabfd75a8a67adb114fb34a757d57eee7728d857a8cec6e91a7255",
}

// The names under which the services of a plugin process are served.
const (
	DriverName = "driver"
	DeviceName = "device"
)

// service adapts the registration of a contract to go-plugin.
type service struct {
	goplugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server)
}

var _ goplugin.GRPCPlugin = (*service)(nil)

// GRPCServer implements goplugin.GRPCPlugin.
func (s *service) GRPCServer(_ *goplugin.GRPCBroker, server *grpc.Server) error {
	s.register(server)
	return nil
}

// GRPCClient implements goplugin.GRPCPlugin. It is not used: hosts make their
// clients from the connection, see package process.
func (s *service) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, errors.New("a plugin process does not call plugins")
}
