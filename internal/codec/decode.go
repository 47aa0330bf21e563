// SPDX-License-Identifier: MPL-2.0

package codec

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// decoder reads a value of one type. Decoders are compiled once a type and call each other directly.
type decoder func(r *reader, v reflect.Value)

var decoderOf sync.Map // reflect.Type -> decoder

func typeDecoder(t reflect.Type) decoder {
	if d, ok := decoderOf.Load(t); ok {
		return d.(decoder)
	}
	// A type that contains itself finds this entry while it is compiled.
	var once sync.Once
	var compiled decoder
	lazy := decoder(func(r *reader, v reflect.Value) {
		once.Do(func() { compiled = newDecoder(t) })
		compiled(r, v)
	})
	if d, loaded := decoderOf.LoadOrStore(t, lazy); loaded {
		return d.(decoder)
	}
	once.Do(func() { compiled = newDecoder(t) })
	decoderOf.Store(t, compiled)
	return compiled
}

// Limits of what lengths in a message are believed before the members are there.
const (
	maxListRoom = 1024
	maxMapRoom  = 256
)

func newDecoder(t reflect.Type) decoder {
	if t == timeType {
		return func(r *reader, v reflect.Value) { v.Set(reflect.ValueOf(r.time())) }
	}
	if isForeign(t) {
		return foreignDecoder
	}
	switch t.Kind() {
	case reflect.Bool:
		return orNil(func(r *reader, v reflect.Value) { v.SetBool(r.bool()) })
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return orNil(decodeInt)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return orNil(decodeUint)
	case reflect.Float32, reflect.Float64:
		return orNil(func(r *reader, v reflect.Value) { v.SetFloat(r.float()) })
	case reflect.String:
		return orNil(func(r *reader, v reflect.Value) { v.SetString(string(r.text())) })
	case reflect.Pointer:
		return pointerDecoder(t)
	case reflect.Slice:
		return sliceDecoder(t)
	case reflect.Array:
		return arrayDecoder(t)
	case reflect.Map:
		return mapDecoder(t)
	case reflect.Struct:
		return structDecoder(t)
	case reflect.Interface:
		return decodeInterface
	default:
		return func(r *reader, _ reflect.Value) { r.fail(fmt.Errorf("type %s cannot be decoded", t)) }
	}
}

// orNil makes nil the zero value.
func orNil(d decoder) decoder {
	return func(r *reader, v reflect.Value) {
		if r.nil() {
			v.SetZero()
			return
		}
		d(r, v)
	}
}

func decodeInt(r *reader, v reflect.Value) {
	n := r.int()
	if v.OverflowInt(n) {
		r.fail(fmt.Errorf("number %d does not fit into %s", n, v.Type()))
	}
	v.SetInt(n)
}

func decodeUint(r *reader, v reflect.Value) {
	n := r.uint()
	if v.OverflowUint(n) {
		r.fail(fmt.Errorf("number %d does not fit into %s", n, v.Type()))
	}
	v.SetUint(n)
}

func pointerDecoder(t reflect.Type) decoder {
	elem := typeDecoder(t.Elem())
	return func(r *reader, v reflect.Value) {
		if r.nil() {
			v.SetZero()
			return
		}
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		r.down()
		elem(r, v.Elem())
		r.up()
	}
}

func sliceDecoder(t reflect.Type) decoder {
	if t.Elem().Kind() == reflect.Uint8 {
		return func(r *reader, v reflect.Value) {
			if r.nil() {
				v.SetZero()
				return
			}
			v.SetBytes(append([]byte{}, r.text()...))
		}
	}
	elem := typeDecoder(t.Elem())
	return func(r *reader, v reflect.Value) {
		if r.nil() {
			v.SetZero()
			return
		}
		n := r.list()
		room := min(n, maxListRoom)
		v.Set(reflect.MakeSlice(t, room, room))
		r.down()
		for i := range n {
			if i == v.Len() { // grows as members come, not as announced
				v.Grow(min(n-i, i))
				v.SetLen(min(v.Cap(), n))
			}
			e := v.Index(i)
			if i >= room {
				e.SetZero()
			}
			elem(r, e)
		}
		r.up()
	}
}

func arrayDecoder(t reflect.Type) decoder {
	elem := typeDecoder(t.Elem())
	return func(r *reader, v reflect.Value) {
		v.SetZero()
		if r.nil() {
			return
		}
		n := r.list()
		if n > v.Len() {
			r.fail(fmt.Errorf("list of %d members for %s", n, t))
		}
		r.down()
		for i := range n {
			elem(r, v.Index(i))
		}
		r.up()
	}
}

func mapDecoder(t reflect.Type) decoder {
	key, elem := typeDecoder(t.Key()), typeDecoder(t.Elem())
	return func(r *reader, v reflect.Value) {
		if r.nil() {
			v.SetZero()
			return
		}
		n := r.table()
		if v.IsNil() {
			v.Set(reflect.MakeMapWithSize(t, min(n, maxMapRoom)))
		}
		k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		r.down()
		for range n {
			k.SetZero()
			e.SetZero()
			key(r, k)
			if k.Kind() == reflect.Interface && !k.IsNil() && !k.Elem().Comparable() {
				r.fail(errors.New("key cannot be compared"))
			}
			elem(r, e)
			v.SetMapIndex(k, e)
		}
		r.up()
	}
}

// structDecoder reads a map into the fields of a struct. Unknown names are passed over.
func structDecoder(t reflect.Type) decoder {
	var fields []field
	var decoders []decoder
	byName := map[string]int{}
	for _, f := range structFields(t) {
		byName[f.name] = len(fields)
		fields = append(fields, f)
		decoders = append(decoders, typeDecoder(f.typ))
	}
	return func(r *reader, v reflect.Value) {
		if r.nil() {
			v.SetZero()
			return
		}
		n := r.table()
		r.down()
		next := 0
		for range n {
			name := r.text()
			// Fields mostly come in their order, with gaps.
			if next >= len(fields) || fields[next].name != string(name) {
				known, ok := byName[string(name)]
				if !ok {
					r.skip()
					continue
				}
				next = known
			}
			decoders[next](r, fieldOf(v, fields[next].path))
			next++
		}
		r.up()
	}
}

// fieldOf returns the field at a path, after making the embedded structs on it.
func fieldOf(v reflect.Value, path []int) reflect.Value {
	v = v.Field(path[0])
	for _, step := range path[1:] {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(step)
	}
	return v
}

// decodeInterface reads into what the interface points to, else a plain value: bool, int64 (uint64 when
// too large), float64, string, []byte, time.Time, []any or map[string]any.
func decodeInterface(r *reader, v reflect.Value) {
	if !v.IsNil() && v.Elem().Kind() == reflect.Pointer && !v.Elem().IsNil() {
		if r.nil() {
			v.SetZero()
			return
		}
		r.down()
		typeDecoder(v.Elem().Type().Elem())(r, v.Elem().Elem())
		r.up()
		return
	}
	plain := r.any()
	switch {
	case plain == nil:
		v.SetZero()
	case reflect.TypeOf(plain).AssignableTo(v.Type()):
		v.Set(reflect.ValueOf(plain))
	default:
		r.fail(fmt.Errorf("%T does not fit into %s", plain, v.Type()))
	}
}

// foreignDecoder leaves a value to the library.
func foreignDecoder(r *reader, v reflect.Value) {
	b := r.b
	r.skip()
	if err := codec.NewDecoderBytes(b[:len(b)-len(r.b)], handle).Decode(v.Addr().Interface()); err != nil {
		r.fail(err)
	}
}
