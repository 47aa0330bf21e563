// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"slices"
	"testing"
)

func TestCollector(t *testing.T) {
	var set []int
	c := newCollector()
	c.set = func(percent int) int {
		set = append(set, percent)
		return 0
	}
	const mib = 1 << 20
	for _, look := range []struct {
		cycles, live uint64
		want         int
	}{
		{0, 20 * mib, 100},
		{1, 20 * mib, 300}, // much to do, little in use
		{1, 20 * mib, 300},
		{3, 100 * mib, 250},
		{4, 200 * mib, 100}, // much in use
		{5, 4096 * mib, 100},
		{6, 10 * mib, 300},
		{6, 10 * mib, 300},
		{6, 10 * mib, 300},
		{6, 10 * mib, 300},
		{6, 10 * mib, 100}, // a second without a collection
		{6, 10 * mib, 100},
	} {
		c.look(look.cycles, look.live)
		if c.percent != look.want {
			t.Errorf("after %d collections with %d MiB in use: %d, want %d", look.cycles, look.live/mib, c.percent, look.want)
		}
	}
	if want := []int{300, 250, 100, 300, 100}; !slices.Equal(set, want) {
		t.Errorf("set to %v, want %v", set, want)
	}
}
