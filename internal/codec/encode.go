// SPDX-License-Identifier: MPL-2.0

package codec

import (
	"cmp"
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// writer is a message in the making.
type writer struct {
	b []byte
	// sorted writes maps in the order of their keys.
	sorted bool
	depth  int
}

// down counts what the reader counts.
func (w *writer) down() {
	if w.depth++; w.depth > maxDepth {
		panic(encodeError{errDeep})
	}
}

func (w *writer) up() { w.depth-- }

// encoder writes a value of one type. Encoders are compiled once a type and call each other directly.
type encoder func(w *writer, v reflect.Value)

var encoderOf sync.Map // reflect.Type -> encoder

// encodeError is what a value that cannot be encoded panics with, up to Append.
type encodeError struct{ err error }

func typeEncoder(t reflect.Type) encoder {
	if e, ok := encoderOf.Load(t); ok {
		return e.(encoder)
	}
	// A type that contains itself finds this entry while it is compiled.
	var once sync.Once
	var compiled encoder
	lazy := encoder(func(w *writer, v reflect.Value) {
		once.Do(func() { compiled = newEncoder(t) })
		compiled(w, v)
	})
	if e, loaded := encoderOf.LoadOrStore(t, lazy); loaded {
		return e.(encoder)
	}
	once.Do(func() { compiled = newEncoder(t) })
	encoderOf.Store(t, compiled)
	return compiled
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[encoding.BinaryMarshaler]()
	selferType    = reflect.TypeFor[codec.Selfer]()
)

func newEncoder(t reflect.Type) encoder {
	if t == timeType {
		return func(w *writer, v reflect.Value) { w.time(v.Interface().(time.Time)) }
	}
	if isForeign(t) {
		return foreign
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(w *writer, v reflect.Value) { w.bool(v.Bool()) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(w *writer, v reflect.Value) { w.int(v.Int()) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(w *writer, v reflect.Value) { w.uint(v.Uint()) }
	case reflect.Float32, reflect.Float64:
		return func(w *writer, v reflect.Value) {
			w.b = binary.BigEndian.AppendUint64(append(w.b, 0xcb), math.Float64bits(v.Float()))
		}
	case reflect.String:
		return func(w *writer, v reflect.Value) { w.string(v.String()) }
	case reflect.Pointer:
		elem := typeEncoder(t.Elem())
		return func(w *writer, v reflect.Value) {
			if v.IsNil() {
				w.nil()
				return
			}
			w.down()
			elem(w, v.Elem())
			w.up()
		}
	case reflect.Slice:
		return sliceEncoder(t)
	case reflect.Array:
		elem := typeEncoder(t.Elem())
		return func(w *writer, v reflect.Value) { w.list(v, elem) }
	case reflect.Map:
		return mapEncoder(t)
	case reflect.Struct:
		return structEncoder(t)
	case reflect.Interface:
		return func(w *writer, v reflect.Value) {
			if v.IsNil() {
				w.nil()
				return
			}
			typeEncoder(v.Elem().Type())(w, v.Elem())
		}
	default:
		return func(*writer, reflect.Value) { panic(encodeError{fmt.Errorf("type %s cannot be encoded", t)}) }
	}
}

// isForeign reports whether values of the type encode themselves.
func isForeign(t reflect.Type) bool {
	return t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface &&
		(t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType) || reflect.PointerTo(t).Implements(selferType))
}

// foreign leaves a value to the library.
func foreign(w *writer, v reflect.Value) {
	var out []byte
	if err := codec.NewEncoderBytes(&out, handle).Encode(v.Interface()); err != nil {
		panic(encodeError{err})
	}
	w.b = append(w.b, out...)
}

func sliceEncoder(t reflect.Type) encoder {
	if t.Elem().Kind() == reflect.Uint8 {
		return func(w *writer, v reflect.Value) {
			if v.IsNil() {
				w.nil()
				return
			}
			w.bytes(v.Bytes())
		}
	}
	elem := typeEncoder(t.Elem())
	return func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.nil()
			return
		}
		w.list(v, elem)
	}
}

func (w *writer) list(v reflect.Value, elem encoder) {
	n := v.Len()
	w.head(n, 0x90, 15, 0xdc, 0xdd)
	w.down()
	for i := range n {
		elem(w, v.Index(i))
	}
	w.up()
}

func mapEncoder(t reflect.Type) encoder {
	key, elem := typeEncoder(t.Key()), typeEncoder(t.Elem())
	text := t.Key().Kind() == reflect.String
	return func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.nil()
			return
		}
		w.head(v.Len(), 0x80, 15, 0xde, 0xdf)
		w.down()
		if w.sorted && v.Len() > 1 {
			for _, k := range sortedKeys(v) {
				key(w, k)
				elem(w, v.MapIndex(k))
			}
			w.up()
			return
		}
		for it := v.MapRange(); it.Next(); {
			if text {
				w.string(it.Key().String())
			} else {
				key(w, it.Key())
			}
			elem(w, it.Value())
		}
		w.up()
	}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.Kind() == reflect.String:
			return strings.Compare(a.String(), b.String())
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		default:
			return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
		}
	})
	return keys
}

