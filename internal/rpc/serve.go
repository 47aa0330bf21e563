// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec"
)

// maxCalls is how many calls one connection may have at a time, long polls and streams among them; further ones wait.
// Servers pass the requests of their own callers on over one connection, so that it is far above what these have.
const maxCalls = 1 << 16

// newGRPC returns a gRPC server that runs every operation of the table through c.
func newGRPC(c api.Caller) *grpc.Server {
	return grpc.NewServer(
		grpc.ForceServerCodecV2(bytesCodec{}),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.WaitForHandlers(false), grpc.MaxConcurrentStreams(maxCalls),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.UnknownServiceHandler(func(_ any, s grpc.ServerStream) error { return serveCall(c, s) }),
	)
}

func serveCall(c api.Caller, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	op := api.Lookup(operationOf(method))
	if op == nil {
		return status.Errorf(codes.Unimplemented, "no operation %s", method)
	}
	var m message
	if err := s.RecvMsg(&m); err != nil {
		return err
	}
	req := op.NewRequest()
	if err := codec.Unmarshal(m.data, req); err != nil {
		return status.Errorf(codes.InvalidArgument, "decode request of %s: %v", op.Name, err)
	}
	if op.Stream {
		return serveStream(c, op, req, s)
	}
	resp := op.NewResponse()
	meta, err := c.Call(s.Context(), op, req, resp)
	r := reply{Meta: meta, End: true}
	if err != nil {
		r.Err = api.AsError(err)
	} else if r.Body, err = codec.Marshal(resp); err != nil {
		return status.Errorf(codes.Internal, "encode answer of %s: %v", op.Name, err)
	}
	return sendReply(s, &r)
}

func sendReply(s grpc.ServerStream, r *reply) error {
	data, err := codec.Marshal(r)
	if err != nil {
		return status.Errorf(codes.Internal, "encode answer: %v", err)
	}
	return s.SendMsg(&message{data})
}

// serveStream joins the caller's gRPC stream with the operation's stream.
func serveStream(c api.Caller, op *api.OpInfo, req api.Request, s grpc.ServerStream) error {
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	st, err := c.Open(ctx, op, req)
	if err != nil {
		return sendReply(s, &reply{Err: api.AsError(err), End: true})
	}
	if err := sendReply(s, &reply{}); err != nil { // it is open
		return err
	}
	go func() {
		if err := pumpIn(op, s, st); err != nil {
			cancel()
		}
	}()
	for {
		out := op.NewOut()
		err := st.Recv(out)
		switch {
		case errors.Is(err, io.EOF):
			return sendReply(s, &reply{End: true})
		case err != nil:
			return sendReply(s, &reply{Err: api.AsError(err), End: true})
		}
		body, err := codec.Marshal(out)
		if err != nil {
			return status.Errorf(codes.Internal, "encode stream message of %s: %v", op.Name, err)
		}
		if err := sendReply(s, &reply{Body: body}); err != nil {
			return err
		}
	}
}

// pumpIn passes the caller's messages on; it returns nil when the caller has sent its last.
func pumpIn(op *api.OpInfo, s grpc.ServerStream, st api.Stream) error {
	for {
		var m message
		if err := s.RecvMsg(&m); err != nil {
			if errors.Is(err, io.EOF) {
				return st.CloseSend()
			}
			return err
		}
		in := op.NewIn()
		if err := codec.Unmarshal(m.data, in); err != nil {
			return fmt.Errorf("decode stream message of %s: %w", op.Name, err)
		}
		if err := st.Send(in); err != nil {
			return err
		}
	}
}

// SetResponse stores v, a response value, in resp, a pointer as OpInfo.NewResponse returns it.
func SetResponse(resp, v any) error {
	dst := reflect.ValueOf(resp).Elem()
	if v == nil {
		dst.SetZero()
		return nil
	}
	src := reflect.ValueOf(v)
	if src.Type() != dst.Type() {
		return fmt.Errorf("response is a %s, not a %s", src.Type(), dst.Type())
	}
	dst.Set(src)
	return nil
}
