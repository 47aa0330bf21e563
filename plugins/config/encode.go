// SPDX-License-Identifier: MPL-2.0

package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"github.com/nomadlike/nomadlike/jobspec"
)

// NoSchema is the configuration of a plugin without a schema: no bytes, and an
// error if the operator gave any values.
func NoSchema(values map[string]any) ([]byte, error) {
	if len(values) > 0 {
		return nil, errors.New("configuration not allowed: the plugin takes none")
	}
	return nil, nil
}

// Encode reads values by the schema and returns what the plugin is sent. The
// result always has every property of the schema, and is at least an empty
// map. All errors are reported at once, each with the path of the option. The
// scope is nil for configuration without variables.
func (s *Schema) Encode(values map[string]any, scope *Scope) ([]byte, error) {
	value, err := s.evaluate(values, scope)
	if err != nil {
		return nil, err
	}
	decoded, err := plain(value)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	// Strings in the current encoding, map keys sorted.
	handle := &codec.MsgpackHandle{WriteExt: true}
	handle.Canonical = true
	if err := codec.NewEncoder(&out, handle).Encode(decoded); err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	return out.Bytes(), nil
}

func (s *Schema) evaluate(values map[string]any, scope *Scope) (value cty.Value, err error) {
	if values == nil {
		values = map[string]any{}
	}
	source, err := json.Marshal(values)
	if err != nil {
		return cty.NilVal, fmt.Errorf("configuration has a value that cannot be written as JSON: %w", err)
	}
	file, diags := hcljson.Parse(source, "config")
	if diags.HasErrors() {
		return cty.NilVal, pathErrors(source, diags)
	}
	defer func() {
		// The schema is the plugin's: combinations that the decoder does not
		// expect must not take the agent down.
		if reason := recover(); reason != nil {
			err = fmt.Errorf("schema of the plugin cannot be applied: %v", reason)
		}
	}()
	body, ctx := jobspec.Bound(file.Body, scope.context())
	value, diags = hcldec.Decode(body, s.spec, ctx)
	if diags.HasErrors() {
		return cty.NilVal, pathErrors(source, diags)
	}
	return value, nil
}

// pathErrors turns positions in generated JSON, which nobody has seen, into
// paths of options.
func pathErrors(source []byte, diags hcl.Diagnostics) error {
	var errs []error
	for _, diag := range diags.Errs() {
		var one *hcl.Diagnostic
		if !errors.As(diag, &one) {
			errs = append(errs, diag)
			continue
		}
		if one.Severity != hcl.DiagError {
			continue
		}
		text := one.Summary
		if text == "Extraneous JSON object property" {
			text = "Invalid label"
		}
		if one.Detail != "" {
			text += ": " + one.Detail
		}
		text = strings.TrimSuffix(text, ".") + advice(one.Summary)
		path := ""
		if one.Subject != nil {
			path = pathAt(source, one.Subject.Start.Byte)
		}
		if path != "" {
			text = path + ": " + text
		}
		errs = append(errs, errors.New(text))
	}
	return errors.Join(errs...)
}

// advice is the way out for texts that are for a shell or for curl and not for HCL, such as ${x:-y} and %{http_code}, if
// it is such a text that HCL does not understand. A job file is read as HCL before, which takes one mark away.
func advice(summary string) string {
	switch summary {
	case "Unknown variable", "Extra characters after interpolation expression", "Unclosed template interpolation sequence",
		"Missing expression", "Invalid expression":
		return `; for a "${" that is not for the agent but for a shell, write "$$${" in a job file, or $x instead of ${x}`
	case "Invalid template control keyword", "Unexpected end of template":
		return `; for a "%{" that is not for the agent, write "%%%{" in a job file`
	}
	return ""
}

// plain converts an evaluated value for the encoder.
func plain(value cty.Value) (any, error) {
	value, _ = value.Unmark()
	kind := value.Type()
	switch {
	case !value.IsKnown():
		return nil, errors.New("configuration has a value that is not known yet")
	case value.IsNull():
		return nil, nil
	case kind == cty.String:
		return value.AsString(), nil
	case kind == cty.Bool:
		return value.True(), nil
	case kind == cty.Number:
		return plainNumber(value), nil
	case kind.IsListType(), kind.IsSetType(), kind.IsTupleType():
		out := make([]any, 0, value.LengthInt())
		for _, element := range value.Elements() {
			item, err := plain(element)
			if err != nil {
				return nil, err
			}
			out = append(out, item)
		}
		return out, nil
	case kind.IsMapType(), kind.IsObjectType():
		out := make(map[string]any, value.LengthInt())
		for key, element := range value.Elements() {
			item, err := plain(element)
			if err != nil {
				return nil, err
			}
			out[key.AsString()] = item
		}
		return out, nil
	}
	return nil, fmt.Errorf("configuration has a value of the type %s, which plugins cannot be sent",
		kind.FriendlyName())
}

// plainNumber picks the smallest form. Compat: a decimal fraction such as 0.1
// becomes the nearest float, where the reference sends text that the decoders
// of drivers refuse for number fields.
func plainNumber(value cty.Value) any {
	number := value.AsBigFloat()
	if number.IsInt() {
		if i, accuracy := number.Int64(); accuracy == 0 {
			return i
		}
		if u, accuracy := number.Uint64(); accuracy == 0 {
			return u
		}
	}
	f, _ := number.Float64()
	return f
}
