// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/nomadlike/nomadlike/plugins/base"
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// Client is a Driver at the other end of a gRPC connection. It forgives what
// plugins in the field leave out: newer methods, results, times.
//
// Errors show the plugin's own text and match the errors of this package with
// errors.Is; a call that fails because the plugin process has ended returns
// ErrPluginShutdown.
type Client struct {
	base   *base.Client
	rpc    driverspb.DriverClient
	exited <-chan struct{}
}

var _ Driver = (*Client)(nil)

// NewClient returns a client over a connection that the caller owns. The
// channel is closed when the plugin process is known to have ended; nil means
// that nobody will tell.
func NewClient(conn grpc.ClientConnInterface, exited <-chan struct{}) *Client {
	return &Client{base: base.NewClient(conn), rpc: driverspb.NewDriverClient(conn), exited: exited}
}

func (c *Client) fail(ctx context.Context, err error) error {
	return wireErrors.FromStatus(ctx, c.exited, err)
}

// PluginInfo implements Driver.
func (c *Client) PluginInfo(ctx context.Context) (*base.Info, error) {
	info, err := c.base.PluginInfo(ctx)
	return info, c.fail(ctx, err)
}

// ConfigSchema implements Driver.
func (c *Client) ConfigSchema(ctx context.Context) (*hclspec.Spec, error) {
	spec, err := c.base.ConfigSchema(ctx)
	return spec, c.fail(ctx, err)
}

// SetConfig implements Driver.
func (c *Client) SetConfig(ctx context.Context, config *base.Config) error {
	return c.fail(ctx, c.base.SetConfig(ctx, config))
}

// Init implements Driver. Plugins that do not know the call need none.
func (c *Client) Init(ctx context.Context) error {
	_, err := c.rpc.Init(ctx, &driverspb.InitRequest{})
	if base.Unimplemented(err) {
		return nil
	}
	return c.fail(ctx, err)
}

// Shutdown implements Driver. Plugins that do not know the call need none.
func (c *Client) Shutdown(ctx context.Context) error {
	_, err := c.rpc.Shutdown(ctx, &driverspb.ShutdownRequest{})
	if base.Unimplemented(err) {
		return nil
	}
	return c.fail(ctx, err)
}

// TaskConfigSchema implements Driver.
func (c *Client) TaskConfigSchema(ctx context.Context) (*hclspec.Spec, error) {
	resp, err := c.rpc.TaskConfigSchema(ctx, &driverspb.TaskConfigSchemaRequest{})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	if resp.GetSpec() == nil {
		return nil, errors.New("the driver has no schema for the config of tasks")
	}
	return resp.GetSpec(), nil
}

// Capabilities implements Driver.
func (c *Client) Capabilities(ctx context.Context) (*Capabilities, error) {
	resp, err := c.rpc.Capabilities(ctx, &driverspb.CapabilitiesRequest{})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return capabilitiesFromProto(resp.GetCapabilities()), nil
}

// RecoverTask implements Driver. The handle must have a task config.
func (c *Client) RecoverTask(ctx context.Context, handle *TaskHandle) error {
	if handle == nil || handle.Config == nil {
		return errors.New("a task cannot be recovered without a handle and its task config")
	}
	_, err := c.rpc.RecoverTask(ctx, &driverspb.RecoverTaskRequest{
		TaskId: handle.Config.ID, Handle: handleToProto(handle),
	})
	return c.fail(ctx, err)
}

// StartTask implements Driver.
func (c *Client) StartTask(ctx context.Context, config *TaskConfig) (*TaskHandle, *NetworkOverride, error) {
	if len(config.DriverConfig) == 0 {
		return nil, nil, errors.New("a task cannot be started without an encoded driver config")
	}
	resp, err := c.rpc.StartTask(ctx, &driverspb.StartTaskRequest{Task: taskConfigToProto(config)})
	if err != nil {
		return nil, nil, c.fail(ctx, err)
	}
	handle := handleFromProto(resp.GetHandle())
	switch {
	case resp.GetResult() != driverspb.StartTaskResponse_SUCCESS:
		return nil, nil, NewRecoverableError(
			errors.New("the driver could not start the task: "+base.Abridge(resp.GetDriverErrorMsg())),
			resp.GetResult() == driverspb.StartTaskResponse_RETRY)
	case handle == nil:
		return nil, nil, errors.New("the driver started the task and returned no handle")
	}
	if handle.Config == nil {
		handle.Config = config.Copy()
	}
	if len(handle.Config.DriverConfig) == 0 {
		// Some drivers return a config without its raw part, and need it
		// when they recover the task.
		handle.Config.DriverConfig = config.DriverConfig
	}
	return handle, overrideFromProto(resp.GetNetworkOverride()), nil
}

