// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// TypeError says that a JSON value does not fit the field it was given for.
type TypeError struct {
	// Path leads to the value: "Job.TaskGroups[0].Tasks[1].KillTimeout".
	Path string
	// Value describes what was found: "string", "number 1.5", "object".
	Value string
	// Type is the Go type of the field.
	Type reflect.Type
	// Offset is the position after the value in the input, in bytes.
	Offset int64
}

// Error says which field got what and what it takes.
func (e *TypeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("json: cannot unmarshal %s into %s", e.Value, typeName(e.Type))
	}
	return fmt.Sprintf("json: cannot unmarshal %s into field %s of type %s", e.Value, e.Path, typeName(e.Type))
}

// typeName names a type in terms of the contract.
func typeName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.PkgPath() == "time" && t.Name() == "Duration":
		return "duration (integer nanoseconds)"
	case t == timeType:
		return "time (RFC 3339 text)"
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64 text"
		}
		return "list"
	}
	return t.Kind().String()
}

// Unmarshal decodes the first JSON value of data into v, which is a pointer. Keys match whatever their
// case, unknown keys are ignored, and null leaves a field as it is. Whole numbers inside dynamically
// typed values become int64, others float64.
func Unmarshal(data []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return &TypeError{
				Path: pathAt(data, mismatch.Offset), Value: mismatch.Value, Type: mismatch.Type, Offset: mismatch.Offset,
			}
		}
		return fmt.Errorf("json: %w", trimJSON(err))
	}
	value := reflect.ValueOf(v)
	if fix := numbersOf(value.Type()); fix != nil {
		fix(value)
	}
	return nil
}

// MaxDepth is how many objects and lists Decode takes inside one another. What it accepts travels inside other messages,
// of which internal/codec reads many more levels.
const MaxDepth = 200

// deep reports whether objects and lists of the first value of data are nested deeper than MaxDepth.
func deep(data []byte) bool {
	depth, text := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{', c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}', c == ']':
			if depth--; depth <= 0 {
				return false
			}
		}
	}
	return false
}

// Decode reads all of r, which nobody vouches for, and decodes its first JSON value into v, see Unmarshal. An empty input
// is io.EOF.
func Decode(r io.Reader, v any) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read json: %w", err)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return io.EOF
	}
	if deep(data) {
		return fmt.Errorf("json: exceeded max depth: objects and lists may be nested %d levels deep", MaxDepth)
	}
	return Unmarshal(data, v)
}

// trimmed keeps an error's identity without the package name that Unmarshal adds itself.
type trimmed struct {
	text string
	err  error
}

func (e trimmed) Error() string { return e.text }
func (e trimmed) Unwrap() error { return e.err }

func trimJSON(err error) error {
	if text, found := strings.CutPrefix(err.Error(), "json: "); found {
		return trimmed{text, err}
	}
	return err
}

// level is one open object or list on the way to a value.
type level struct {
	list  bool
	index int
	key   string
	inKey bool // the next token of an object is a key
}

// pathAt returns the path of the value that ends at the offset, or contains it.
func pathAt(data []byte, offset int64) string {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var stack []level
	for {
		token, err := dec.Token()
		if err != nil {
			return formatPath(stack)
		}
		delim, isDelim := token.(json.Delim)
		closing := isDelim && (delim == ']' || delim == '}')
		if closing {
			stack = stack[:len(stack)-1]
			if len(stack) == 0 || dec.InputOffset() >= offset {
				return formatPath(stack)
			}
			advance(stack)
			continue
		}
		if top := len(stack) - 1; top >= 0 && stack[top].inKey {
			stack[top].key, _ = token.(string)
			stack[top].inKey = false
			continue
		}
		if dec.InputOffset() >= offset {
			return formatPath(stack)
		}
		if isDelim {
			stack = append(stack, level{list: delim == '[', inKey: delim == '{'})
			continue
		}
		advance(stack)
	}
}

// advance notes that a value of the innermost level is complete.
func advance(stack []level) {
	if len(stack) == 0 {
		return
	}
	top := &stack[len(stack)-1]
	if top.list {
		top.index++
	} else {
		top.inKey = true
	}
}

func formatPath(stack []level) string {
	var b strings.Builder
	for _, l := range stack {
		if l.list {
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(l.key)
	}
	return b.String()
}

// numbers turns the json.Number values below a value into int64 or float64.
type numbers func(v reflect.Value)

var numberFixers sync.Map // reflect.Type -> numbers

func numbersOf(t reflect.Type) numbers {
	if n, ok := numberFixers.Load(t); ok {
		return n.(numbers)
	}
	n := newNumbers(t, map[reflect.Type]bool{})
	numberFixers.Store(t, n)
	return n
}

func newNumbers(t reflect.Type, active map[reflect.Type]bool) numbers {
	if active[t] {
		return func(v reflect.Value) {
			if n := numbersOf(t); n != nil {
				n(v)
			}
		}
	}
	active[t] = true
	defer delete(active, t)

	switch t.Kind() {
	case reflect.Interface:
		return func(v reflect.Value) {
			if !v.IsNil() && v.CanSet() {
				v.Set(reflect.ValueOf(plainNumbers(v.Interface())))
			}
		}
	case reflect.Pointer:
		elem := newNumbers(t.Elem(), active)
		if elem == nil {
			return nil
		}
		return func(v reflect.Value) {
			if !v.IsNil() {
				elem(v.Elem())
			}
		}
	case reflect.Slice:
		elem := newNumbers(t.Elem(), active)
		if elem == nil {
			return nil
		}
		return func(v reflect.Value) {
			for i := range v.Len() {
				elem(v.Index(i))
			}
		}
	case reflect.Map:
		return newMapNumbers(t, active)
	case reflect.Struct:
		return newStructNumbers(t, active)
	}
	return nil
}

func newMapNumbers(t reflect.Type, active map[reflect.Type]bool) numbers {
	elem := newNumbers(t.Elem(), active)
	switch {
	case elem == nil:
		return nil
	case t == reflect.TypeFor[map[string]any]():
		return func(v reflect.Value) { plainNumbers(v.Interface()) }
	}
	return func(v reflect.Value) {
		for it := v.MapRange(); it.Next(); {
			value := reflect.New(t.Elem()).Elem()
			value.Set(it.Value())
			elem(value)
			v.SetMapIndex(it.Key(), value)
		}
	}
}

func newStructNumbers(t reflect.Type, active map[reflect.Type]bool) numbers {
	type field struct {
		index int
		fix   numbers
	}
	var fields []field
	for i := range t.NumField() {
		if sf := t.Field(i); reachable(sf) {
			if fix := newNumbers(sf.Type, active); fix != nil {
				fields = append(fields, field{i, fix})
			}
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return func(v reflect.Value) {
		for _, f := range fields {
			f.fix(v.Field(f.index))
		}
	}
}

// plainNumbers returns v with its numbers in plain Go types; maps and lists change in place.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if f, err := v.Float64(); err == nil {
			return f
		}
		return v.String()
	case map[string]any:
		for key, value := range v {
			switch value.(type) {
			case json.Number, map[string]any, []any:
				v[key] = plainNumbers(value)
			}
		}
	case []any:
		for i, value := range v {
			v[i] = plainNumbers(value)
		}
	}
	return v
}
