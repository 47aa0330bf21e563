// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

const (
	// frameHeartbeat is how long a frame stream stays silent before an empty frame (http-api.md 6.1).
	frameHeartbeat = time.Second
	// eventHeartbeat is the same for the event stream (http-api.md 19).
	eventHeartbeat = 30 * time.Second
	// eventWriteTimeout is how long a reader of events may take nothing.
	eventWriteTimeout = 10 * time.Second
)

// received is one message of a stream, or its end.
type received[T any] struct {
	msg T
	err error
}

// receive reads the stream in a goroutine that ends with the stream or with ctx, the HTTP request's context,
// which ends when its handler returns.
func receive[T any](ctx context.Context, s api.Stream) <-chan received[T] {
	ch := make(chan received[T])
	go func() {
		defer close(ch)
		for {
			var r received[T]
			r.err = s.Recv(&r.msg)
			select {
			case ch <- r:
			case <-ctx.Done():
				return
			}
			if r.err != nil {
				return
			}
		}
	}()
	return ch
}

func (h *Handler) serveStream(w http.ResponseWriter, r *http.Request, op *api.OpInfo, params map[string]string) {
	if op.Wire == api.WireSocket {
		h.serveExec(w, r, op, params)
		return
	}
	req := op.NewRequest()
	fail := writeError
	if op.Wire == api.WireFile {
		fail = writeFileError
	}
	if err := h.ops[op.Name].bind(w, r, req, params, h.cfg.MaxBody); err != nil {
		fail(w, err)
		return
	}
	s, err := h.cfg.Caller.Open(r.Context(), op, req)
	if err != nil {
		fail(w, err)
		return
	}
	switch op.Wire {
	case api.WireEvents:
		serveEvents(w, r, s)
	case api.WireFile:
		serveFile(w, r, s)
	case api.WireDocument:
		serveDocument(w, r, s)
	case api.WireDownload:
		serveDownload(w, r, s)
	case api.WireUpload:
		serveUpload(w, r, s)
	default:
		if p, ok := req.(interface{ IsPlain() bool }); ok && p.IsPlain() {
			servePlain(w, r, s)
			return
		}
		if op.JSONFrames {
			w.Header().Set("Content-Type", "application/json")
		}
		serveFrames(w, r, s)
	}
}

// writeFileError answers an error of a file read: the contract says 200 before it looks, so most errors are bodies
// of a 200.
func writeFileError(w http.ResponseWriter, err error) {
	e := api.AsError(err)
	if e.Class == api.ClassDenied || e.Class == api.ClassUnavailable {
		writeError(w, e)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, e.Message) //nolint:errcheck // the reader is gone
}

// serveFrames writes frames as they come, and an empty one after each second of silence. An error before
// the first frame is a plain error answer.
func serveFrames(w http.ResponseWriter, r *http.Request, s api.Stream) {
	neverRun(w)
	flush := flusher(w)
	timer := time.NewTimer(frameHeartbeat)
	defer timer.Stop()
	started := false
	buf := make([]byte, 0, 4096)
	frames := receive[api.StreamFrame](r.Context(), s)
	for {
		select {
		case f, ok := <-frames:
			if !ok {
				return
			}
			if f.err != nil {
				if !started && !errors.Is(f.err, io.EOF) {
					writeError(w, f.err)
					return
				}
				end(f.err)
				return
			}
			var err error
			if buf, err = typeinfo.AppendJSON(buf[:0], &f.msg, typeinfo.Response); err != nil {
				return
			}
			if _, err := w.Write(buf); err != nil {
				return
			}
		case <-timer.C:
			if _, err := io.WriteString(w, "{}"); err != nil {
				return
			}
		}
		started = true
		flush()
		timer.Reset(frameHeartbeat)
	}
}

// neverRun keeps browsers from running what a task wrote as a page, whatever it looks like and whoever links to it.
func neverRun(w http.ResponseWriter) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
}

// servePlain writes the frames' bytes only.
func servePlain(w http.ResponseWriter, r *http.Request, s api.Stream) {
	neverRun(w)
	flush := flusher(w)
	started := false
	for f := range receive[api.StreamFrame](r.Context(), s) {
		if f.err != nil {
			if !started {
				if !errors.Is(f.err, io.EOF) {
					writeError(w, f.err)
					return
				}
				w.Header().Set("Content-Type", "text/plain")
			}
			end(f.err)
			return
		}
		if !started {
			started = true
			w.Header().Set("Content-Type", "text/plain")
		}
		if _, err := w.Write(f.msg.Data); err != nil {
			return
		}
		flush()
	}
}

// serveFile writes a file's bytes; its errors are bodies too.
func serveFile(w http.ResponseWriter, r *http.Request, s api.Stream) {
	neverRun(w)
	started := false
	for f := range receive[api.StreamFrame](r.Context(), s) {
		if f.err != nil {
			if !started && !errors.Is(f.err, io.EOF) {
				writeFileError(w, f.err)
				return
			}
			end(f.err)
			return
		}
		if !started {
			if ct := http.DetectContentType(f.msg.Data); ct == "text/html; charset=utf-8" || ct == "text/xml; charset=utf-8" {
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			}
		}
		started = true
		if _, err := w.Write(f.msg.Data); err != nil {
			return
		}
	}
}

