// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// locals evaluates every locals block into ctx as the object local. Values may refer to each other in
// any order: passes are made over what is left until nothing moves.
func (d *decoder) locals(blocks hcl.Blocks, ctx *hcl.EvalContext) {
	pending := d.localAttributes(blocks)
	declared := map[string]bool{}
	for _, attr := range pending {
		declared[attr.Name] = true
	}
	done := map[string]cty.Value{}
	ctx.Variables["local"] = cty.EmptyObjectVal

	for len(pending) > 0 {
		var waiting []*hcl.Attribute
		for _, attr := range pending {
			if waitsFor(attr, declared, done) {
				waiting = append(waiting, attr)
				continue
			}
			val, _ := d.value(attr.Expr, ctx)
			done[attr.Name] = val
			ctx.Variables["local"] = cty.ObjectVal(done)
		}
		if len(waiting) == len(pending) {
			for _, attr := range waiting {
				d.report(&hcl.Diagnostic{
					Severity: hcl.DiagError,
					Summary:  "Circular local value",
					Detail:   fmt.Sprintf("The local value %q refers to itself, directly or through other local values.", attr.Name),
					Subject:  attr.Range.Ptr(),
				})
			}
			return
		}
		pending = waiting
	}
}

// localAttributes returns the attributes of all locals blocks and reports names given twice.
func (d *decoder) localAttributes(blocks hcl.Blocks) []*hcl.Attribute {
	var out []*hcl.Attribute
	first := map[string]hcl.Range{}
	for _, b := range blocks {
		if b.Type != "locals" {
			continue
		}
		attrs, diags := b.Body.JustAttributes()
		d.report(diags...)
		for _, attr := range sortedAttributes(attrs) {
			if prev, ok := first[attr.Name]; ok {
				d.report(&hcl.Diagnostic{
					Severity: hcl.DiagError,
					Summary:  "Duplicate local value",
					Detail:   fmt.Sprintf("A local value named %q was already defined at %s.", attr.Name, prev),
					Subject:  attr.NameRange.Ptr(),
				})
				continue
			}
			first[attr.Name] = attr.NameRange
			out = append(out, attr)
		}
	}
	return out
}

// waitsFor reports whether attr refers to a declared local value that is not done. A reference to the
// whole object waits for all others.
func waitsFor(attr *hcl.Attribute, declared map[string]bool, done map[string]cty.Value) bool {
	for _, trav := range attr.Expr.Variables() {
		if trav.RootName() != "local" {
			continue
		}
		name := ""
		if len(trav) > 1 {
			switch step := trav[1].(type) {
			case hcl.TraverseAttr:
				name = step.Name
			case hcl.TraverseIndex:
				if step.Key.Type() == cty.String {
					name = step.Key.AsString()
				}
			}
		}
		if name == "" {
			if len(done) < len(declared)-1 {
				return true
			}
			continue
		}
		if _, ok := done[name]; declared[name] && !ok {
			return true
		}
	}
	return false
}
