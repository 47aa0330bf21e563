// SPDX-License-Identifier: MPL-2.0

package base

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	basepb "github.com/nomadlike/nomadlike/plugins/base/proto"
)

// Register serves a plugin's base contract on a gRPC server.
func Register(registrar grpc.ServiceRegistrar, plugin Plugin) {
	basepb.RegisterBasePluginServer(registrar, &server{plugin: plugin})
}

// server answers the base service on behalf of a plugin.
type server struct {
	basepb.UnimplementedBasePluginServer
	plugin Plugin
}

func (s *server) PluginInfo(ctx context.Context, _ *basepb.PluginInfoRequest) (*basepb.PluginInfoResponse, error) {
	info, err := s.plugin.PluginInfo(ctx)
	if err != nil {
		return nil, err
	}
	return infoToProto(info)
}

func (s *server) ConfigSchema(ctx context.Context, _ *basepb.ConfigSchemaRequest) (*basepb.ConfigSchemaResponse, error) {
	spec, err := s.plugin.ConfigSchema(ctx)
	if err != nil {
		return nil, err
	}
	return &basepb.ConfigSchemaResponse{Spec: spec}, nil
}

func (s *server) SetConfig(ctx context.Context, req *basepb.SetConfigRequest) (*basepb.SetConfigResponse, error) {
	err := s.plugin.SetConfig(ctx, &Config{
		Values:     req.GetMsgpackConfig(),
		Driver:     driverHostFromProto(req.GetNomadConfig()),
		APIVersion: req.GetPluginApiVersion(),
	})
	if err != nil {
		// The prefix is part of the published contract.
		return nil, fmt.Errorf("SetConfig failed: %w", err)
	}
	return &basepb.SetConfigResponse{}, nil
}
