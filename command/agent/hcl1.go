// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/hcl/ast"
	"github.com/hashicorp/hcl/hcl/parser"
	"github.com/hashicorp/hcl/hcl/token"
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// body is a block of a file in the first version of HCL, the language of agent configuration: there are no expressions,
// keys may be quoted, several may stand in a line, and "name = { ... }" is the same as "name { ... }". It is a body of
// the second version, so that files in JSON are read by the same code.
type body struct {
	path string
	list *ast.ObjectList
	at   hcl.Range
}

// parseHCL1 reads configuration text.
func parseHCL1(path string, src []byte) (hcl.Body, error) {
	file, err := parser.ParseDontErrorOnDuplicateKeys(src) // the last one counts
	if err != nil {
		if at, ok := errors.AsType[*parser.PosError](err); ok {
			return nil, fmt.Errorf("%s:%d,%d: %w", path, at.Pos.Line, at.Pos.Column, at.Err)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	list, ok := file.Node.(*ast.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%s: want keys and blocks", path)
	}
	return &body{path: path, list: list, at: hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}}, nil
}

func (b *body) rng(p token.Pos) hcl.Range {
	pos := hcl.Pos{Line: p.Line, Column: p.Column, Byte: p.Offset}
	return hcl.Range{Filename: b.path, Start: pos, End: pos}
}

// name returns the first key of an item, and the others.
func name(i *ast.ObjectItem) (first string, labels []string) {
	for n, k := range i.Keys {
		text, ok := literal(k.Token).(string)
		if !ok {
			text = k.Token.Text
		}
		if n == 0 {
			first = text
		} else {
			labels = append(labels, text)
		}
	}
	return first, labels
}

// inner returns the block that an item is, nil when it is a single value.
func (b *body) inner(i *ast.ObjectItem) *body {
	if o, ok := i.Val.(*ast.ObjectType); ok {
		return &body{path: b.path, list: o.List, at: b.rng(o.Lbrace)}
	}
	return nil
}

// isBlock says whether the item is written as a block.
func isBlock(i *ast.ObjectItem) bool {
	_, ok := i.Val.(*ast.ObjectType)
	return ok && !i.Assign.IsValid()
}

func (b *body) attribute(i *ast.ObjectItem) (*hcl.Attribute, hcl.Diagnostics) {
	key, _ := name(i)
	rng := b.rng(i.Val.Pos())
	val, err := value1(i.Val)
	if err != nil {
		return nil, b.fault(rng, "Invalid value for "+key, err.Error())
	}
	return &hcl.Attribute{Name: key, Expr: hcl.StaticExpr(val, rng), Range: rng, NameRange: b.rng(i.Pos())}, nil
}

func (b *body) fault(at hcl.Range, summary, detail string) hcl.Diagnostics {
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}}
}

// PartialContent returns what the schema names.
func (b *body) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	attributes, blocks := map[string]bool{}, map[string]*hcl.BlockHeaderSchema{}
	for _, a := range schema.Attributes {
		attributes[a.Name] = true
	}
	for i := range schema.Blocks {
		blocks[schema.Blocks[i].Type] = &schema.Blocks[i]
	}
	content := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: b.at}
	var diags hcl.Diagnostics
	for _, i := range b.list.Items {
		key, labels := name(i)
		at, inner, block := b.rng(i.Pos()), b.inner(i), blocks[key]
		switch {
		case block != nil && inner != nil && (isBlock(i) || !attributes[key]):
			if len(labels) != len(block.LabelNames) {
				diags = append(diags, b.fault(at, "Wrong number of labels for "+key, fmt.Sprintf("want %s before the brace", labelCount(len(block.LabelNames))))...)
				continue
			}
			content.Blocks = append(content.Blocks, &hcl.Block{Type: key, Labels: labels, Body: inner, DefRange: at, TypeRange: at})
		case attributes[key] && isBlock(i):
			diags = append(diags, b.fault(at, "Invalid value for "+key, "want a value after an equals sign, not a block")...)
		case attributes[key]:
			a, d := b.attribute(i)
			diags = append(diags, d...)
			if a != nil {
				content.Attributes[key] = a
			}
		case block != nil:
			diags = append(diags, b.fault(at, "Invalid value for "+key, "want a block in braces")...)
		}
	}
	return content, nil, diags
}

func labelCount(n int) string {
	if n == 0 {
		return "no label"
	}
	return fmt.Sprintf("%d label in quotes", n)
}

// Content is PartialContent: what the schema does not name is reported elsewhere.
func (b *body) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, _, diags := b.PartialContent(schema)
	return content, diags
}

// JustAttributes returns all keys and their values.
func (b *body) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	out := hcl.Attributes{}
	var diags hcl.Diagnostics
	for _, i := range b.list.Items {
		if isBlock(i) {
			key, _ := name(i)
			diags = append(diags, b.fault(b.rng(i.Pos()), "Unexpected block "+key, "only keys with values belong here")...)
			continue
		}
		a, d := b.attribute(i)
		diags = append(diags, d...)
		if a != nil {
			out[a.Name] = a
		}
	}
	return out, diags
}

// MissingItemRange is where the block begins.
func (b *body) MissingItemRange() hcl.Range { return b.at }

// literal returns what a token says, or an error for one that the library's own Value panics about: a number that is
// too large, or a character that cannot be.
func literal(t token.Token) (v any) {
	defer func() {
		if recover() != nil {
			v = fmt.Errorf("%.40s cannot be read, it is too large a number or has an invalid character", t.Text)
		}
	}()
	return t.Value()
}

// value1 returns a value of a file.
func value1(n ast.Node) (cty.Value, error) {
	switch n := n.(type) {
	case *ast.LiteralType:
		switch v := literal(n.Token).(type) {
		case error:
			return cty.NilVal, v
		case string:
			return cty.StringVal(v), nil
		case bool:
			return cty.BoolVal(v), nil
		case int64:
			return cty.NumberIntVal(v), nil
		case float64:
			return cty.NumberFloatVal(v), nil
		}
	case *ast.ListType:
		if len(n.List) == 0 {
			return cty.EmptyTupleVal, nil
		}
		var list []cty.Value
		for _, e := range n.List {
			v, err := value1(e)
			if err != nil {
				return cty.NilVal, err
			}
			list = append(list, v)
		}
		return cty.TupleVal(list), nil
	case *ast.ObjectType:
		out := map[string]cty.Value{}
		for _, i := range n.List.Items {
			v, err := value1(i.Val)
			if err != nil {
				return cty.NilVal, err
			}
			key, labels := name(i)
			for _, label := range slices.Backward(labels) {
				v = cty.ObjectVal(map[string]cty.Value{label: v})
			}
			out[key] = v
		}
		return cty.ObjectVal(out), nil
	}
	return cty.NilVal, fmt.Errorf("a %T is no value", n)
}
