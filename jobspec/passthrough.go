// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// resolve returns expr in native form with every reference that ctx does not know replaced by the text
// of the reference as an interpolation, for the client to evaluate.
func (d *decoder) resolve(expr hcl.Expression, ctx *hcl.EvalContext) (hclsyntax.Expression, hcl.Diagnostics) {
	native, ok := expr.(hclsyntax.Expression)
	if !ok {
		return d.resolveJSON(expr, ctx)
	}
	p := passthrough{src: d.src, ctx: ctx, left: &d.left, complete: d.complete || ctx == nil}
	return p.expr(native), nil
}

// resolveJSON turns a JSON expression into a native one. Strings are templates, positions inside of them
// are those of the decoded text.
func (d *decoder) resolveJSON(expr hcl.Expression, ctx *hcl.EvalContext) (hclsyntax.Expression, hcl.Diagnostics) {
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		out := &hclsyntax.TupleConsExpr{SrcRange: expr.Range(), OpenRange: expr.StartRange()}
		var all hcl.Diagnostics
		for _, e := range list {
			elem, diags := d.resolveJSON(e, ctx)
			all = append(all, diags...)
			out.Exprs = append(out.Exprs, elem)
		}
		return out, all
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		out := &hclsyntax.ObjectConsExpr{SrcRange: expr.Range(), OpenRange: expr.StartRange()}
		var all hcl.Diagnostics
		for _, pair := range pairs {
			key, keyDiags := d.resolveJSON(pair.Key, ctx)
			val, valDiags := d.resolveJSON(pair.Value, ctx)
			all = append(append(all, keyDiags...), valDiags...)
			out.Items = append(out.Items, hclsyntax.ObjectConsItem{
				KeyExpr:   &hclsyntax.ObjectConsKeyExpr{Wrapped: key, ForceNonLiteral: true},
				ValueExpr: val,
			})
		}
		return out, all
	}
	val, diags := expr.Value(nil) // without a context a string is returned verbatim
	if diags.HasErrors() || val.IsNull() || val.Type() != cty.String {
		if !diags.HasErrors() && huge(val) {
			panic(exhausted{numberDigits, maxDigits, expr.Range()})
		}
		return &hclsyntax.LiteralValueExpr{Val: val, SrcRange: expr.Range()}, diags
	}
	start := expr.Range().Start
	start.Byte++ // the opening quote
	start.Column++
	src := []byte(val.AsString())
	if diags := checkTemplate(src, expr.Range().Filename, start); diags.HasErrors() {
		return &hclsyntax.LiteralValueExpr{Val: val, SrcRange: expr.Range()}, diags
	}
	tmpl, diags := hclsyntax.ParseTemplate(src, expr.Range().Filename, start)
	if diags.HasErrors() {
		return tmpl, diags
	}
	p := passthrough{src: src, base: start.Byte, ctx: ctx, left: &d.left, complete: d.complete}
	return p.expr(tmpl), diags
}

// passthrough copies expressions, replacing references that are not known.
type passthrough struct {
	src   []byte // text the expression was parsed from
	base  int    // byte position of src[0]
	ctx   *hcl.EvalContext
	bound []string // variables of the for expressions around
	left  *budget

	complete bool // whether what ctx does not know is a mistake
}

func (p *passthrough) known(root string) bool {
	if slices.Contains(p.bound, root) || p.complete {
		return true
	}
	for c := p.ctx; c != nil; c = c.Parent() {
		if _, ok := c.Variables[root]; ok {
			return true
		}
	}
	return false
}

// charge accounts for the value of a known reference; loop variables are accounted for by the loop.
func (p *passthrough) charge(e *hclsyntax.ScopeTraversalExpr) {
	if slices.Contains(p.bound, e.Traversal.RootName()) || p.ctx == nil {
		return
	}
	if val, diags := e.Traversal.TraverseAbs(p.ctx); !diags.HasErrors() {
		p.left.spend(val, e.SrcRange)
	}
}

// text returns the source between two positions.
func (p *passthrough) text(from, to int) string {
	from, to = from-p.base, to-p.base
	if from < 0 || to > len(p.src) || from > to {
		return ""
	}
	return string(p.src[from:to])
}

func interpolation(text string, rng hcl.Range) hclsyntax.Expression {
	return &hclsyntax.LiteralValueExpr{Val: cty.StringVal("${" + text + "}"), SrcRange: rng}
}

// part is expr for a direct part of a template, where the spaces inside of the braces are kept.
func (p *passthrough) part(e hclsyntax.Expression) hclsyntax.Expression {
	ref, ok := e.(*hclsyntax.ScopeTraversalExpr)
	if !ok || p.known(ref.Traversal.RootName()) {
		return p.expr(e)
	}
	from, to := ref.SrcRange.Start.Byte-p.base, ref.SrcRange.End.Byte-p.base
	if from < 0 || to > len(p.src) || from > to {
		return e
	}
	const space = " \t\r\n"
	open := bytes.TrimRight(p.src[:from], space)
	rest := bytes.TrimLeft(p.src[to:], space)
	if bytes.HasSuffix(open, []byte("${")) && bytes.HasPrefix(rest, []byte("}")) {
		from, to = len(open), len(p.src)-len(rest)
	}
	text := string(p.src[from:to])
	return interpolation(text, ref.SrcRange)
}

