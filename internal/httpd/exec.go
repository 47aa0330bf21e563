// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
)

// Close codes of the exec websocket: an error that would be a 4xx, and one that would be a 5xx.
const (
	closeClientError = websocket.ClosePolicyViolation
	closeServerError = websocket.CloseInternalServerErr
)

const (
	// maxExecMessage is the largest message taken from a peer, in bytes.
	maxExecMessage = 1 << 20
	// handshakeWait is how long the handshake message may take.
	handshakeWait = 10 * time.Second
	// execWriteWait is how long a peer may leave a message unread before the session ends: the command it runs would
	// wait for it.
	execWriteWait = time.Minute
	// execPing is how often a peer is pinged. What it sends is not read while the command does not read its input, so that
	// nothing else would tell that it is gone.
	execPing = 10 * time.Second
	// execCloseWait is how long a peer may take to answer the close frame. A connection closed while what the peer sent is
	// unread is reset, and the reset would overtake the last messages and the reason of the end.
	execCloseWait = 5 * time.Second
)

// upgrader does not look at the origin: allowedOrigin has.
var upgrader = websocket.Upgrader{ReadBufferSize: 2048, WriteBufferSize: 2048, CheckOrigin: func(*http.Request) bool { return true }}

// handshake is the first message of a caller that cannot set headers.
type handshake struct {
	Version   int    `json:"version"`
	AuthToken string `json:"auth_token"`
}

// serveExec speaks the exec protocol of http-api.md 6.3; errors are close frames.
func (h *Handler) serveExec(w http.ResponseWriter, r *http.Request, op *api.OpInfo, params map[string]string) {
	if !websocket.IsWebSocketUpgrade(r) {
		writeError(w, api.Errorf(api.ClassInternal, "websocket connection not found in context"))
		return
	}
	if !h.allowedOrigin(r) {
		writeError(w, api.Errorf(api.ClassDenied, "web pages of %s may not run commands here; a proxy in front must pass the host on (X-Forwarded-Host), or set http_api_response_headers { Access-Control-Allow-Origin = ... } to allow another origin", r.Header.Get("Origin")))
		return
	}
	req := op.NewRequest()
	bindErr := h.ops[op.Name].bind(w, r, req, params, h.cfg.MaxBody)
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer conn.Close()
	conn.SetReadLimit(maxExecMessage)
	if bindErr != nil {
		refuse(conn, bindErr)
		return
	}
	if r.URL.Query().Get("ws_handshake") == "true" {
		var hs handshake
		conn.SetReadDeadline(time.Now().Add(handshakeWait)) //nolint:errcheck // the read below fails too
		if err := conn.ReadJSON(&hs); err != nil || hs.Version != 1 {
			refuse(conn, api.Errorf(api.ClassInvalid, "unexpected handshake value: %d", hs.Version))
			return
		}
		conn.SetReadDeadline(time.Time{}) //nolint:errcheck // the next read fails too
		req.Options().AuthToken = hs.AuthToken
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	s, err := h.cfg.Caller.Open(ctx, op, req)
	if err != nil {
		refuse(conn, err)
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		cancel(readExecInput(conn, s))
	}()
	go func() {
		ping(ctx, conn)
		cancel(nil)
	}()
	for out := range receive[api.ExecOutput](ctx, s) {
		if out.err != nil {
			if api.IsClass(context.Cause(ctx), api.ClassInvalid) {
				break // what the caller sent ended it
			}
			closeWith(conn, out.err)
			<-gone
			return
		}
		conn.SetWriteDeadline(time.Now().Add(execWriteWait)) //nolint:errcheck // the write below fails too
		if err := conn.WriteJSON(&out.msg); err != nil {
			return
		}
	}
	if err := context.Cause(ctx); api.IsClass(err, api.ClassInvalid) {
		refuse(conn, err)
	}
}

// readExecInput passes the caller's messages on until the connection ends, without an error then, or one is no message
// of the protocol. What comes after the end of the stream goes nowhere: the side that receives learns of the end.
func readExecInput(conn *websocket.Conn, s api.Stream) error {
	open := true
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return nil //nolint:nilerr // that is the end of the connection
		}
		var in api.ExecInput
		if err := json.Unmarshal(data, &in); err != nil {
			return api.Errorf(api.ClassInvalid, "Failed to decode message: %v", err)
		}
		if in.Stdin == nil && in.TTYSize == nil {
			continue // a heartbeat
		}
		open = open && s.Send(&in) == nil
	}
}

// ping pings the peer until it is gone or the context ends.
func ping(ctx context.Context, conn *websocket.Conn) {
	for run.Sleep(ctx, execPing) == nil {
		if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(execWriteWait)) != nil {
			return
		}
	}
}

// refuse ends a session whose input is not read, or no more.
func refuse(conn *websocket.Conn, err error) {
	closeWith(conn, err)
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

// closeWith says why the session ends, and limits the time until the peer's answer ends the reading.
func closeWith(conn *websocket.Conn, err error) {
	code, msg := websocket.CloseNormalClosure, ""
	if !errors.Is(err, io.EOF) {
		e := api.AsError(err)
		code, msg = closeServerError, e.Message
		if c := e.HTTPCode(); c >= 400 && c < 500 {
			code = closeClientError
		}
	}
	if len(msg) > 120 { // a close reason holds 123 bytes
		msg = strings.ToValidUTF8(msg[:120], "")
	}
	conn.SetReadDeadline(time.Now().Add(execCloseWait))                                                             //nolint:errcheck // the read fails too
	conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, msg), time.Now().Add(time.Second)) //nolint:errcheck // best effort
}
