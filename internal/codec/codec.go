// SPDX-License-Identifier: MPL-2.0

// Package codec is the one binary encoding of the product: msgpack, for raft entries, snapshots and
// calls between agents. Only the struct tag "codec" is looked at, so fields that JSON leaves out travel
// and every field keeps its Go name. Fields that are zero do not travel; nil and empty slices and maps
// stay what they are. Decoding hostile input gives an error, never a panic.
//
// Decoding is hashicorp/go-msgpack's. Encoding is done here, because most fields of the product's types
// are zero most of the time and the library writes them all.
package codec

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

var handle = newHandle()

func newHandle() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{}
	h.TypeInfos = codec.NewTypeInfos([]string{"codec"})
	h.WriteExt = true
	h.RawToString = true
	h.MapType = reflect.TypeFor[map[string]any]()
	return h
}

var decoders = sync.Pool{New: func() any { return codec.NewDecoderBytes(nil, handle) }}

// Marshal returns the encoding of v.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// MarshalSorted is Marshal with maps in the order of their keys, so that equal values have equal bytes.
func MarshalSorted(v any) ([]byte, error) { return encode(&writer{sorted: true}, v) }

// Append appends the encoding of v to b.
func Append(b []byte, v any) ([]byte, error) { return encode(&writer{b: b}, v) }

func encode(w *writer, v any) (out []byte, err error) {
	start := w.b
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(encodeError)
			if !ok {
				panic(p)
			}
			out, err = start, fmt.Errorf("encode %T: %w", v, e.err)
		}
	}()
	rv := reflect.ValueOf(v)
	if !rv.IsValid() {
		w.nil()
		return w.b, nil
	}
	typeEncoder(rv.Type())(w, rv)
	return w.b, nil
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
type Encoder struct {
	w   io.Writer
	buf []byte
}

// NewEncoder returns an encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w: w} }

// Encode writes v.
func (e *Encoder) Encode(v any) error {
	b, err := Append(e.buf[:0], v)
	if err != nil {
		return err
	}
	if cap(b) <= maxKept {
		e.buf = b
	}
	if _, err := e.w.Write(b); err != nil {
		return fmt.Errorf("write %T: %w", v, err)
	}
	return nil
}

// maxKept is the largest buffer that an Encoder keeps, in bytes.
const maxKept = 1 << 20

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
