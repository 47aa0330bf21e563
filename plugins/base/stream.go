// SPDX-License-Identifier: MPL-2.0

package base

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
)

// Forward sends what a plugin's channel delivers until the channel closes or
// delivers nil, the peer goes away, or send fails. It is the server's side of
// a stream; the result is what the gRPC method returns.
func Forward[T any](ctx context.Context, known WireErrors, source <-chan *T, send func(*T) error) error {
	for {
		select {
		case <-ctx.Done():
			return known.ToStatus(ctx.Err())
		case message, ok := <-source:
			if !ok || message == nil {
				return nil
			}
			if err := send(message); err != nil {
				return known.ToStatus(err)
			}
		}
	}
}

// Receive turns a gRPC stream into a channel. A stream that fails delivers
// failed(err) as its last message; one that ends, or whose context ends, just
// closes. It is the client's side of a stream.
func Receive[W, T any](ctx context.Context, stream grpc.ServerStreamingClient[W],
	convert func(*W) *T, failed func(error) *T,
) <-chan *T {
	out := make(chan *T)
	go func() {
		defer close(out)
		for {
			var message *T
			wire, err := stream.Recv()
			switch {
			case errors.Is(err, io.EOF), err != nil && ctx.Err() != nil:
				return
			case err != nil:
				message = failed(err)
			default:
				message = convert(wire)
			}
			select {
			case out <- message:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return out
}
