// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// maxTypos is how many letters a name may differ in to be taken for a misspelling.
const maxTypos = 2

// Left returns what the condition looks at.
func (c *Condition) Left() Target { return c.left }

// Similar returns the attribute or meta key of the node that is spelled most like the target, as attr.NAME or
// meta.NAME, and in how many letters it differs; "" when none is near. The same name in the other namespace
// counts as one letter.
func (t *Target) Similar(n *api.Node) (string, int) {
	if t.kind != attribute && t.kind != meta {
		return "", 0
	}
	best, distance := "", maxTypos+1
	look := func(prefix string, keys map[string]string, extra int) {
		for key := range keys {
			d := extra + typos(t.key, key, maxTypos)
			if strings.HasSuffix(key, "."+t.key) || strings.HasSuffix(t.key, "."+key) {
				d = min(d, extra+1)
			}
			if name := prefix + key; d < distance || d == distance && d <= maxTypos && name < best {
				best, distance = name, d
			}
		}
	}
	inAttr, inMeta := 0, 1
	if t.kind == meta {
		inAttr, inMeta = 1, 0
	}
	look("attr.", n.Attributes, inAttr)
	look("meta.", n.Meta, inMeta)
	return best, distance
}

// Nearest returns the name that is spelled most like the wanted one, which is not among them; "" when none is near, or
// when the wanted one is "".
func Nearest(wanted string, names []string) string {
	best, distance := "", min(maxTypos, len(wanted)/2)+1
	for _, name := range names {
		if d := typos(wanted, name, maxTypos); d > 0 && d < distance {
			best, distance = name, d
		}
	}
	return best
}

// typos is the edit distance of two texts, or limit+1 when it is more than the limit.
func typos(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal, least := row[0], i
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
