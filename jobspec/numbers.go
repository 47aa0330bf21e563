// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Numbers are exact, and 1e600000000 has as many digits as that: to write it, to round it or to read a text of as many takes
// minutes and gigabytes. Nothing that a job takes is a number of more than some 300 digits.
const (
	maxDigits   = 1200 // before the point or after it
	maxExponent = 4000 // bits that these take
)

const numberDigits = "digits in a number"

// errDigits is what functions and conversions say of a number that is too long.
var errDigits = fmt.Errorf("there are more than %d %s", maxDigits, numberDigits)

// huge reports whether a value is a number of too many digits. Infinity has none.
func huge(val cty.Value) bool {
	if val.Type() != cty.Number || !val.IsKnown() || val.IsNull() {
		return false
	}
	exponent := val.AsBigFloat().MantExp(nil)
	return exponent > maxExponent || exponent < -maxExponent
}

// longDigits reports whether a text has more digits in a row than a number may have.
func longDigits(text string) bool {
	run := 0
	for i := range len(text) {
		if c := text[i]; c < '0' || c > '9' {
			run = 0
		} else if run++; run > maxDigits {
			return true
		}
	}
	return false
}

// checkNumbers refuses values of which the numbers, or the texts when they are read as numbers, have too many digits.
func checkNumbers(vals ...cty.Value) error {
	for _, val := range vals {
		val, _ = val.Unmark()
		switch {
		case !val.IsKnown() || val.IsNull():
		case huge(val):
			return errDigits
		case val.Type() == cty.String:
			text := val.AsString()
			if longDigits(text) {
				return errDigits
			}
			if len(text) > 2*maxDigits+16 || !strings.ContainsAny(text, "eEpP") {
				continue // no number, or no longer one than it looks
			}
			if num, err := convert.Convert(val, cty.Number); err == nil && huge(num) {
				return errDigits
			}
		case val.CanIterateElements():
			for it := val.ElementIterator(); it.Next(); {
				if _, elem := it.Element(); checkNumbers(elem) != nil {
					return errDigits
				}
			}
		}
	}
	return nil
}

// limitNumbers is checkNumbers for the arguments of a function that reads numbers.
func limitNumbers(args []cty.Value) error { return checkNumbers(args...) }

// convertTo gives val a type.
func convertTo(val cty.Value, typ cty.Type) (cty.Value, error) {
	if typ != cty.String || huge(val) {
		if err := checkNumbers(val); err != nil {
			return cty.DynamicVal, err
		}
	}
	return convert.Convert(val, typ)
}

// calculated is an expression that takes part in arithmetic, or the outcome of that.
type calculated struct{ hclsyntax.Expression }

// Value evaluates the wrapped expression and refuses it if it is a number of too many digits.
func (c *calculated) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	val, diags := c.Expression.Value(ctx)
	if !diags.HasErrors() && checkNumbers(val) != nil {
		panic(exhausted{numberDigits, maxDigits, c.Range()})
	}
	return val, diags
}

// constant evaluates an expression that may refer to nothing.
func (d *decoder) constant(expr hcl.Expression) (cty.Value, hcl.Diagnostics) {
	if _, native := expr.(hclsyntax.Expression); native {
		return d.evaluate(expr, nil)
	}
	val, diags := expr.Value(nil) // without a context strings of JSON are no templates
	if !diags.HasErrors() && weight(val, maxValue) > maxValue {
		return cty.DynamicVal, tooComplex("bytes in the value of one expression", maxValue, expr.Range())
	}
	return val, diags
}
