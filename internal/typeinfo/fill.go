// SPDX-License-Identifier: MPL-2.0

package typeinfo

import "reflect"

// Fill sets every field of dst that is zero to a copy of the field of src, one level deep: it merges
// settings key by key, dst winning. A nil src changes nothing.
func Fill[T any](dst, src *T) {
	if src == nil {
		return
	}
	d, s := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for _, f := range Of(d.Type()).Fields {
		to, from := d.FieldByIndex(f.Index), s.FieldByIndex(f.Index)
		if !to.IsZero() || from.IsZero() {
			continue
		}
		to.Set(from)
		if fix := copierOf(f.Type); fix != nil {
			fix(to)
		}
	}
}

// Tidy removes nil elements from the slices and maps below v and makes empty ones nil, so that no reader
// meets a nil element and one value has one form. Dynamically typed parts are left alone.
func Tidy[T any](v *T) { tidy(reflect.ValueOf(v).Elem()) }

func tidy(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			tidy(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == timeType {
			return
		}
		for _, field := range v.Fields() {
			if field.CanSet() {
				tidy(field)
			}
		}
	case reflect.Slice:
		tidySlice(v)
	case reflect.Map:
		tidyMap(v)
	}
}

func tidySlice(v reflect.Value) {
	if v.Len() == 0 {
		v.SetZero()
		return
	}
	kind := v.Type().Elem().Kind()
	if kind == reflect.Pointer {
		kept := 0
		for i := range v.Len() {
			if elem := v.Index(i); !elem.IsNil() {
				if kept != i {
					v.Index(kept).Set(elem)
				}
				kept++
			}
		}
		if kept == 0 {
			v.SetZero()
			return
		}
		v.SetLen(kept)
	}
	if kind == reflect.Pointer || kind == reflect.Struct {
		for i := range v.Len() {
			tidy(v.Index(i))
		}
	}
}

func tidyMap(v reflect.Value) {
	if elem := v.Type().Elem(); elem.Kind() == reflect.Pointer && elem.Elem().Kind() == reflect.Struct {
		for it := v.MapRange(); it.Next(); {
			if it.Value().IsNil() {
				v.SetMapIndex(it.Key(), reflect.Value{})
				continue
			}
			tidy(it.Value())
		}
	}
	if v.Len() == 0 {
		v.SetZero()
	}
}
