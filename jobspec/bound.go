// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"maps"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Bound returns a body whose expressions take no more time, memory and depth than those of a job file may, and the context for
// evaluating them: agents evaluate the configuration of tasks, which others wrote. Unlike in a job file a reference to what
// is not in the context is an error.
func Bound(body hcl.Body, ctx *hcl.EvalContext) (hcl.Body, *hcl.EvalContext) {
	d, inner := bounds(ctx)
	return &boundBody{body, d}, inner
}

// BoundExpression is Bound for an expression.
func BoundExpression(expr hcl.Expression, ctx *hcl.EvalContext) (hcl.Expression, *hcl.EvalContext) {
	d, inner := bounds(ctx)
	return &boundExpr{expr, d}, inner
}

// ParseExpression parses the text of an expression that others wrote, which may be as long and as deep as one of a job file.
// The name is for messages.
func ParseExpression(src []byte, filename string) (hclsyntax.Expression, hcl.Diagnostics) {
	if diags := checkExpression(src, filename); diags.HasErrors() {
		return nil, diags
	}
	return hclsyntax.ParseExpression(src, filename, hcl.InitialPos)
}

// bounds are what expressions may take together, and the context for evaluating them.
func bounds(ctx *hcl.EvalContext) (*decoder, *hcl.EvalContext) {
	d := newDecoder()
	d.complete = true
	d.left.ends = time.Now().Add(maxTime)
	inner := *ctx
	inner.Functions = maps.Clone(ctx.Functions)
	for name, fn := range inner.Functions {
		if check := decoders[name]; check != nil {
			fn = guard(fn, check)
		}
		inner.Functions[name] = d.left.metered(fn)
	}
	return d, &inner
}

// decoders are functions that make values of texts, with what these may be.
var decoders = map[string]func([]cty.Value) error{"jsondecode": validJSON, "yamldecode": limitYAML}

// boundBody hands out bounded expressions.
type boundBody struct {
	hcl.Body
	d *decoder
}

// Content implements hcl.Body.
func (b *boundBody) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	content, diags := b.Body.Content(schema)
	return b.content(content), diags
}

// PartialContent implements hcl.Body.
func (b *boundBody) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	content, rest, diags := b.Body.PartialContent(schema)
	return b.content(content), &boundBody{rest, b.d}, diags
}

// JustAttributes implements hcl.Body.
func (b *boundBody) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	attrs, diags := b.Body.JustAttributes()
	return b.attributes(attrs), diags
}

func (b *boundBody) content(content *hcl.BodyContent) *hcl.BodyContent {
	if content == nil {
		return nil
	}
	out := *content
	out.Attributes = b.attributes(content.Attributes)
	out.Blocks = make(hcl.Blocks, len(content.Blocks))
	for i, block := range content.Blocks {
		inner := *block
		inner.Body = &boundBody{block.Body, b.d}
		out.Blocks[i] = &inner
	}
	return &out
}

func (b *boundBody) attributes(attrs hcl.Attributes) hcl.Attributes {
	out := make(hcl.Attributes, len(attrs))
	for name, attr := range attrs {
		inner := *attr
		inner.Expr = &boundExpr{attr.Expr, b.d}
		out[name] = &inner
	}
	return out
}

// boundExpr is evaluated within the budget of its body.
type boundExpr struct {
	hcl.Expression
	d *decoder
}

// Value implements hcl.Expression.
func (e *boundExpr) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	return e.d.evaluate(e.Expression, ctx)
}
