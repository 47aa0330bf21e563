// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestIDSetModel compares an IDSet under random changes and forks with a map of counts.
func TestIDSetModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	type forked struct {
		set   *IDSet
		model map[uint16]int
	}
	var forks []forked
	var set *IDSet
	model := map[uint16]int{}
	epoch := nextEpoch()
	for range 20000 {
		id := uint16(20000 + random.IntN(300))
		if random.IntN(50) == 0 {
			id = uint16(random.IntN(1 << 16))
		}
		set = set.writable(epoch)
		if random.IntN(2) == 0 {
			set.add(epoch, id)
			model[id]++
		} else {
			set.remove(epoch, id)
			if model[id]--; model[id] <= 0 {
				delete(model, id)
			}
		}
		if random.IntN(2000) == 0 {
			copied := map[uint16]int{}
			maps.Copy(copied, model)
			forks = append(forks, forked{set, copied})
			epoch = nextEpoch()
		}
	}
	forks = append(forks, forked{set, model})
	if len(forks) < 5 {
		t.Fatalf("only %d forks", len(forks))
	}
	for i, f := range forks {
		compareSet(t, i, f.set, f.model)
	}
}

func compareSet(t *testing.T, fork int, set *IDSet, model map[uint16]int) {
	t.Helper()
	if set.Len() != len(model) {
		t.Errorf("fork %d: Len %d, want %d", fork, set.Len(), len(model))
	}
	var ids []uint16
	for id := range set.All {
		ids = append(ids, id)
		if set.Count(id) != model[id] {
			t.Errorf("fork %d: Count(%d) = %d, want %d", fork, id, set.Count(id), model[id])
		}
	}
	if len(ids) != len(model) || !slices.IsSorted(ids) {
		t.Errorf("fork %d: All yields %d members, want %d in order", fork, len(ids), len(model))
	}
	for id := range model {
		if !set.Has(id) {
			t.Errorf("fork %d: Has(%d) = false", fork, id)
		}
	}
}

func TestNextFree(t *testing.T) {
	set := func(ids ...int) *IDSet {
		epoch := nextEpoch()
		s := (*IDSet)(nil).writable(epoch)
		for _, id := range ids {
			s.add(epoch, uint16(id))
		}
		return s
	}
	full := make([]int, 0, 130)
	for id := 60; id < 190; id++ {
		full = append(full, id)
	}
	for _, test := range []struct {
		name     string
		from, to uint16
		sets     []*IDSet
		want     uint16
		ok       bool
	}{
		{"empty", 10, 20, nil, 10, true},
		{"nil set", 10, 20, []*IDSet{nil}, 10, true},
		{"first taken", 10, 20, []*IDSet{set(10)}, 11, true},
		{"two sets", 10, 20, []*IDSet{set(10), set(11)}, 12, true},
		{"range taken", 10, 11, []*IDSet{set(10, 11)}, 0, false},
		{"over words", 60, 200, []*IDSet{set(full...)}, 190, true},
		{"nothing left", 60, 189, []*IDSet{set(full...)}, 0, false},
		{"end of ports", 65535, 65535, nil, 65535, true},
		{"end of ports taken", 65535, 65535, []*IDSet{set(65535)}, 0, false},
		{"one past the end of a word", 63, 64, []*IDSet{set(63)}, 64, true},
	} {
		got, ok := NextFree(test.from, test.to, test.sets...)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%s: NextFree = %d %v, want %d %v", test.name, got, ok, test.want, test.ok)
		}
	}
}
