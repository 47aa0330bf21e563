// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// envPrefix starts the environment variables that set input variables.
const envPrefix = "NOMAD_VAR_"

// varContentName is the file name in messages about Config.VarContent.
const varContentName = "input.vars"

// collect takes the values of cfg in ascending precedence: environment, files, text, flags. The defaults
// are in place already. It returns the submission parts that reproduce these values, and whether all were taken: with
// a mistake in a file or flag nobody knows which ones it sets.
func (d *decoder) collect(cfg *Config, vars variables) (sub submission, taken bool) {
	sub, taken = newSubmission(), true
	for _, entry := range cfg.Envs {
		name, value, ok := strings.Cut(entry, "=")
		name, isVar := strings.CutPrefix(name, envPrefix)
		if v := vars[name]; ok && isVar && v != nil {
			v.value = &assignment{source: "env", text: value, isText: true, rng: pseudoRange("environment variable " + envPrefix + name)}
		}
	}
	for _, path := range cfg.VarFiles {
		src, err := os.ReadFile(path)
		if err != nil {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Failed to read variable file",
				Detail:   fmt.Sprintf("The variable file could not be read: %s.", err),
			})
			taken = false
			continue
		}
		taken = d.collectFile(src, path, cfg.Strict, vars, &sub) && taken
	}
	if strings.TrimSpace(cfg.VarContent) != "" {
		taken = d.collectFile([]byte(cfg.VarContent), varContentName, cfg.Strict, vars, &sub) && taken
	}
	for _, flag := range cfg.ArgVars {
		name, value, ok := strings.Cut(flag, "=")
		if !ok || name == "" {
			d.report(&hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Invalid -var option",
				Detail:   fmt.Sprintf("The option %q is not a variable name and a value separated by an equals sign, as in -var 'name=value'.", flag),
			})
			taken = false
			continue
		}
		v := vars[name]
		if v == nil {
			d.undeclared(name, "a -var option", nil, cfg.Strict)
			continue
		}
		v.value = &assignment{source: "cmd", text: value, isText: true, rng: pseudoRange("-var " + name)}
	}
	for name, v := range vars {
		if v.value != nil && v.value.isText {
			sub.flags[name] = v.value.text
		}
	}
	return sub, taken
}

// pseudoRange is the place of a value that comes from no file.
func pseudoRange(name string) hcl.Range {
	return hcl.Range{Filename: "<" + name + ">", Start: hcl.InitialPos, End: hcl.InitialPos}
}

// collectFile takes the assignments of one variable file and says whether it could take all.
func (d *decoder) collectFile(src []byte, name string, strict bool, vars variables, sub *submission) (taken bool) {
	file := d.load(src, name)
	if file == nil {
		return false
	}
	if native, ok := file.Body.(*hclsyntax.Body); ok {
		for _, b := range native.Blocks {
			if b.Type == "variable" || b.Type == "variables" {
				d.report(&hcl.Diagnostic{
					Severity: hcl.DiagError,
					Summary:  "Variable declaration in a variable file",
					Detail:   "A variable file sets values, as in name = value; it cannot declare variables. Declare them in the job file.",
					Subject:  b.TypeRange.Ptr(),
				})
				return false
			}
		}
	}
	attrs, diags := file.Body.JustAttributes()
	d.report(diags...)
	if diags.HasErrors() {
		return false
	}
	taken = true
	values := map[string]cty.Value{}
	for _, attr := range sortedAttributes(attrs) {
		val, diags := d.constant(attr.Expr)
		d.report(diags...)
		if diags.HasErrors() {
			taken = false
			continue
		}
		v := vars[attr.Name]
		if v == nil {
			d.undeclared(attr.Name, "a variable file", attr.NameRange.Ptr(), strict)
			continue
		}
		values[attr.Name] = val
		v.value = &assignment{source: "varfile", val: val, rng: attr.Expr.Range()}
	}
	sub.addFile(src, values)
	return taken
}

