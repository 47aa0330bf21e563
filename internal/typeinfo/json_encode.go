// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Form is the purpose of a JSON text.
type Form uint8

const (
	// Response is what the HTTP API answers: sparse structs leave out zero values, fields of requests
	// are left out.
	Response Form = iota
	// Input is the form of a job before defaults: all fields, unset ones null.
	Input
	// Canonical is the Input form after defaults were filled in: zero values are values, not null.
	Canonical
)

// ZeroTime is how the few fields tagged api:"zerotime" write an unset time.
const ZeroTime = "0001-01-01T00:00:00Z"

// AppendJSON appends the JSON text of v to dst. The rules are those of http-api.md 1.4: nothing is left
// out but by tag, missing pointers, slices and maps are null, times are RFC 3339 or null, byte strings
// base64 or null, durations nanoseconds, floats always show a fraction, map keys are sorted and HTML
// characters stay. A nil slice given as v itself is an empty list.
func AppendJSON(dst []byte, v any, form Form) ([]byte, error) {
	w := writer{buf: dst, form: form}
	if v == nil {
		return append(dst, "null"...), nil
	}
	value := reflect.ValueOf(v)
	if value.Kind() == reflect.Slice && value.IsNil() && value.Type().Elem().Kind() != reflect.Uint8 {
		return append(dst, "[]"...), nil
	}
	encoderOf(value.Type())(&w, value)
	if w.err != nil {
		return dst, w.err
	}
	return w.buf, nil
}

// Marshal returns the JSON text of v, see AppendJSON.
func Marshal(v any, form Form) ([]byte, error) { return AppendJSON(nil, v, form) }

// Indent returns the text of the pretty parameter: four spaces a level and a newline at the end.
func Indent(src []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(src) * 2)
	if err := json.Indent(&out, src, "", "    "); err != nil {
		return nil, fmt.Errorf("indent json: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// writer is the state of one encoding.
type writer struct {
	buf  []byte
	form Form
	err  error
}

func (w *writer) text(s string) { w.buf = append(w.buf, s...) }

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

type encoder func(w *writer, v reflect.Value)

var (
	encoders sync.Map // reflect.Type -> encoder

	marshalerType     = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
)

func encoderOf(t reflect.Type) encoder {
	if e, ok := encoders.Load(t); ok {
		return e.(encoder)
	}
	e := newEncoder(t, map[reflect.Type]bool{})
	encoders.Store(t, e)
	return e
}

func newEncoder(t reflect.Type, active map[reflect.Type]bool) encoder {
	if e, ok := encoders.Load(t); ok {
		return e.(encoder)
	}
	if active[t] {
		return func(w *writer, v reflect.Value) { encoderOf(t)(w, v) }
	}
	active[t] = true
	defer delete(active, t)

	switch t {
	case timeType:
		return func(w *writer, v reflect.Value) { w.time(v.Interface().(time.Time)) }
	case reflect.TypeFor[json.Number]():
		return func(w *writer, v reflect.Value) { w.text(v.String()) }
	}
	if e := marshalerEncoder(t); e != nil {
		return e
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(w *writer, v reflect.Value) { w.buf = strconv.AppendBool(w.buf, v.Bool()) }
	case reflect.String:
		return func(w *writer, v reflect.Value) { w.buf = appendString(w.buf, v.String()) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(w *writer, v reflect.Value) { w.buf = strconv.AppendInt(w.buf, v.Int(), 10) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(w *writer, v reflect.Value) { w.buf = strconv.AppendUint(w.buf, v.Uint(), 10) }
	case reflect.Float32:
		return func(w *writer, v reflect.Value) { w.float(v.Float(), 32) }
	case reflect.Float64:
		return func(w *writer, v reflect.Value) { w.float(v.Float(), 64) }
	case reflect.Pointer:
		return pointerEncoder(newEncoder(t.Elem(), active))
	case reflect.Interface:
		return encodeInterface
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return encodeBytes
		}
		return listEncoder(newEncoder(t.Elem(), active))
	case reflect.Array:
		return listEncoder(newEncoder(t.Elem(), active))
	case reflect.Map:
		return mapEncoder(t, active)
	case reflect.Struct:
		return structEncoder(t, active)
	}
	return func(w *writer, _ reflect.Value) { w.fail(fmt.Errorf("json: unsupported type %s", t)) }
}

// marshalerEncoder returns the encoder of types that encode themselves, nil for others.
func marshalerEncoder(t reflect.Type) encoder {
	switch {
	case t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface:
		return nil // decided by what it refers to
	case t.Implements(marshalerType):
		return func(w *writer, v reflect.Value) { w.marshaler(v.Interface().(json.Marshaler)) }
	case reflect.PointerTo(t).Implements(marshalerType):
		return func(w *writer, v reflect.Value) { w.marshaler(addressOf(v).(json.Marshaler)) }
	case t.Implements(textMarshalerType):
		return func(w *writer, v reflect.Value) { w.textMarshaler(v.Interface().(encoding.TextMarshaler)) }
	case reflect.PointerTo(t).Implements(textMarshalerType):
		return func(w *writer, v reflect.Value) { w.textMarshaler(addressOf(v).(encoding.TextMarshaler)) }
	}
	return nil
}

func addressOf(v reflect.Value) any {
	if v.CanAddr() {
		return v.Addr().Interface()
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p.Interface()
}

func (w *writer) marshaler(m json.Marshaler) {
	text, err := m.MarshalJSON()
	if err != nil {
		w.fail(fmt.Errorf("json: %T: %w", m, err))
		return
	}
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		w.fail(fmt.Errorf("json: %T: %w", m, err))
		return
	}
	w.buf = append(w.buf, out.Bytes()...)
}

func (w *writer) textMarshaler(m encoding.TextMarshaler) {
	text, err := m.MarshalText()
	if err != nil {
		w.fail(fmt.Errorf("json: %T: %w", m, err))
		return
	}
	w.buf = appendString(w.buf, string(text))
}

func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.text("null")
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = t.AppendFormat(w.buf, time.RFC3339Nano)
	w.buf = append(w.buf, '"')
}

func (w *writer) float(f float64, bits int) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.fail(fmt.Errorf("json: unsupported number %v", f))
		return
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e21) {
		format = 'e'
	}
	start := len(w.buf)
	w.buf = strconv.AppendFloat(w.buf, f, format, -1, bits)
	if !bytes.ContainsAny(w.buf[start:], ".e") {
		w.text(".0")
	}
}

