// SPDX-License-Identifier: MPL-2.0

// Package codectest makes values with something in every field, for tests that must notice a field which
// an encoding leaves out. Only tests import it.
package codectest

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"
)

// Filler sets every field of a value to something that is not zero, the same for the same seed.
type Filler struct{ rand *rand.Rand }

// New returns a filler.
func New(seed uint64) *Filler { return &Filler{rand.New(rand.NewPCG(seed, 7))} }

// Fill returns a filled T. Pointers, lists and maps end six levels down.
func Fill[T any](f *Filler) *T {
	v := new(T)
	f.set(reflect.ValueOf(v).Elem(), 6)
	return v
}

func (f *Filler) set(v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+f.rand.Int64N(1e6), f.rand.Int64N(1e9)).UTC()))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int, reflect.Int64:
		v.SetInt(1 + f.rand.Int64N(100))
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint, reflect.Uint64:
		v.SetUint(1 + f.rand.Uint64N(100))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(0.5 + float64(f.rand.IntN(100)))
	case reflect.String:
		v.SetString(fmt.Sprintf("text-%x", f.rand.Uint32()))
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(any("any")))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.set(v.Field(i), depth)
			}
		}
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if depth > 0 {
			f.setReference(v, depth-1)
		}
	default: // nothing that travels
	}
}

func (f *Filler) setReference(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.set(v.Elem(), depth)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.set(v.Index(i), depth)
		}
	default: // a map
		v.Set(reflect.MakeMap(v.Type()))
		for range 3 {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.set(k, depth)
			f.set(e, depth)
			v.SetMapIndex(k, e)
		}
	}
}
