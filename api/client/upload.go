// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// openUpload starts a request whose body is what is sent.
func (c *Client) openUpload(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := c.request(ctx, op, req)
	if err != nil {
		cancel()
		return nil, err
	}
	from, to := io.Pipe()
	r.Body, r.ContentLength = from, -1
	s := &uploadStream{ctx: ctx, cancel: cancel, to: to, done: make(chan struct{})}
	go s.run(c, r, from)
	return s, nil
}

// uploadStream writes a request's body. run owns err until done is closed.
type uploadStream struct {
	ctx    context.Context
	cancel context.CancelFunc
	to     *io.PipeWriter
	done   chan struct{}
	err    error
}

// run sends the request and reads the answer, which may come before all is sent.
func (s *uploadStream) run(c *Client, r *http.Request, from *io.PipeReader) {
	defer close(s.done)
	defer s.cancel()
	s.err = c.answerOf(r)
	from.CloseWithError(errAnswered)
}

var errAnswered = errors.New("the agent has answered")

func (c *Client) answerOf(r *http.Request) error {
	res, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return &StatusError{Code: res.StatusCode, Body: strings.TrimSpace(string(body))}
	}
	if page := c.page(res.Header.Get("Content-Type")); page != nil {
		return page
	}
	return io.EOF
}

func (s *uploadStream) Context() context.Context { return s.ctx }

// Send sends a chunk's data.
func (s *uploadStream) Send(msg any) error {
	c, ok := msg.(*api.Chunk)
	if !ok {
		return fmt.Errorf("an upload takes chunks, not a %T", msg)
	}
	_, err := s.to.Write(c.Data)
	return err
}

// CloseSend says that all is sent.
func (s *uploadStream) CloseSend() error { return s.to.Close() }

// Recv waits for the answer: io.EOF when the upload was taken.
func (s *uploadStream) Recv(any) error {
	<-s.done
	return s.err
}
