// SPDX-License-Identifier: MPL-2.0

// Package codec is the one binary encoding of the product: msgpack, for raft entries, snapshots and
// calls between agents. Only the struct tag "codec" is looked at, so fields that JSON leaves out travel
// and every field keeps its Go name. Fields that are zero do not travel; nil and empty slices and maps
// stay what they are. Decoding hostile input gives an error, never a panic; what could not be decoded because
// it is nested too deeply is not encoded either.
//
// Both directions are done here. Most fields of the product's types are zero most of the time: the
// hashicorp/go-msgpack library writes them all, and it decodes the values of a map into one and the same
// struct, so that a field which one value leaves out takes over the one before. It serves only the types
// that encode themselves.
package codec

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// handle is for types that encode themselves.
var handle = newHandle()

func newHandle() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{}
	h.TypeInfos = codec.NewTypeInfos([]string{"codec"})
	h.WriteExt = true
	h.RawToString = true
	h.MapType = reflect.TypeFor[map[string]any]()
	return h
}

// Marshal returns the encoding of v.
func Marshal(v any) ([]byte, error) { return Append(nil, v) }

// MarshalSorted is Marshal with maps in the order of their keys, so that equal values have equal bytes.
func MarshalSorted(v any) ([]byte, error) { return encode(&writer{sorted: true}, v) }

// Append appends the encoding of v to b.
func Append(b []byte, v any) ([]byte, error) { return encode(&writer{b: b}, v) }

// AppendSorted is Append with maps in the order of their keys.
func AppendSorted(b []byte, v any) ([]byte, error) { return encode(&writer{b: b, sorted: true}, v) }

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

// Unmarshal decodes b into v, a pointer. Fields that b does not name keep their value, and so do members
// of maps; lists are replaced. Nothing in v refers to b. Trailing bytes are an error.
func Unmarshal(b []byte, v any) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case decodeError:
			err = fmt.Errorf("decode %T: %w", v, p.err)
		default:
			err = fmt.Errorf("decode %T: %v", v, p)
		}
	}()
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return fmt.Errorf("decode %T: not a pointer to a value", v)
	}
	r := &reader{b: b}
	typeDecoder(rv.Type().Elem())(r, rv.Elem())
	if len(r.b) > 0 {
		return fmt.Errorf("decode %T: %w", v, errTrailing)
	}
	return nil
}
