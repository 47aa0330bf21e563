// SPDX-License-Identifier: MPL-2.0

// Package config turns what an operator or a job says about a plugin into the
// bytes that the plugin gets: it reads loosely typed values by the plugin's own
// schema, evaluates the expressions in them, applies defaults, and encodes the
// result.
//
// It is the host's side of package hclspec, and stateless. It must not import
// anything of the agent.
package config

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"github.com/nomadlike/nomadlike/jobspec"
	"github.com/nomadlike/nomadlike/plugins/base"
	"github.com/nomadlike/nomadlike/plugins/hclspec"
	hclspecpb "github.com/nomadlike/nomadlike/plugins/shared/hclspec"
)

// Schema is a plugin's schema that is ready for use. It is safe for concurrent
// use.
type Schema struct {
	spec hcldec.Spec
}

// Compile checks a schema tree. A nil tree is an error; a plugin without one
// takes no configuration at all, see NoSchema.
func Compile(spec *hclspec.Spec) (*Schema, error) {
	compiled, err := compile(spec, "")
	if err != nil {
		return nil, fmt.Errorf("schema of the plugin is not valid: %w", err)
	}
	return &Schema{spec: compiled}, nil
}

// compile converts a node. implied is the name that the parent gives it.
func compile(spec *hclspec.Spec, implied string) (hcldec.Spec, error) {
	switch block := spec.GetBlock().(type) {
	case *hclspecpb.Spec_Object:
		return compileObject(block.Object)
	case *hclspecpb.Spec_Array:
		return compileArray(block.Array)
	case *hclspecpb.Spec_Attr:
		return compileAttr(block.Attr, implied)
	case *hclspecpb.Spec_BlockValue:
		nested, err := compileNested(block.BlockValue.GetNested())
		if err != nil {
			return nil, err
		}
		return &hcldec.BlockSpec{
			TypeName: nameOr(block.BlockValue.GetName(), implied),
			Nested:   nested,
			Required: block.BlockValue.GetRequired(),
		}, nil
	case *hclspecpb.Spec_BlockAttrs:
		return compileBlockAttrs(block.BlockAttrs, implied)
	case *hclspecpb.Spec_BlockList:
		name, nested, err := compileBlocks(block.BlockList.GetName(), implied, block.BlockList.GetNested())
		if err != nil {
			return nil, err
		}
		return &hcldec.BlockListSpec{
			TypeName: name,
			Nested:   nested,
			MinItems: int(block.BlockList.GetMinItems()),
			MaxItems: int(block.BlockList.GetMaxItems()),
		}, nil
	case *hclspecpb.Spec_BlockSet:
		name, nested, err := compileBlocks(block.BlockSet.GetName(), implied, block.BlockSet.GetNested())
		if err != nil {
			return nil, err
		}
		return &hcldec.BlockSetSpec{
			TypeName: name,
			Nested:   nested,
			MinItems: int(block.BlockSet.GetMinItems()),
			MaxItems: int(block.BlockSet.GetMaxItems()),
		}, nil
	case *hclspecpb.Spec_BlockMap:
		return compileBlockMap(block.BlockMap, implied)
	case *hclspecpb.Spec_Default:
		return compileDefault(block.Default)
	case *hclspecpb.Spec_Literal:
		return compileLiteral(block.Literal)
	}
	return nil, errors.New("a spec must have exactly one child spec")
}

func nameOr(explicit, implied string) string {
	if explicit != "" {
		return explicit
	}
	return implied
}

func compileNested(spec *hclspec.Spec) (hcldec.Spec, error) {
	if spec == nil {
		return nil, errors.New("a block must have exactly one child spec")
	}
	return compile(spec, "")
}

// compileBlocks is what lists, sets and maps of blocks have in common.
func compileBlocks(explicit, implied string, nested *hclspec.Spec) (string, hcldec.Spec, error) {
	name := nameOr(explicit, implied)
	if name == "" {
		return "", nil, errors.New("a sequence of blocks has no name")
	}
	compiled, err := compileNested(nested)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	return name, compiled, nil
}

func compileObject(object *hclspecpb.Object) (hcldec.Spec, error) {
	out := make(hcldec.ObjectSpec, len(object.GetAttributes()))
	for key, child := range object.GetAttributes() {
		compiled, err := compile(child, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[key] = compiled
	}
	return out, nil
}

func compileArray(array *hclspecpb.Array) (hcldec.Spec, error) {
	out := make(hcldec.TupleSpec, 0, len(array.GetValues()))
	for i, child := range array.GetValues() {
		compiled, err := compile(child, "")
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		out = append(out, compiled)
	}
	return out, nil
}

func compileAttr(attr *hclspecpb.Attr, implied string) (hcldec.Spec, error) {
	name := nameOr(attr.GetName(), implied)
	if name == "" {
		return nil, errors.New("an attribute has no name")
	}
	kind, err := parseType(attr.GetType())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &hcldec.AttrSpec{Name: name, Type: kind, Required: attr.GetRequired()}, nil
}

func compileBlockAttrs(attrs *hclspecpb.BlockAttrs, implied string) (hcldec.Spec, error) {
	name := nameOr(attrs.GetName(), implied)
	if name == "" {
		return nil, errors.New("a block of attributes has no name")
	}
	kind, err := parseType(attrs.GetType())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &hcldec.BlockAttrsSpec{TypeName: name, ElementType: kind, Required: attrs.GetRequired()}, nil
}

func compileBlockMap(blocks *hclspecpb.BlockMap, implied string) (hcldec.Spec, error) {
	name, nested, err := compileBlocks(blocks.GetName(), implied, blocks.GetNested())
	if err != nil {
		return nil, err
	}
	if len(blocks.GetLabels()) == 0 {
		return nil, fmt.Errorf("%s: labelled blocks need at least one label", name)
	}
	return &hcldec.BlockMapSpec{TypeName: name, LabelNames: blocks.GetLabels(), Nested: nested}, nil
}

func compileDefault(def *hclspecpb.Default) (hcldec.Spec, error) {
	primary, err := compileNested(def.GetPrimary())
	if err != nil {
		return nil, err
	}
	fallback, err := compileNested(def.GetDefault())
	if err != nil {
		return nil, err
	}
	return &hcldec.DefaultSpec{Primary: primary, Default: fallback}, nil
}

func compileLiteral(literal *hclspecpb.Literal) (hcldec.Spec, error) {
	text := literal.GetValue()
	parsed, diags := jobspec.ParseExpression([]byte(text), "literal")
	if diags.HasErrors() {
		return nil, fmt.Errorf("literal %q: %w", base.Abridge(text), diags)
	}
	expr, ctx := jobspec.BoundExpression(parsed, &hcl.EvalContext{Functions: functions()})
	value, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return nil, fmt.Errorf("literal %q: %w", base.Abridge(text), diags)
	}
	return &hcldec.LiteralSpec{Value: value}, nil
}

// parseType reads an HCL type expression.
func parseType(text string) (cty.Type, error) {
	expr, diags := jobspec.ParseExpression([]byte(text), "type")
	if diags.HasErrors() {
		return cty.NilType, fmt.Errorf("type %q: %w", base.Abridge(text), diags)
	}
	kind, diags := typeexpr.TypeConstraint(expr)
	if diags.HasErrors() {
		return cty.NilType, fmt.Errorf("type %q: %w", base.Abridge(text), diags)
	}
	return kind, nil
}
