// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/nomadlike/nomadlike/plugins/base"
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
)

// Fingerprint implements Driver.
func (c *Client) Fingerprint(ctx context.Context) (<-chan *Fingerprint, error) {
	stream, err := c.rpc.Fingerprint(ctx, &driverspb.FingerprintRequest{})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return base.Receive(ctx, stream, fingerprintFromProto, func(err error) *Fingerprint {
		return &Fingerprint{Health: HealthUndetected, Err: c.fail(ctx, err)}
	}), nil
}

// TaskEvents implements Driver.
func (c *Client) TaskEvents(ctx context.Context) (<-chan *TaskEvent, error) {
	stream, err := c.rpc.TaskEvents(ctx, &driverspb.TaskEventsRequest{})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	return base.Receive(ctx, stream, eventFromProto, func(err error) *TaskEvent {
		return &TaskEvent{Err: c.fail(ctx, err)}
	}), nil
}

// TaskStats implements Driver.
func (c *Client) TaskStats(ctx context.Context, taskID string, interval time.Duration) (<-chan *TaskStats, error) {
	stream, err := c.rpc.TaskStats(ctx, &driverspb.TaskStatsRequest{
		TaskId: taskID, CollectionInterval: durationpb.New(interval),
	})
	if err != nil {
		return nil, c.fail(ctx, err)
	}
	convert := func(resp *driverspb.TaskStatsResponse) *TaskStats {
		sample := statsFromProto(resp.GetStats())
		if sample.Timestamp.IsZero() {
			sample.Timestamp = time.Now() // readers have no other time to go by
		}
		return sample
	}
	return base.Receive(ctx, stream, convert, func(err error) *TaskStats {
		return &TaskStats{Err: c.fail(ctx, err)}
	}), nil
}

// ExecTaskStreaming implements Driver.
func (c *Client) ExecTaskStreaming(ctx context.Context, taskID string, opts *ExecOptions) (*ExitResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	stream, err := c.rpc.ExecTaskStreaming(ctx)
	if err == nil {
		err = stream.Send(&driverspb.ExecTaskStreamingRequest{Setup: &driverspb.ExecTaskStreamingRequest_Setup{
			TaskId: taskID, Command: opts.Command, Tty: opts.TTY,
		}})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, c.execFailed(ctx, err)
	}
	go sendExecInput(ctx, stream, opts)

	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the driver ended the command without a result")
		}
		if err != nil {
			return nil, c.execFailed(ctx, err)
		}
		if err := writeExec(opts.Stdout, message.GetStdout()); err != nil {
			return nil, err
		}
		if err := writeExec(opts.Stderr, message.GetStderr()); err != nil {
			return nil, err
		}
		if message.GetExited() {
			return exitFromProto(message.GetResult()), nil
		}
	}
}

func (c *Client) execFailed(ctx context.Context, err error) error {
	if base.Unimplemented(err) {
		return ErrExecStreamingUnsupported
	}
	return c.fail(ctx, err)
}

func writeExec(to io.Writer, op *driverspb.ExecTaskStreamingIOOperation) error {
	if to == nil || len(op.GetData()) == 0 {
		return nil
	}
	_, err := to.Write(op.GetData())
	return err
}

// sendExecInput is the only sender of a streaming exec: input and sizes, until
// the context ends.
func sendExecInput(ctx context.Context,
	stream grpc.BidiStreamingClient[driverspb.ExecTaskStreamingRequest, driverspb.ExecTaskStreamingResponse],
	opts *ExecOptions,
) {
	input := make(chan []byte)
	go readExecInput(ctx, opts.Stdin, input)
	resize := opts.Resize
	for input != nil || resize != nil {
		select {
		case <-ctx.Done():
			return
		case size, ok := <-resize:
			if !ok {
				resize = nil
			} else if stream.Send(sizeMessage(size)) != nil {
				return // the receiving side learns why
			}
		case data, ok := <-input:
			select { // a size that came before the input goes before it
			case size, ok := <-resize:
				if !ok {
					resize = nil
				} else if stream.Send(sizeMessage(size)) != nil {
					return
				}
			default:
			}
			if !ok {
				input = nil
			}
			if stream.Send(&driverspb.ExecTaskStreamingRequest{Stdin: &driverspb.ExecTaskStreamingIOOperation{Data: data, Close: !ok}}) != nil {
				return
			}
		}
	}
}

func sizeMessage(size TerminalSize) *driverspb.ExecTaskStreamingRequest {
	return &driverspb.ExecTaskStreamingRequest{TtySize: &driverspb.ExecTaskStreamingRequest_TerminalSize{
		Height: int32(size.Height), Width: int32(size.Width),
	}}
}

// readExecInput reads until the input ends and then closes the channel.
func readExecInput(ctx context.Context, from io.Reader, input chan<- []byte) {
	defer close(input)
	if from == nil {
		return
	}
	for {
		buffer := make([]byte, 4<<10)
		n, err := from.Read(buffer)
		if n > 0 {
			select {
			case input <- buffer[:n]:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}
