// SPDX-License-Identifier: MPL-2.0

// Package hclspec is what a driver needs to know of configuration: builders
// for the schema tree that it publishes, and Decode for the values that come
// back. It owns no state. It must not import the host side (package config),
// so that a plugin does not depend on HCL.
package hclspec

import hclspecpb "github.com/nomadlike/nomadlike/plugins/shared/hclspec"

// Spec is one node of a schema tree. The zero value is not valid; use the
// builders of this package.
type Spec = hclspecpb.Spec

// Fields maps the property names of an object to their specs.
type Fields map[string]*Spec

// Object is a body with the given properties. A spec without a name of its own
// takes the key it is stored under.
func Object(fields Fields) *Spec {
	return &Spec{Block: &hclspecpb.Spec_Object{Object: &hclspecpb.Object{Attributes: fields}}}
}

// Array is a fixed sequence; its elements need explicit names.
func Array(values ...*Spec) *Spec {
	return &Spec{Block: &hclspecpb.Spec_Array{Array: &hclspecpb.Array{Values: values}}}
}

// Attr is an optional attribute of the given HCL type expression, for example
// "string" or "list(map(string))".
func Attr(name, typeExpr string) *Spec {
	return &Spec{Block: &hclspecpb.Spec_Attr{Attr: &hclspecpb.Attr{Name: name, Type: typeExpr}}}
}

// RequiredAttr is Attr that must be given.
func RequiredAttr(name, typeExpr string) *Spec {
	return &Spec{Block: &hclspecpb.Spec_Attr{Attr: &hclspecpb.Attr{Name: name, Type: typeExpr, Required: true}}}
}

// Block is at most one nested block. Nothing inside it is evaluated when it is
// absent, so wrap the block in Default when its own defaults must apply.
func Block(name string, nested *Spec) *Spec {
	return &Spec{Block: &hclspecpb.Spec_BlockValue{BlockValue: &hclspecpb.Block{Name: name, Nested: nested}}}
}

// RequiredBlock is Block that must be given.
func RequiredBlock(name string, nested *Spec) *Spec {
	return &Spec{Block: &hclspecpb.Spec_BlockValue{
		BlockValue: &hclspecpb.Block{Name: name, Nested: nested, Required: true},
	}}
}

// BlockAttrs is one nested block with free attribute names, all of one type.
func BlockAttrs(name, typeExpr string, required bool) *Spec {
	return &Spec{Block: &hclspecpb.Spec_BlockAttrs{
		BlockAttrs: &hclspecpb.BlockAttrs{Name: name, Type: typeExpr, Required: required},
	}}
}

// BlockList is an ordered sequence of nested blocks.
func BlockList(name string, nested *Spec) *Spec {
	return LimitedBlockList(name, nested, 0, 0)
}

// LimitedBlockList is BlockList with a minimum and a maximum count; zero means
// no limit.
func LimitedBlockList(name string, nested *Spec, minItems, maxItems uint64) *Spec {
	return &Spec{Block: &hclspecpb.Spec_BlockList{BlockList: &hclspecpb.BlockList{
		Name: name, Nested: nested, MinItems: minItems, MaxItems: maxItems,
	}}}
}

// BlockSet is an unordered set of nested blocks; zero limits mean none.
func BlockSet(name string, nested *Spec, minItems, maxItems uint64) *Spec {
	return &Spec{Block: &hclspecpb.Spec_BlockSet{BlockSet: &hclspecpb.BlockSet{
		Name: name, Nested: nested, MinItems: minItems, MaxItems: maxItems,
	}}}
}

// BlockMap is a set of labelled nested blocks, keyed by their labels.
func BlockMap(name string, labels []string, nested *Spec) *Spec {
	return &Spec{Block: &hclspecpb.Spec_BlockMap{
		BlockMap: &hclspecpb.BlockMap{Name: name, Labels: labels, Nested: nested},
	}}
}

// Default is primary unless that is null, else fallback. Both need explicit
// names where they need names at all.
func Default(primary, fallback *Spec) *Spec {
	return &Spec{Block: &hclspecpb.Spec_Default{
		Default: &hclspecpb.Default{Primary: primary, Default: fallback},
	}}
}

// Literal is a constant, given as an HCL expression.
func Literal(expr string) *Spec {
	return &Spec{Block: &hclspecpb.Spec_Literal{Literal: &hclspecpb.Literal{Value: expr}}}
}

// AttrOr is an optional attribute with a default given as an HCL expression:
// AttrOr("enabled", "bool", "true").
func AttrOr(name, typeExpr, fallback string) *Spec {
	return Default(Attr(name, typeExpr), Literal(fallback))
}

// BlockOr is an optional block with a default given as an HCL object
// expression.
func BlockOr(name string, nested *Spec, fallback string) *Spec {
	return Default(Block(name, nested), Literal(fallback))
}
