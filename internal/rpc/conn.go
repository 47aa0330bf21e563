// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec"
)

// connCaller runs operations over one gRPC connection.
type connCaller struct {
	addr string
	cc   *grpc.ClientConn
}

func (c *connCaller) start(ctx context.Context, op *api.OpInfo, req api.Request) (grpc.ClientStream, error) {
	data, err := codec.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode request of %s: %w", op.Name, err)
	}
	s, err := c.cc.NewStream(ctx, &streamDesc, methodPrefix+op.Name)
	if err != nil {
		return nil, transportError(c.addr, err)
	}
	if err := s.SendMsg(&message{data}); err != nil && !errors.Is(err, io.EOF) {
		return nil, lostError(c.addr, op, req, err)
	}
	return s, nil
}

// Call runs a unary operation.
func (c *connCaller) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := c.start(ctx, op, req)
	if err != nil {
		return nil, err
	}
	if err := s.CloseSend(); err != nil {
		return nil, lostError(c.addr, op, req, err)
	}
	r, err := recvReply(s)
	if err != nil {
		return nil, lostError(c.addr, op, req, err)
	}
	if r.Err != nil {
		return r.Meta, r.Err
	}
	if err := codec.Unmarshal(r.Body, resp); err != nil {
		return r.Meta, fmt.Errorf("decode answer of %s: %w", op.Name, err)
	}
	return r.Meta, nil
}

// Open starts a streaming operation and waits until the other side has opened it or refused: a caller that can ask
// another agent learns it here.
func (c *connCaller) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	s, err := c.start(ctx, op, req)
	if err != nil {
		cancel()
		return nil, err
	}
	r, err := recvReply(s)
	if err != nil {
		err = lostError(c.addr, op, req, err)
	} else if r.Err != nil {
		err = r.Err
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &clientStream{addr: c.addr, s: s, cancel: cancel}, nil
}

// recvReply takes the next message; the failures of the transport have no class yet.
func recvReply(s grpc.ClientStream) (*reply, error) {
	var m message
	if err := s.RecvMsg(&m); err != nil {
		return nil, err
	}
	var r reply
	if err := codec.Unmarshal(m.data, &r); err != nil {
		return nil, fmt.Errorf("decode answer: %w", err)
	}
	return &r, nil
}

// clientStream is the calling end of a streaming operation.
type clientStream struct {
	addr   string
	s      grpc.ClientStream
	cancel context.CancelFunc
}

func (c *clientStream) Context() context.Context { return c.s.Context() }

func (c *clientStream) CloseSend() error { return c.s.CloseSend() }

func (c *clientStream) Send(msg any) error {
	data, err := codec.Marshal(msg)
	if err != nil {
		return fmt.Errorf("encode stream message: %w", err)
	}
	return transportError(c.addr, c.s.SendMsg(&message{data}))
}

func (c *clientStream) Recv(msg any) error {
	r, err := recvReply(c.s)
	if err != nil {
		c.cancel()
		return transportError(c.addr, err)
	}
	if r.End {
		c.cancel()
		if r.Err != nil {
			return r.Err
		}
		return io.EOF
	}
	if err := codec.Unmarshal(r.Body, msg); err != nil {
		return fmt.Errorf("decode stream message: %w", err)
	}
	return nil
}
