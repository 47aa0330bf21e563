// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// TypeScript collects the TypeScript declarations of struct types as responses of the HTTP API show them.
// The zero value is ready for use.
type TypeScript struct {
	names map[reflect.Type]bool
	order []reflect.Type
}

// Name returns the TypeScript type of t and remembers the structs that it needs.
func (ts *TypeScript) Name(t reflect.Type) string {
	switch {
	case t == timeType:
		return "string | null"
	case t == reflect.TypeFor[time.Duration]():
		return "number"
	case t.Kind() == reflect.Pointer:
		return orNull(ts.Name(t.Elem()))
	case t.Kind() == reflect.Struct:
		if t.NumField() == 0 {
			return "Record<string, never>"
		}
		if ts.names == nil {
			ts.names = map[reflect.Type]bool{}
		}
		if !ts.names[t] {
			ts.names[t] = true
			ts.order = append(ts.order, t)
		}
		return t.Name()
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "string | null"
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Array:
		return ts.elem(t.Elem()) + "[] | null"
	case t.Kind() == reflect.Map:
		return "Record<string, " + ts.inMap(t.Elem()) + "> | null"
	}
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Interface:
		return "unknown"
	}
	return "number"
}

// elem is the type of a list's element: lists of pointers have no null in them.
func (ts *TypeScript) elem(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	n := ts.Name(t)
	if strings.Contains(n, " ") {
		return "(" + n + ")"
	}
	return n
}

func (ts *TypeScript) inMap(t reflect.Type) string {
	if t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct {
		return ts.Name(t.Elem())
	}
	return ts.Name(t)
}

func orNull(name string) string {
	if strings.HasSuffix(name, "| null") || name == "unknown" {
		return name
	}
	return name + " | null"
}

// Declarations returns the interfaces of all structs named so far and of those they refer to, sorted by name.
func (ts *TypeScript) Declarations() (string, error) {
	text := map[string]string{}
	for i := 0; i < len(ts.order); i++ { // grows while it runs
		t := ts.order[i]
		if _, twice := text[t.Name()]; twice {
			return "", fmt.Errorf("typescript: two types are named %s", t.Name())
		}
		text[t.Name()] = ts.declaration(t)
	}
	var b strings.Builder
	for _, name := range SortedKeys(text) {
		b.WriteString(text[name])
	}
	return b.String(), nil
}

func (ts *TypeScript) declaration(t reflect.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nexport interface %s {\n", t.Name())
	desc := Of(t)
	for i := range desc.Fields {
		f := &desc.Fields[i]
		optional := ""
		if desc.Sparse || f.omitEmpty || f.in {
			optional = "?"
		}
		fmt.Fprintf(&b, "  %s%s: %s;\n", f.JSON, optional, ts.Name(f.Type))
	}
	b.WriteString("}\n")
	return b.String()
}
