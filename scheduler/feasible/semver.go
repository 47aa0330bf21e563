// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"strings"

	"github.com/hashicorp/go-version"
)

// semverConstraint is a conjunction of comparisons in the precedence order of Semantic Versioning 2.0.
// Other than the "version" operator it does not treat prereleases apart: 1.3.0-beta1 satisfies >= 0.6.1
// and does not satisfy >= 1.3.0.
type semverConstraint []semverTerm

type semverTerm struct {
	holds func(order int) bool
	than  *version.Version
}

var semverOperators = []struct {
	text  string
	holds func(order int) bool
}{
	{"!=", func(o int) bool { return o != 0 }},
	{">=", func(o int) bool { return o >= 0 }},
	{"<=", func(o int) bool { return o <= 0 }},
	{">", func(o int) bool { return o > 0 }},
	{"<", func(o int) bool { return o < 0 }},
	{"=", func(o int) bool { return o == 0 }},
}

// compileSemver reads comma-separated comparisons such as ">= 1.2.3, < 2.0.0"; a missing operator means
// equal. It returns nil for text that is not a semver constraint, "~>" included.
func compileSemver(text string) semverConstraint {
	var c semverConstraint
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		term := semverTerm{holds: func(o int) bool { return o == 0 }}
		for _, op := range semverOperators {
			if rest, ok := strings.CutPrefix(part, op.text); ok {
				part, term.holds = strings.TrimSpace(rest), op.holds
				break
			}
		}
		v, err := version.NewSemver(part)
		if err != nil {
			return nil
		}
		term.than = v
		c = append(c, term)
	}
	return c
}

func (c semverConstraint) check(v *version.Version) bool {
	for _, term := range c {
		if !term.holds(v.Compare(term.than)) {
			return false
		}
	}
	return len(c) > 0
}