func pointerEncoder(elem encoder) encoder {
	return func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.text("null")
			return
		}
		elem(w, v.Elem())
	}
}

func encodeInterface(w *writer, v reflect.Value) {
	if v.IsNil() {
		w.text("null")
		return
	}
	w.any(v.Interface())
}

// any encodes a dynamically typed value, the common types without reflection.
func (w *writer) any(v any) {
	switch v := v.(type) {
	case nil:
		w.text("null")
	case string:
		w.buf = appendString(w.buf, v)
	case bool:
		w.buf = strconv.AppendBool(w.buf, v)
	case int:
		w.buf = strconv.AppendInt(w.buf, int64(v), 10)
	case int64:
		w.buf = strconv.AppendInt(w.buf, v, 10)
	case float64:
		w.float(v, 64)
	case []any:
		if v == nil {
			w.text("null")
			return
		}
		w.text("[")
		for i, elem := range v {
			if i > 0 {
				w.text(",")
			}
			w.any(elem)
		}
		w.text("]")
	case map[string]any:
		encodeStringMap(w, v, w.any)
	default:
		value := reflect.ValueOf(v)
		encoderOf(value.Type())(w, value)
	}
}

func encodeBytes(w *writer, v reflect.Value) {
	data := v.Bytes()
	if len(data) == 0 {
		w.text("null")
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = base64.StdEncoding.AppendEncode(w.buf, data)
	w.buf = append(w.buf, '"')
}

func listEncoder(elem encoder) encoder {
	return func(w *writer, v reflect.Value) {
		if v.Kind() == reflect.Slice && v.IsNil() {
			w.text("null")
			return
		}
		w.text("[")
		for i := range v.Len() {
			if i > 0 {
				w.text(",")
			}
			elem(w, v.Index(i))
		}
		w.text("]")
	}
}

// encodeStringMap writes a map with sorted keys.
func encodeStringMap[V any](w *writer, m map[string]V, value func(V)) {
	if m == nil {
		w.text("null")
		return
	}
	var few [16]string
	keys := few[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	w.text("{")
	for i, key := range keys {
		if i > 0 {
			w.text(",")
		}
		w.buf = appendString(w.buf, key)
		w.text(":")
		value(m[key])
	}
	w.text("}")
}

func mapEncoder(t reflect.Type, active map[reflect.Type]bool) encoder {
	if t == reflect.TypeFor[map[string]string]() {
		return func(w *writer, v reflect.Value) {
			encodeStringMap(w, v.Interface().(map[string]string), func(s string) { w.buf = appendString(w.buf, s) })
		}
	}
	elem := newEncoder(t.Elem(), active)
	var keyText func(reflect.Value) string
	switch {
	case t.Key().Kind() == reflect.String:
		keyText = reflect.Value.String
	case reflect.Zero(t.Key()).CanInt():
		keyText = func(v reflect.Value) string { return strconv.FormatInt(v.Int(), 10) }
	case reflect.Zero(t.Key()).CanUint():
		keyText = func(v reflect.Value) string { return strconv.FormatUint(v.Uint(), 10) }
	default:
		return func(w *writer, _ reflect.Value) { w.fail(fmt.Errorf("json: unsupported map key type %s", t.Key())) }
	}
	return func(w *writer, v reflect.Value) {
		if v.IsNil() {
			w.text("null")
			return
		}
		type entry struct {
			key   string
			value reflect.Value
		}
		entries := make([]entry, 0, v.Len())
		for it := v.MapRange(); it.Next(); {
			entries = append(entries, entry{keyText(it.Key()), it.Value()})
		}
		slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare([]byte(a.key), []byte(b.key)) })
		w.text("{")
		for i, e := range entries {
			if i > 0 {
				w.text(",")
			}
			w.buf = appendString(w.buf, e.key)
			w.text(":")
			elem(w, e.value)
		}
		w.text("}")
	}
}
