// SPDX-License-Identifier: MPL-2.0

package command

import (
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// parseSpec reads a specification file, of a namespace for example, into target, a struct with gohcl tags.
func parseSpec(path string, src []byte, target any) error {
	file, diags := hclsyntax.ParseConfig(src, path, hcl.InitialPos)
	if !diags.HasErrors() {
		diags = gohcl.DecodeBody(file.Body, nil, target)
	}
	return diagsError(diags)
}

// diagsError is one error a line, each with its place.
func diagsError(diags hcl.Diagnostics) error {
	var errs []error
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		at := ""
		if d.Subject != nil {
			at = fmt.Sprintf("%s:%d,%d: ", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		errs = append(errs, fmt.Errorf("%s%s; %s", at, d.Summary, d.Detail))
	}
	return errors.Join(errs...)
}

// specMeta is "meta", which is written as a block or as a map, and is all that may remain in a body.
func specMeta(remain hcl.Body) (map[string]string, error) {
	content, diags := remain.Content(&hcl.BodySchema{
		Attributes: []hcl.AttributeSchema{{Name: "meta"}}, Blocks: []hcl.BlockHeaderSchema{{Type: "meta"}},
	})
	if diags.HasErrors() {
		return nil, diagsError(diags)
	}
	var out map[string]string
	take := func(name string, v cty.Value, at hcl.Range) error {
		text, err := convert.Convert(v, cty.String)
		if err != nil || text.IsNull() {
			return fmt.Errorf("%s:%d,%d: meta %q must be a text", at.Filename, at.Start.Line, at.Start.Column, name)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = text.AsString()
		return nil
	}
	if a := content.Attributes["meta"]; a != nil {
		v, diags := a.Expr.Value(nil)
		if diags.HasErrors() {
			return nil, diagsError(diags)
		}
		if v.IsNull() || !v.CanIterateElements() || v.Type().IsTupleType() {
			return nil, fmt.Errorf("%s:%d,%d: meta must be a map", a.Range.Filename, a.Range.Start.Line, a.Range.Start.Column)
		}
		for k, e := range v.AsValueMap() {
			if err := take(k, e, a.Range); err != nil {
				return nil, err
			}
		}
	}
	for _, b := range content.Blocks {
		attrs, diags := b.Body.JustAttributes()
		if diags.HasErrors() {
			return nil, diagsError(diags)
		}
		for k, a := range attrs {
			v, diags := a.Expr.Value(nil)
			if diags.HasErrors() {
				return nil, diagsError(diags)
			}
			if err := take(k, v, a.Range); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
