// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"fmt"
	"reflect"
	"strconv"
)

// Hole returns the path of a null below v, "[2].TaskGroups.web", where a list or a map should have an object; empty when
// there is none. Dynamically typed parts are left alone.
func Hole(v any) string {
	if path, found := hole(reflect.ValueOf(v), ""); found {
		return path
	}
	return ""
}

func hole(v reflect.Value, at string) (path string, found bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return hole(v.Elem(), at)
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return "", false
		}
		for _, f := range Of(v.Type()).Fields {
			if f.nulls || !holds(f.Type) {
				continue
			}
			if path, found = hole(v.FieldByIndex(f.Index), below(at, f.JSON)); found {
				return path, true
			}
		}
	case reflect.Slice:
		if !holds(v.Type()) {
			return "", false
		}
		for i := range v.Len() {
			if path, found = elementHole(v.Index(i), at+"["+strconv.Itoa(i)+"]"); found {
				return path, true
			}
		}
	case reflect.Map:
		if !holds(v.Type()) {
			return "", false
		}
		for it := v.MapRange(); it.Next(); {
			if path, found = elementHole(it.Value(), below(at, fmt.Sprint(it.Key()))); found {
				return path, true
			}
		}
	}
	return "", false
}

// below is the path of what has the name at a path.
func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func elementHole(v reflect.Value, at string) (path string, found bool) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return at, true
	}
	return hole(v, at)
}

// holds reports whether values of the type may hold objects.
func holds(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		return holds(t.Elem())
	case reflect.Pointer:
		return t.Elem().Kind() == reflect.Struct && t.Elem() != timeType
	case reflect.Struct:
		return t != timeType
	}
	return false
}
