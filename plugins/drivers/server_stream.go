// SPDX-License-Identifier: MPL-2.0

package drivers

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/plugins/base"
	driverspb "github.com/nomadlike/nomadlike/plugins/drivers/proto"
)

func (s *server) Fingerprint(_ *driverspb.FingerprintRequest,
	stream grpc.ServerStreamingServer[driverspb.FingerprintResponse],
) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	source, err := s.driver.Fingerprint(ctx)
	if err != nil {
		return wireErrors.ToStatus(err)
	}
	return base.Forward(ctx, wireErrors, source, func(message *Fingerprint) error {
		return stream.Send(fingerprintToProto(message))
	})
}

func (s *server) TaskEvents(_ *driverspb.TaskEventsRequest,
	stream grpc.ServerStreamingServer[driverspb.DriverTaskEvent],
) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	source, err := s.driver.TaskEvents(ctx)
	if err != nil {
		return wireErrors.ToStatus(err)
	}
	return base.Forward(ctx, wireErrors, source, func(event *TaskEvent) error {
		if event.Err != nil {
			return event.Err
		}
		return stream.Send(eventToProto(event))
	})
}

func (s *server) TaskStats(req *driverspb.TaskStatsRequest,
	stream grpc.ServerStreamingServer[driverspb.TaskStatsResponse],
) error {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	taskID := req.GetTaskId()
	source, err := s.driver.TaskStats(ctx, taskID, req.GetCollectionInterval().AsDuration())
	if err != nil {
		return wireErrors.ToStatus(err)
	}
	return base.Forward(ctx, wireErrors, source, func(stats *TaskStats) error {
		if stats.Err != nil {
			return stats.Err
		}
		return stream.Send(&driverspb.TaskStatsResponse{Stats: statsToProto(taskID, stats)})
	})
}

// execStream is the server's end of a streaming exec: two writers whose sends
// must not interleave.
type execStream struct {
	rpc grpc.BidiStreamingServer[driverspb.ExecTaskStreamingRequest, driverspb.ExecTaskStreamingResponse]
	mu  sync.Mutex
}

func (s *execStream) send(message *driverspb.ExecTaskStreamingResponse) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rpc.Send(message)
}

// execChunk bounds one message of output.
const execChunk = 32 << 10

// execWriter sends output as messages made by wrap.
type execWriter struct {
	stream *execStream
	wrap   func(*driverspb.ExecTaskStreamingIOOperation) *driverspb.ExecTaskStreamingResponse
}

func (w *execWriter) Write(data []byte) (int, error) {
	written := 0
	for len(data) > 0 {
		chunk := data[:min(len(data), execChunk)]
		if err := w.stream.send(w.wrap(&driverspb.ExecTaskStreamingIOOperation{Data: chunk})); err != nil {
			return written, err
		}
		written += len(chunk)
		data = data[len(chunk):]
	}
	return written, nil
}

func wrapStdout(op *driverspb.ExecTaskStreamingIOOperation) *driverspb.ExecTaskStreamingResponse {
	return &driverspb.ExecTaskStreamingResponse{Stdout: op}
}

func wrapStderr(op *driverspb.ExecTaskStreamingIOOperation) *driverspb.ExecTaskStreamingResponse {
	return &driverspb.ExecTaskStreamingResponse{Stderr: op}
}

func (s *server) ExecTaskStreaming(
	rpc grpc.BidiStreamingServer[driverspb.ExecTaskStreamingRequest, driverspb.ExecTaskStreamingResponse],
) error {
	first, err := rpc.Recv()
	if err != nil {
		return err
	}
	setup := first.GetSetup()
	if setup == nil {
		return errors.New("first message should always be setup")
	}
	ctx, cancel := context.WithCancel(rpc.Context())
	defer cancel()

	stdin, stdinWriter := io.Pipe()
	defer stdin.Close() // ends a pending write of the input loop
	resize := make(chan TerminalSize, 1)
	go receiveExecInput(rpc, stdinWriter, resize)

	stream := &execStream{rpc: rpc}
	exit, err := s.driver.ExecTaskStreaming(ctx, setup.GetTaskId(), &ExecOptions{
		Command: setup.GetCommand(),
		TTY:     setup.GetTty(),
		Stdin:   stdin,
		Stdout:  &execWriter{stream: stream, wrap: wrapStdout},
		Stderr:  &execWriter{stream: stream, wrap: wrapStderr},
		Resize:  resize,
	})
	if err != nil {
		return wireErrors.ToStatus(err)
	}
	if exit != nil && exit.Err != nil {
		return wireErrors.ToStatus(exit.Err)
	}
	closed := &driverspb.ExecTaskStreamingIOOperation{Close: true}
	for _, last := range []*driverspb.ExecTaskStreamingResponse{
		wrapStdout(closed), wrapStderr(closed), {Exited: true, Result: exitToProto(exit)},
	} {
		if err := stream.send(last); err != nil {
			return err
		}
	}
	return nil
}

// receiveExecInput hands input and terminal sizes to a running command until
// the peer ends the stream. It owns the resize channel.
func receiveExecInput(
	rpc grpc.BidiStreamingServer[driverspb.ExecTaskStreamingRequest, driverspb.ExecTaskStreamingResponse],
	stdin *io.PipeWriter, resize chan TerminalSize,
) {
	defer close(resize)
	defer stdin.Close()
	for {
		message, err := rpc.Recv()
		if err != nil {
			return
		}
		if input := message.GetStdin(); input != nil {
			if data := input.GetData(); len(data) > 0 {
				// A command that no longer reads is not an error of the peer;
				// sizes still arrive.
				_, _ = stdin.Write(data)
			}
			if input.GetClose() {
				_ = stdin.Close()
			}
		}
		if size := message.GetTtySize(); size != nil {
			offerSize(resize, TerminalSize{Height: int(size.GetHeight()), Width: int(size.GetWidth())})
		}
	}
}

// offerSize leaves the newest size in a channel of capacity one, so that a
// command that does not care about sizes never holds up its input. There must
// be no other sender.
func offerSize(resize chan TerminalSize, size TerminalSize) {
	select {
	case resize <- size:
		return
	default:
	}
	select {
	case <-resize:
	default:
	}
	resize <- size
}