// serveDocument writes the chunks of a document with its length.
func serveDocument(w http.ResponseWriter, r *http.Request, s api.Stream) {
	var body []byte
	ct := "application/json"
	for c := range receive[api.Chunk](r.Context(), s) {
		if errors.Is(c.err, io.EOF) {
			break
		}
		if c.err != nil {
			writeError(w, c.err)
			return
		}
		if c.msg.ContentType != "" {
			ct = c.msg.ContentType
		}
		body = append(body, c.msg.Data...)
	}
	if ct == "application/json" && isPretty(r.URL.Query()) {
		var err error
		if body, err = typeinfo.Indent(body); err != nil {
			writeError(w, err)
			return
		}
	}
	w.Header().Set("Content-Type", ct)
	writeBody(w, r, http.StatusOK, body)
}

// end ends an answer that may have begun. Compat: an error cuts the connection off, so that nobody takes a part for the
// whole; the contract's answers just end.
func end(err error) {
	if !errors.Is(err, io.EOF) {
		panic(http.ErrAbortHandler)
	}
}

// serveDownload writes chunks as they come.
func serveDownload(w http.ResponseWriter, r *http.Request, s api.Stream) {
	flush := flusher(w)
	started := false
	for c := range receive[api.Chunk](r.Context(), s) {
		switch {
		case c.err != nil && !started && !errors.Is(c.err, io.EOF):
			writeError(w, c.err)
			return
		case c.err != nil:
			end(c.err)
			return
		}
		if !started {
			started = true
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if c.msg.ContentType != "" {
				w.Header().Set("Content-Type", c.msg.ContentType)
			}
			if c.msg.Digest != "" {
				w.Header().Set("Digest", c.msg.Digest)
			}
		}
		if _, err := w.Write(c.msg.Data); err != nil {
			return
		}
		flush()
	}
}

// uploadChunk is how much of a body is passed on at a time, in bytes.
const uploadChunk = 256 << 10

// serveUpload passes the request's body on and answers when the operation has ended.
func serveUpload(w http.ResponseWriter, r *http.Request, s api.Stream) {
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		buf := make([]byte, uploadChunk)
		for {
			n, err := io.ReadFull(r.Body, buf)
			if n > 0 && s.Send(&api.Chunk{Data: bytes.Clone(buf[:n])}) != nil {
				return
			}
			if err != nil {
				s.CloseSend() //nolint:errcheck // the operation notices the end
				return
			}
		}
	}()
	var none api.Empty
	err := s.Recv(&none)
	if err != nil && !errors.Is(err, io.EOF) {
		writeError(w, err)
	}
	r.Body.Close()
	<-sent
}

// serveEvents writes one batch a line over a connection that closes at the end (http-api.md 19).
func serveEvents(w http.ResponseWriter, r *http.Request, s api.Stream) {
	batches := receive[api.EventBatch](r.Context(), s)
	// The first batch is an empty one that the server sends at once, unless the request is refused.
	first, ok := <-batches
	if !ok || first.err != nil {
		if first.err != nil && !errors.Is(first.err, io.EOF) {
			writeError(w, first.err)
		}
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-cache")
	h.Set("Connection", "close")
	h.Set("Transfer-Encoding", "identity")
	timer := time.NewTimer(eventHeartbeat)
	defer timer.Stop()
	rc := http.NewResponseController(w)
	write := func(b *api.EventBatch) error {
		lines, err := linesOf(b)
		if err != nil {
			return err
		}
		// A reader that takes nothing for that long is gone. Writers without deadlines are tests'.
		rc.SetWriteDeadline(time.Now().Add(eventWriteTimeout)) //nolint:errcheck // see above
		if _, err := w.Write(lines); err != nil {
			return err
		}
		timer.Reset(eventHeartbeat)
		return rc.Flush()
	}
	if write(&first.msg) != nil {
		return
	}
	for {
		select {
		case b, ok := <-batches:
			if ok && b.err != nil && !errors.Is(b.err, io.EOF) && r.Context().Err() == nil {
				write(&api.EventBatch{Lines: lastLine(b.err)}) //nolint:errcheck // it is the end in any case
			}
			if !ok || b.err != nil || write(&b.msg) != nil {
				return
			}
		case <-timer.C:
			if write(&api.EventBatch{}) != nil {
				return
			}
		}
	}
}

// lastLine tells a reader why its stream ends. Compat: the contract's streams just end; clients take the line for a
// heartbeat.
func lastLine(err error) []byte {
	text, jsonErr := json.Marshal(map[string]string{"Error": api.AsError(err).Message})
	if jsonErr != nil {
		return []byte("{}\n")
	}
	return append(text, '\n')
}

// linesOf returns a batch as lines: those that the server made, or one of its own, {} for an empty batch.
func linesOf(b *api.EventBatch) ([]byte, error) {
	switch {
	case b.Lines != nil:
		return b.Lines, nil
	case len(b.Events) == 0:
		return []byte("{}\n"), nil
	}
	line, err := typeinfo.AppendJSON(nil, b, typeinfo.Response)
	return append(line, '\n'), err
}

func flusher(w http.ResponseWriter) func() {
	rc := http.NewResponseController(w)
	return func() { rc.Flush() } //nolint:errcheck // a writer that cannot flush needs none
}
