// SPDX-License-Identifier: MPL-2.0

package api

// Constraint is the Constraint object of the HTTP API, see http-types.md.
type Constraint struct {
	// LTarget: Left side, usually `${attr.…}`, `${node.…}`, `${meta.…}`.
	LTarget string `hcl:"attribute"`
	// RTarget: Right side.
	RTarget string `hcl:"value"`
	// Operand: `=`, `==`, `is`, `!=`, `not`, `<`, `<=`, `>`, `>=`, `regexp`, `version`, `semver`, `set_contains`, `set_contains_all`, `set_contains_any`, `distinct_hosts`, `distinct_property`, `is_set`, `is_not_set` (default `=`).
	Operand string `hcl:"operator" default:"="`
}

// Affinity is the Affinity object of the HTTP API, see http-types.md.
type Affinity struct {
	// LTarget: As Constraint (without the distinct operators).
	LTarget string `hcl:"attribute"`
	// RTarget: As Constraint (without the distinct operators).
	RTarget string `hcl:"value"`
	// Operand: As Constraint (without the distinct operators).
	Operand string `hcl:"operator"`
	// Weight: -100 to 100, not 0 (default 50).
	Weight *int `hcl:"weight,trunc" default:"50"`
}

// Spread is the Spread object of the HTTP API, see http-types.md.
type Spread struct {
	// Attribute: E.g. `${node.datacenter}`.
	Attribute string `hcl:"attribute"`
	// Weight: 1-100 (default 50).
	Weight *int `hcl:"weight" default:"50"`
	// SpreadTarget: Desired percentages.
	SpreadTarget []*SpreadTarget `hcl:"target,block"`
}

// SpreadTarget is the SpreadTarget object of the HTTP API, see http-types.md.
type SpreadTarget struct {
	// Value: Attribute value.
	Value string `hcl:"value,label"`
	// Percent: 0-100; sum at most 100.
	Percent int `hcl:"percent"`
}
