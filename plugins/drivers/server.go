// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/plugins/base"
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
)

// Register serves a driver, and its base contract, on a gRPC server.
func Register(registrar grpc.ServiceRegistrar, driver Driver) {
	base.Register(registrar, driver)
	driverspb.RegisterDriverServer(registrar, &server{driver: driver})
}

// server answers the driver service on behalf of a driver.
type server struct {
	driverspb.UnimplementedDriverServer
	driver Driver
}

func (s *server) Init(ctx context.Context, _ *driverspb.InitRequest) (*driverspb.InitResponse, error) {
	return &driverspb.InitResponse{}, wireErrors.ToStatus(s.driver.Init(ctx))
}

func (s *server) Shutdown(ctx context.Context, _ *driverspb.ShutdownRequest) (*driverspb.ShutdownResponse, error) {
	return &driverspb.ShutdownResponse{}, wireErrors.ToStatus(s.driver.Shutdown(ctx))
}

func (s *server) TaskConfigSchema(ctx context.Context, _ *driverspb.TaskConfigSchemaRequest) (
	*driverspb.TaskConfigSchemaResponse, error,
) {
	spec, err := s.driver.TaskConfigSchema(ctx)
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	return &driverspb.TaskConfigSchemaResponse{Spec: spec}, nil
}

func (s *server) Capabilities(ctx context.Context, _ *driverspb.CapabilitiesRequest) (
	*driverspb.CapabilitiesResponse, error,
) {
	capabilities, err := s.driver.Capabilities(ctx)
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	if capabilities == nil {
		capabilities = &Capabilities{}
	}
	return &driverspb.CapabilitiesResponse{Capabilities: capabilitiesToProto(capabilities)}, nil
}

func (s *server) RecoverTask(ctx context.Context, req *driverspb.RecoverTaskRequest) (
	*driverspb.RecoverTaskResponse, error,
) {
	handle := handleFromProto(req.GetHandle())
	switch {
	case handle == nil:
		return nil, errors.New("a task cannot be recovered without a handle")
	case handle.Config == nil:
		return nil, errors.New("a task cannot be recovered without a task config in its handle")
	}
	return &driverspb.RecoverTaskResponse{}, wireErrors.ToStatus(s.driver.RecoverTask(ctx, handle))
}

func (s *server) StartTask(ctx context.Context, req *driverspb.StartTaskRequest) (*driverspb.StartTaskResponse, error) {
	config := taskConfigFromProto(req.GetTask())
	if config == nil {
		return nil, errors.New("a task cannot be started without a task config")
	}
	handle, override, err := s.driver.StartTask(ctx, config)
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	if handle == nil {
		return nil, errors.New("the driver started the task and returned no handle")
	}
	return &driverspb.StartTaskResponse{
		Result:          driverspb.StartTaskResponse_SUCCESS,
		Handle:          handleToProto(handle),
		NetworkOverride: overrideToProto(override),
	}, nil
}

func (s *server) WaitTask(ctx context.Context, req *driverspb.WaitTaskRequest) (*driverspb.WaitTaskResponse, error) {
	exit, err := s.driver.WaitTask(ctx, req.GetTaskId())
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	out := &driverspb.WaitTaskResponse{Result: exitToProto(exit)}
	if exit != nil && exit.Err != nil {
		out.Err = exit.Err.Error()
	}
	return out, nil
}

func (s *server) StopTask(ctx context.Context, req *driverspb.StopTaskRequest) (*driverspb.StopTaskResponse, error) {
	err := s.driver.StopTask(ctx, req.GetTaskId(), req.GetTimeout().AsDuration(), req.GetSignal())
	return &driverspb.StopTaskResponse{}, wireErrors.ToStatus(err)
}

func (s *server) DestroyTask(ctx context.Context, req *driverspb.DestroyTaskRequest) (
	*driverspb.DestroyTaskResponse, error,
) {
	err := s.driver.DestroyTask(ctx, req.GetTaskId(), req.GetForce())
	return &driverspb.DestroyTaskResponse{}, wireErrors.ToStatus(err)
}

func (s *server) InspectTask(ctx context.Context, req *driverspb.InspectTaskRequest) (
	*driverspb.InspectTaskResponse, error,
) {
	task, err := s.driver.InspectTask(ctx, req.GetTaskId())
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	if task == nil {
		return nil, errors.New("the driver returned no status of the task")
	}
	return statusToProto(task), nil
}

func (s *server) SignalTask(ctx context.Context, req *driverspb.SignalTaskRequest) (*driverspb.SignalTaskResponse, error) {
	err := s.driver.SignalTask(ctx, req.GetTaskId(), req.GetSignal())
	return &driverspb.SignalTaskResponse{}, wireErrors.ToStatus(err)
}

func (s *server) ExecTask(ctx context.Context, req *driverspb.ExecTaskRequest) (*driverspb.ExecTaskResponse, error) {
	result, err := s.driver.ExecTask(ctx, req.GetTaskId(), req.GetCommand(), req.GetTimeout().AsDuration())
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	if result == nil {
		return nil, errors.New("the driver returned no result of the command")
	}
	return &driverspb.ExecTaskResponse{
		Stdout: result.Stdout, Stderr: result.Stderr, Result: exitToProto(result.Exit),
	}, nil
}

func (s *server) CreateNetwork(ctx context.Context, req *driverspb.CreateNetworkRequest) (
	*driverspb.CreateNetworkResponse, error,
) {
	spec, created, err := s.driver.CreateNetwork(ctx, req.GetAllocId(), &NetworkRequest{Hostname: req.GetHostname()})
	if err != nil {
		return nil, wireErrors.ToStatus(err)
	}
	return &driverspb.CreateNetworkResponse{IsolationSpec: isolationToProto(spec), Created: created}, nil
}

func (s *server) DestroyNetwork(ctx context.Context, req *driverspb.DestroyNetworkRequest) (
	*driverspb.DestroyNetworkResponse, error,
) {
	err := s.driver.DestroyNetwork(ctx, req.GetAllocId(), isolationFromProto(req.GetIsolationSpec()))
	return &driverspb.DestroyNetworkResponse{}, wireErrors.ToStatus(err)
}
