// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Kind is the shape of a field for an ordered walk.
type Kind uint8

// Kinds.
const (
	// Primitive is text, a number, a truth value, or a pointer to one.
	Primitive Kind = iota
	// Texts is a list of texts.
	Texts
	// TextMap maps text to text.
	TextMap
	// Block is a pointer to a struct, or a struct.
	Block
	// Blocks is a list of blocks.
	Blocks
	// BlockMap maps names to blocks.
	BlockMap
	// Free is a dynamically typed part, or a map of lists: see Flatten.
	Free
)

// Kind returns the shape of the field.
func (f *Field) Kind() Kind {
	t := f.Type
	switch t.Kind() {
	case reflect.Pointer:
		if t.Elem().Kind() == reflect.Struct && t.Elem() != timeType {
			return Block
		}
		return Primitive
	case reflect.Struct:
		if t == timeType {
			return Primitive
		}
		return Block
	case reflect.Slice:
		switch elem := t.Elem(); {
		case elem.Kind() == reflect.String:
			return Texts
		case elem.Kind() == reflect.Uint8:
			return Primitive
		case elem.Kind() == reflect.Pointer || elem.Kind() == reflect.Struct:
			return Blocks
		}
		return Free
	case reflect.Map:
		switch elem := t.Elem(); {
		case elem.Kind() == reflect.String:
			return TextMap
		case elem.Kind() == reflect.Pointer && elem.Elem().Kind() == reflect.Struct:
			return BlockMap
		}
		return Free
	case reflect.Interface:
		return Free
	}
	return Primitive
}

// RequestOnly reports whether the field exists in requests only.
func (f *Field) RequestOnly() bool { return f.in }

// Text returns the text form of a primitive: durations in nanoseconds, times as JSON writes them without
// quotes, byte strings as base64. It reports false for a nil pointer and for what is no primitive.
func Text(v reflect.Value) (string, bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return "", false
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String(), true
	case v.Kind() == reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), true
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), true
	case v.CanFloat():
		return strconv.FormatFloat(v.Float(), 'g', -1, 64), true
	case v.Type() == timeType, v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		text, err := Marshal(v.Interface(), Response)
		return strings.Trim(string(text), `"`), err == nil
	}
	return "", false
}

// Flatten returns the primitives of a dynamically typed value by path: "args[0]", "labels.team". Empty
// lists, maps and nulls have none.
func Flatten(v reflect.Value) map[string]string {
	texts := map[string]string{}
	flatten(texts, "", v)
	return texts
}

func flatten(texts map[string]string, at string, v reflect.Value) {
	if !v.IsValid() {
		return
	}
	if text, ok := Text(v); ok {
		texts[at] = text
		return
	}
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			flatten(texts, at+"["+strconv.Itoa(i)+"]", v.Index(i))
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			key := fmt.Sprint(it.Key().Interface())
			if at != "" {
				key = at + "." + key
			}
			flatten(texts, key, it.Value())
		}
	case reflect.Struct:
		for _, f := range Of(v.Type()).Fields {
			key := f.Name
			if at != "" {
				key = at + "." + key
			}
			flatten(texts, key, v.FieldByIndex(f.Index))
		}
	}
}

// SortedKeys returns the keys of any number of maps, sorted, each once.
func SortedKeys[V any](all ...map[string]V) []string {
	var keys []string
	for _, m := range all {
		for key := range m {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
