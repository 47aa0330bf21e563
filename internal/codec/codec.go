// SPDX-License-Identifier: MPL-2.0

// Package codec is the one binary encoding of the product: msgpack, for raft entries, snapshots and
// calls between agents. Only the struct tag "codec" is looked at, so fields that JSON leaves out travel
// and every field keeps its Go name. Decoding hostile input gives an error, never a panic.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

var handle = newHandle(false)

func newHandle(canonical bool) *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{}
	h.TypeInfos = codec.NewTypeInfos([]string{"codec"})
	h.WriteExt = true
	h.RawToString = true
	h.MapType = reflect.TypeFor[map[string]any]()
	h.Canonical = canonical
	return h
}

type scratch struct {
	buf bytes.Buffer
	enc *codec.Encoder
}

var (
	encoders = sync.Pool{New: func() any {
		s := &scratch{}
		s.enc = codec.NewEncoder(&s.buf, handle)
		return s
	}}
	decoders = sync.Pool{New: func() any { return codec.NewDecoderBytes(nil, handle) }}
)

// maxPooled is the largest buffer that goes back into the pool, in bytes.
const maxPooled = 1 << 20

// Marshal returns the encoding of v.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// Append appends the encoding of v to b.
func Append(b []byte, v any) (out []byte, err error) {
	s := encoders.Get().(*scratch)
	defer func() {
		if p := recover(); p != nil {
			out, err = b, fmt.Errorf("encode %T: %v", v, p)
		}
	}()
	s.buf.Reset()
	s.enc.Reset(&s.buf)
	if err := s.enc.Encode(v); err != nil {
		return b, fmt.Errorf("encode %T: %w", v, err)
	}
	b = append(b, s.buf.Bytes()...)
	if s.buf.Cap() <= maxPooled {
		encoders.Put(s)
	}
	return b, nil
}

// Unmarshal decodes b into v, a pointer. Fields that b does not name keep their value; trailing bytes
// are an error.
func Unmarshal(b []byte, v any) (err error) {
	d := decoders.Get().(*codec.Decoder)
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decode %T: %v", v, p)
		}
	}()
	d.ResetBytes(b)
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	n := d.NumBytesRead()
	d.ResetBytes(nil)
	decoders.Put(d)
	if n != len(b) {
		return fmt.Errorf("decode %T: %w", v, errTrailing)
	}
	return nil
}

var errTrailing = errors.New("bytes after the value")

// Encoder writes values to a stream.
type Encoder struct{ enc *codec.Encoder }

// NewEncoder returns an encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{codec.NewEncoder(w, handle)} }

// Encode writes v.
func (e *Encoder) Encode(v any) error {
	if err := e.enc.Encode(v); err != nil {
		return fmt.Errorf("encode %T: %w", v, err)
	}
	return nil
}

// Decoder reads values from a stream.
type Decoder struct{ dec *codec.Decoder }

// NewDecoder returns a decoder that reads from r; it may read ahead.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{codec.NewDecoder(r, handle)} }

// Decode reads the next value into v; io.EOF at the end of the stream.
func (d *Decoder) Decode(v any) error {
	if err := d.dec.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		return fmt.Errorf("decode %T: %w", v, err)
	}
	return nil
}
