// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/nomadlike/nomadlike/plugins/base"
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
)

// dial serves what register registers and returns a client for it.
func dial(t *testing.T, exited <-chan struct{}, register func(*grpc.Server)) (*Client, *grpc.Server) {
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
	return NewClient(conn, exited), server
}

func dialDriver(t *testing.T, driver Driver) *Client {
	t.Helper()
	client, _ := dial(t, nil, func(server *grpc.Server) { Register(server, driver) })
	return client
}

// fake is a driver of which a test overrides what it needs; the rest panics.
type fake struct {
	Driver
	NoLifecycle
	err    error
	events chan *TaskEvent
	stats  chan *TaskStats
	exec   func(*ExecOptions) (*ExitResult, error)
	exit   *ExitResult
	handle *TaskHandle
	config *base.Config
}

func (f *fake) Init(context.Context) error     { return f.err }
func (f *fake) Shutdown(context.Context) error { return f.err }
func (f *fake) SetConfig(_ context.Context, config *base.Config) error {
	f.config = config
	return f.err
}

func (f *fake) StartTask(context.Context, *TaskConfig) (*TaskHandle, *NetworkOverride, error) {
	return f.handle, nil, f.err
}
func (f *fake) StopTask(context.Context, string, time.Duration, string) error { return f.err }
func (f *fake) WaitTask(context.Context, string) (*ExitResult, error)         { return f.exit, f.err }
func (f *fake) RecoverTask(context.Context, *TaskHandle) error                { return f.err }

func (f *fake) TaskEvents(context.Context) (<-chan *TaskEvent, error) { return f.events, f.err }
func (f *fake) TaskStats(context.Context, string, time.Duration) (<-chan *TaskStats, error) {
	return f.stats, f.err
}

func (f *fake) ExecTaskStreaming(_ context.Context, _ string, opts *ExecOptions) (*ExitResult, error) {
	return f.exec(opts)
}

func TestErrorsCrossTheWire(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := map[string]struct {
		give        error
		is          error
		text        string
		recoverable bool
	}{
		"plain":              {give: errors.New("boom"), text: "boom"},
		"sentinel":           {give: ErrTaskNotFound, is: ErrTaskNotFound, text: "task not found for given id"},
		"wrapped":            {give: fmt.Errorf("stop: %w", ErrTaskNotFound), is: ErrTaskNotFound, text: "stop: task not found for given id"},
		"much text":          {give: fmt.Errorf("%s: %w", long, ErrTaskNotFound), is: ErrTaskNotFound, text: long[:6<<10] + " ... (91837 bytes left out) ... " + long[len(long)-2<<10+29:] + ": task not found for given id"},
		"wrapped in front":   {give: fmt.Errorf("%w: really", ErrTaskNotFound), is: ErrTaskNotFound},
		"by its text":        {give: errors.New("x: task not found for given id"), is: ErrTaskNotFound},
		"recoverable":        {give: NewRecoverableError(errors.New("later"), true), text: "later", recoverable: true},
		"not recoverable":    {give: NewRecoverableError(errors.New("never"), false), text: "never"},
		"recoverable inside": {give: fmt.Errorf("pull: %w", NewRecoverableError(errors.New("x"), true)), text: "pull: x", recoverable: true},
		"deadline":           {give: context.DeadlineExceeded, is: context.DeadlineExceeded},
		"signals":            {give: ErrSignalsUnsupported, is: ErrSignalsUnsupported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := dialDriver(t, &fake{err: test.give}).StopTask(t.Context(), "id", 0, "")
			if err == nil {
				t.Fatal("the error was lost")
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if test.text != "" && err.Error() != test.text {
				t.Errorf("the text is %q, want %q", err, test.text)
			}
			if IsRecoverable(err) != test.recoverable {
				t.Errorf("%v is recoverable: %v", err, !test.recoverable)
			}
		})
	}
}

func TestRecoverableStatus(t *testing.T) {
	err := wireErrors.ToStatus(NewRecoverableError(errors.New("later"), true))
	st := status.Convert(err)
	if st.Code() != codes.FailedPrecondition || len(st.Details()) != 1 {
		t.Errorf("a recoverable error is %v with %v", st, st.Details())
	}
	url := st.Proto().GetDetails()[0].GetTypeUrl()
	if want := "type.googleapis.com/hashicorp.nomad.plugins.shared.structs.RecoverableError"; url != want {
		t.Errorf("its detail is %s, want %s", url, want)
	}
	if code := status.Code(wireErrors.ToStatus(errors.New("x"))); code != codes.Unknown {
		t.Errorf("a plain error has code %v", code)
	}
}

