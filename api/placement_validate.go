// SPDX-License-Identifier: MPL-2.0

package api

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// constraintScope says where a constraint stands.
type constraintScope uint8

const (
	constraintScopeJob constraintScope = iota
	constraintScopeGroup
	constraintScopeTask
	constraintScopeDevice
)

// targets that a constraint may name besides the ones with a prefix of targetPrefixes.
var (
	targets        = []string{"${node.unique.id}", "${node.unique.name}", "${node.datacenter}", "${node.class}", "${node.pool}"}
	targetPrefixes = []string{"${attr.", "${device.", "${meta."}
)

func (r *Constraint) validate(c *checker, index int, scope constraintScope) {
	c.within(c.at.item("constraint", index), fmt.Sprintf("Constraint %d validation failed", index+1), func(c *checker) {
		if distinct := r.Operand == OpDistinctHosts || r.Operand == OpDistinctProperty; distinct && scope >= constraintScopeTask {
			c.failf("operator", "%s is disallowed here, it works at the job and group level", r.Operand)
		}
		if !checkOperand(c, r.Operand, r.RTarget, true) {
			return
		}
		if r.Operand == OpDistinctHosts {
			return
		}
		if r.LTarget == "" {
			c.failf("attribute", "No LTarget provided but is required by constraint")
			return
		}
		checkTarget(c, r.LTarget)
	})
}

// checkTarget refuses interpolations that no node attribute answers; other text is literal.
func checkTarget(c *checker, target string) {
	if !strings.HasPrefix(target, "$") || slices.Contains(targets, target) {
		return
	}
	known := func(prefix string) bool { return strings.HasPrefix(target, prefix) && strings.HasSuffix(target, "}") }
	c.check(slices.ContainsFunc(targetPrefixes, known), "attribute",
		"unsupported attribute %q; a constraint looks at nodes: ${attr.…}, ${meta.…}, ${device.…}, ${node.class}, ${node.pool}, ${node.datacenter}, ${node.unique.id} or ${node.unique.name}", target)
}

// checkOperand checks operator and value, and reports whether the operator is known.
func checkOperand(c *checker, operator, value string, isConstraint bool) bool {
	switch operator {
	case "=", "==", "is", "!=", "not", "<", "<=", ">", ">=":
		c.check(value != "", "value", "Operator %q requires an RTarget", operator)
	case OpSetContains, OpSetContainsAll, OpSetContainsAny:
		c.check(value != "", "value", "Set contains operator %q requires an RTarget", operator)
	case OpRegexp:
		_, err := regexp.Compile(value)
		c.check(err == nil, "value", "Regular expression failed to compile: %v", err)
	case OpVersion:
		c.check(versionConstraint.MatchString(value), "value", "Version constraint is invalid: Malformed constraint: %s", value)
	case OpSemver:
		c.check(semverConstraint.MatchString(value), "value", "Semver constraint is invalid: Malformed constraint: %s", value)
	case OpDistinctHosts, OpDistinctProperty, OpIsSet, OpIsNotSet:
		if !isConstraint {
			c.failf("operator", "Unknown affinity operator %q", operator)
			return false
		}
		checkValueless(c, operator, value)
	default:
		kind := "constraint type"
		if !isConstraint {
			kind = "affinity operator"
		}
		c.failf("operator", "Unknown %s %q", kind, operator)
		return false
	}
	return true
}

func checkValueless(c *checker, operator, value string) {
	switch operator {
	case OpDistinctHosts:
		if value != "" {
			_, err := strconv.ParseBool(value)
			c.check(err == nil, "value", "distinct_hosts takes true or false, got %q", value)
		}
	case OpDistinctProperty:
		if value == "" {
			return
		}
		count, err := strconv.ParseUint(value, 10, 64)
		c.check(err == nil, "value", "Failed to convert RTarget %q to uint64: %v", value, err)
		c.check(err != nil || count >= 1, "value", "Distinct Property must have an allowed count of 1 or greater: %d < 1", count)
	default:
		c.check(value == "", "value", "Operator %q does not support an RTarget", operator)
	}
}

// Lists of version bounds: "~> 1.2, != 1.2.7"; semantic versions know no "~>".
var (
	versionConstraint = boundsPattern(`(?:=|!=|>|<|>=|<=|~>)?`, `v?[0-9]+(?:\.[0-9]+)*(?:-?[0-9A-Za-z~.\-]+)?(?:\+[0-9A-Za-z~.\-]+)?`)
	semverConstraint  = boundsPattern(`(?:=|!=|>|<|>=|<=)?`, `v?[0-9]+(?:\.[0-9]+){0,2}(?:-[0-9A-Za-z.\-]+)?(?:\+[0-9A-Za-z.\-]+)?`)
)

func boundsPattern(operator, version string) *regexp.Regexp {
	bound := `\s*` + operator + `\s*` + version + `\s*`
	return regexp.MustCompile(`^` + bound + `(?:,` + bound + `)*$`)
}

func validateAffinities(c *checker, affinities []*Affinity, jobType string) {
	if jobType == JobTypeSystem {
		c.check(len(affinities) == 0, "affinity", "System jobs may not have an affinity block")
		return
	}
	for i, a := range affinities {
		a.validate(c, i)
	}
}

func (a *Affinity) validate(c *checker, index int) {
	c.within(c.at.item("affinity", index), fmt.Sprintf("Affinity %d validation failed", index+1), func(c *checker) {
		if checkOperand(c, a.Operand, a.RTarget, false) {
			c.check(a.LTarget != "", "attribute", "No LTarget provided but is required")
		}
		weight := a.WeightOrDefault()
		c.check(weight != 0, "weight", "Affinity weight cannot be zero")
		c.check(weight >= -100 && weight <= 100, "weight", "Affinity weight must be within the range [-100,100]")
	})
}

func validateSpreads(c *checker, spreads []*Spread, jobType string) {
	if jobType == JobTypeSystem {
		c.check(len(spreads) == 0, "spread", "System jobs may not have a spread block")
		return
	}
	for i, s := range spreads {
		s.validate(c, i)
	}
}

func (s *Spread) validate(c *checker, index int) {
	c.within(c.at.item("spread", index), fmt.Sprintf("Spread %d validation failed", index+1), func(c *checker) {
		c.check(s.Attribute != "", "attribute", "Missing spread attribute")
		weight := s.WeightOrDefault()
		c.check(weight >= 1 && weight <= 100, "weight", "Spread block must have a positive weight from 0 to 100")
		seen := map[string]bool{}
		sum := 0
		for _, target := range s.SpreadTarget {
			at := `target["` + target.Value + `"]`
			c.check(!seen[target.Value], at, "Spread target value %q already defined", target.Value)
			seen[target.Value] = true
			c.check(target.Percent >= 0 && target.Percent <= 100, at+".percent", "Spread target percentage for value %q must be between 0 and 100", target.Value)
			sum += target.Percent
		}
		c.check(sum <= 100, "target", "Sum of spread target percentages must not be greater than 100%%; got %d%%", sum)
	})
}