// undeclared reports a value for a variable the job file does not declare.
func (d *decoder) undeclared(name, where string, rng *hcl.Range, strict bool) {
	diag := &hcl.Diagnostic{
		Severity: hcl.DiagWarning,
		Summary:  "Undeclared variable",
		Detail:   fmt.Sprintf("The variable %q was set by %s, but the job file does not declare it; the value was discarded.", name, where),
		Subject:  rng,
	}
	if strict {
		diag.Severity = hcl.DiagError
		diag.Detail = fmt.Sprintf("The variable %q was set by %s, but the job file does not declare it. To use it, add a block: variable %q {}", name, where, name)
	}
	d.report(diag)
}

// settle converts and validates the winning value of each variable and returns the var object. Variables without a
// value are mistakes when all values were taken.
func (d *decoder) settle(vars variables, taken bool, functions map[string]function.Function) cty.Value {
	out := map[string]cty.Value{}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		v := vars[name]
		if v.value == nil {
			if taken {
				d.report(&hcl.Diagnostic{
					Severity: hcl.DiagError,
					Summary:  "Unset variable",
					Detail: fmt.Sprintf("The variable %q has neither a value nor a default. Set it with -var or -var-file, with the environment variable %s%s, or give it a default.",
						name, envPrefix, name),
					Subject: v.rng.Ptr(),
				})
			}
			out[name] = cty.DynamicVal
			continue
		}
		val, ok := d.convertValue(v)
		out[name] = val
		if !ok || !val.IsWhollyKnown() {
			continue
		}
		for _, rule := range v.validations {
			d.validate(v, rule, val, functions)
		}
	}
	return cty.ObjectVal(out)
}

// convertValue gives the winning value of v the type of v.
func (d *decoder) convertValue(v *variable) (cty.Value, bool) {
	a := v.value
	val := a.val
	if a.isText {
		val = cty.StringVal(a.text)
		if v.typ != cty.String && v.typ != cty.Number && (v.typed || v.typ != cty.DynamicPseudoType) {
			src := []byte(a.text)
			d.files[a.rng.Filename] = &hcl.File{Bytes: src}
			if diags := checkExpression(src, a.rng.Filename); diags.HasErrors() {
				d.report(diags...)
				return cty.DynamicVal, false
			}
			expr, diags := hclsyntax.ParseExpression(src, a.rng.Filename, hcl.InitialPos)
			if !diags.HasErrors() {
				val, diags = d.constant(expr)
			}
			if diags.HasErrors() {
				diags[0].Detail += fmt.Sprintf(` The variable %q is of the type %s, so its value is an expression, such as true, ["a", "b"] or {k = "v"}.`,
					v.name, v.typ.FriendlyNameForConstraint())
				d.report(diags...)
				return cty.DynamicVal, false
			}
		}
	}
	conv, err := convertTo(val, v.typ)
	if err != nil {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid value for variable",
			Detail:   fmt.Sprintf("The value set for the variable %q by its %s source does not fit its type: %s.", v.name, a.source, err),
			Subject:  a.rng.Ptr(),
		})
		return cty.DynamicVal, false
	}
	return conv, true
}

func (d *decoder) validate(v *variable, rule *validation, val cty.Value, functions map[string]function.Function) {
	ctx := &hcl.EvalContext{
		Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{v.name: val})},
		Functions: functions,
	}
	result, ok := d.value(rule.condition, ctx)
	if !ok {
		return
	}
	conv, err := convert.Convert(result, cty.Bool)
	if err == nil && conv.IsNull() {
		err = fmt.Errorf("it is null")
	}
	if err != nil {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  "Invalid variable validation result",
			Detail:   fmt.Sprintf("The condition of a validation rule must be true or false: %s.", err),
			Subject:  rule.condition.Range().Ptr(),
		})
		return
	}
	if conv.False() {
		d.report(&hcl.Diagnostic{
			Severity: hcl.DiagError,
			Summary:  fmt.Sprintf("Invalid value for %s variable", v.value.source),
			Detail:   fmt.Sprintf("%s\n\nThis was checked by the validation rule at %s.", rule.message, rule.rng),
			Subject:  v.value.rng.Ptr(),
		})
	}
}
