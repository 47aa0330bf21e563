// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// compressAbove is the body size from which compression is worth it, in bytes.
const compressAbove = 512

func writeError(w http.ResponseWriter, err error) {
	e := api.AsError(err)
	if e.Message != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(e.HTTPCode())
	io.WriteString(w, e.Message) //nolint:errcheck // the reader is gone
}

func setReadHeaders(w http.ResponseWriter, m *api.Meta) {
	h := w.Header()
	h.Set("X-Nomad-Index", strconv.FormatUint(m.Index, 10))
	h.Set("X-Nomad-KnownLeader", strconv.FormatBool(m.KnownLeader))
	h.Set("X-Nomad-LastContact", strconv.FormatInt(m.LastContact.Milliseconds(), 10))
	if m.NextToken != "" {
		h.Set("X-Nomad-NextToken", m.NextToken)
	}
}

// setMetaHeaders sets the X-Nomad-* headers that the operation's answers have.
func setMetaHeaders(w http.ResponseWriter, op *api.OpInfo, m *api.Meta) {
	switch {
	case op.NoIndex:
	case op.Mode == api.ModeRead:
		setReadHeaders(w, m)
	case m.HasIndex:
		w.Header().Set("X-Nomad-Index", strconv.FormatUint(m.Index, 10))
	}
}

func writeResponse(w http.ResponseWriter, r *http.Request, op *api.OpInfo, m *api.Meta, resp any) {
	setMetaHeaders(w, op, m)
	v := reflect.ValueOf(resp).Elem()
	bare, _ := reflect.TypeAssert[interface{ NoBody() bool }](v)
	if v.Type() == reflect.TypeFor[api.Empty]() || bare != nil && bare.NoBody() {
		if op.Status != 0 {
			w.WriteHeader(op.Status)
		}
		return
	}
	buf := bufPool.Get().(*[]byte)
	defer bufPool.Put(buf)
	body, err := typeinfo.AppendJSON((*buf)[:0], v.Interface(), typeinfo.Response)
	pretty := err == nil && isPretty(r.URL.Query())
	if pretty {
		body, err = typeinfo.Indent(body)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	if !pretty && cap(body) <= 4<<20 {
		*buf = body
	}
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, r, statusOf(op, resp), body)
}

// statusOf returns the HTTP status of a success; an unhealthy agent answers 500 with its report.
func statusOf(op *api.OpInfo, resp any) int {
	// resp points at the response, which is itself a pointer for most operations.
	if h, ok := reflect.TypeAssert[interface{ HTTPStatus() int }](reflect.ValueOf(resp).Elem()); ok {
		return h.HTTPStatus()
	}
	if op.Status != 0 {
		return op.Status
	}
	return http.StatusOK
}

func isPretty(q url.Values) bool {
	v, ok := q["pretty"]
	return ok && v[0] != "0"
}

// keptPacked is the largest buffer of compressed answers that is kept for the next one.
const keptPacked = 1 << 20

var (
	bufPool    = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}
	packedPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	gzipPool   = sync.Pool{New: func() any {
		// The fastest level: most readers are on the same network, and an agent has better uses for its processors.
		gz, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return gz
	}}
)

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		weight, weighed := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
		q, err := strconv.ParseFloat(weight, 64)
		return !weighed || err != nil || q > 0
	}
	return false
}

func writeBody(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if len(body) < compressAbove || !acceptsGzip(r) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		w.Write(body) //nolint:errcheck // the reader is gone
		return
	}
	packed := packedPool.Get().(*bytes.Buffer)
	packed.Reset()
	gz := gzipPool.Get().(*gzip.Writer)
	gz.Reset(packed)
	gz.Write(body) //nolint:errcheck // buffers take everything
	gz.Close()     //nolint:errcheck // see above
	gzipPool.Put(gz)
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", strconv.Itoa(packed.Len()))
	w.WriteHeader(status)
	w.Write(packed.Bytes()) //nolint:errcheck // the reader is gone
	if packed.Cap() <= keptPacked {
		packedPool.Put(packed)
	}
}
