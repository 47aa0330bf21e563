// SPDX-License-Identifier: MPL-2.0

package config

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Scope is what the expressions of a task's configuration can refer to.
type Scope struct {
	// Env is the environment of the task: ${NAME}, and ${env["NAME"]} for
	// names that are not identifiers.
	Env map[string]string

	// Values are named like "node.unique.id", "attr.kernel.name", "meta.rack"
	// or "secret.block.key", and reached by that name. Below attr and meta the
	// whole rest is also a key: ${attr["kernel.name"]}. Everything below attr
	// and meta is also found below node.attr and node.meta.
	Values map[string]string
}

// flatTrees are the roots below which a dotted rest is also a key of its own.
var flatTrees = []string{"attr", "meta"}

// tree is a nested object under construction.
type tree struct {
	leaves   map[string]cty.Value
	branches map[string]*tree
}

func newTree() *tree {
	return &tree{leaves: map[string]cty.Value{}, branches: map[string]*tree{}}
}

func (t *tree) branch(name string) *tree {
	if t.branches[name] == nil {
		t.branches[name] = newTree()
	}
	return t.branches[name]
}

// put stores a value under a dotted name, and reports whether the name can be
// nested at all: it cannot with an empty part.
func (t *tree) put(name string, value cty.Value) bool {
	parts := strings.Split(name, ".")
	if slices.Contains(parts, "") {
		return false
	}
	at := t
	for _, part := range parts[:len(parts)-1] {
		at = at.branch(part)
	}
	at.leaves[parts[len(parts)-1]] = value
	return true
}

// object returns the attributes of the tree. A branch wins over a leaf of the
// same name.
func (t *tree) object() map[string]cty.Value {
	out := maps.Clone(t.leaves)
	for name, branch := range t.branches {
		out[name] = cty.ObjectVal(branch.object())
	}
	return out
}

// context returns the evaluation context; a nil scope has functions only.
func (s *Scope) context() *hcl.EvalContext {
	ctx := &hcl.EvalContext{Functions: functions()}
	if s == nil {
		return ctx
	}
	root := newTree()
	env := make(map[string]cty.Value, len(s.Env))
	for name, text := range s.Env {
		value := cty.StringVal(text)
		env[name] = value
		root.put(name, value) // names that do not nest stay reachable as env["name"]
	}
	for name, text := range s.Values {
		value := cty.StringVal(text)
		root.put(name, value)
		for _, flat := range flatTrees {
			if rest, ok := strings.CutPrefix(name, flat+"."); ok && rest != "" {
				root.branch(flat).leaves[rest] = value
			}
		}
	}
	for _, flat := range flatTrees {
		root.branch("node").branches[flat] = root.branch(flat)
	}
	ctx.Variables = root.object()
	ctx.Variables["env"] = cty.MapValEmpty(cty.String)
	if len(env) > 0 {
		ctx.Variables["env"] = cty.MapVal(env)
	}
	return ctx
}
