// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
)

// source is one parsed configuration file.
type source struct {
	body hcl.Body
	json bool
}

// byteOrderMark is what some editors begin a file with.
var byteOrderMark = []byte("\xef\xbb\xbf")

// parse reads configuration text; a first non-space '{' makes it JSON.
func parse(path string, src []byte) (*source, error) {
	src = bytes.TrimPrefix(src, byteOrderMark)
	if !strings.HasPrefix(strings.TrimSpace(string(src)), "{") {
		b, err := parseHCL1(path, src)
		if err != nil {
			return nil, err
		}
		return &source{body: b}, nil
	}
	file, diags := hcljson.Parse(src, path)
	if diags.HasErrors() {
		return nil, diagError(diags)
	}
	return &source{body: file.Body, json: true}, nil
}

// empty says whether there is not a single key in the source.
func (s *source) empty() bool { return len(s.keysOf(s.body)) == 0 }

func diagError(diags hcl.Diagnostics) error {
	var errs []error
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		at := ""
		if d.Subject != nil {
			at = fmt.Sprintf("%s:%d,%d: ", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		text := at + d.Summary
		if d.Detail != "" {
			text += "; " + d.Detail
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}

// decode merges the source into the configuration struct dst points to, by its hcl tags: later sources
// win for single values unless theirs is the empty one (a plain boolean can only be switched on), maps merge
// by key, lists append, blocks merge recursively, labelled blocks by label. What the struct does not know is
// an error with its line.
func (s *source) decode(dst any) error {
	return diagError(s.block(s.body, reflect.ValueOf(dst).Elem(), ""))
}

type fieldKind uint8

const (
	kindValue fieldKind = iota
	kindBlock
	kindLabelled
	kindList
	kindMap
	kindLabel
	kindAny
)

type fieldSpec struct {
	name  string
	kind  fieldKind
	index []int
}

// fieldsOf reads the hcl tags: `hcl:"name"`, `hcl:"name,block"` (a list of pointers when the block has a
// label, which goes into its field tagged `hcl:"name,label"`), `hcl:"name,labelled"` (a map of pointers by
// label), `hcl:"name,map"` (strings by key) and `hcl:"name,any"` (a schema-less block).
func fieldsOf(t reflect.Type) []fieldSpec {
	var out []fieldSpec
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		tag := f.Tag.Get("hcl")
		if tag == "" || tag == "-" {
			continue
		}
		name, opt, _ := strings.Cut(tag, ",")
		kind := map[string]fieldKind{"": kindValue, "block": kindBlock, "labelled": kindLabelled, "map": kindMap, "any": kindAny, "label": kindLabel}[opt]
		if kind == kindBlock && f.Type.Kind() == reflect.Slice {
			kind = kindList
		}
		out = append(out, fieldSpec{name, kind, []int{i}})
	}
	return out
}

func (s *source) block(body hcl.Body, v reflect.Value, path string) hcl.Diagnostics {
	fields := fieldsOf(v.Type())
	strange := s.strange(body, fields, path)
	schema := &hcl.BodySchema{}
	for _, f := range fields {
		switch f.kind {
		case kindBlock:
			schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: f.name})
		case kindLabelled, kindList:
			schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: f.name, LabelNames: []string{"name"}})
		case kindLabel:
		case kindMap, kindAny:
			schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: f.name})
			if !s.json {
				schema.Blocks = append(schema.Blocks, hcl.BlockHeaderSchema{Type: f.name})
			}
		default:
			schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: f.name})
		}
	}
	content, _, diags := body.PartialContent(schema)
	diags = append(diags, strange...)
	for _, f := range fields {
		fv := v.FieldByIndex(f.index)
		if a := content.Attributes[f.name]; a != nil {
			diags = append(diags, s.attribute(a, f, fv)...)
		}
		for _, b := range content.Blocks {
			if b.Type == f.name {
				diags = append(diags, s.nested(b, f, fv, join(path, f.name))...)
			}
		}
	}
	return diags
}

