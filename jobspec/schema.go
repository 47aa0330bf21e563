// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
)

// fieldKind says how one struct field appears in a body.
type fieldKind int

const (
	attrField  fieldKind = iota // name = value
	blockField                  // name { ... } decoded into a struct
	mapField                    // name { free = "form" } into a map
	anyField                    // name { schema-less } into map[string]any
	labelField                  // a label of the block itself
)

// field is one compiled hcl tag.
type field struct {
	name     string
	kind     fieldKind
	index    []int
	required bool // the parser refuses a body without it
	attrToo  bool // a mapField that may also be written as an attribute
	truncate bool // a whole number field that accepts and truncates fractions
	many     bool // blockField: a slice
	keyed    bool // blockField: a map keyed by the first label
	elem     reflect.Type
	labels   []string
}

// bodySchema is everything known about the body of one struct type.
type bodySchema struct {
	fields     []*field // attributes and blocks in declaration order
	labels     []*field
	byName     map[string]*field // blocks, maps and schema-less bodies by block type
	shorthands []string          // attributes without a field of their own
	native     *hcl.BodySchema
	json       *hcl.BodySchema
}

var schemas sync.Map // reflect.Type -> *bodySchema

// schemaOf returns the compiled schema of struct type t. A malformed tag is a programming error and panics.
func schemaOf(t reflect.Type) *bodySchema {
	if s, ok := schemas.Load(t); ok {
		return s.(*bodySchema)
	}
	s := compile(t)
	actual, _ := schemas.LoadOrStore(t, s)
	return actual.(*bodySchema)
}

func compile(t reflect.Type) *bodySchema {
	s := &bodySchema{byName: map[string]*field{}}
	s.collect(t, nil)
	for _, f := range s.fields {
		if f.kind != attrField {
			s.byName[f.name] = f
		}
	}
	s.shorthands = shorthands[t].names()
	s.native = s.bodySchema(false)
	s.json = s.bodySchema(true)
	return s
}

// collect appends the fields of t. Fields of the outer struct replace embedded ones of the same name.
func (s *bodySchema) collect(t reflect.Type, index []int) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at := append(slices.Clone(index), i)
		if sf.Anonymous && sf.Type.Kind() == reflect.Struct {
			s.collect(sf.Type, at)
			continue
		}
		tag, ok := sf.Tag.Lookup("hcl")
		if !ok || tag == "-" {
			continue
		}
		f, err := parseTag(t, sf, tag)
		if err != nil {
			panic(err)
		}
		f.index = at
		if f.kind == labelField {
			s.labels = append(s.labels, f)
			continue
		}
		s.fields = slices.DeleteFunc(s.fields, func(old *field) bool { return old.name == f.name })
		s.fields = append(s.fields, f)
	}
}

func parseTag(t reflect.Type, sf reflect.StructField, tag string) (*field, error) {
	parts := strings.Split(tag, ",")
	f := &field{name: parts[0]}
	for _, opt := range parts[1:] {
		switch opt {
		case "block":
			f.kind = blockField
		case "map":
			f.kind = mapField
		case "any":
			f.kind = anyField
		case "label":
			f.kind = labelField
		case "attr":
			f.attrToo = true
		case "required":
			f.required = true
		case "trunc":
			f.truncate = true
		default:
			return nil, fmt.Errorf("jobspec: %s.%s: unknown option %q in hcl tag", t, sf.Name, opt)
		}
	}
	if f.name == "" {
		return nil, fmt.Errorf("jobspec: %s.%s: hcl tag without a name", t, sf.Name)
	}
	if f.kind != blockField {
		return f, nil
	}

	f.elem = sf.Type
	switch f.elem.Kind() {
	case reflect.Slice:
		f.many, f.elem = true, f.elem.Elem()
	case reflect.Map:
		f.many, f.keyed, f.elem = true, true, f.elem.Elem()
	}
	if f.elem.Kind() != reflect.Pointer || f.elem.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("jobspec: %s.%s: a block needs a pointer to a struct, not %s", t, sf.Name, f.elem)
	}
	f.elem = f.elem.Elem()
	for _, l := range schemaOf(f.elem).labels {
		f.labels = append(f.labels, l.name)
	}
	if name, ok := extraLabels[labelKey{t, f.name}]; ok {
		f.labels = append(f.labels, name)
	}
	if f.keyed && len(f.labels) == 0 {
		return nil, fmt.Errorf("jobspec: %s.%s: a map of blocks needs a label", t, sf.Name)
	}
	return f, nil
}

// bodySchema builds the schema HCL checks a body against. JSON has no syntax to tell a map attribute
// from a map block, so there the block form covers both.
func (s *bodySchema) bodySchema(json bool) *hcl.BodySchema {
	out := &hcl.BodySchema{}
	for _, f := range s.fields {
		if f.kind == attrField || (f.attrToo && !json) {
			out.Attributes = append(out.Attributes, hcl.AttributeSchema{Name: f.name, Required: f.required})
		}
		if f.kind != attrField {
			out.Blocks = append(out.Blocks, hcl.BlockHeaderSchema{Type: f.name, LabelNames: f.labels})
		}
	}
	for _, name := range s.shorthands {
		out.Attributes = append(out.Attributes, hcl.AttributeSchema{Name: name})
	}
	if len(out.Blocks) > 0 {
		out.Blocks = append(out.Blocks, hcl.BlockHeaderSchema{Type: "dynamic", LabelNames: []string{"type"}})
	}
	return out
}
