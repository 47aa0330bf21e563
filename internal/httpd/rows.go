// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"io"
	"net/http"
	"reflect"

	"github.com/klauspost/compress/gzip"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// flushRowsAt is how many bytes of a list are gathered before they are sent. Shorter lists are answered as a whole.
const flushRowsAt = 64 << 10

// listAnswer says that the operation answers with a list of objects.
func listAnswer(op *api.OpInfo) bool {
	t := reflect.TypeOf(op.NewResponse()).Elem()
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Pointer
}

// rowWriter sends the rows of a list as they are made. Nothing is sent before flushRowsAt bytes are together, so that
// an early error is still an error answer.
type rowWriter struct {
	w    http.ResponseWriter
	r    *http.Request
	op   *api.OpInfo
	buf  []byte
	rows int
	// meta is that of the first row; out is where bytes go once the head was sent.
	meta *api.Meta
	out  io.Writer
	gz   *gzip.Writer
}

// Row encodes a row and sends what is gathered when it is enough.
func (w *rowWriter) Row(meta *api.Meta, row any) (err error) {
	open := byte(',')
	if w.rows == 0 {
		open = '['
		w.meta = meta
	}
	w.rows++
	if w.buf, err = typeinfo.AppendJSON(append(w.buf, open), row, typeinfo.Response); err != nil {
		return err
	}
	if len(w.buf) < flushRowsAt {
		return nil
	}
	return w.send()
}

func (w *rowWriter) send() error {
	if w.out == nil {
		w.start()
	}
	_, err := w.out.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (w *rowWriter) start() {
	setMetaHeaders(w.w, w.op, w.meta)
	w.w.Header().Set("Content-Type", "application/json")
	w.out = w.w
	if acceptsGzip(w.r) {
		w.w.Header().Set("Content-Encoding", "gzip")
		w.gz = gzipPool.Get().(*gzip.Writer)
		w.gz.Reset(w.w)
		w.out = w.gz
	}
}

// finish ends the answer and reports whether there was one: false when no row came or the call failed before anything
// was sent. A call that fails later cuts the connection off, so that nobody takes a part for the whole.
func (w *rowWriter) finish(err error) bool {
	if w.gz != nil {
		defer gzipPool.Put(w.gz)
	}
	switch {
	case err != nil && w.out == nil, w.rows == 0:
		return false
	case err != nil:
		panic(http.ErrAbortHandler)
	}
	w.buf = append(w.buf, ']')
	if w.out == nil {
		setMetaHeaders(w.w, w.op, w.meta)
		w.w.Header().Set("Content-Type", "application/json")
		writeBody(w.w, w.r, http.StatusOK, w.buf)
		return true
	}
	if w.send() == nil && w.gz != nil {
		w.gz.Close() //nolint:errcheck // the reader is gone
	}
	return true
}