func (s *source) nested(b *hcl.Block, f fieldSpec, fv reflect.Value, path string) hcl.Diagnostics {
	switch f.kind {
	case kindLabelled:
		if fv.IsNil() {
			fv.Set(reflect.MakeMap(fv.Type()))
		}
		key := reflect.ValueOf(b.Labels[0])
		elem := fv.MapIndex(key)
		if !elem.IsValid() {
			elem = reflect.New(fv.Type().Elem().Elem())
			fv.SetMapIndex(key, elem)
		}
		return s.block(b.Body, elem.Elem(), path)
	case kindList:
		return s.block(b.Body, labelledElem(fv, b.Labels[0]), path)
	case kindMap:
		attrs, diags := b.Body.JustAttributes()
		for k, a := range attrs {
			val, d := s.eval(a.Expr)
			diags = append(diags, d...)
			if d.HasErrors() {
				continue
			}
			if err := setKey(fv, k, val); err != nil {
				diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Invalid value for " + f.name, Detail: err.Error(), Subject: a.Expr.Range().Ptr()})
			}
		}
		return diags
	case kindAny:
		m, diags := s.anyBody(b.Body)
		mergeAny(fv, m)
		return diags
	default:
		if fv.Kind() == reflect.Pointer {
			if fv.IsNil() {
				fv.Set(reflect.New(fv.Type().Elem()))
			}
			fv = fv.Elem()
		}
		return s.block(b.Body, fv, path)
	}
}

// labelledElem returns the list's element with the label, appended if there is none.
func labelledElem(list reflect.Value, label string) reflect.Value {
	var at []int
	for _, f := range fieldsOf(list.Type().Elem().Elem()) {
		if f.kind == kindLabel {
			at = f.index
		}
	}
	for i := range list.Len() {
		if e := list.Index(i).Elem(); e.FieldByIndex(at).String() == label {
			return e
		}
	}
	e := reflect.New(list.Type().Elem().Elem())
	e.Elem().FieldByIndex(at).SetString(label)
	list.Set(reflect.Append(list, e))
	return e.Elem()
}

func setKey(m reflect.Value, key string, val cty.Value) error {
	if !val.IsNull() && !val.Type().IsPrimitiveType() {
		return fmt.Errorf("want a string for %q", key)
	}
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	m.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(text(val)))
	return nil
}

func mergeAny(fv reflect.Value, m map[string]any) {
	if fv.IsNil() {
		fv.Set(reflect.MakeMap(fv.Type()))
	}
	for k, v := range m {
		fv.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(v))
	}
}

// eval evaluates an expression. There are no variables: text with ${...} stays as it was written.
func (s *source) eval(e hcl.Expression) (cty.Value, hcl.Diagnostics) { return e.Value(nil) }

func (s *source) attribute(a *hcl.Attribute, f fieldSpec, fv reflect.Value) hcl.Diagnostics {
	val, diags := s.eval(a.Expr)
	if diags.HasErrors() {
		return diags
	}
	fail := func(err error) hcl.Diagnostics {
		return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Invalid value for " + a.Name, Detail: err.Error(), Subject: a.Expr.Range().Ptr()}}
	}
	if f.kind == kindAny {
		for _, v := range blockValues(val) {
			m, ok := goValue(v).(map[string]any)
			if !ok {
				return fail(errors.New("want a block or an object"))
			}
			mergeAny(fv, m)
		}
		return nil
	}
	if err := set(fv, val); err != nil {
		return fail(err)
	}
	return nil
}

// blockValues returns the objects that stand for a block where it is written as a value: one, or a list of them, as JSON
// that was made from blocks has it.
func blockValues(v cty.Value) []cty.Value {
	if v.IsNull() {
		return nil
	}
	if v.Type().IsTupleType() && v.LengthInt() > 0 {
		return v.AsValueSlice()
	}
	return []cty.Value{v}
}

var durationType = reflect.TypeFor[time.Duration]()

