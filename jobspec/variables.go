// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// variable is one declared input variable.
type variable struct {
	name        string
	typ         cty.Type // DynamicPseudoType without type and default
	typed       bool     // a type is declared
	def         *assignment
	value       *assignment // the one of highest precedence so far, the default included
	validations []*validation
	rng         hcl.Range
}

// assignment is a value for a variable and where it came from.
type assignment struct {
	source string // "default", "env", "varfile" or "cmd"
	text   string // the value as text, when isText
	isText bool
	val    cty.Value
	rng    hcl.Range
}

// validation is one validation block of a variable.
type validation struct {
	condition hcl.Expression
	message   string
	rng       hcl.Range
}

var variableSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "description"}, {Name: "default"}, {Name: "type"}},
	Blocks:     []hcl.BlockHeaderSchema{{Type: "validation"}},
}

var validationSchema = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{
		{Name: "condition", Required: true},
		{Name: "error_message", Required: true},
	},
}

// variables are the declared input variables by name.
type variables map[string]*variable

// declare reads every variable and variables block.
func (d *decoder) declare(blocks hcl.Blocks) variables {
	vars := variables{}
	add := func(v *variable) {
		if v == nil {
			return
		}
		if prev := vars[v.name]; prev != nil {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Duplicate variable",
				Detail:   fmt.Sprintf("A variable named %q was already declared at %s.", v.name, prev.rng),
				Subject:  v.rng.Ptr(),
			})
			return
		}
		v.value = v.def
		vars[v.name] = v
	}
	for _, b := range blocks {
		switch b.Type {
		case "variable":
			add(d.declareOne(b))
		case "variables":
			attrs, diags := b.Body.JustAttributes()
			d.report(diags...)
			for _, attr := range sortedAttributes(attrs) {
				v := &variable{name: attr.Name, typ: cty.DynamicPseudoType, rng: attr.Range}
				d.setDefault(v, attr)
				add(v)
			}
		}
	}
	return vars
}

func (d *decoder) declareOne(b *hcl.Block) *variable {
	v := &variable{name: b.Labels[0], typ: cty.DynamicPseudoType, rng: b.DefRange}
	if !hclsyntax.ValidIdentifier(v.name) {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid variable name",
			Detail:   "A name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.",
			Subject:  b.LabelRanges[0].Ptr(),
		})
	}
	content, diags := b.Body.Content(variableSchema)
	d.report(diags...)
	if attr := content.Attributes["description"]; attr != nil {
		d.constantText(attr)
	}
	if attr := content.Attributes["type"]; attr != nil {
		typ, diags := typeexpr.TypeConstraint(attr.Expr)
		if !diags.HasErrors() && hasOptional(typ) {
			diags = diags.Append(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid type specification",
				Detail:   "Optional object attributes are not supported here: every attribute must be given.",
				Subject:  attr.Expr.Range().Ptr(),
			})
		}
		d.report(diags...)
		if diags.HasErrors() {
			v.def = unusable(attr.Expr.Range())
			return v
		}
		v.typ, v.typed = typ, true
	}
	if attr := content.Attributes["default"]; attr != nil {
		d.setDefault(v, attr)
	}
	for _, vb := range content.Blocks {
		if val := d.declareValidation(v, vb); val != nil {
			v.validations = append(v.validations, val)
		}
	}
	return v
}

// unusable is the default of a variable whose declaration has an error that is already reported; it keeps
// the variable from being reported as unset in addition.
func unusable(rng hcl.Range) *assignment {
	return &assignment{source: "default", val: cty.DynamicVal, rng: rng}
}

// hasOptional reports whether any object type inside of t has an optional attribute.
func hasOptional(t cty.Type) bool {
	switch {
	case t.IsCollectionType():
		return hasOptional(t.ElementType())
	case t.IsTupleType():
		return slices.ContainsFunc(t.TupleElementTypes(), hasOptional)
	case t.IsObjectType():
		return len(t.OptionalAttributes()) > 0 || slices.ContainsFunc(slices.Collect(maps.Values(t.AttributeTypes())), hasOptional)
	}
	return false
}

// setDefault evaluates the default, which may use neither variables nor functions.
func (d *decoder) setDefault(v *variable, attr *hcl.Attribute) {
	val, diags := d.constant(attr.Expr)
	d.report(diags...)
	if diags.HasErrors() {
		v.def = unusable(attr.Expr.Range())
		return
	}
	if v.typed {
		conv, err := convertTo(val, v.typ)
		if err != nil {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid default value for variable",
				Detail:   fmt.Sprintf("This default value is not compatible with the type of the variable %q: %s.", v.name, err),
				Subject:  attr.Expr.Range().Ptr(),
			})
			conv = cty.DynamicVal
		}
		val = conv
	} else {
		v.typ = val.Type()
	}
	v.def = &assignment{source: "default", val: val, rng: attr.Expr.Range()}
}

// constantText returns the value of an attribute that must be a constant string.
func (d *decoder) constantText(attr *hcl.Attribute) string {
	val, diags := d.constant(attr.Expr)
	d.report(diags...)
	if diags.HasErrors() {
		return ""
	}
	text, err := convert.Convert(val, cty.String)
	if err == nil && text.IsNull() {
		err = fmt.Errorf("a string is required")
	}
	if err != nil {
		d.unsuitable(attr, err)
		return ""
	}
	return text.AsString()
}

func (d *decoder) declareValidation(v *variable, b *hcl.Block) *validation {
	content, diags := b.Body.Content(validationSchema)
	d.report(diags...)
	if diags.HasErrors() {
		return nil
	}
	out := &validation{rng: b.DefRange}
	msg := content.Attributes["error_message"]
	before := len(d.diags)
	out.message = d.constantText(msg)
	if out.message == "" && len(d.diags) == before {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid validation error message",
			Detail:   "The error_message of a validation rule must not be empty: it is what the user of the job file gets to see.",
			Subject:  msg.Expr.Range().Ptr(),
		})
	}
	cond := content.Attributes["condition"]
	out.condition = cond.Expr
	if !d.onlyRefersTo(v.name, cond.Expr) {
		return nil
	}
	return out
}

// onlyRefersTo reports whether a validation condition refers to its own variable and to nothing else.
func (d *decoder) onlyRefersTo(name string, expr hcl.Expression) bool {
	ok, found := true, false
	for _, trav := range expr.Variables() {
		if trav.RootName() == "var" && len(trav) > 1 {
			if attr, isAttr := trav[1].(hcl.TraverseAttr); isAttr && attr.Name == name {
				found = true
				continue
			}
		}
		ok = false
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid reference in variable validation",
			Detail:   fmt.Sprintf("The condition for variable %q can only refer to the variable itself, using var.%s.", name, name),
			Subject:  trav.SourceRange().Ptr(),
		})
	}
	if ok && !found {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid variable validation condition",
			Detail:   fmt.Sprintf("The condition for variable %q must refer to var.%s in order to test incoming values.", name, name),
			Subject:  expr.Range().Ptr(),
		})
	}
	return ok && found
}
