// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/nomadlike/nomadlike/api"
)

// decoder decodes one job file and its variables and collects every problem it meets.
type decoder struct {
	src   []byte               // text of the job file
	files map[string]*hcl.File // everything read, by name, for messages
	diags hcl.Diagnostics
	left  budget

	complete bool // whether the context has all that may be referred to
}

func newDecoder() *decoder {
	return &decoder{files: map[string]*hcl.File{}, left: newBudget()}
}

func (d *decoder) report(diags ...*hcl.Diagnostic) {
	d.diags = append(d.diags, diags...)
}

// block is one block to decode: written as such, or an iteration of a dynamic block.
type block struct {
	*hcl.Block
	ctx *hcl.EvalContext
}

// value evaluates expr; references unknown to ctx become text.
func (d *decoder) value(expr hcl.Expression, ctx *hcl.EvalContext) (cty.Value, bool) {
	if d.left.spent() {
		return cty.DynamicVal, false // as an error says
	}
	if d.left.ended() {
		d.report(d.left.tooLate(expr.Range())...)
		return cty.DynamicVal, false
	}
	val, diags := d.evaluate(expr, ctx)
	d.report(diags...)
	if diags.HasErrors() {
		return cty.DynamicVal, false
	}
	if !val.IsWhollyKnown() {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Unknown value",
			Detail:   "The value of this expression cannot be known while the job file is read.",
			Subject:  expr.Range().Ptr(),
		})
		return cty.DynamicVal, false
	}
	val, _ = val.UnmarkDeep()
	return val, true
}

// body decodes body into the struct that target points to.
func (d *decoder) body(body hcl.Body, target reflect.Value, ctx *hcl.EvalContext) {
	schema := schemaOf(target.Type())
	hclSchema := schema.native
	if _, native := body.(*hclsyntax.Body); !native {
		hclSchema = schema.json
	}
	content, diags := body.Content(hclSchema)
	d.report(diags...)

	for _, f := range schema.fields {
		if attr := content.Attributes[f.name]; attr != nil {
			d.attribute(attr, f, target.FieldByIndex(f.index), ctx)
		}
	}
	first := map[string]*hcl.Range{}
	for _, b := range d.expand(content.Blocks, schema, ctx) {
		f := schema.byName[b.Type]
		if attr := content.Attributes[f.name]; attr != nil {
			d.duplicate(b, attr.Range)
			continue
		}
		if prev := first[f.name]; prev != nil && !f.many {
			d.duplicate(b, *prev)
			continue
		}
		first[f.name] = &b.DefRange
		d.block(b, f, target)
	}
	d.shorthands(content.Attributes, target, ctx)
	finish(target.Addr().Interface())
}

func (d *decoder) duplicate(b block, first hcl.Range) {
	d.report(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  fmt.Sprintf("Duplicate %s block", b.Type),
		Detail:   fmt.Sprintf("Only one %s block is allowed. Another was defined at %s.", b.Type, first),
		Subject:  b.DefRange.Ptr(),
	})
}

// attribute evaluates attr into dst.
func (d *decoder) attribute(attr *hcl.Attribute, f *field, dst reflect.Value, ctx *hcl.EvalContext) {
	val, ok := d.value(attr.Expr, ctx)
	if !ok {
		return
	}
	if f.truncate {
		val = truncate(val)
	}
	if err := assign(dst, val); err != nil {
		d.unsuitable(attr, err)
	}
}

func (d *decoder) unsuitable(attr *hcl.Attribute, err error) {
	d.report(&hcl.Diagnostic{
		Severity: hcl.DiagError,
		Summary:  "Unsuitable value type",
		Detail:   fmt.Sprintf("Unsuitable value: %s", err),
		Subject:  attr.Expr.Range().Ptr(),
		Context:  attr.Range.Ptr(),
	})
}

