// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/nomadlike/nomadlike/api"
)

// Open starts a streaming operation. Messages arrive as the declaration says; answers that are plain bytes
// arrive as frames that hold Data alone.
func (c *Client) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	if op.Wire == api.WireSocket {
		return c.openSocket(ctx, op, req)
	}
	if op.Wire == api.WireUpload {
		return c.openUpload(ctx, op, req)
	}
	ctx, cancel := context.WithCancel(ctx)
	res, err := c.do(ctx, op, req) //nolint:bodyclose // the stream does
	if err != nil {
		cancel()
		return nil, err
	}
	// A file of a task may be a web page, nothing else that an agent sends is.
	if page := c.page(res.Header.Get("Content-Type")); page != nil && op.Wire != api.WireFile {
		res.Body.Close()
		cancel()
		return nil, page
	}
	s := &bodyStream{ctx: ctx, cancel: cancel, res: res}
	switch op.Wire {
	case api.WireFile, api.WireDocument, api.WireDownload:
		s.plain = true
	default:
		p, ok := req.(interface{ IsPlain() bool })
		s.plain = ok && p.IsPlain()
	}
	if !s.plain {
		s.dec = json.NewDecoder(res.Body)
	}
	return s, nil
}

// bodyStream reads an answer's body.
type bodyStream struct {
	ctx    context.Context
	cancel context.CancelFunc
	res    *http.Response
	dec    *json.Decoder
	plain  bool
}

func (s *bodyStream) Context() context.Context { return s.ctx }

func (s *bodyStream) CloseSend() error { return nil }

func (s *bodyStream) Send(any) error { return errors.New("the stream takes no messages") }

func (s *bodyStream) Recv(msg any) error {
	err := s.recv(msg)
	if err != nil {
		s.cancel()
		s.res.Body.Close()
	}
	return err
}

func (s *bodyStream) recv(msg any) error {
	if s.dec != nil {
		return s.dec.Decode(msg)
	}
	buf := make([]byte, 32<<10)
	n, err := s.res.Body.Read(buf)
	if n == 0 {
		if err == nil {
			err = io.ErrNoProgress
		}
		return err
	}
	switch m := msg.(type) {
	case *api.StreamFrame:
		*m = api.StreamFrame{Data: buf[:n]}
	case *api.Chunk:
		*m = api.Chunk{ContentType: s.res.Header.Get("Content-Type"), Digest: s.res.Header.Get("Digest"), Data: buf[:n]}
	default:
		return fmt.Errorf("plain bytes cannot be received into a %T", msg)
	}
	return nil
}
