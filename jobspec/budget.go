// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/gocty"
)

// A few lines of HCL can describe more work or text than any machine has: nested loops, values that
// double themselves, a width of a billion. An agent parses job files of others, so all of that is
// bounded, far above what a job file needs.
const (
	maxIterations = 50_000    // of for expressions and dynamic blocks in one file
	maxValue      = 8 << 20   // bytes of one value
	maxReferred   = 64 << 20  // bytes of the values one expression refers to, loops over or gets from functions
	maxAllValues  = 64 << 20  // bytes of the values of one file, which is what an agent takes in a request
	maxAllRefers  = 256 << 20 // bytes of what the expressions of one file refer to
	partSize      = 32        // bytes a part of a value counts for, besides its text

	// maxTime is how long the expressions of a file that came over the network may take: some functions take far
	// longer for a value than its size tells. A job file takes a second.
	maxTime = 20 * time.Second
)

// exhausted is what a for expression panics with when its budget is spent: there is no other way to make
// the evaluator leave its loops. decoder.value recovers it.
type exhausted struct {
	what  string
	limit int
	rng   hcl.Range
}

// budget is what is left of the limits.
type budget struct {
	iterations int // of the file
	bytes      int // of the current expression
	values     int // bytes of the values of the file
	refers     int // bytes that the expressions of the file refer to, without the current one

	ends time.Time // when the time for the file ends; never when zero
	late bool      // that it has ended is reported
}

func newBudget() budget {
	return budget{iterations: maxIterations, values: maxAllValues, refers: maxAllRefers}
}

// spent reports whether nothing of the file can be evaluated any more.
func (b *budget) spent() bool { return b.iterations < 0 || b.values < 0 || b.refers < 0 }

// ended reports whether the time for the file is over.
func (b *budget) ended() bool { return !b.ends.IsZero() && time.Now().After(b.ends) }

// tooLate says that the time for the file is over, once.
func (b *budget) tooLate(rng hcl.Range) hcl.Diagnostics {
	if b.late {
		return nil
	}
	b.late = true
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  "Input too complex",
		Detail:   fmt.Sprintf("The expressions of this file take longer than %v.", maxTime),
		Subject:  &rng,
	}}
}

// keep takes the value of an expression from what is left for the file.
func (b *budget) keep(val cty.Value, rng hcl.Range) hcl.Diagnostics {
	size := weight(val, maxValue)
	b.values -= size
	switch {
	case size > maxValue:
		return tooComplex("bytes in the value of one expression", maxValue, rng)
	case b.values < 0:
		return tooComplex("bytes in the values of this file", maxAllValues, rng)
	}
	return nil
}

// counted is the value of a for expression: evaluating it is an iteration.
type counted struct {
	hclsyntax.Expression
	left *budget
}

// Value evaluates the wrapped expression and charges it to the budget.
func (c *counted) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if c.left.iterations--; c.left.iterations < 0 {
		panic(exhausted{"iterations", maxIterations, c.Range()})
	}
	val, diags := c.Expression.Value(ctx)
	c.left.spend(val, c.Range())
	return val, diags
}

func (b *budget) spend(val cty.Value, rng hcl.Range) {
	if plain, _ := val.Unmark(); huge(plain) {
		panic(exhausted{numberDigits, maxDigits, rng})
	}
	if !b.take(val) {
		panic(exhausted{"bytes of values", maxReferred, rng})
	}
}

// take charges val to the budget and reports whether that had enough left.
func (b *budget) take(val cty.Value) bool {
	if b.bytes >= 0 {
		b.bytes -= weight(val, b.bytes)
	}
	return b.bytes >= 0
}

// metered returns fn with the results of its calls charged to the budget. The evaluator takes a panic in a
// function for an error of that function, so that it is the next value outside of one that ends the evaluation.
func (b *budget) metered(fn function.Function) function.Function {
	return function.New(&function.Spec{
		Description: fn.Description(),
		Params:      slices.Clone(fn.Params()),
		VarParam:    fn.VarParam(),
		Type:        fn.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if b.ended() {
				return cty.DynamicVal, fmt.Errorf("the expressions of the file take longer than %v", maxTime)
			}
			val, err := fn.Call(args)
			if plain, _ := val.Unmark(); err == nil && huge(plain) {
				return cty.DynamicVal, errDigits
			}
			if err == nil && !b.take(val) {
				return cty.DynamicVal, fmt.Errorf("there are more than %d bytes of values", maxReferred)
			}
			return val, err
		},
	})
}

