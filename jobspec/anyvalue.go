// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// anyBody decodes a body without a schema, such as driver config.
//
// In native syntax an object becomes a list with that one object and blocks of one type become a list
// of objects, because only the reader of the result knows which of the two it wants; in JSON values
// are taken literally.
func (d *decoder) anyBody(body hcl.Body, ctx *hcl.EvalContext) map[string]any {
	out := map[string]any{}
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		attrs, diags := body.JustAttributes()
		d.report(diags...)
		d.anyAttributes(out, attrs, ctx, literalAny)
		return out
	}

	attrs := hcl.Attributes{}
	for name, a := range native.Attributes {
		attrs[name] = a.AsHCLAttribute()
	}
	d.anyAttributes(out, attrs, ctx, wrappedAny)
	for _, b := range d.expandAny(native.Blocks, ctx) {
		if attr := attrs[b.Type]; attr != nil {
			d.duplicate(b, attr.Range)
			continue
		}
		inner := d.anyBody(b.Body, b.ctx)
		for _, v := range slices.Backward(b.Labels) {
			inner = map[string]any{v: []any{inner}}
		}
		list, _ := out[b.Type].([]any)
		out[b.Type] = append(list, inner)
	}
	return out
}

func (d *decoder) anyAttributes(out map[string]any, attrs hcl.Attributes, ctx *hcl.EvalContext, conv func(cty.Value) (any, error)) {
	for _, attr := range sortedAttributes(attrs) {
		val, ok := d.value(attr.Expr, ctx)
		if !ok {
			continue
		}
		v, err := conv(val)
		if err != nil {
			d.unsuitable(attr, err)
			continue
		}
		out[attr.Name] = v
	}
}

// wrappedAny converts val; an object becomes a list of one object, except as element of a list of
// objects.
func wrappedAny(val cty.Value) (any, error) {
	v, err := toAny(val, wrappedAny)
	if m, ok := v.(map[string]any); ok {
		return []any{m}, err
	}
	return v, err
}

// literalAny converts val without wrapping objects.
func literalAny(val cty.Value) (any, error) { return toAny(val, literalAny) }

// toAny converts val to plain Go data: nil, bool, string, int64, float64, []any, map[string]any.
// Elements go through elem.
func toAny(val cty.Value, elem func(cty.Value) (any, error)) (any, error) {
	if val.IsNull() {
		return nil, nil
	}
	t := val.Type()
	switch {
	case t == cty.String:
		return val.AsString(), nil
	case t == cty.Bool:
		return val.True(), nil
	case t == cty.Number:
		return toNumber(val.AsBigFloat())
	case t.IsListType() || t.IsTupleType() || t.IsSetType():
		return toList(val, elem)
	case t.IsMapType() || t.IsObjectType():
		out := make(map[string]any, val.LengthInt())
		for k, v := range val.AsValueMap() {
			conv, err := elem(v)
			if err != nil {
				return nil, err
			}
			out[k] = conv
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %s cannot be part of a configuration", t.FriendlyName())
}

func toList(val cty.Value, elem func(cty.Value) (any, error)) (any, error) {
	values := val.AsValueSlice()
	objects := true
	for _, v := range values {
		objects = objects && !v.IsNull() && (v.Type().IsObjectType() || v.Type().IsMapType())
	}
	out := make([]any, 0, len(values))
	for _, v := range values {
		var conv any
		var err error
		if objects {
			conv, err = toAny(v, elem)
		} else {
			conv, err = elem(v)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, conv)
	}
	return out, nil
}

// toNumber returns an int64 when that is exact, else a float64.
func toNumber(f *big.Float) (any, error) {
	if i, acc := f.Int64(); acc == big.Exact {
		return i, nil
	}
	x, _ := f.Float64()
	if math.IsInf(x, 0) {
		return nil, errors.New("a number must be between -1.8e308 and 1.8e308")
	}
	return x, nil
}
