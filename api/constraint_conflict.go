// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// validateConflicts refuses constraints of a block that contradict earlier ones of it, or those above it: a
// node has one value of an attribute, so that no node could ever satisfy both.
//
// Compat: the reference accepts such jobs and never places them.
func validateConflicts(c *checker, above, list []*Constraint) {
	for i, r := range list {
		if r.isEmptyRange() {
			c.within(c.at.item("constraint", i), fmt.Sprintf("Constraint %d validation failed", i+1), func(c *checker) {
				c.failf("value", "%q contradicts itself: no version satisfies all of it", r.text())
			})
			continue
		}
		for _, earlier := range slices.Concat(above, list[:i]) {
			if r == nil || earlier == nil || r.LTarget != earlier.LTarget || !contradict(earlier, r) && !contradict(r, earlier) {
				continue
			}
			c.within(c.at.item("constraint", i), fmt.Sprintf("Constraint %d validation failed", i+1), func(c *checker) {
				c.failf("value", "%q contradicts %q: no node can satisfy both", r.text(), earlier.text())
			})
			break
		}
	}
}

func (r *Constraint) text() string {
	return strings.TrimSpace(r.LTarget + " " + cmp.Or(r.Operand, "=") + " " + r.RTarget)
}

// isEmptyRange reports whether the constraint asks for a version that cannot be.
func (r *Constraint) isEmptyRange() bool {
	return r != nil && r.comparesVersions() && !strings.Contains(r.RTarget, "${") && excludesAllVersions(r.RTarget)
}

func (r *Constraint) comparesVersions() bool { return r.Operand == OpVersion || r.Operand == OpSemver }

// contradict reports whether what a asks of its target rules out b, which has the same target.
func contradict(a, b *Constraint) bool {
	if !strings.HasPrefix(a.LTarget, "${") || strings.Contains(a.RTarget, "${") || strings.Contains(b.RTarget, "${") {
		return false
	}
	switch a.Operand {
	case "", "=", "==", "is":
		holds, known := valueSatisfies(a.RTarget, b)
		return known && !holds
	case OpIsNotSet:
		switch b.Operand {
		case "", "=", "==", "is", "<", "<=", ">", ">=", OpIsSet, OpRegexp, OpVersion, OpSemver, OpSetContains, OpSetContainsAll, OpSetContainsAny:
			return true
		}
	case OpVersion, OpSemver:
		return b.comparesVersions() && excludesAllVersions(a.RTarget, b.RTarget)
	case ">", ">=":
		if b.Operand != "<" && b.Operand != "<=" {
			return false
		}
		low, lowErr := strconv.ParseFloat(a.RTarget, 64)
		high, highErr := strconv.ParseFloat(b.RTarget, 64)
		return lowErr == nil && highErr == nil && (low > high || low == high && a.Operand+b.Operand != ">=<=")
	}
	return false
}

// valueSatisfies reports whether a value that is set satisfies the constraint, and whether that is known here.
func valueSatisfies(value string, r *Constraint) (holds, known bool) {
	switch r.Operand {
	case "", "=", "==", "is":
		return value == r.RTarget, true
	case "!=", "not":
		return value != r.RTarget, true
	case OpIsSet:
		return true, true
	case OpRegexp:
		re, err := regexp.Compile(r.RTarget)
		return err == nil && re.MatchString(value), err == nil
	case OpVersion, OpSemver:
		return false, excludesAllVersions("= "+value, r.RTarget)
	case "<", "<=", ">", ">=":
		have, haveErr := strconv.ParseFloat(value, 64)
		want, wantErr := strconv.ParseFloat(r.RTarget, 64)
		if haveErr != nil || wantErr != nil {
			return false, false
		}
		order := cmp.Compare(have, want)
		return order < 0 && r.Operand[0] == '<' || order > 0 && r.Operand[0] == '>' || order == 0 && len(r.Operand) == 2, true
	}
	return false, false
}
