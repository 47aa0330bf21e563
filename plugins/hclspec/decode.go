// SPDX-License-Identifier: MPL-2.0

package hclspec

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/hashicorp/go-msgpack/v2/codec"
)

// handle is the msgpack dialect of plugins. Strings decode from the old and
// the current string families alike.
func handle() *codec.MsgpackHandle {
	h := &codec.MsgpackHandle{}
	h.RawToString = true
	h.MapType = reflect.TypeFor[map[string]any]()
	h.TimeNotBuiltin = true
	return h
}

// Encode returns the msgpack form of a value; structs use codec tags. It is
// meant for driver state.
func Encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	if err := codec.NewEncoder(&buf, handle()).Encode(value); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// Unmarshaler is implemented by types that read a decoded value themselves.
// The value is nil, bool, int64, uint64, float64, string, []byte, []any or
// map[string]any.
type Unmarshaler interface {
	UnmarshalConfig(value any) error
}

// Decode reads msgpack into a struct with codec tags, or into any other value.
//
// Unknown keys are ignored and missing or nil ones leave the zero value.
// Numbers are taken in whatever form a host encodes them: a whole number in a
// float fits an integer field, and decimal text (which is how some hosts send
// 0.1) fits any number field. A value that does not fit is an error with the
// path of the field.
func Decode(data []byte, into any) error {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("decode needs a pointer to a value, got %T", into)
	}
	if len(data) == 0 {
		return errors.New("no configuration was sent, not even an empty one")
	}
	var value any
	if err := codec.NewDecoderBytes(data, handle()).Decode(&value); err != nil {
		return fmt.Errorf("malformed msgpack: %w", err)
	}
	target.Elem().SetZero()
	return assign(target.Elem(), value, "")
}

// mismatch is the error for a value that does not fit a field.
func mismatch(path string, value any, want reflect.Type) error {
	if path == "" {
		path = "configuration"
	}
	return fmt.Errorf("%s: %T does not fit %s", path, value, want)
}

// assign stores a decoded value into a settable target.
func assign(target reflect.Value, value any, path string) error {
	if value == nil {
		return nil
	}
	if target.CanAddr() {
		switch u := target.Addr().Interface().(type) {
		case Unmarshaler:
			if err := u.UnmarshalConfig(value); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			return nil
		case encoding.BinaryUnmarshaler:
			if data, ok := asBytes(value); ok {
				if err := u.UnmarshalBinary(data); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				return nil
			}
		}
	}
	switch target.Kind() {
	case reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		return assign(target.Elem(), value, path)
	case reflect.Interface:
		if target.NumMethod() > 0 {
			return mismatch(path, value, target.Type())
		}
		target.Set(reflect.ValueOf(value))
		return nil
	case reflect.Struct:
		return assignStruct(target, value, path)
	case reflect.Map:
		return assignMap(target, value, path)
	case reflect.Slice:
		return assignSlice(target, value, path)
	}
	return assignScalar(target, value, path)
}

// assignScalar stores into strings, booleans and numbers.
func assignScalar(target reflect.Value, value any, path string) error {
	fail := mismatch(path, value, target.Type())
	switch kind := target.Kind(); {
	case kind == reflect.Bool:
		b, ok := value.(bool)
		if !ok {
			return fail
		}
		target.SetBool(b)
	case kind == reflect.String:
		s, ok := value.(string)
		if !ok {
			return fail
		}
		target.SetString(s)
	case target.CanInt():
		i, ok := asInt(value)
		if !ok || target.OverflowInt(i) {
			return fail
		}
		target.SetInt(i)
	case target.CanUint():
		u, ok := asUint(value)
		if !ok || target.OverflowUint(u) {
			return fail
		}
		target.SetUint(u)
	case target.CanFloat():
		f, ok := asFloat(value)
		if !ok {
			return fail
		}
		target.SetFloat(f)
	default:
		return fail
	}
	return nil
}

// assignStruct stores a map into the fields of a struct, by codec tag or else
// by field name.
func assignStruct(target reflect.Value, value any, path string) error {
	source, ok := value.(map[string]any)
	if !ok {
		return mismatch(path, value, target.Type())
	}
	kind := target.Type()
	for i := range kind.NumField() {
		field := kind.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("codec"), ",")
		switch {
		case name == "-":
			continue
		case name == "" && field.Anonymous && field.Type.Kind() == reflect.Struct:
			// The fields of an embedded struct are its parent's, even if its
			// type is not exported.
			if err := assignStruct(target.Field(i), source, path); err != nil {
				return err
			}
			continue
		case !field.IsExported():
			continue
		case name == "":
			name = field.Name
		}
		if err := assign(target.Field(i), source[name], join(path, name)); err != nil {
			return err
		}
	}
	return nil
}

// assignMap stores a map with string keys.
func assignMap(target reflect.Value, value any, path string) error {
	source, ok := value.(map[string]any)
	if !ok || target.Type().Key().Kind() != reflect.String {
		return mismatch(path, value, target.Type())
	}
	target.Set(reflect.MakeMapWithSize(target.Type(), len(source)))
	for name, element := range source {
		slot := reflect.New(target.Type().Elem()).Elem()
		if err := assign(slot, element, join(path, name)); err != nil {
			return err
		}
		target.SetMapIndex(reflect.ValueOf(name).Convert(target.Type().Key()), slot)
	}
	return nil
}

// assignSlice stores a sequence, or bytes.
func assignSlice(target reflect.Value, value any, path string) error {
	if target.Type().Elem().Kind() == reflect.Uint8 {
		if data, ok := asBytes(value); ok {
			target.SetBytes(bytes.Clone(data))
			return nil
		}
	}
	source, ok := value.([]any)
	if !ok {
		return mismatch(path, value, target.Type())
	}
	target.Set(reflect.MakeSlice(target.Type(), len(source), len(source)))
	for i, element := range source {
		if err := assign(target.Index(i), element, path+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func asBytes(value any) ([]byte, bool) {
	switch v := value.(type) {
	case []byte:
		return v, true
	case string:
		return []byte(v), true
	}
	return nil, false
}

func asInt(value any) (int64, bool) {
	switch v := value.(type) {
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	case float64:
		// 1<<63 itself does not fit, and is the float nearest to MaxInt64.
		return int64(v), v == math.Trunc(v) && v >= math.MinInt64 && v < 1<<63
	case float32:
		return asInt(float64(v))
	case string:
		i, err := strconv.ParseInt(v, 10, 64)
		return i, err == nil
	}
	return 0, false
}

func asUint(value any) (uint64, bool) {
	switch v := value.(type) {
	case int64:
		return uint64(v), v >= 0
	case uint64:
		return v, true
	case float64:
		return uint64(v), v == math.Trunc(v) && v >= 0 && v < 1<<64
	case float32:
		return asUint(float64(v))
	case string:
		u, err := strconv.ParseUint(v, 10, 64)
		return u, err == nil
	}
	return 0, false
}

func asFloat(value any) (float64, bool) {
	switch v := value.(type) {
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}
