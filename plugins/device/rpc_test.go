// SPDX-License-Identifier: MPL-2.0

package device

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nomadlike/nomadlike/plugins/base"
	devicepb "github.com/nomadlike/nomadlike/plugins/device/proto"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	sharedpb "github.com/nomadlike/nomadlike/plugins/shared/structs/proto"
	"github.com/nomadlike/nomadlike/plugins/values"
)

// fake is a device plugin with one device.
type fake struct {
	disabled bool
	config   *base.Config
	interval time.Duration
}

func (f *fake) PluginInfo(context.Context) (*base.Info, error) {
	return &base.Info{Type: base.TypeDevice, APIVersions: []string{base.APIVersion}, Version: "1.0.0", Name: "fake"}, nil
}

func (f *fake) ConfigSchema(context.Context) (*hclspec.Spec, error) { return hclspec.Object(nil), nil }

func (f *fake) SetConfig(_ context.Context, config *base.Config) error {
	f.config = config
	return nil
}

var fingerprint = &Fingerprint{Groups: []*Group{{
	Vendor: "v", Type: TypeGPU, Name: "n",
	Devices: []*Device{
		{ID: "a", Healthy: true, PCIBusID: "0000:01"}, {ID: "b", HealthDescription: "hot"},
	},
	Attributes: map[string]*values.Attribute{"memory": values.Int(8, "GiB")},
}}}

func (f *fake) Fingerprint(context.Context) (<-chan *Fingerprint, error) {
	if f.disabled {
		return nil, ErrDisabled
	}
	out := make(chan *Fingerprint, 1)
	out <- fingerprint
	close(out)
	return out, nil
}

var reservation = &Reservation{
	Envs:    map[string]string{"VISIBLE": "a"},
	Mounts:  []*Mount{{TaskPath: "/t", HostPath: "/h", ReadOnly: true}},
	Devices: []*Spec{{TaskPath: "/dev/t", HostPath: "/dev/h", Permissions: "rw"}},
}

func (f *fake) Reserve(_ context.Context, ids []string) (*Reservation, error) {
	if len(ids) != 1 || ids[0] != "a" {
		return nil, errors.New("unknown device IDs")
	}
	return reservation, nil
}

var sample = &Stats{Groups: []*GroupStats{{
	Vendor: "v", Type: TypeGPU, Name: "n",
	Instances: map[string]*InstanceStats{"a": {
		Summary:   &values.Stat{Unit: "W", Description: "power"},
		Stats:     &values.Stats{Nested: map[string]*values.Stats{}, Attributes: map[string]*values.Stat{}},
		Timestamp: time.Unix(1, 2).UTC(),
	}},
}}}

func (f *fake) Stats(_ context.Context, interval time.Duration) (<-chan *Stats, error) {
	f.interval = interval
	out := make(chan *Stats, 2)
	out <- sample
	out <- &Stats{Err: errors.New("lost the device")}
	return out, nil
}

func dial(t *testing.T, plugin Plugin) *Client {
	t.Helper()
	return serve(t, func(server *grpc.Server) { Register(server, plugin) })
}

func serve(t *testing.T, register func(*grpc.Server)) *Client {
	t.Helper()
	listener := bufconn.Listen(64 << 10)
	server := grpc.NewServer()
	register(server)
	go func() { _ = server.Serve(listener) }() // ends with the server
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:plugin",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return NewClient(conn, nil)
}

