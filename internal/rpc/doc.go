// SPDX-License-Identifier: MPL-2.0

// Package rpc carries operations between agents over gRPC: server to server, client to server, and server
// to client over a connection that the client opened. One listener serves everything; the first byte of a
// connection tells raft and node connections from gRPC, whose own preface starts with 'P'.
//
// Methods come from the operation table: the method of Job.Get is /nomadlike.Ops/Job.Get, every call is a
// gRPC stream whose first message is the request. Messages are internal/codec bytes.
//
// The package imports api and internal/codec and nothing else of the product.
package rpc

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// byteRaft starts a raft connection.
	byteRaft = 0x01
	// byteNode starts a connection on which the dialling client serves its own operations.
	byteNode = 0x02

	methodPrefix = "/nomadlike.Ops/"

	// maxMessage is the largest message either side accepts, in bytes.
	maxMessage = 256 << 20
)

// message is one gRPC message, already encoded.
type message struct{ data []byte }

// bytesCodec passes messages through as they are.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "nomadlike" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*message)
	if !ok {
		return nil, fmt.Errorf("rpc: cannot send a %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(m.data)}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*message)
	if !ok {
		return fmt.Errorf("rpc: cannot receive into a %T", v)
	}
	m.data = data.Materialize()
	return nil
}

// reply is what the serving side sends: one for a unary operation; for a stream an empty one when it is open, one a
// message and a last one with End.
type reply struct {
	Body []byte
	Meta *api.Meta
	Err  *api.Error
	End  bool
}

func operationOf(fullMethod string) string { return strings.TrimPrefix(fullMethod, methodPrefix) }

var streamDesc = grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// lostError turns the failure of a call that was sent into a classed error: unless the other side refused it, nobody
// knows whether it was carried out, which makes no difference to one that may be sent once more.
func lostError(addr string, op *api.OpInfo, req api.Request, err error) error {
	if err = transportError(addr, err); errors.Is(err, io.EOF) {
		err = api.Errorf(api.ClassUnavailable, "agent at %s closed the call without an answer", addr)
	}
	if api.IsClass(err, api.ClassUnavailable) && !op.Repeatable(req) {
		return api.Errorf(api.ClassUnknown, "%s; the request may or may not have been carried out", err)
	}
	return err
}

// transportError turns a gRPC failure into a classed error; nil and io.EOF pass.
func transportError(addr string, err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded:
		return api.Errorf(api.ClassTimeout, "request to %s ended: %s", addr, st.Message())
	case codes.ResourceExhausted:
		return api.Errorf(api.ClassTooMany, "request to %s refused: %s", addr, st.Message())
	case codes.Unimplemented:
		return api.Errorf(api.ClassUnsupported, "%s does not know the operation: %s", addr, st.Message())
	}
	return api.Errorf(api.ClassUnavailable, "agent at %s is not reachable: %s", addr, st.Message())
}
