// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// The functions of this file widen those of the standard library: a literal such as { a = 1 } is an
// object and not a map, a difference that nobody who writes a job file should have to know.

// lengthFunc is length(collection) for objects too.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "collection", Type: cty.DynamicPseudoType, AllowDynamicType: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		if args[0].Type().IsObjectType() {
			return cty.Number, nil
		}
		return stdlib.LengthFunc.ReturnTypeForValues(args)
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if t := args[0].Type(); t.IsObjectType() {
			return cty.NumberIntVal(int64(len(t.AttributeTypes()))), nil
		}
		return stdlib.LengthFunc.Call(args)
	},
})

// indexFunc is index(collection, key), the element at that key, for objects too.
var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "collection", Type: cty.DynamicPseudoType},
		{Name: "key", Type: cty.DynamicPseudoType},
	},
	Type: func(args []cty.Value) (cty.Type, error) {
		if !args[0].Type().IsObjectType() {
			return stdlib.IndexFunc.ReturnTypeForValues(args)
		}
		val, err := attributeAt(args[0], args[1])
		if err != nil {
			return cty.DynamicPseudoType, err
		}
		return val.Type(), nil
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].Type().IsObjectType() {
			return stdlib.IndexFunc.Call(args)
		}
		return attributeAt(args[0], args[1])
	},
})

func attributeAt(object, key cty.Value) (cty.Value, error) {
	if !key.IsKnown() {
		return cty.DynamicVal, nil
	}
	name, err := convert.Convert(key, cty.String)
	if err != nil {
		return cty.DynamicVal, function.NewArgError(1, err)
	}
	if !object.Type().HasAttribute(name.AsString()) {
		return cty.DynamicVal, function.NewArgErrorf(1, "the object has no attribute %q", name.AsString())
	}
	return object.GetAttr(name.AsString()), nil
}

// parseIntFunc is parseint(value, base) where value may also be a number, read by its decimal digits.
var parseIntFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "number", Type: cty.String},
		{Name: "base", Type: cty.Number},
	},
	Type: function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if len(args[0].AsString()) > maxDigits {
			return cty.DynamicVal, errDigits
		}
		return stdlib.ParseIntFunc.Call(args)
	},
})
