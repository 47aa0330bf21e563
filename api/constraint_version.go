// SPDX-License-Identifier: MPL-2.0

package api

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plainBound is a version bound without prerelease and metadata: operator and numbers.
var plainBound = regexp.MustCompile(`^(=|!=|>=|<=|>|<|~>)?\s*v?([0-9]+(?:\.[0-9]+)*)$`)

// versionRange is what lies between the highest lower and the lowest upper bound; a nil one is open.
type versionRange struct{ low, high *versionBound }

type versionBound struct {
	numbers  []int
	included bool
}

// excludesAllVersions reports whether no version satisfies all the lists of bounds together, such as ">= 2.0" and
// "< 1.5". Bounds with a prerelease do not count, so that true is certain and false is not.
func excludesAllVersions(lists ...string) bool {
	var r versionRange
	for _, list := range lists {
		for part := range strings.SplitSeq(list, ",") {
			r.narrow(strings.TrimSpace(part))
		}
	}
	if r.low == nil || r.high == nil {
		return false
	}
	order := compareNumbers(r.low.numbers, r.high.numbers)
	return order > 0 || order == 0 && !(r.low.included && r.high.included)
}

func (r *versionRange) narrow(bound string) {
	m := plainBound.FindStringSubmatch(bound)
	if m == nil {
		return
	}
	var numbers []int
	for text := range strings.SplitSeq(m[2], ".") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return
		}
		numbers = append(numbers, n)
	}
	switch m[1] {
	case "", "=":
		r.above(numbers, true)
		r.below(numbers, true)
	case ">", ">=":
		r.above(numbers, m[1] == ">=")
	case "<", "<=":
		r.below(numbers, m[1] == "<=")
	case "~>":
		r.above(numbers, true)
		if last := len(numbers) - 2; last >= 0 {
			next := slices.Clone(numbers[:last+1])
			next[last]++
			r.below(next, false)
		}
	}
}

func (r *versionRange) above(numbers []int, included bool) {
	if r.low == nil || tighter(compareNumbers(numbers, r.low.numbers), included) {
		r.low = &versionBound{numbers, included}
	}
}

func (r *versionRange) below(numbers []int, included bool) {
	if r.high == nil || tighter(compareNumbers(r.high.numbers, numbers), included) {
		r.high = &versionBound{numbers, included}
	}
}

// tighter reports whether a bound that is further in by order, or as far and perhaps excluded, replaces another.
func tighter(order int, included bool) bool { return order > 0 || order == 0 && !included }

// compareNumbers compares 1.2 and 1.2.0 as equal.
func compareNumbers(a, b []int) int {
	for i := range max(len(a), len(b)) {
		x, y := 0, 0
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if order := cmp.Compare(x, y); order != 0 {
			return order
		}
	}
	return 0
}
