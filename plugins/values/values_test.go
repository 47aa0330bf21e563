// SPDX-License-Identifier: MPL-2.0

package values

import (
	"maps"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	tests := map[string]struct {
		give *Attribute
		want string
	}{
		"nil":        {nil, ""},
		"empty":      {&Attribute{}, ""},
		"text":       {Text("x86"), "x86"},
		"flag":       {Flag(false), "false"},
		"int":        {Int(-3, ""), "-3"},
		"int unit":   {Int(8192, "MiB"), "8192MiB"},
		"float":      {Float(2.5, "GHz"), "2.5GHz"},
		"long float": {Float(123456789, ""), "123456789"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.give.Render(); got != test.want {
				t.Errorf("rendered %q, want %q", got, test.want)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	one, text := int64(1), "x"
	tests := map[string]struct {
		give  *Attribute
		valid bool
	}{
		"nil":              {nil, false},
		"empty":            {&Attribute{}, false},
		"two values":       {&Attribute{Int: &one, String: &text}, false},
		"text":             {Text("x"), true},
		"empty text":       {Text(""), true},
		"text with a unit": {&Attribute{String: &text, Unit: "MB"}, false},
		"unit":             {Int(1, "MiB/s"), true},
		"power":            {Float(1, "mW"), true},
		"unknown unit":     {Int(1, "furlong"), false},
		"not a number":     {Float(math.NaN(), ""), false},
		"not finite":       {Float(math.Inf(-1), "MB"), false},
		"unit of nothing":  {Int(1, "MHz/s"), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := test.give.Validate(); (err == nil) != test.valid {
				t.Errorf("validation says %v", err)
			}
		})
	}
}

func TestStatsCrossTheWire(t *testing.T) {
	f, d, i, n, s, b := 1.5, 2.5, int64(3), int64(4), "text", true
	want := &Stats{
		Nested: map[string]*Stats{"deep": {
			Nested:     map[string]*Stats{},
			Attributes: map[string]*Stat{"a": {IntNumerator: &i, IntDenominator: &n, Unit: "MiB", Description: "memory"}},
		}},
		Attributes: map[string]*Stat{
			"b": {FloatNumerator: &f, FloatDenominator: &d},
			"c": {String: &s},
			"d": {Bool: &b},
		},
	}
	if diff := cmp.Diff(want, StatsFromProto(StatsToProto(want))); diff != "" {
		t.Errorf("the statistics have changed (-want +got):\n%s", diff)
	}
	if StatsFromProto(StatsToProto(nil)) != nil || StatFromProto(StatToProto(nil)) != nil {
		t.Error("nothing became something")
	}
}

func TestAttributesCrossTheWire(t *testing.T) {
	want := map[string]*Attribute{"a": Text("x"), "b": Flag(true), "c": Int(1, "MB"), "d": Float(2, "W")}
	given := map[string]*Attribute{"nil": nil}
	maps.Copy(given, want)
	if diff := cmp.Diff(want, AttributesFromProto(AttributesToProto(given))); diff != "" {
		t.Errorf("the attributes have changed (-want +got):\n%s", diff)
	}
	empty := AttributesFromProto(AttributesToProto(map[string]*Attribute{"a": {}}))
	if err := empty["a"].Validate(); err == nil {
		t.Error("an attribute without a value became one with")
	}
}
