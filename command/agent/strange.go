// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// key is a name that stands in a block, with its expression or its body.
type key struct {
	name string
	line int
	expr hcl.Expression
	body hcl.Body
}

// keysOf lists what stands in a block, in the order of its lines.
func (s *source) keysOf(from hcl.Body) []key {
	var out []key
	if native, ok := from.(*body); ok {
		for _, i := range native.list.Items {
			first, _ := name(i)
			k := key{name: first, line: i.Pos().Line}
			if b := native.inner(i); b != nil {
				k.body = b
			} else if a, _ := native.attribute(i); a != nil { // what is wrong with it is told by whoever reads it
				k.expr = a.Expr
			}
			out = append(out, k)
		}
	} else {
		attrs, _ := from.JustAttributes() // see above
		for name, a := range attrs {
			out = append(out, key{name: name, line: a.NameRange.Start.Line, expr: a.Expr})
		}
	}
	slices.SortStableFunc(out, func(a, b key) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return strings.Compare(a.name, b.name)
	})
	return out
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// strange reports the keys of a block that no field takes: those that are unknown, those that nothing acts on, and
// maps that are there twice.
func (s *source) strange(from hcl.Body, fields []fieldSpec, path string) hcl.Diagnostics {
	kinds := map[string]fieldKind{}
	for _, f := range fields {
		if f.kind != kindLabel {
			kinds[f.name] = f.kind
		}
	}
	var diags hcl.Diagnostics
	var unexpected []string
	seen := map[string]bool{}
	for _, k := range s.keysOf(from) {
		kind, known := kinds[k.name]
		at := join(path, k.name)
		switch {
		case known && kind == kindMap && seen[k.name]:
			unexpected = append(unexpected, fmt.Sprintf("%s (line %d)", k.name, k.line))
		case known:
		case isUnserved(at):
			diags = append(diags, s.unserved(k, at)...)
		default:
			unexpected = append(unexpected, fmt.Sprintf("%s (line %d)", k.name, k.line))
		}
		seen[k.name] = true
	}
	return append(diags, unexpectedKeys(path, unexpected)...)
}

// unexpectedKeys is the contract's error, with lines.
func unexpectedKeys(path string, keys []string) hcl.Diagnostics {
	if len(keys) == 0 {
		return nil
	}
	text := "unexpected keys " + strings.Join(keys, ", ")
	if path != "" {
		text = path[strings.LastIndex(path, ".")+1:] + " " + text
	}
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: text}}
}

// isUnserved says whether the key, or one below it, is known and has no effect.
func isUnserved(path string) bool {
	if _, ok := unservedKeys[path]; ok {
		return true
	}
	for k := range unservedKeys {
		if strings.HasPrefix(k, path+".") {
			return true
		}
	}
	return false
}

// unserved reports a key that nothing acts on unless its value asks for nothing.
func (s *source) unserved(k key, path string) hcl.Diagnostics {
	if accepts(path, "*") {
		return nil
	}
	if _, leaf := unservedKeys[path]; !leaf {
		return s.unservedBlock(k, path)
	}
	value := ""
	if k.expr != nil {
		val, diags := s.eval(k.expr)
		if diags.HasErrors() {
			return diags
		}
		value = plain(goValue(val))
		if accepts(path, value) {
			return nil
		}
	}
	return hcl.Diagnostics{refusal(path, k.line)}
}

// refusal says why nothing acts on a key, and what it may be set to.
func refusal(path string, line int) *hcl.Diagnostic {
	u := unservedKeys[path]
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: fmt.Sprintf(
		"%s (line %d) is not supported by this version of nomadlike: %s; %s", path, line, u.why, Key{Accepts: u.accepts}.Instead())}
}

// unservedBlock looks at the keys of a block that has no field.
func (s *source) unservedBlock(k key, path string) hcl.Diagnostics {
	if k.body != nil {
		return s.strange(k.body, nil, path)
	}
	val, diags := s.eval(k.expr) // JSON
	if diags.HasErrors() {
		return diags
	}
	return s.unservedValue(goValue(val), path, k.line)
}

// unservedValue is unservedBlock for plain data: an object, or a list of objects.
func (s *source) unservedValue(v any, path string, line int) hcl.Diagnostics {
	var diags hcl.Diagnostics
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			diags = append(diags, s.unservedValue(e, path, line)...)
		}
	case map[string]any:
		var unexpected []string
		for name, inner := range v {
			at := join(path, name)
			_, leaf := unservedKeys[at]
			switch {
			case !isUnserved(at):
				unexpected = append(unexpected, fmt.Sprintf("%s (line %d)", name, line))
			case !leaf:
				diags = append(diags, s.unservedValue(inner, at, line)...)
			case !accepts(at, plain(inner)):
				diags = append(diags, refusal(at, line))
			}
		}
		slices.Sort(unexpected)
		diags = append(diags, unexpectedKeys(path, unexpected)...)
	}
	return diags
}

// plain is a value as unservedKeys lists it.
func plain(v any) string {
	if list, ok := v.([]any); ok && len(list) == 0 {
		return "[]"
	}
	return fmt.Sprint(v)
}