func TestSetConfigError(t *testing.T) {
	err := dialDriver(t, &fake{err: errors.New("no")}).SetConfig(t.Context(), &base.Config{})
	if err == nil || err.Error() != "SetConfig failed: no" {
		t.Errorf("the error is %v", err)
	}
}

func TestCancelledCall(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("reason")
	cancel(reason)
	if err := dialDriver(t, &fake{}).StopTask(ctx, "id", 0, ""); !errors.Is(err, reason) {
		t.Errorf("the cancelled call returned %v, want %v", err, reason)
	}
}

func TestExitError(t *testing.T) {
	client := dialDriver(t, &fake{exit: &ExitResult{ExitCode: 0, OOMKilled: true, Err: errors.New("lost it")}})
	exit, err := client.WaitTask(t.Context(), "id")
	if err != nil || exit.Err == nil || exit.Err.Error() != "lost it" || !exit.OOMKilled || exit.Successful() {
		t.Errorf("the exit is %+v, %v", exit, err)
	}
}

func TestStartTaskKeepsDriverConfig(t *testing.T) {
	config := &TaskConfig{ID: "a", DriverConfig: []byte{0x80}}
	for name, returned := range map[string]*TaskConfig{"none": nil, "without the raw part": {ID: "a"}} {
		t.Run(name, func(t *testing.T) {
			client := dialDriver(t, &fake{handle: &TaskHandle{Version: 1, Config: returned}})
			handle, _, err := client.StartTask(t.Context(), config)
			if err != nil || handle.Config.ID != "a" || string(handle.Config.DriverConfig) != "\x80" {
				t.Errorf("the handle is %+v, %v", handle, err)
			}
		})
	}
	if _, _, err := dialDriver(t, &fake{}).StartTask(t.Context(), config); err == nil {
		t.Error("a start without a handle was accepted")
	}
	if _, _, err := dialDriver(t, &fake{}).StartTask(t.Context(), &TaskConfig{}); err == nil {
		t.Error("a task without a driver config was sent")
	}
}

func TestRecoverTaskNeedsAHandle(t *testing.T) {
	client := dialDriver(t, &fake{})
	for _, handle := range []*TaskHandle{nil, {}} {
		if err := client.RecoverTask(t.Context(), handle); err == nil {
			t.Errorf("the handle %+v was sent", handle)
		}
		_, err := client.rpc.RecoverTask(t.Context(), &driverspb.RecoverTaskRequest{Handle: handleToProto(handle)})
		if err == nil {
			t.Errorf("the handle %+v was accepted", handle)
		}
	}
}