// WaitTask implements Driver.
func (c *Client) WaitTask(ctx context.Context, taskID string) (*ExitResult, error) {
	resp, err := c.rpc.WaitTask(ctx, &driverspb.WaitTaskRequest{TaskId: taskID})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	exit := exitFromProto(resp.GetResult())
	if text := resp.GetErr(); text != "" {
		exit.Err = errors.New(base.Abridge(text))
	}
	return exit, nil
}

// StopTask implements Driver.
func (c *Client) StopTask(ctx context.Context, taskID string, timeout time.Duration, signal string) error {
	_, err := c.rpc.StopTask(ctx, &driverspb.StopTaskRequest{
		TaskId: taskID, Timeout: durationpb.New(timeout), Signal: signal,
	})
	return c.fail(ctx, err)
}

// DestroyTask implements Driver.
func (c *Client) DestroyTask(ctx context.Context, taskID string, force bool) error {
	_, err := c.rpc.DestroyTask(ctx, &driverspb.DestroyTaskRequest{TaskId: taskID, Force: force})
	return c.fail(ctx, err)
}

// InspectTask implements Driver.
func (c *Client) InspectTask(ctx context.Context, taskID string) (*TaskStatus, error) {
	resp, err := c.rpc.InspectTask(ctx, &driverspb.InspectTaskRequest{TaskId: taskID})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return statusFromProto(resp), nil
}

// SignalTask implements Driver.
func (c *Client) SignalTask(ctx context.Context, taskID, signal string) error {
	_, err := c.rpc.SignalTask(ctx, &driverspb.SignalTaskRequest{TaskId: taskID, Signal: signal})
	return c.fail(ctx, err)
}

// ExecTask implements Driver.
func (c *Client) ExecTask(ctx context.Context, taskID string, command []string, timeout time.Duration) (
	*ExecResult, error,
) {
	resp, err := c.rpc.ExecTask(ctx, &driverspb.ExecTaskRequest{
		TaskId: taskID, Command: command, Timeout: durationpb.New(timeout),
	})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return &ExecResult{
		Stdout: resp.GetStdout(), Stderr: resp.GetStderr(), Exit: exitFromProto(resp.GetResult()),
	}, nil
}

// CreateNetwork implements Driver.
func (c *Client) CreateNetwork(ctx context.Context, allocID string, request *NetworkRequest) (
	*NetworkIsolationSpec, bool, error,
) {
	req := &driverspb.CreateNetworkRequest{AllocId: allocID}
	if request != nil {
		req.Hostname = request.Hostname
	}
	resp, err := c.rpc.CreateNetwork(ctx, req)
	switch {
	case base.Unimplemented(err):
		return nil, false, ErrCreateNetworkUnsupported
	case err != nil:
		return nil, false, c.fail(ctx, err)
	}
	return isolationFromProto(resp.GetIsolationSpec()), resp.GetCreated(), nil
}

// DestroyNetwork implements Driver. Without a spec there is nothing to do.
func (c *Client) DestroyNetwork(ctx context.Context, allocID string, spec *NetworkIsolationSpec) error {
	if spec == nil {
		return nil
	}
	_, err := c.rpc.DestroyNetwork(ctx, &driverspb.DestroyNetworkRequest{
		AllocId: allocID, IsolationSpec: isolationToProto(spec),
	})
	if base.Unimplemented(err) {
		return ErrDestroyNetworkUnsupported
	}
	return c.fail(ctx, err)
}
