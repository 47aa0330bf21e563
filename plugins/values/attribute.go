// SPDX-License-Identifier: MPL-2.0

// Package values holds the typed values that plugins report: fingerprint
// attributes and device statistics. It owns no state, and convert.go alone
// knows protobuf.
package values

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Attribute is one typed value with an optional unit. Exactly one of the four
// pointers is set; Unit goes only with Float or Int.
type Attribute struct {
	Float  *float64
	Int    *int64
	String *string
	Bool   *bool
	Unit   string
}

// Text returns a string attribute.
func Text(s string) *Attribute { return &Attribute{String: &s} }

// Flag returns a boolean attribute.
func Flag(b bool) *Attribute { return &Attribute{Bool: &b} }

// Int returns an integer attribute; unit may be empty.
func Int(i int64, unit string) *Attribute { return &Attribute{Int: &i, Unit: unit} }

// Float returns a floating point attribute; unit may be empty.
func Float(f float64, unit string) *Attribute { return &Attribute{Float: &f, Unit: unit} }

// Render returns the attribute as node attributes show it: the value followed
// by its unit, booleans as true and false. A nil or empty attribute renders as
// the empty string.
func (a *Attribute) Render() string {
	switch {
	case a == nil:
		return ""
	case a.String != nil:
		return *a.String
	case a.Bool != nil:
		return strconv.FormatBool(*a.Bool)
	case a.Int != nil:
		return strconv.FormatInt(*a.Int, 10) + a.Unit
	case a.Float != nil:
		return strconv.FormatFloat(*a.Float, 'f', -1, 64) + a.Unit
	}
	return ""
}

// Validate reports what breaks the contract of an attribute: no value or more
// than one, a unit on a value that has none, or a unit nobody knows.
func (a *Attribute) Validate() error {
	if a == nil {
		return errors.New("attribute is nil")
	}
	set := 0
	for _, isSet := range []bool{a.Float != nil, a.Int != nil, a.String != nil, a.Bool != nil} {
		if isSet {
			set++
		}
	}
	switch {
	case set == 0:
		return errors.New("attribute has no value")
	case set > 1:
		return errors.New("attribute has more than one value")
	case a.Float != nil && Finite(*a.Float) != *a.Float:
		return errors.New("attribute is not a number, or not a finite one")
	case a.Unit == "":
		return nil
	case a.Float == nil && a.Int == nil:
		return fmt.Errorf("unit %q is only allowed on a number", a.Unit)
	case !KnownUnit(a.Unit):
		return fmt.Errorf("unit %q is not known", a.Unit)
	}
	return nil
}

// Finite returns f, or 0 if that is no finite number: JSON has no others.
func Finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