// block decodes b into field f of parent.
func (d *decoder) block(b block, f *field, parent reflect.Value) {
	dst := parent.FieldByIndex(f.index)
	switch f.kind {
	case mapField:
		d.mapBody(b, dst)
		return
	case anyField:
		dst.Set(reflect.ValueOf(d.anyBody(b.Body, b.ctx)))
		return
	default: // a block of a type, below
	}

	elem := reflect.New(f.elem)
	for i, label := range schemaOf(f.elem).labels {
		elem.Elem().FieldByIndex(label.index).SetString(b.Labels[i])
	}
	d.body(b.Body, elem.Elem(), b.ctx)
	if _, ok := extraLabels[labelKey{parent.Type(), f.name}]; ok {
		d.taskScaling(b, elem.Interface().(*api.ScalingPolicy), dst.Interface().([]*api.ScalingPolicy))
	} else if f.elem == reflect.TypeFor[api.ScalingPolicy]() {
		d.groupScaling(b)
	}

	switch {
	case f.keyed:
		if dst.IsNil() {
			dst.Set(reflect.MakeMap(dst.Type()))
		}
		dst.SetMapIndex(reflect.ValueOf(b.Labels[0]), elem)
	case f.many:
		dst.Set(reflect.Append(dst, elem))
	default:
		dst.Set(elem)
	}
}

// groupScaling refuses a scaling block of a group without a maximum; in a task it may be left out.
func (d *decoder) groupScaling(b block) {
	content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "max"}}})
	if content.Attributes["max"] == nil {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Missing required argument",
			Detail:   `The argument "max" is required, but no definition was found.`,
			Subject:  b.Body.MissingItemRange().Ptr(),
		})
	}
}

// taskScaling turns the label of a task's scaling block into the policy type.
func (d *decoder) taskScaling(b block, p *api.ScalingPolicy, earlier []*api.ScalingPolicy) {
	label := b.Labels[0]
	kind, ok := taskScalingTypes[label]
	if !ok {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid scaling policy name",
			Detail:   fmt.Sprintf("The label of a scaling block in a task must be \"cpu\" or \"mem\", not %q.", label),
			Subject:  b.LabelRanges[0].Ptr(),
		})
		return
	}
	p.Type = kind
	for _, e := range earlier {
		if e.Type == kind {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  fmt.Sprintf("Duplicate scaling %q block", label),
				Detail:   fmt.Sprintf("Only one scaling %q block is allowed in a task.", label),
				Subject:  b.DefRange.Ptr(),
			})
			return
		}
	}
}

// mapBody decodes a block whose keys are free.
func (d *decoder) mapBody(b block, dst reflect.Value) {
	attrs, diags := b.Body.JustAttributes()
	d.report(diags...)
	out := reflect.MakeMapWithSize(dst.Type(), len(attrs))
	for _, attr := range sortedAttributes(attrs) {
		val, ok := d.value(attr.Expr, b.ctx)
		if !ok || val.IsNull() {
			continue
		}
		elem := reflect.New(dst.Type().Elem()).Elem()
		if err := assign(elem, val); err != nil {
			d.unsuitable(attr, err)
			continue
		}
		out.SetMapIndex(reflect.ValueOf(attr.Name), elem)
	}
	dst.Set(out)
}

// shorthands applies the shorthand attributes of constraint and affinity.
func (d *decoder) shorthands(attrs hcl.Attributes, target reflect.Value, ctx *hcl.EvalContext) {
	set := shorthands[target.Type()]
	if set == nil {
		return
	}
	left, operator, right := operands(target.Addr().Interface())
	for _, sh := range set {
		attr := attrs[sh.name]
		if attr == nil || sh.form == toNothing {
			continue
		}
		val, ok := d.value(attr.Expr, ctx)
		if !ok || val.IsNull() {
			continue
		}
		var err error
		if sh.form == toFlag {
			val, err = convert.Convert(val, cty.Bool)
		}
		if err == nil {
			val, err = convert.Convert(val, cty.String)
		}
		if err != nil {
			d.unsuitable(attr, err)
			continue
		}
		*operator = sh.name
		if sh.form == toProperty {
			*left = val.AsString()
		} else {
			*right = val.AsString()
		}
	}
}
