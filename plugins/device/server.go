// SPDX-License-Identifier: MPL-2.0

package device

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/plugins/base"
	devicepb "github.com/nomadlike/nomadlike/plugins/device/proto"
)

// Register serves a device plugin, and its base contract, on a gRPC server.
func Register(registrar grpc.ServiceRegistrar, plugin Plugin) {
	base.Register(registrar, plugin)
	devicepb.RegisterDevicePluginServer(registrar, &server{plugin: plugin})
}

// server answers the device service on behalf of a plugin.
type server struct {
	devicepb.UnimplementedDevicePluginServer
	plugin Plugin
}

// defaultStatsInterval replaces an interval that the host left out.
const defaultStatsInterval = time.Second

func (s *server) Fingerprint(_ *devicepb.FingerprintRequest,
	stream grpc.ServerStreamingServer[devicepb.FingerprintResponse],
) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	source, err := s.plugin.Fingerprint(ctx)
	if err != nil {
		return wireErrors.ToStatus(err)
	}
	return base.Forward(ctx, wireErrors, source, func(message *Fingerprint) error {
		if message.Err != nil {
			return message.Err
		}
		return stream.Send(fingerprintToProto(message))
	})
}

func (s *server) Reserve(ctx context.Context, req *devicepb.ReserveRequest) (*devicepb.ReserveResponse, error) {
	reservation, err := s.plugin.Reserve(ctx, req.GetDeviceIds())
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	if reservation == nil {
		return nil, errors.New("the plugin returned no reservation")
	}
	return &devicepb.ReserveResponse{ContainerRes: reservationToProto(reservation)}, nil
}

func (s *server) Stats(req *devicepb.StatsRequest, stream grpc.ServerStreamingServer[devicepb.StatsResponse]) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	interval := req.GetCollectionInterval().AsDuration()
	if interval <= 0 {
		interval = defaultStatsInterval
	}
	source, err := s.plugin.Stats(ctx, interval)
	if err != nil {
		return wireErrors.ToStatus(err)
	}
	return base.Forward(ctx, wireErrors, source, func(message *Stats) error {
		if message.Err != nil {
			return message.Err
		}
		return stream.Send(statsToProto(message))
	})
}
