// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Copy returns a deep copy of v. Nil and empty slices and maps stay what they are; times keep their
// location; channels, functions and the unexported parts of foreign structs are shared.
func Copy[T any](v T) T {
	if fix := copierOf(reflect.TypeFor[T]()); fix != nil {
		fix(reflect.ValueOf(&v).Elem())
	}
	return v
}

// copier makes a shallow copy deep: it replaces what dst refers to, in place. A nil copier means that
// the type refers to nothing.
type copier func(dst reflect.Value)

var copiers sync.Map // reflect.Type -> copier

func copierOf(t reflect.Type) copier {
	if c, ok := copiers.Load(t); ok {
		return c.(copier)
	}
	c := newCopier(t, map[reflect.Type]bool{})
	copiers.Store(t, c)
	return c
}

// newCopier compiles the copier of t. Types already being compiled are looked up when they run, which
// is how self-referring types end.
func newCopier(t reflect.Type, active map[reflect.Type]bool) copier {
	if c, ok := copiers.Load(t); ok {
		return c.(copier)
	}
	if c, ok := leafCopier(t); ok {
		return c
	}
	if active[t] {
		return func(dst reflect.Value) {
			if c := copierOf(t); c != nil {
				c(dst)
			}
		}
	}
	active[t] = true
	defer delete(active, t)

	switch t.Kind() {
	case reflect.Pointer:
		elem := newCopier(t.Elem(), active)
		return func(dst reflect.Value) { copyPointer(dst, t.Elem(), elem) }
	case reflect.Slice:
		elem := newCopier(t.Elem(), active)
		return func(dst reflect.Value) { copySlice(dst, elem) }
	case reflect.Array:
		elem := newCopier(t.Elem(), active)
		if elem == nil {
			return nil
		}
		return func(dst reflect.Value) {
			for i := range dst.Len() {
				elem(dst.Index(i))
			}
		}
	case reflect.Map:
		elem := newCopier(t.Elem(), active)
		return func(dst reflect.Value) { copyMap(dst, t, elem) }
	case reflect.Interface:
		return copyInterface
	case reflect.Struct:
		return newStructCopier(t, active)
	default:
		return nil
	}
}

// leafCopier knows the types that need no look inside and the common containers that have a fast way.
func leafCopier(t reflect.Type) (copier, bool) {
	switch t {
	case timeType:
		return nil, true
	case reflect.TypeFor[*time.Time]():
		return fast(func(p *time.Time) *time.Time {
			if p == nil {
				return nil
			}
			c := *p
			return &c
		}), true
	case reflect.TypeFor[[]string]():
		return fast(slices.Clone[[]string]), true
	case reflect.TypeFor[[]byte]():
		return fast(bytes.Clone), true
	case reflect.TypeFor[map[string]string]():
		return fast(maps.Clone[map[string]string]), true
	case reflect.TypeFor[map[string]int]():
		return fast(maps.Clone[map[string]int]), true
	case reflect.TypeFor[map[string]float64]():
		return fast(maps.Clone[map[string]float64]), true
	case reflect.TypeFor[map[string]bool]():
		return fast(maps.Clone[map[string]bool]), true
	case reflect.TypeFor[map[string]any]():
		return fast(func(m map[string]any) map[string]any {
			if m == nil {
				return nil
			}
			return copyAny(m).(map[string]any)
		}), true
	}
	return nil, false
}

// fast turns a typed clone function into a copier that does without reflection.
func fast[T any](clone func(T) T) copier {
	return func(dst reflect.Value) {
		p := dst.Addr().Interface().(*T)
		*p = clone(*p)
	}
}

func copyPointer(dst reflect.Value, elemType reflect.Type, elem copier) {
	if dst.IsNil() {
		return
	}
	p := reflect.New(elemType)
	p.Elem().Set(dst.Elem())
	if elem != nil {
		elem(p.Elem())
	}
	dst.Set(p)
}

func copySlice(dst reflect.Value, elem copier) {
	if dst.IsNil() {
		return
	}
	n := dst.Len()
	s := reflect.MakeSlice(dst.Type(), n, n)
	reflect.Copy(s, dst)
	if elem != nil {
		for i := range n {
			elem(s.Index(i))
		}
	}
	dst.Set(s)
}

func copyMap(dst reflect.Value, t reflect.Type, elem copier) {
	if dst.IsNil() {
		return
	}
	m := reflect.MakeMapWithSize(t, dst.Len())
	value := reflect.New(t.Elem()).Elem()
	for it := dst.MapRange(); it.Next(); {
		value.SetIterValue(it)
		if elem != nil {
			elem(value)
		}
		m.SetMapIndex(it.Key(), value)
	}
	dst.Set(m)
}

func copyInterface(dst reflect.Value) {
	if dst.IsNil() {
		return
	}
	dst.Set(reflect.ValueOf(copyAny(dst.Interface())))
}

// copyAny copies a dynamically typed value; the shapes that decoders produce take the short way.
func copyAny(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int, int64, float64, uint64:
		return v
	case map[string]any:
		if v == nil {
			return v //nolint:gocritic // a nil map, not nothing
		}
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[key] = copyAny(value)
		}
		return m
	case []any:
		if v == nil {
			return v //nolint:gocritic // a nil list, not nothing
		}
		s := make([]any, len(v))
		for i, value := range v {
			s[i] = copyAny(value)
		}
		return s
	case []string:
		return slices.Clone(v)
	}
	t := reflect.TypeOf(v)
	fix := copierOf(t)
	if fix == nil {
		return v
	}
	p := reflect.New(t).Elem()
	p.Set(reflect.ValueOf(v))
	fix(p)
	return p.Interface()
}

type fieldCopier struct {
	index int
	fix   copier
}

func newStructCopier(t reflect.Type, active map[reflect.Type]bool) copier {
	var fields []fieldCopier
	for i := range t.NumField() {
		sf := t.Field(i)
		if !reachable(sf) {
			continue
		}
		if fix := newCopier(sf.Type, active); fix != nil {
			fields = append(fields, fieldCopier{i, fix})
		}
	}
	if len(fields) == 0 {
		return nil
	}
	return func(dst reflect.Value) {
		for _, f := range fields {
			f.fix(dst.Field(f.index))
		}
	}
}
