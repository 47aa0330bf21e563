// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nomadlike/nomadlike/api"
)

const (
	// socketHeartbeat is how often a caller of an exec says that it is still there (http-api.md 6.3).
	socketHeartbeat = 10 * time.Second
	// socketWrite bounds the writing of one message.
	socketWrite = 10 * time.Second
	// socketHandshake bounds the upgrade of the connection.
	socketHandshake = 30 * time.Second
)

// openSocket starts an operation that speaks the exec protocol.
func (c *Client) openSocket(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	r, err := c.request(ctx, op, req)
	if err != nil {
		return nil, err
	}
	u := *r.URL
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	d := websocket.Dialer{
		NetDialContext: c.transport.DialContext, Proxy: c.transport.Proxy, TLSClientConfig: c.transport.TLSClientConfig,
		HandshakeTimeout: socketHandshake, ReadBufferSize: 32 << 10, WriteBufferSize: 32 << 10,
	}
	conn, res, err := d.DialContext(ctx, u.String(), r.Header)
	if res != nil && errors.Is(err, websocket.ErrBadHandshake) {
		defer res.Body.Close()
		body, readErr := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if readErr != nil {
			return nil, fmt.Errorf("read error answer: %w", readErr)
		}
		return nil, &StatusError{Code: res.StatusCode, Body: strings.TrimSpace(string(body))}
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", u.Redacted(), err)
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &socketStream{ctx: ctx, cancel: cancel, conn: conn}
	context.AfterFunc(ctx, func() { conn.Close() })
	go s.beat()
	return s, nil
}

// socketStream is the caller's end of an exec. Reads belong to the one who calls Recv; writes are guarded.
type socketStream struct {
	ctx    context.Context
	cancel context.CancelFunc
	conn   *websocket.Conn
	exited bool
	mu     struct {
		sync.Mutex // guards writes to conn
	}
}

// beat sends heartbeats until the stream ends.
func (s *socketStream) beat() {
	t := time.NewTicker(socketHeartbeat)
	defer t.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
			if s.Send(&api.ExecInput{}) != nil {
				return // Recv tells why
			}
		}
	}
}

func (s *socketStream) Context() context.Context { return s.ctx }

// CloseSend does nothing: the protocol ends input with a message of its own.
func (s *socketStream) CloseSend() error { return nil }

// Send sends an *api.ExecInput.
func (s *socketStream) Send(msg any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(socketWrite)); err != nil {
		return err
	}
	return s.conn.WriteJSON(msg)
}

// Recv fills an *api.ExecOutput; io.EOF comes after the one that says how the command ended, and the reason of
// the agent as a StatusError when there is none.
func (s *socketStream) Recv(msg any) error {
	err := s.recv(msg)
	if err != nil {
		s.cancel()
	}
	return err
}

func (s *socketStream) recv(msg any) error {
	if s.exited {
		return io.EOF
	}
	out, ok := msg.(*api.ExecOutput)
	if !ok {
		return fmt.Errorf("a message of an exec cannot be received into a %T", msg)
	}
	err := s.conn.ReadJSON(out)
	var closed *websocket.CloseError
	switch {
	case err == nil:
		s.exited = out.Exited
		return nil
	case s.ctx.Err() != nil:
		return s.ctx.Err()
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure && closed.Text != "":
		code := http.StatusInternalServerError
		if closed.Code == websocket.ClosePolicyViolation {
			code = http.StatusBadRequest
		}
		return &StatusError{Code: code, Body: closed.Text}
	}
	return fmt.Errorf("the connection ended before the command did: %w", err)
}