// set merges a value into a field.
func set(fv reflect.Value, val cty.Value) error {
	if val.IsNull() {
		return nil
	}
	if val.Type() == cty.String && val.AsString() == "" && (fv.Type() == durationType || fv.Type() == reflect.PointerTo(durationType)) {
		return nil // as good as unset
	}
	if fv.Kind() == reflect.Pointer { // unset differs from empty: every value counts
		p := reflect.New(fv.Type().Elem())
		if err := set(p.Elem(), val); err != nil {
			return err
		}
		fv.Set(p)
		return nil
	}
	if fv.Type() == durationType {
		if !val.Type().IsPrimitiveType() {
			return errors.New("want a duration such as \"30s\"")
		}
		d, err := time.ParseDuration(text(val))
		if err != nil {
			return fmt.Errorf("want a duration such as \"30s\": %w", err)
		}
		if d != 0 {
			fv.SetInt(int64(d))
		}
		return nil
	}
	switch fv.Kind() {
	case reflect.String:
		if !val.Type().IsPrimitiveType() {
			return errors.New("want a string")
		}
		if t := text(val); t != "" {
			fv.SetString(t)
		}
	case reflect.Bool:
		switch text(val) {
		case "true":
			fv.SetBool(true)
		case "false": // what another source switched on stays on
		default:
			return errors.New("want true or false")
		}
	case reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
		return setNumber(fv, val)
	case reflect.Slice:
		if !val.CanIterateElements() || val.Type().IsObjectType() || val.Type().IsMapType() {
			return errors.New("want a list of strings")
		}
		if fv.IsNil() {
			fv.Set(reflect.MakeSlice(fv.Type(), 0, val.LengthInt())) // an empty list is not the same as none
		}
		for it := val.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if e.IsNull() || !e.Type().IsPrimitiveType() {
				return errors.New("want a list of strings")
			}
			fv.Set(reflect.Append(fv, reflect.ValueOf(text(e))))
		}
	case reflect.Map:
		for _, v := range blockValues(val) {
			if !v.Type().IsObjectType() && !v.Type().IsMapType() {
				return errors.New("want a map of strings")
			}
			for it := v.ElementIterator(); it.Next(); {
				k, e := it.Element()
				if err := setKey(fv, k.AsString(), e); err != nil {
					return err
				}
			}
		}
	default:
		return fmt.Errorf("field has kind %s", fv.Kind())
	}
	return nil
}

func setNumber(fv reflect.Value, val cty.Value) error {
	n, ok := new(big.Float).SetString(text(val))
	if !ok {
		return errors.New("want a number")
	}
	if n.Sign() == 0 {
		return nil
	}
	if fv.Kind() == reflect.Float64 {
		f, _ := n.Float64()
		fv.SetFloat(f)
		return nil
	}
	i, acc := n.Int64()
	if acc != big.Exact {
		return errors.New("want a whole number")
	}
	if fv.Kind() == reflect.Uint64 {
		if i < 0 {
			return errors.New("want a number of at least 0")
		}
		fv.SetUint(uint64(i))
		return nil
	}
	fv.SetInt(i)
	return nil
}

// text returns a primitive value as text.
func text(v cty.Value) string {
	if v.IsNull() || !v.IsKnown() {
		return ""
	}
	switch v.Type() {
	case cty.String:
		return v.AsString()
	case cty.Bool:
		if v.True() {
			return "true"
		}
		return "false"
	case cty.Number:
		return v.AsBigFloat().Text('f', -1)
	}
	return ""
}

// goValue returns a value as plain Go data.
func goValue(v cty.Value) any {
	switch {
	case v.IsNull():
		return nil
	case v.Type() == cty.String:
		return v.AsString()
	case v.Type() == cty.Bool:
		return v.True()
	case v.Type() == cty.Number:
		if i, acc := v.AsBigFloat().Int64(); acc == big.Exact {
			return i
		}
		f, _ := v.AsBigFloat().Float64()
		return f
	case v.Type().IsObjectType() || v.Type().IsMapType():
		m := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			m[k.AsString()] = goValue(e)
		}
		return m
	case v.CanIterateElements():
		l := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			l = append(l, goValue(e))
		}
		return l
	}
	return nil
}

// anyBody reads a schema-less block: attributes as they are, nested blocks as lists of objects.
func (s *source) anyBody(from hcl.Body) (map[string]any, hcl.Diagnostics) {
	m := map[string]any{}
	native, ok := from.(*body)
	if !ok {
		attrs, diags := from.JustAttributes()
		for k, a := range attrs {
			v, d := s.eval(a.Expr)
			diags = append(diags, d...)
			m[k] = goValue(v)
		}
		return m, diags
	}
	var diags hcl.Diagnostics
	for _, i := range native.list.Items {
		key, labels := name(i)
		if !isBlock(i) {
			a, d := native.attribute(i)
			diags = append(diags, d...)
			if a != nil {
				v, _ := s.eval(a.Expr) // it is static
				m[key] = goValue(v)
			}
			continue
		}
		inner, d := s.anyBody(native.inner(i))
		diags = append(diags, d...)
		var v any = inner
		for _, label := range slices.Backward(labels) {
			v = map[string]any{label: []any{v}}
		}
		list, _ := m[key].([]any)
		m[key] = append(list, v)
	}
	return m, diags
}
