// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"slices"
	"testing"
)

func TestCollector(t *testing.T) {
	var set []int
	freed := 0
	c := newCollector()
	c.set = func(percent int) int {
		set = append(set, percent)
		return 0
	}
	c.free = func() { freed++ }
	const mib = 1 << 20
	for _, look := range []struct {
		times        int
		cycles, live uint64
		percent      int
		freed        int
	}{
		{calmLooks - 1, 0, 20 * mib, 300, 0}, // it starts
		{1, 0, 20 * mib, 100, 1},
		{1, 1, 20 * mib, 100, 1}, // its own collection
		{1, 2, 20 * mib, 100, 1},
		{1, 3, 20 * mib, 100, 1},
		{1, 4, 20 * mib, 100, 1},
		{1, 5, 20 * mib, 300, 1}, // much to do, little in use
		{5, 5, 20 * mib, 300, 1},
		{1, 10, 100 * mib, 250, 1},
		{1, 14, 200 * mib, 100, 1}, // much in use
		{1, 18, 4096 * mib, 100, 1},
		{1, 22, 10 * mib, 300, 1},
		{calmLooks / 2, 22, 10 * mib, 300, 1},
		{1, 23, 10 * mib, 300, 1},
		{1, 24, 10 * mib, 300, 1},
		{calmLooks/2 - 3, 25, 10 * mib, 300, 1},
		{1, 25, 10 * mib, 100, 2}, // ten seconds with a few collections
		{1, 26, 10 * mib, 100, 2}, // and its own
		{1, 27, 10 * mib, 100, 2},
		{1, 28, 10 * mib, 100, 2},
		{calmLooks - 4, 29, 10 * mib, 100, 2},
		{1, 29, 10 * mib, 100, 2},
		{1, 30, 10 * mib, 100, 2},
		{1, 31, 10 * mib, 100, 2},
		{calmLooks - 2, 32, 10 * mib, 100, 2}, // they come as seldom from now on
		{calmLooks, 32, 10 * mib, 100, 3},     // and then no more
		{1, 33, 10 * mib, 100, 3},
		{2*calmLooks - 1, 33, 10 * mib, 100, 3},
		{2 * calmLooks, 34, 4096 * mib, 100, 3}, // much in use
		{2 * calmLooks, 34, 10 * mib, 100, 4},
		{1, 36, 10 * mib, 300, 4}, // two at once
	} {
		for range look.times {
			c.look(look.cycles, look.live)
		}
		if c.percent != look.percent || freed != look.freed {
			t.Errorf("after %d collections with %d MiB in use: %d %%, freed %d times, want %d and %d",
				look.cycles, look.live/mib, c.percent, freed, look.percent, look.freed)
		}
	}
	if want := []int{100, 300, 250, 100, 300, 100, 300}; !slices.Equal(set, want) {
		t.Errorf("set to %v, want %v", set, want)
	}
}