// field is one encoded field of a struct, those of embedded structs included.
type field struct {
	name string
	path []int
	typ  reflect.Type
}

// structEncoder writes a struct as a map of its fields that are not zero.
func structEncoder(t reflect.Type) encoder {
	fields := structFields(t)
	names, encoders := make([][]byte, len(fields)), make([]encoder, len(fields))
	for i, f := range fields {
		var name writer
		name.string(f.name)
		names[i], encoders[i] = name.b, typeEncoder(f.typ)
	}
	return func(w *writer, v reflect.Value) {
		at := len(w.b)
		small := len(fields) <= 15
		if small {
			w.b = append(w.b, 0x80)
		} else {
			w.b = append(w.b, 0xde, 0, 0)
		}
		n := 0
		w.down()
		for i := range fields {
			f := &fields[i]
			fv := v.Field(f.path[0])
			for _, step := range f.path[1:] {
				if fv.Kind() == reflect.Pointer {
					if fv.IsNil() {
						break
					}
					fv = fv.Elem()
				}
				fv = fv.Field(step)
			}
			if fv.IsZero() {
				continue
			}
			w.b = append(w.b, names[i]...)
			encoders[i](w, fv)
			n++
		}
		w.up()
		switch {
		case small:
			w.b[at] = 0x80 | byte(n)
		case n <= 15: // most fields are zero: take the long head back
			w.b[at] = 0x80 | byte(n)
			w.b = slices.Delete(w.b, at+1, at+3)
		default:
			binary.BigEndian.PutUint16(w.b[at+1:], uint16(n))
		}
	}
}

// structFields lists the exported fields; those of embedded structs count as the struct's own unless a
// field nearer has the name.
func structFields(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		if !f.IsExported() && !f.Anonymous || f.Name == "_" {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("codec"), ",")
		if name == "-" {
			continue
		}
		elem := f.Type
		if elem.Kind() == reflect.Pointer {
			elem = elem.Elem()
		}
		if f.Anonymous && name == "" && elem.Kind() == reflect.Struct {
			continue // its fields are listed
		}
		if !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		fields = append(fields, field{name: name, path: f.Index, typ: f.Type})
	}
	return fields
}

func (w *writer) nil() { w.b = append(w.b, 0xc0) }

func (w *writer) bool(v bool) {
	if v {
		w.b = append(w.b, 0xc3)
	} else {
		w.b = append(w.b, 0xc2)
	}
}

func (w *writer) int(v int64) {
	switch {
	case v >= 0:
		w.uint(uint64(v))
	case v >= -32:
		w.b = append(w.b, byte(v))
	case v >= math.MinInt8:
		w.b = append(w.b, 0xd0, byte(v))
	case v >= math.MinInt16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, 0xd1), uint16(v))
	case v >= math.MinInt32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, 0xd2), uint32(v))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xd3), uint64(v))
	}
}

func (w *writer) uint(v uint64) {
	switch {
	case v < 128:
		w.b = append(w.b, byte(v))
	case v <= math.MaxUint8:
		w.b = append(w.b, 0xcc, byte(v))
	case v <= math.MaxUint16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, 0xcd), uint16(v))
	case v <= math.MaxUint32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, 0xce), uint32(v))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xcf), v)
	}
}

// head writes the head of a list or map with n members.
func (w *writer) head(n int, short byte, most int, medium, long byte) {
	switch {
	case n <= most:
		w.b = append(w.b, short|byte(n))
	case n <= math.MaxUint16:
		w.b = binary.BigEndian.AppendUint16(append(w.b, medium), uint16(n))
	default:
		w.b = binary.BigEndian.AppendUint32(append(w.b, long), uint32(n))
	}
}

func (w *writer) string(s string) {
	if n := len(s); n > 31 && n <= math.MaxUint8 {
		w.b = append(w.b, 0xd9, byte(n))
	} else {
		w.head(n, 0xa0, 31, 0xda, 0xdb)
	}
	w.b = append(w.b, s...)
}

func (w *writer) bytes(v []byte) {
	if n := len(v); n <= math.MaxUint8 {
		w.b = append(w.b, 0xc4, byte(n))
	} else {
		w.head(n, 0, -1, 0xc5, 0xc6)
	}
	w.b = append(w.b, v...)
}

// time writes a timestamp extension: seconds, and nanoseconds if there are any.
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.nil()
		return
	}
	sec, nsec := t.Unix(), uint64(t.Nanosecond())
	switch {
	case sec>>34 != 0:
		w.b = append(w.b, 0xc7, 12, 0xff)
		w.b = binary.BigEndian.AppendUint32(w.b, uint32(nsec))
		w.b = binary.BigEndian.AppendUint64(w.b, uint64(sec))
	case nsec == 0 && sec <= math.MaxUint32:
		w.b = binary.BigEndian.AppendUint32(append(w.b, 0xd6, 0xff), uint32(sec))
	default:
		w.b = binary.BigEndian.AppendUint64(append(w.b, 0xd7, 0xff), nsec<<34|uint64(sec))
	}
}