// weight is what val counts for in a budget. A value that weighs more than limit is not looked at to its end: its
// parts may share so much that nobody could.
func weight(val cty.Value, limit int) int {
	parts, text := measure(val, limit)
	return parts*partSize + text
}

// measure counts the parts of val and the bytes of text in them, until they weigh more than limit.
func measure(val cty.Value, limit int) (parts, text int) {
	val, _ = val.Unmark()
	parts = 1
	switch {
	case !val.IsKnown() || val.IsNull():
	case val.Type() == cty.String:
		text += len(val.AsString())
	case huge(val):
		text += limit + 1
	case val.CanIterateElements():
		for it := val.ElementIterator(); it.Next() && parts*partSize+text <= limit; {
			key, elem := it.Element()
			if key.Type() == cty.String {
				text += len(key.AsString())
			}
			p, t := measure(elem, limit-parts*partSize-text)
			parts, text = parts+p, text+t
		}
	}
	return parts, text
}

// charged is an expression of which the value is charged to the budget.
type charged struct {
	hclsyntax.Expression
	left *budget
}

// Value evaluates the wrapped expression and charges it to the budget.
func (c *charged) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	val, diags := c.Expression.Value(ctx)
	c.left.spend(val, c.Range())
	return val, diags
}

// evaluate runs expr within the budget.
func (d *decoder) evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (val cty.Value, diags hcl.Diagnostics) {
	d.left.bytes = maxReferred
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exhausted:
			val, diags = cty.DynamicVal, tooComplex(r.what, r.limit, r.rng)
		default:
			panic(r)
		}
		if d.left.refers -= maxReferred - d.left.bytes; d.left.refers < 0 && !diags.HasErrors() {
			val, diags = cty.DynamicVal, tooComplex("bytes in the values that the expressions of this file refer to", maxAllRefers, expr.Range())
		}
	}()
	resolved, diags := d.resolve(expr, ctx)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	val, diags = resolved.Value(ctx)
	if d.left.iterations < 0 || d.left.bytes < 0 { // a function such as try swallowed the panic
		return cty.DynamicVal, tooComplex("iterations or bytes of values", maxIterations, expr.Range())
	}
	if d.left.ended() { // a function such as try may have taken that for an error of another
		return cty.DynamicVal, d.left.tooLate(expr.Range())
	}
	if !diags.HasErrors() {
		if over := d.left.keep(val, expr.Range()); over.HasErrors() {
			return cty.DynamicVal, over
		}
	}
	return val, diags
}

// limitReplace bounds the text of replace(str, substr, replacement).
func limitReplace(args []cty.Value) error {
	str, ok := texts(args)
	if !ok {
		return nil
	}
	return limitText(len(str[0]), strings.Count(str[0], str[1]), len(str[2]))
}

// limitRegexReplace is limitReplace for a pattern, which may match everywhere.
func limitRegexReplace(args []cty.Value) error {
	str, ok := texts(args)
	if !ok {
		return nil
	}
	// Each character may match, and each byte of the replacement may stand for a match.
	return limitText(0, len(str[0])+1, len(str[2]))
}

// limitJoin bounds the text of join(sep, lists...).
func limitJoin(args []cty.Value) error {
	parts, text := 0, 0
	for _, list := range args[1:] {
		p, t := measure(list, maxReferred)
		parts, text = parts+p, text+t
	}
	_, sep := measure(args[0], maxReferred)
	return limitText(text, parts, sep)
}

func limitText(base, times, size int) error {
	if times > 0 && size > (maxReferred-base)/times {
		return fmt.Errorf("the result might be longer than %d bytes", maxReferred)
	}
	return nil
}

// limitFormat refuses widths and precisions that make a small format a big text.
func limitFormat(args []cty.Value) error {
	if err := limitNumbers(args[1:]); err != nil {
		return err
	}
	str, ok := texts(args[:1])
	if !ok {
		return nil
	}
	if wideVerb.MatchString(strings.ReplaceAll(str[0], "%%", "")) {
		return function.NewArgErrorf(0, "a width or precision must not have more than 4 digits")
	}
	return nil
}

var wideVerb = regexp.MustCompile(`%[-+ #0]*(\d{5}|\d*\.\d{5})`)

// texts returns args as strings, if all of them are.
func texts(args []cty.Value) ([]string, bool) {
	out := make([]string, len(args))
	for i, arg := range args {
		arg, _ = arg.Unmark()
		if !arg.IsKnown() || arg.IsNull() || gocty.FromCtyValue(arg, &out[i]) != nil {
			return nil, false
		}
	}
	return out, true
}