// expr returns e with unknown references replaced. Nodes are copied, never changed: the same expression
// may be evaluated again for another iteration of a dynamic block.
func (p *passthrough) expr(e hclsyntax.Expression) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		if p.known(e.Traversal.RootName()) {
			p.charge(e)
			return e
		}
		return interpolation(p.text(e.SrcRange.Start.Byte, e.SrcRange.End.Byte), e.SrcRange)
	case *hclsyntax.TemplateExpr:
		c := *e
		c.Parts = make([]hclsyntax.Expression, len(e.Parts))
		for i, part := range e.Parts {
			c.Parts[i] = p.part(part)
		}
		return &c
	case *hclsyntax.TemplateWrapExpr:
		c := *e
		c.Wrapped = p.part(e.Wrapped)
		return &c
	case *hclsyntax.TemplateJoinExpr:
		return &hclsyntax.TemplateJoinExpr{Tuple: p.expr(e.Tuple)}
	case *hclsyntax.ParenthesesExpr:
		return &hclsyntax.ParenthesesExpr{Expression: p.expr(e.Expression), SrcRange: e.SrcRange}
	case *hclsyntax.FunctionCallExpr:
		return p.call(e)
	case *hclsyntax.ForExpr:
		return p.forExpr(e)
	case *hclsyntax.TupleConsExpr:
		c := *e
		c.Exprs = p.exprs(e.Exprs)
		return &c
	case *hclsyntax.ObjectConsExpr:
		c := *e
		c.Items = make([]hclsyntax.ObjectConsItem, len(e.Items))
		for i, item := range e.Items {
			c.Items[i] = hclsyntax.ObjectConsItem{KeyExpr: p.expr(item.KeyExpr), ValueExpr: p.expr(item.ValueExpr)}
		}
		return &c
	case *hclsyntax.ObjectConsKeyExpr:
		if _, name := e.Wrapped.(*hclsyntax.ScopeTraversalExpr); name && !e.ForceNonLiteral {
			return e // a bare key is a name, not a reference
		}
		c := *e
		c.Wrapped = p.expr(e.Wrapped)
		return &c
	default:
		return p.operator(e)
	}
}

// operator is the part of expr for operators and access to elements.
func (p *passthrough) operator(e hclsyntax.Expression) hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		if huge(e.Val) {
			panic(exhausted{numberDigits, maxDigits, e.SrcRange})
		}
		return e
	case *hclsyntax.BinaryOpExpr:
		c := *e
		c.LHS, c.RHS = p.operand(e.LHS, e.Op, 0), p.operand(e.RHS, e.Op, 1)
		return &calculated{&c}
	case *hclsyntax.UnaryOpExpr:
		c := *e
		c.Val = p.operand(e.Val, e.Op, 0)
		return &calculated{&c}
	case *hclsyntax.ConditionalExpr:
		c := *e
		c.Condition, c.TrueResult, c.FalseResult = p.expr(e.Condition), p.expr(e.TrueResult), p.expr(e.FalseResult)
		return &c
	case *hclsyntax.IndexExpr:
		c := *e
		c.Key = p.expr(e.Key)
		if ref, ok := e.Collection.(*hclsyntax.ScopeTraversalExpr); ok && p.known(ref.Traversal.RootName()) {
			return &charged{&c, p.left} // only the element counts, so that a file may look things up in large values
		}
		c.Collection = p.expr(e.Collection)
		return &c
	case *hclsyntax.RelativeTraversalExpr:
		c := *e
		c.Source = p.expr(e.Source)
		return &c
	case *hclsyntax.SplatExpr:
		c := *e
		c.Source, c.Each = p.expr(e.Source), p.expr(e.Each)
		return &c
	}
	return e // literals, splat symbols and syntax errors have no references inside
}

// operand is expr for what an operator is applied to, in that place.
func (p *passthrough) operand(e hclsyntax.Expression, op *hclsyntax.Operation, at int) hclsyntax.Expression {
	if e = p.expr(e); op.Impl.Params()[at].Type == cty.Number {
		return &calculated{e}
	}
	return e
}

func (p *passthrough) exprs(list []hclsyntax.Expression) []hclsyntax.Expression {
	out := make([]hclsyntax.Expression, len(list))
	for i, e := range list {
		out[i] = p.expr(e)
	}
	return out
}

// call leaves type constraints alone: the second argument of convert(x, string) is a type, no reference.
func (p *passthrough) call(e *hclsyntax.FunctionCallExpr) hclsyntax.Expression {
	c := *e
	c.Args = p.exprs(e.Args)
	for ctx := p.ctx; ctx != nil; ctx = ctx.Parent() {
		fn, ok := ctx.Functions[e.Name]
		if !ok {
			continue
		}
		for i, param := range fn.Params() {
			switch {
			case i >= len(c.Args):
			case param.Type.Equals(typeexpr.TypeConstraintType):
				c.Args[i] = e.Args[i]
			case param.Type == cty.Number:
				c.Args[i] = &calculated{c.Args[i]}
			}
		}
		for i := len(fn.Params()); i < len(c.Args) && fn.VarParam() != nil && fn.VarParam().Type == cty.Number; i++ {
			c.Args[i] = &calculated{c.Args[i]}
		}
		break
	}
	return &c
}

func (p *passthrough) forExpr(e *hclsyntax.ForExpr) hclsyntax.Expression {
	c := *e
	c.CollExpr = p.expr(e.CollExpr)
	inner := *p
	inner.bound = append(slices.Clip(p.bound), e.KeyVar, e.ValVar)
	if e.KeyVar == "" {
		inner.bound = append(slices.Clip(p.bound), e.ValVar)
	}
	c.ValExpr = &counted{Expression: inner.expr(e.ValExpr), left: p.left}
	if e.KeyExpr != nil {
		c.KeyExpr = inner.expr(e.KeyExpr)
	}
	if e.CondExpr != nil {
		c.CondExpr = inner.expr(e.CondExpr)
	}
	return &c
}
