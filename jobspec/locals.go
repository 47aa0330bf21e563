// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// locals evaluates every locals block into ctx as the object local. Values may refer to each other in any
// order: each is evaluated once those that it refers to are. A value sees only these, as building an object
// takes time for each of its attributes.
func (d *decoder) locals(blocks hcl.Blocks, ctx *hcl.EvalContext) {
	attrs := d.localAttributes(blocks)
	byName := make(map[string]int, len(attrs))
	for i, attr := range attrs {
		byName[attr.Name] = i
	}
	uses := make([][]int, len(attrs))   // what each refers to
	usedBy := make([][]int, len(attrs)) // what refers to each
	waitsFor := make([]int, len(attrs)) // how many of uses are not done
	var wholes []int                    // those that refer to all others
	for i, attr := range attrs {
		var whole bool
		if uses[i], whole = localsUsed(attr, byName); whole {
			wholes = append(wholes, i)
		}
	}
	if len(wholes) == 1 {
		uses[wholes[0]] = allBut(wholes[0], len(attrs))
	} else {
		for _, i := range wholes {
			uses[i] = []int{i} // two such wait for each other, and so forever
		}
	}
	var ready []int // in the order of evaluation, those that are done first
	for i, others := range uses {
		waitsFor[i] = len(others)
		for _, u := range others {
			usedBy[u] = append(usedBy[u], i)
		}
		if len(others) == 0 {
			ready = append(ready, i)
		}
	}

	done := make(map[string]cty.Value, len(attrs))
	for next := 0; next < len(ready); next++ {
		i := ready[next]
		seen := make(map[string]cty.Value, len(uses[i]))
		for _, u := range uses[i] {
			seen[attrs[u].Name] = done[attrs[u].Name]
		}
		ctx.Variables["local"] = cty.ObjectVal(seen)
		done[attrs[i].Name], _ = d.value(attrs[i].Expr, ctx)
		for _, w := range usedBy[i] {
			if waitsFor[w]--; waitsFor[w] == 0 {
				ready = append(ready, w)
			}
		}
	}
	ctx.Variables["local"] = cty.ObjectVal(done)
	for i, attr := range attrs {
		if waitsFor[i] > 0 {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Circular local value",
				Detail:   fmt.Sprintf("The local value %q refers to itself, directly or through other local values.", attr.Name),
				Subject:  attr.Range.Ptr(),
			})
		}
	}
}

// allBut returns the numbers below n without one.
func allBut(one, n int) []int {
	out := make([]int, 0, n-1)
	for i := range n {
		if i != one {
			out = append(out, i)
		}
	}
	return out
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

// localsUsed returns the declared local values that attr refers to by name, each once, and whether it refers to the
// whole object.
func localsUsed(attr *hcl.Attribute, declared map[string]int) (used []int, whole bool) {
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
			whole = true
		} else if i, ok := declared[name]; ok {
			used = append(used, i)
		}
	}
	slices.Sort(used)
	return slices.Compact(used), whole
}
