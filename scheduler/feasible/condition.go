// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-version"

	"github.com/nomadlike/nomadlike/api"
)

// Condition is a compiled constraint or the rule of an affinity: <left> <operator> <right>.
type Condition struct {
	left, right Target
	// holds compares the two values. found tells which of them exist.
	holds    func(left, right string, found presence) bool
	text     string
	operator string
}

type presence struct{ left, right bool }

func (p presence) both() bool { return p.left && p.right }

// NewCondition compiles a constraint that is neither distinct_hosts nor distinct_property. What does not
// compile, an unknown operator included, holds on no node.
func NewCondition(left, operator, right string, cache *Cache) *Condition {
	c := &Condition{
		left:  NewTarget(left),
		right: NewTarget(right),
		text:  left + " " + operator + " " + right,
	}
	c.holds = c.comparison(operator, cache)
	c.operator = operator
	return c
}

// Equals is the text that the condition wants a node's value to equal, "" when it wants something else.
func (c *Condition) Equals() string {
	if ofNode, _ := c.right.Names(); ofNode || !slices.Contains([]string{"", "=", "==", "is"}, c.operator) {
		return ""
	}
	return c.right.text
}

// Prerelease returns the first of the values that would satisfy a "version" constraint if it were a release, which
// the version of a kernel such as 6.1.0-18-amd64 is not; "" when there is none.
func (c *Condition) Prerelease(values []string) string {
	if ofNode, _ := c.right.Names(); ofNode || c.operator != api.OpVersion {
		return ""
	}
	constraints, err := version.NewConstraint(c.right.text)
	if err != nil {
		return ""
	}
	for _, text := range values {
		if v, err := version.NewVersion(text); err == nil && v.Prerelease() != "" && constraints.Check(v.Core()) {
			return text
		}
	}
	return ""
}

// Text is the constraint as the placement metrics show it.
func (c *Condition) Text() string { return c.text }

// IsUnique reports whether the verdict may differ between nodes of one computed class.
func (c *Condition) IsUnique() bool { return c.left.IsUnique() || c.right.IsUnique() }

// Holds reports whether the node satisfies the condition.
func (c *Condition) Holds(n *api.Node) bool {
	left, leftFound := c.left.Value(n)
	right, rightFound := c.right.Value(n)
	return c.holds(left, right, presence{leftFound, rightFound})
}

func (c *Condition) comparison(operator string, cache *Cache) func(string, string, presence) bool {
	switch operator {
	case "", "=", "==", "is":
		return func(l, r string, found presence) bool { return found.both() && l == r }
	case "!=", "not":
		return func(l, r string, found presence) bool { return !found.both() || l != r }
	case "<", "<=", ">", ">=":
		return ordered(operator)
	case api.OpIsSet:
		return func(_, _ string, found presence) bool { return found.left }
	case api.OpIsNotSet:
		return func(_, _ string, found presence) bool { return !found.left }
	case api.OpSetContains, api.OpSetContainsAll:
		return func(l, r string, found presence) bool { return found.both() && containsAll(l, r) }
	case api.OpSetContainsAny:
		return func(l, r string, found presence) bool { return found.both() && containsAny(l, r) }
	case api.OpRegexp:
		return withRight(c.right, cache.regexp, matchRegexp)
	case api.OpVersion:
		return withRight(c.right, cache.version, matchVersion)
	case api.OpSemver:
		return withRight(c.right, cache.semver, matchSemver)
	}
	return func(string, string, presence) bool { return false }
}

// withRight compiles the right side once when it is literal, else for each node.
func withRight[T any](right Target, compile func(string) T, match func(T, string) bool) func(string, string, presence) bool {
	if right.kind != literal {
		return func(l, r string, found presence) bool { return found.both() && match(compile(r), l) }
	}
	compiled := compile(right.text)
	return func(l, _ string, found presence) bool { return found.both() && match(compiled, l) }
}

func matchRegexp(re *regexp.Regexp, text string) bool { return re != nil && re.MatchString(text) }

func matchVersion(c version.Constraints, text string) bool {
	if c == nil {
		return false
	}
	v, err := version.NewVersion(text)
	return err == nil && c.Check(v)
}

func matchSemver(c semverConstraint, text string) bool {
	if c == nil {
		return false
	}
	v, err := version.NewSemver(text)
	return err == nil && c.check(v)
}

// ordered compares as integers, else as floating point numbers, else as text.
func ordered(operator string) func(string, string, presence) bool {
	holds := map[string]func(int) bool{
		"<":  func(o int) bool { return o < 0 },
		"<=": func(o int) bool { return o <= 0 },
		">":  func(o int) bool { return o > 0 },
		">=": func(o int) bool { return o >= 0 },
	}[operator]
	return func(l, r string, found presence) bool { return found.both() && holds(compareText(l, r)) }
}

func compareText(l, r string) int {
	li, lerr := strconv.ParseInt(l, 10, 64)
	ri, rerr := strconv.ParseInt(r, 10, 64)
	if lerr == nil && rerr == nil {
		return cmp.Compare(li, ri)
	}
	lf, lerr := strconv.ParseFloat(l, 64)
	rf, rerr := strconv.ParseFloat(r, 64)
	if lerr == nil && rerr == nil {
		return cmp.Compare(lf, rf)
	}
	return cmp.Compare(l, r)
}

func splitSet(text string) []string {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func containsAll(set, wanted string) bool {
	have := splitSet(set)
	for _, w := range splitSet(wanted) {
		if !slices.Contains(have, w) {
			return false
		}
	}
	return true
}

func containsAny(set, wanted string) bool {
	have := splitSet(set)
	for _, w := range splitSet(wanted) {
		if slices.Contains(have, w) {
			return true
		}
	}
	return false
}
