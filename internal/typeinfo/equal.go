// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"reflect"
	"sync"
	"time"
)

// Equal reports whether a and b mean the same. Nil and empty slices and maps are equal, times are
// compared as instants, and numbers inside dynamically typed values by value whatever their Go type, so
// that a value which travelled through JSON equals its original.
func Equal[T any](a, b T) bool {
	return comparerOf(reflect.TypeFor[T]())(reflect.ValueOf(&a).Elem(), reflect.ValueOf(&b).Elem())
}

// EqualValues is Equal for two values of one type.
func EqualValues(a, b reflect.Value) bool { return comparerOf(a.Type())(a, b) }

type comparer func(a, b reflect.Value) bool

var comparers sync.Map // reflect.Type -> comparer

func comparerOf(t reflect.Type) comparer {
	if c, ok := comparers.Load(t); ok {
		return c.(comparer)
	}
	c := newComparer(t, map[reflect.Type]bool{})
	comparers.Store(t, c)
	return c
}

func newComparer(t reflect.Type, active map[reflect.Type]bool) comparer {
	if c, ok := comparers.Load(t); ok {
		return c.(comparer)
	}
	if active[t] {
		return func(a, b reflect.Value) bool { return comparerOf(t)(a, b) }
	}
	active[t] = true
	defer delete(active, t)

	if t == timeType {
		return func(a, b reflect.Value) bool {
			return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
		}
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(a, b reflect.Value) bool { return a.Bool() == b.Bool() }
	case reflect.String:
		return func(a, b reflect.Value) bool { return a.String() == b.String() }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(a, b reflect.Value) bool { return a.Int() == b.Int() }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(a, b reflect.Value) bool { return a.Uint() == b.Uint() }
	case reflect.Float32, reflect.Float64:
		return func(a, b reflect.Value) bool { return a.Float() == b.Float() }
	case reflect.Pointer:
		elem := newComparer(t.Elem(), active)
		return func(a, b reflect.Value) bool {
			if a.IsNil() || b.IsNil() {
				return a.IsNil() == b.IsNil()
			}
			return a.Pointer() == b.Pointer() || elem(a.Elem(), b.Elem())
		}
	case reflect.Slice, reflect.Array:
		elem := newComparer(t.Elem(), active)
		return func(a, b reflect.Value) bool { return equalList(a, b, elem) }
	case reflect.Map:
		elem := newComparer(t.Elem(), active)
		return func(a, b reflect.Value) bool { return equalMap(a, b, elem) }
	case reflect.Interface:
		return func(a, b reflect.Value) bool {
			if a.IsNil() || b.IsNil() {
				return a.IsNil() == b.IsNil()
			}
			return equalAny(a.Elem(), b.Elem())
		}
	case reflect.Struct:
		return newStructComparer(t, active)
	default:
		return func(a, b reflect.Value) bool { return a.IsZero() && b.IsZero() }
	}
}

func equalList(a, b reflect.Value, elem comparer) bool {
	n := a.Len()
	if n != b.Len() {
		return false
	}
	for i := range n {
		if !elem(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

func equalMap(a, b reflect.Value, elem comparer) bool {
	if a.Len() != b.Len() {
		return false
	}
	for it := a.MapRange(); it.Next(); {
		other := b.MapIndex(it.Key())
		if !other.IsValid() || !elem(it.Value(), other) {
			return false
		}
	}
	return true
}

// equalAny compares the contents of two interfaces, whose types may differ.
func equalAny(a, b reflect.Value) bool {
	for a.Kind() == reflect.Interface && !a.IsNil() {
		a = a.Elem()
	}
	for b.Kind() == reflect.Interface && !b.IsNil() {
		b = b.Elem()
	}
	if a.Kind() == reflect.Interface || b.Kind() == reflect.Interface { // a nil inside
		return a.Kind() == b.Kind()
	}
	if a.Type() == b.Type() {
		return comparerOf(a.Type())(a, b)
	}
	switch {
	case isNumber(a) && isNumber(b):
		return equalNumbers(a, b)
	case isList(a) && isList(b):
		return equalList(a, b, equalAny)
	case a.Kind() == reflect.Map && b.Kind() == reflect.Map && a.Type().Key() == b.Type().Key():
		return equalMap(a, b, equalAny)
	}
	return false
}

func isNumber(v reflect.Value) bool { return v.CanInt() || v.CanUint() || v.CanFloat() }

func isList(v reflect.Value) bool { return v.Kind() == reflect.Slice || v.Kind() == reflect.Array }

func equalNumbers(a, b reflect.Value) bool {
	switch {
	case a.CanInt() && b.CanInt():
		return a.Int() == b.Int()
	case a.CanUint() && b.CanUint():
		return a.Uint() == b.Uint()
	case a.CanInt() && b.CanUint():
		return a.Int() >= 0 && uint64(a.Int()) == b.Uint()
	case a.CanUint() && b.CanInt():
		return b.Int() >= 0 && uint64(b.Int()) == a.Uint()
	}
	return asFloat(a) == asFloat(b)
}

func asFloat(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}

func newStructComparer(t reflect.Type, active map[reflect.Type]bool) comparer {
	type field struct {
		index int
		equal comparer
	}
	var fields []field
	for i := range t.NumField() {
		if sf := t.Field(i); reachable(sf) {
			fields = append(fields, field{i, newComparer(sf.Type, active)})
		}
	}
	return func(a, b reflect.Value) bool {
		for _, f := range fields {
			if !f.equal(a.Field(f.index), b.Field(f.index)) {
				return false
			}
		}
		return true
	}
}