func TestDevicePlugin(t *testing.T) {
	plugin := &fake{}
	client := dial(t, plugin)
	ctx := t.Context()
	info, err := client.PluginInfo(ctx)
	if err != nil || info.Type != base.TypeDevice || info.Name != "fake" {
		t.Errorf("the plugin is %+v, %v", info, err)
	}
	if err := client.SetConfig(ctx, &base.Config{Values: []byte{0x80}}); err != nil || string(plugin.config.Values) != "\x80" {
		t.Errorf("the configuration is %+v, %v", plugin.config, err)
	}
	fingerprints, err := client.Fingerprint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fingerprint, <-fingerprints); diff != "" {
		t.Errorf("the fingerprint has changed (-want +got):\n%s", diff)
	}
	if message, more := <-fingerprints; more {
		t.Errorf("the stream goes on with %+v", message)
	}
	reserved, err := client.Reserve(ctx, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reservation, reserved); diff != "" {
		t.Errorf("the reservation has changed (-want +got):\n%s", diff)
	}
	if _, err := client.Reserve(ctx, []string{"b"}); err == nil || err.Error() != "unknown device IDs" {
		t.Errorf("an unknown device: %v", err)
	}
	stats, err := client.Stats(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample, <-stats); diff != "" {
		t.Errorf("the statistics have changed (-want +got):\n%s", diff)
	}
	if plugin.interval != time.Second {
		t.Errorf("no interval became %v, want a second", plugin.interval)
	}
	if last := <-stats; last.Err == nil || last.Err.Error() != "lost the device" {
		t.Errorf("the last message is %+v, want an error", last)
	}
}

func TestDisabled(t *testing.T) {
	stream, err := dial(t, &fake{disabled: true}).Fingerprint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if message := <-stream; !errors.Is(message.Err, ErrDisabled) {
		t.Errorf("the first message is %+v, want %v", message, ErrDisabled)
	}
}

func TestGroupValidate(t *testing.T) {
	if err := fingerprint.Groups[0].Validate(); err != nil {
		t.Errorf("a good group: %v", err)
	}
	for name, group := range map[string]*Group{
		"no vendor":     {Type: "t", Name: "n"},
		"no type":       {Vendor: "v", Name: "n"},
		"no name":       {Vendor: "v", Type: "t"},
		"device":        {Vendor: "v", Type: "t", Name: "n", Devices: []*Device{{}}},
		"device twice":  {Vendor: "v", Type: "t", Name: "n", Devices: []*Device{{ID: "a"}, {ID: "a", Healthy: true}}},
		"nil device":    {Vendor: "v", Type: "t", Name: "n", Devices: []*Device{nil}},
		"bad attribute": {Vendor: "v", Type: "t", Name: "n", Attributes: map[string]*values.Attribute{"a": nil}},
	} {
		if err := group.Validate(); err == nil {
			t.Errorf("a group with %s was accepted", name)
		}
	}
}

func TestReservationValidate(t *testing.T) {
	if err := reservation.Validate(); err != nil {
		t.Errorf("a good reservation: %v", err)
	}
	for _, envs := range []map[string]string{{"": "x"}, {"A=B": "x"}, {"A\x00": "x"}, {"A": "x\x00"}} {
		if err := (&Reservation{Envs: envs}).Validate(); err == nil {
			t.Errorf("%q was accepted", envs)
		}
	}
}

// careless is a plugin that leaves out what it may not.
type careless struct {
	devicepb.UnimplementedDevicePluginServer
}

func (careless) Reserve(context.Context, *devicepb.ReserveRequest) (*devicepb.ReserveResponse, error) {
	return &devicepb.ReserveResponse{}, nil
}

func (careless) Stats(_ *devicepb.StatsRequest, stream grpc.ServerStreamingServer[devicepb.StatsResponse]) error {
	return stream.Send(&devicepb.StatsResponse{Groups: []*devicepb.DeviceGroupStats{{InstanceStats: map[string]*devicepb.DeviceStats{"a": {
		Summary:   &sharedpb.StatValue{FloatNumeratorVal: wrapperspb.Double(math.NaN()), FloatDenominatorVal: wrapperspb.Double(math.Inf(1))},
		Timestamp: &timestamppb.Timestamp{Seconds: math.MaxInt64},
	}}}}})
}

func TestCarelessPlugin(t *testing.T) {
	client := serve(t, func(server *grpc.Server) { devicepb.RegisterDevicePluginServer(server, careless{}) })
	if reserved, err := client.Reserve(t.Context(), []string{"a"}); err != nil || reserved != nil {
		t.Errorf("no reservation became %+v, %v", reserved, err)
	}
	stats, err := client.Stats(t.Context(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal((<-stats).Groups); err != nil {
		t.Errorf("the statistics cannot be told: %v", err)
	}
}