func TestTopologyCrossesTheWire(t *testing.T) {
	driver := &fake{}
	client := dialDriver(t, driver)
	err := client.SetConfig(t.Context(), &base.Config{Driver: &base.DriverHost{
		ClientMinPort: 1, ClientMaxPort: 2,
		Topology: &base.Topology{
			NodeIDs: []uint32{0, 1}, Distances: [][]uint32{{10, 20}, {20, 10}},
			Cores: []base.Core{
				{SocketID: 1, NodeID: 1, ID: 7, Efficiency: true, Disabled: true, BaseSpeed: 1, MaxSpeed: 2, GuessSpeed: 3},
			},
			OverrideTotal: 5, OverrideWithheld: 6,
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := driver.config.Driver.Topology
	if len(got.Distances) != 2 || got.Distances[1][0] != 20 || got.Cores[0].ID != 7 || !got.Cores[0].Efficiency ||
		got.OverrideWithheld != 6 || got.Cores[0].GuessSpeed != 3 {
		t.Errorf("the topology became %+v", got)
	}
	if err := client.SetConfig(t.Context(), &base.Config{}); err != nil || driver.config.Driver != nil {
		t.Errorf("a configuration without agent became %+v, %v", driver.config, err)
	}
}

func TestEventStream(t *testing.T) {
	events := make(chan *TaskEvent, 3)
	events <- &TaskEvent{Message: "one"}
	events <- &TaskEvent{Err: errors.New("broken")}
	stream, err := dialDriver(t, &fake{events: events}).TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if event := <-stream; event.Message != "one" {
		t.Errorf("the first event is %+v", event)
	}
	if event := <-stream; event.Err == nil || event.Err.Error() != "broken" {
		t.Errorf("the second event is %+v, want an error", event)
	}
	if _, more := <-stream; more {
		t.Error("the stream goes on after an error")
	}

	events = make(chan *TaskEvent)
	close(events)
	stream, err = dialDriver(t, &fake{events: events}).TaskEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if event, more := <-stream; more {
		t.Errorf("a stream that ended delivered %+v", event)
	}
}

func TestStatsUnsupported(t *testing.T) {
	stream, err := dialDriver(t, &fake{err: ErrStatsUnsupported}).TaskStats(t.Context(), "id", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if message := <-stream; !errors.Is(message.Err, ErrStatsUnsupported) {
		t.Errorf("the first message is %+v, want %v", message, ErrStatsUnsupported)
	}
}

func TestPluginGone(t *testing.T) {
	exited := make(chan struct{})
	client, server := dial(t, exited, func(server *grpc.Server) { Register(server, &fake{}) })
	server.Stop()
	close(exited)
	if err := client.StopTask(t.Context(), "id", 0, ""); !errors.Is(err, ErrPluginShutdown) {
		t.Errorf("a call to a plugin that is gone returned %v, want %v", err, ErrPluginShutdown)
	}
}

// TestOldPlugin talks to a plugin that knows none of the newer methods.
func TestOldPlugin(t *testing.T) {
	client, _ := dial(t, nil, func(server *grpc.Server) {
		driverspb.RegisterDriverServer(server, driverspb.UnimplementedDriverServer{})
	})
	ctx := t.Context()
	if err := client.Init(ctx); err != nil {
		t.Errorf("init: %v", err)
	}
	if err := client.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	if _, _, err := client.CreateNetwork(ctx, "a", nil); !errors.Is(err, ErrCreateNetworkUnsupported) {
		t.Errorf("create network: %v", err)
	}
	if err := client.DestroyNetwork(ctx, "a", nil); err != nil {
		t.Errorf("destroy network without a spec: %v", err)
	}
	if err := client.DestroyNetwork(ctx, "a", &NetworkIsolationSpec{}); !errors.Is(err, ErrDestroyNetworkUnsupported) {
		t.Errorf("destroy network: %v", err)
	}
	if _, err := client.ExecTaskStreaming(ctx, "a", &ExecOptions{}); !errors.Is(err, ErrExecStreamingUnsupported) {
		t.Errorf("exec streaming: %v", err)
	}
	if _, err := client.Capabilities(ctx); err == nil {
		t.Error("capabilities came from nowhere")
	}
}

// sparse is a plugin that leaves out whatever it can.
type sparse struct {
	driverspb.UnimplementedDriverServer
}

func (sparse) Capabilities(context.Context, *driverspb.CapabilitiesRequest) (*driverspb.CapabilitiesResponse, error) {
	return &driverspb.CapabilitiesResponse{}, nil
}

func (sparse) InspectTask(context.Context, *driverspb.InspectTaskRequest) (*driverspb.InspectTaskResponse, error) {
	return &driverspb.InspectTaskResponse{}, nil
}

func (sparse) WaitTask(context.Context, *driverspb.WaitTaskRequest) (*driverspb.WaitTaskResponse, error) {
	return &driverspb.WaitTaskResponse{}, nil
}

func (sparse) ExecTask(context.Context, *driverspb.ExecTaskRequest) (*driverspb.ExecTaskResponse, error) {
	return &driverspb.ExecTaskResponse{}, nil
}

func (sparse) TaskStats(_ *driverspb.TaskStatsRequest, s grpc.ServerStreamingServer[driverspb.TaskStatsResponse]) error {
	return s.Send(&driverspb.TaskStatsResponse{})
}

func (sparse) TaskConfigSchema(context.Context, *driverspb.TaskConfigSchemaRequest) (*driverspb.TaskConfigSchemaResponse, error) {
	return &driverspb.TaskConfigSchemaResponse{}, nil
}

func (sparse) StartTask(context.Context, *driverspb.StartTaskRequest) (*driverspb.StartTaskResponse, error) {
	return &driverspb.StartTaskResponse{Result: driverspb.StartTaskResponse_RETRY, DriverErrorMsg: "busy"}, nil
}

func TestSparsePlugin(t *testing.T) {
	client, _ := dial(t, nil, func(server *grpc.Server) { driverspb.RegisterDriverServer(server, sparse{}) })
	ctx := t.Context()
	if capabilities, err := client.Capabilities(ctx); err != nil || capabilities.FSIsolation != FSIsolationNone {
		t.Errorf("capabilities: %+v, %v", capabilities, err)
	}
	if task, err := client.InspectTask(ctx, "a"); err != nil || task.Exit == nil {
		t.Errorf("inspect: %+v, %v", task, err)
	}
	if exit, err := client.WaitTask(ctx, "a"); err != nil || !exit.Successful() {
		t.Errorf("wait: %+v, %v", exit, err)
	}
	if result, err := client.ExecTask(ctx, "a", nil, 0); err != nil || result.Exit == nil {
		t.Errorf("exec: %+v, %v", result, err)
	}
	if stream, err := client.TaskStats(ctx, "a", 0); err != nil {
		t.Errorf("statistics: %v", err)
	} else if sample := <-stream; sample.Err != nil || sample.Timestamp.IsZero() {
		t.Errorf("a sample without a time became %+v", sample)
	}
	if _, err := client.TaskConfigSchema(ctx); err == nil {
		t.Error("a driver without a schema for tasks was accepted")
	}
	_, _, err := client.StartTask(ctx, &TaskConfig{DriverConfig: []byte{0x80}})
	if !IsRecoverable(err) || !strings.Contains(err.Error(), "busy") {
		t.Errorf("start: %v", err)
	}
}

func TestExecStreaming(t *testing.T) {
	sizes := make(chan TerminalSize, 1)
	driver := &fake{exec: func(opts *ExecOptions) (*ExitResult, error) {
		size := opts.FirstSize(t.Context()) // it was there before the input, so it arrives before the input
		if _, err := fmt.Fprintf(opts.Stderr, "%v %v %dx%d", opts.Command, opts.TTY, size.Width, size.Height); err != nil {
			return nil, err
		}
		_, err := io.Copy(opts.Stdout, opts.Stdin)
		return &ExitResult{ExitCode: 7, Signal: 1}, err
	}}
	sizes <- TerminalSize{Height: 2, Width: 3}
	input := strings.Repeat("x", 3*execChunk+1)
	var stdout, stderr bytes.Buffer
	exit, err := dialDriver(t, driver).ExecTaskStreaming(t.Context(), "id", &ExecOptions{
		Command: []string{"a", "b"}, TTY: true, Resize: sizes,
		Stdin: strings.NewReader(input), Stdout: &stdout, Stderr: &stderr,
	})
	if err != nil {
		t.Fatal(err)
	}
	if exit.ExitCode != 7 || exit.Signal != 1 {
		t.Errorf("the exit is %+v", exit)
	}
	if stderr.String() != "[a b] true 3x2" || stdout.String() != input {
		t.Errorf("the output is %q and %d bytes", stderr.String(), stdout.Len())
	}
}

// TestExecStreamingIgnoresInput ends a command that never reads its input,
// while the caller's reader hangs.
func TestExecStreamingIgnoresInput(t *testing.T) {
	reader, writer := io.Pipe()
	defer writer.Close()
	driver := &fake{exec: func(*ExecOptions) (*ExitResult, error) { return &ExitResult{}, nil }}
	exit, err := dialDriver(t, driver).ExecTaskStreaming(t.Context(), "id", &ExecOptions{Stdin: reader})
	if err != nil || !exit.Successful() {
		t.Errorf("the exit is %+v, %v", exit, err)
	}
}

func TestExecStreamingNeedsSetup(t *testing.T) {
	client := dialDriver(t, &fake{})
	stream, err := client.rpc.ExecTaskStreaming(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&driverspb.ExecTaskStreamingRequest{}); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if status.Convert(err).Message() != "first message should always be setup" {
		t.Errorf("the error is %v", err)
	}
}

// TestExecStreamingWire checks the order of messages that other hosts expect.
func TestExecStreamingWire(t *testing.T) {
	driver := &fake{exec: func(opts *ExecOptions) (*ExitResult, error) {
		_, err := io.WriteString(opts.Stdout, "hi")
		return &ExitResult{ExitCode: 3}, err
	}}
	stream, err := dialDriver(t, driver).rpc.ExecTaskStreaming(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []*driverspb.ExecTaskStreamingRequest{
		{Setup: &driverspb.ExecTaskStreamingRequest_Setup{TaskId: "id"}},
		{}, // a heartbeat
		{Stdin: &driverspb.ExecTaskStreamingIOOperation{Close: true}},
	} {
		// The command may have ended before the last of them.
		if err := stream.Send(message); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	var got []string
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s%v %v%v %d", message.GetStdout().GetData(), message.GetStdout().GetClose(),
			message.GetStderr().GetClose(), message.GetExited(), message.GetResult().GetExitCode()))
	}
	want := []string{"hifalse falsefalse 0", "true falsefalse 0", "false truefalse 0", "false falsetrue 3"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the messages are\n%q, want\n%q", got, want)
	}
}

func TestUnsupported(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	events, err := NoEvents{}.TaskEvents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, more := <-events; more {
		t.Error("a driver without events sent one")
	}
}
