// SPDX-License-Identifier: MPL-2.0

// Package opset binds declared operations to the functions that serve them. The client agent and the
// server each fill a Set; the agent's dispatcher looks operations up in it. A Set is complete before it
// is served and never changes after that. This package imports nothing of the product but api.
package opset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nomadlike/nomadlike/api"
)

// Unary serves an operation: req is what OpInfo.NewRequest returns, the answer is the response value
// (not a pointer to it).
type Unary func(ctx context.Context, req api.Request) (any, error)

// Streaming serves a streaming operation until it returns; the stream is closed then.
type Streaming func(ctx context.Context, req api.Request, s api.Stream) error

// Set holds handlers by operation name.
type Set struct {
	unary   map[string]Unary
	streams map[string]Streaming
}

// New returns an empty set.
func New() *Set {
	return &Set{unary: map[string]Unary{}, streams: map[string]Streaming{}}
}

// Handle binds op to fn; it panics when op already has a handler.
func Handle[Req, Resp any](s *Set, op *api.Op[Req, Resp], fn func(context.Context, *Req) (Resp, error)) {
	name := op.Info().Name
	if s.unary[name] != nil {
		panic("opset: two handlers for " + name)
	}
	s.unary[name] = func(ctx context.Context, req api.Request) (any, error) {
		r, ok := any(req).(*Req)
		if !ok {
			return nil, fmt.Errorf("operation %s got a %T", name, req)
		}
		return fn(ctx, r)
	}
}

// HandleStream binds op to fn; it panics when op already has a handler.
func HandleStream[Req, In, Out any](s *Set, op *api.StreamOp[Req, In, Out], fn func(context.Context, *Req, api.Stream) error) {
	name := op.Info().Name
	if s.streams[name] != nil {
		panic("opset: two handlers for " + name)
	}
	s.streams[name] = func(ctx context.Context, req api.Request, st api.Stream) error {
		r, ok := any(req).(*Req)
		if !ok {
			return fmt.Errorf("operation %s got a %T", name, req)
		}
		return fn(ctx, r, st)
	}
}

// Unary returns the handler of the operation, nil when there is none.
func (s *Set) Unary(name string) Unary { return s.unary[name] }

// Streaming returns the handler of the streaming operation, nil when there is none.
func (s *Set) Streaming(name string) Streaming { return s.streams[name] }

// Names returns the names of all bound operations, in no order.
func (s *Set) Names() []string {
	var names []string
	for n := range s.unary {
		names = append(names, n)
	}
	for n := range s.streams {
		names = append(names, n)
	}
	return names
}

// errClosed is returned by Send once the other end of a Pipe is gone.
var errClosed = errors.New("stream closed")

// Pipe returns the two ends of an in-memory stream. Messages are handed over by pointer copy; the
// receiver passes a pointer of the type that was sent. finish ends the stream for the caller's Recv
// with err, io.EOF for nil, and the handler's context.
func Pipe(ctx context.Context) (caller, handler api.Stream, finish func(error)) {
	hctx, cancel := context.WithCancelCause(ctx)
	up, down := make(chan any), make(chan any)
	upEOF := make(chan struct{})
	done := make(chan struct{})
	var result error
	c := &pipeEnd{ctx: ctx, out: up, in: down, closeSend: upEOF, peerDone: done, result: &result}
	h := &pipeEnd{ctx: hctx, out: down, in: up, peerEOF: upEOF}
	return c, h, func(err error) {
		if err == nil {
			err = io.EOF
		}
		result = err
		close(done)
		cancel(err)
	}
}

type pipeEnd struct {
	ctx       context.Context
	out, in   chan any
	closeSend chan struct{}
	peerEOF   chan struct{}
	peerDone  chan struct{}
	result    *error
	closed    bool
}

func (p *pipeEnd) Context() context.Context { return p.ctx }

func (p *pipeEnd) Send(msg any) error {
	select {
	case p.out <- clone(msg):
		return nil
	case <-p.peerDone:
		return errClosed
	case <-p.ctx.Done():
		return errClosed
	}
}

func (p *pipeEnd) Recv(msg any) error {
	select {
	case m := <-p.in:
		return assign(msg, m)
	default:
	}
	select {
	case m := <-p.in:
		return assign(msg, m)
	case <-p.peerEOF:
		return io.EOF
	case <-p.peerDone:
		return *p.result
	case <-p.ctx.Done():
		if p.peerDone != nil {
			select {
			case <-p.peerDone:
				return *p.result
			default:
			}
		}
		return context.Cause(p.ctx)
	}
}

func (p *pipeEnd) CloseSend() error {
	if p.closeSend != nil && !p.closed {
		p.closed = true
		close(p.closeSend)
	}
	return nil
}
