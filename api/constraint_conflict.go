// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxCompared is how many constraints with one target a block has that others are compared with: no job needs as
// many, and comparing each with each would take the square of their number.
const maxCompared = 32

// earlierConstraints are those that the constraints of a block are compared with: of the block itself and of those
// around it. nil has none.
type earlierConstraints struct {
	above    *earlierConstraints
	byTarget map[string][]*Constraint
}

// contradicted returns the first of e that contradicts r, or nil.
func (e *earlierConstraints) contradicted(r *Constraint) *Constraint {
	if e == nil {
		return nil
	}
	if found := e.above.contradicted(r); found != nil {
		return found
	}
	for _, earlier := range e.byTarget[r.LTarget] {
		if contradict(earlier, r) || contradict(r, earlier) {
			return earlier
		}
	}
	return nil
}

func (e *earlierConstraints) add(r *Constraint) {
	if list := e.byTarget[r.LTarget]; len(list) < maxCompared {
		e.byTarget[r.LTarget] = append(list, r)
	}
}

// validateConflicts refuses constraints of a block that contradict earlier ones of it, or those above it: a
// node has one value of an attribute, so that no node could ever satisfy both. It returns those that the
// constraints of blocks inside are compared with.
//
// Compat: the reference accepts such jobs and never places them.
func validateConflicts(c *checker, above *earlierConstraints, list []*Constraint) *earlierConstraints {
	if len(list) == 0 {
		return above
	}
	here := &earlierConstraints{above: above, byTarget: map[string][]*Constraint{}}
	for i, r := range list {
		if r == nil {
			continue
		}
		if r.isEmptyRange() {
			c.within(c.at.item("constraint", i), fmt.Sprintf("Constraint %d validation failed", i+1), func(c *checker) {
				c.failf("value", "%q contradicts itself: no version satisfies all of it", r.text())
			})
		} else if earlier := here.contradicted(r); earlier != nil {
			c.within(c.at.item("constraint", i), fmt.Sprintf("Constraint %d validation failed", i+1), func(c *checker) {
				c.failf("value", "%q contradicts %q: no node can satisfy both", r.text(), earlier.text())
			})
		}
		here.add(r)
	}
	return here
}

func (r *Constraint) text() string {
	return strings.TrimSpace(r.LTarget + " " + cmp.Or(r.Operand, "=") + " " + r.RTarget)
}

// isEmptyRange reports whether the constraint asks for a version that cannot be.
func (r *Constraint) isEmptyRange() bool {
	return r.comparesVersions() && !strings.Contains(r.RTarget, "${") && excludesAllVersions(r.RTarget)
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
