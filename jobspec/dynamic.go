// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Dynamic blocks are expanded here and not by hcl's ext/dynblock: that one wraps bodies so that neither
// the block types of a schema-less body nor the source text of a reference can be seen any more.

var dynamicSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "for_each", Required: true},
		{Name: "iterator"},
		{Name: "labels"},
	},
	Blocks: []hcl.BlockHeaderSchema{{Type: "content"}},
}

// expand returns blocks with each dynamic block replaced by the blocks it generates.
func (d *decoder) expand(blocks hcl.Blocks, schema *bodySchema, ctx *hcl.EvalContext) []block {
	out := make([]block, 0, len(blocks))
	for _, b := range blocks {
		if b.Type != "dynamic" {
			out = append(out, block{b, ctx})
			continue
		}
		f := schema.byName[b.Labels[0]]
		if f == nil {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Unsupported block type",
				Detail:   fmt.Sprintf("Blocks of type %q are not expected here.", b.Labels[0]),
				Subject:  b.LabelRanges[0].Ptr(),
			})
			continue
		}
		out = append(out, d.generate(b, len(f.labels), ctx)...)
	}
	return out
}

// expandAny is expand for a schema-less body, where any number of labels is fine.
func (d *decoder) expandAny(blocks hclsyntax.Blocks, ctx *hcl.EvalContext) []block {
	out := make([]block, 0, len(blocks))
	for _, nb := range blocks {
		b := nb.AsHCLBlock()
		if b.Type != "dynamic" || len(b.Labels) != 1 {
			out = append(out, block{b, ctx})
			continue
		}
		out = append(out, d.generate(b, -1, ctx)...)
	}
	return out
}

// generate evaluates one dynamic block. labels is the number of labels the generated blocks need, or -1
// for any number.
func (d *decoder) generate(b *hcl.Block, labels int, ctx *hcl.EvalContext) []block {
	content, diags := b.Body.Content(dynamicSchema)
	d.report(diags...)
	if diags.HasErrors() {
		return nil
	}
	name := b.Labels[0]
	iterator, ok := d.iteratorName(content, name)
	if !ok {
		return nil
	}
	labelExprs, ok := d.dynamicLabels(content, b, labels)
	if !ok {
		return nil
	}
	if len(content.Blocks) != 1 {
		diag := &hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Missing dynamic content block",
			Detail:   "A dynamic block must have a nested block of type \"content\" to describe the body of each generated block.",
			Subject:  b.DefRange.Ptr(),
		}
		if len(content.Blocks) > 1 {
			diag.Summary = "Extraneous dynamic content block"
			diag.Detail = "Only one nested content block is allowed for each dynamic block."
			diag.Subject = content.Blocks[1].DefRange.Ptr()
		}
		d.report(diag)
		return nil
	}
	forEach := content.Attributes["for_each"]
	coll, ok := d.value(forEach.Expr, ctx)
	if !ok || !d.iterable(coll, forEach) {
		return nil
	}

	var out []block
	for it := coll.ElementIterator(); it.Next(); {
		if d.left.iterations--; d.left.iterations < 0 {
			d.report(tooComplex("iterations", maxIterations, b.DefRange)...)
			return nil
		}
		key, val := it.Element()
		if coll.Type().IsSetType() {
			key = val
		}
		inner := ctx.NewChild()
		inner.Variables = map[string]cty.Value{
			iterator: cty.ObjectVal(map[string]cty.Value{"key": key, "value": val}),
		}
		gen := *content.Blocks[0]
		gen.Type, gen.TypeRange, gen.DefRange = name, b.LabelRanges[0], b.DefRange
		if gen.Labels, gen.LabelRanges, ok = d.labelValues(labelExprs, inner); ok {
			out = append(out, block{&gen, inner})
		}
	}
	return out
}

func (d *decoder) iteratorName(content *hcl.BodyContent, name string) (string, bool) {
	attr := content.Attributes["iterator"]
	if attr == nil {
		return name, true
	}
	trav, diags := hcl.AbsTraversalForExpr(attr.Expr)
	d.report(diags...)
	if diags.HasErrors() {
		return "", false
	}
	if len(trav) != 1 {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid dynamic iterator name",
			Detail:   "Dynamic iterator must be a single variable name.",
			Subject:  attr.Expr.Range().Ptr(),
		})
		return "", false
	}
	return trav.RootName(), true
}

func (d *decoder) iterable(coll cty.Value, attr *hcl.Attribute) bool {
	detail := ""
	switch {
	case coll.IsNull():
		detail = "Cannot use a null value in for_each."
	case !coll.CanIterateElements():
		detail = fmt.Sprintf("Cannot use a %s value in for_each. An iterable collection is required.", coll.Type().FriendlyName())
	default:
		return true
	}
	d.report(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Invalid dynamic for_each value",
		Detail:   detail,
		Subject:  attr.Expr.Range().Ptr(),
	})
	return false
}

// dynamicLabels returns the label expressions, whose number must be want unless that is negative.
func (d *decoder) dynamicLabels(content *hcl.BodyContent, b *hcl.Block, want int) ([]hcl.Expression, bool) {
	var exprs []hcl.Expression
	subject := b.DefRange
	if attr := content.Attributes["labels"]; attr != nil {
		list, diags := hcl.ExprList(attr.Expr)
		d.report(diags...)
		if diags.HasErrors() {
			return nil, false
		}
		exprs, subject = list, attr.Expr.Range()
	}
	if want < 0 || len(exprs) == want {
		return exprs, true
	}
	summary := "Insufficient dynamic block labels"
	if len(exprs) > want {
		summary, subject = "Extraneous dynamic block label", exprs[want].Range()
	}
	d.report(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  summary,
		Detail:   fmt.Sprintf("Blocks of type %q require %d label(s).", b.Labels[0], want),
		Subject:  &subject,
	})
	return nil, false
}

func (d *decoder) labelValues(exprs []hcl.Expression, ctx *hcl.EvalContext) ([]string, []hcl.Range, bool) {
	var labels []string
	var ranges []hcl.Range
	for _, e := range exprs {
		val, ok := d.value(e, ctx)
		if !ok {
			return nil, nil, false
		}
		text, err := convert.Convert(val, cty.String)
		if err == nil && text.IsNull() {
			err = fmt.Errorf("it is null")
		}
		if err != nil {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid dynamic block label",
				Detail:   fmt.Sprintf("Cannot use this value as a dynamic block label: %s.", err),
				Subject:  e.Range().Ptr(),
			})
			return nil, nil, false
		}
		labels = append(labels, text.AsString())
		ranges = append(ranges, e.Range())
	}
	return labels, ranges, true
}
