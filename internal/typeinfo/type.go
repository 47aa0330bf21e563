// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"reflect"
	"strings"
	"sync"
	"time"
)

// Field is one exported field of a struct, promoted ones of embedded structs included.
type Field struct {
	// Name is the Go name.
	Name string
	// JSON is the name on the wire.
	JSON string
	// Index leads to the field, see reflect.Value.FieldByIndex.
	Index []int
	// Type is the field's type.
	Type reflect.Type
	// Tag holds all tags of the field.
	Tag reflect.StructTag

	in, out        bool
	null, nullKeep bool
	omit           bool
	nulls          bool
	omitEmpty      bool
	change         string
}

// Struct describes a struct type.
type Struct struct {
	// Type is the struct type.
	Type reflect.Type
	// Fields are in the order of declaration.
	Fields []Field
	// Sparse structs leave zero values out of responses.
	Sparse bool

	byName map[string]int
}

// Field returns the field with the Go name, or nil.
func (s *Struct) Field(name string) *Field {
	if i, ok := s.byName[name]; ok {
		return &s.Fields[i]
	}
	return nil
}

var (
	structs sync.Map // reflect.Type -> *Struct

	timeType = reflect.TypeFor[time.Time]()
)

// Of returns the description of the struct type t, which may be given by pointer. It returns nil for
// types that are not structs.
func Of(t reflect.Type) *Struct {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	if s, ok := structs.Load(t); ok {
		return s.(*Struct)
	}
	s := &Struct{Type: t, byName: map[string]int{}}
	s.collect(t, nil)
	got, _ := structs.LoadOrStore(t, s)
	return got.(*Struct)
}

// reachable reports whether the field or its own fields can be read and set.
func reachable(sf reflect.StructField) bool {
	return sf.IsExported() || sf.Anonymous && sf.Type.Kind() == reflect.Struct
}

func (s *Struct) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		index := append(append([]int(nil), prefix...), i)
		if sf.Name == "_" {
			if sf.Tag.Get("api") == "sparse" && len(prefix) == 0 {
				s.Sparse = true
			}
			continue
		}
		jsonTag, hasJSON := sf.Tag.Lookup("json")
		if sf.Anonymous && !hasJSON && sf.Type.Kind() == reflect.Struct {
			s.collect(sf.Type, index)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f := Field{Name: sf.Name, JSON: sf.Name, Index: index, Type: sf.Type, Tag: sf.Tag, change: sf.Tag.Get("change")}
		if hasJSON {
			name, options, _ := strings.Cut(jsonTag, ",")
			if name == "-" && options == "" {
				continue
			}
			if name != "" {
				f.JSON = name
			}
			f.omitEmpty = options == "omitempty"
		}
		for option := range strings.SplitSeq(sf.Tag.Get("api"), ",") {
			switch option {
			case "in":
				f.in = true
			case "out":
				f.out = true
			case "null":
				f.null = true
			case "keep":
				f.nullKeep = true
			case "omit":
				f.omit = true
			case "nulls":
				f.nulls = true
			}
		}
		s.byName[f.Name] = len(s.Fields)
		s.Fields = append(s.Fields, f)
	}
}
