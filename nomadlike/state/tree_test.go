// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

type pair struct {
	a, b  string
	n     uint64
	value int
}

func pairKey(p *pair) Key {
	k := StringKey(p.a, p.b)
	k.N = p.n
	return k
}

// randomKey draws from few prefixes, so that keys share their first bytes, and from very short texts.
func randomKey(r *rand.Rand) *pair {
	return &pair{
		a: []string{"", "a", "namespace", "namespace-1", "namespace-\x00", "b"}[r.IntN(6)],
		b: fmt.Sprint(r.IntN(40)), n: uint64(r.IntN(3)),
	}
}

// checkTree compares a tree with a model in every direction.
func checkTree(t *testing.T, tr tree[pair], model map[Key]*pair, r *rand.Rand) {
	t.Helper()
	if tr.n != len(model) {
		t.Fatalf("%d rows, want %d", tr.n, len(model))
	}
	keys := slices.SortedFunc(maps.Keys(model), func(a, b Key) int { return a.compare(&b) })
	from := pairKey(randomKey(r))
	at, exact := slices.BinarySearchFunc(keys, from, func(a, b Key) int { return a.compare(&b) })
	last := at
	if exact {
		last++
	}
	reverse := func(k []Key) []Key { k = slices.Clone(k); slices.Reverse(k); return k }
	for _, c := range []struct {
		name string
		walk func(yield func(*pair) bool)
		want []Key
	}{
		{"ascend", func(y func(*pair) bool) { tr.ascend(pairKey, nil, y) }, keys},
		{"descend", func(y func(*pair) bool) { tr.descend(pairKey, nil, y) }, reverse(keys)},
		{"ascend from", func(y func(*pair) bool) { tr.ascend(pairKey, &from, y) }, keys[at:]},
		{"descend from", func(y func(*pair) bool) { tr.descend(pairKey, &from, y) }, reverse(keys[:last])},
	} {
		var got []Key
		stop := r.IntN(len(c.want) + 2)
		c.walk(func(p *pair) bool {
			k := pairKey(p)
			if model[k] != p {
				t.Fatalf("%s: row %v is not that of the model", c.name, k)
			}
			got = append(got, k)
			return len(got) != stop
		})
		want := c.want
		if stop > 0 && stop < len(want) {
			want = want[:stop]
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s from %v, stopped after %d: %d rows %v, want %d %v", c.name, from, stop, len(got), got, len(want), want)
		}
	}
	for range 20 {
		k := pairKey(randomKey(r))
		if got := tr.get(pairKey, &k); got != model[k] {
			t.Fatalf("get %v: %v, want %v", k, got, model[k])
		}
	}
	if tr.root != nil {
		checkNode(t, tr.root, true)
	}
}

// checkNode checks the sizes and depths of a subtree and returns its depth.
func checkNode(t *testing.T, n *node[pair], isRoot bool) int {
	t.Helper()
	if len(n.items) > maxItems || len(n.items) == 0 || !isRoot && len(n.items) < minItems-1 {
		t.Fatalf("node with %d items", len(n.items))
	}
	if n.kids == nil {
		return 1
	}
	if len(n.kids) != len(n.items)+1 {
		t.Fatalf("%d kids for %d items", len(n.kids), len(n.items))
	}
	depth := checkNode(t, n.kids[0], false)
	for _, kid := range n.kids[1:] {
		if d := checkNode(t, kid, false); d != depth {
			t.Fatalf("subtrees of depth %d and %d", depth, d)
		}
	}
	return depth + 1
}

// TestTreeModel runs random changes in several generations and compares every kept version with a map.
func TestTreeModel(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			type version struct {
				tree  tree[pair]
				model map[Key]*pair
			}
			var kept []version
			var tr tree[pair]
			model := map[Key]*pair{}
			gen := uint64(1)
			for step := range 6000 {
				p := randomKey(r)
				p.value = step
				k := pairKey(p)
				grow := step/1000%2 == 0
				if r.IntN(10) < 3 != grow {
					if old := tr.set(pairKey, gen, &k, p); old != model[k] {
						t.Fatalf("set %v returned %v, want %v", k, old, model[k])
					}
					model[k] = p
				} else {
					if old := tr.del(pairKey, gen, &k); old != model[k] {
						t.Fatalf("del %v returned %v, want %v", k, old, model[k])
					}
					delete(model, k)
				}
				if r.IntN(100) == 0 {
					gen++
				}
				if r.IntN(400) == 0 {
					kept = append(kept, version{tr, maps.Clone(model)})
					gen++ // what is kept must not change
				}
				if step%50 == 0 {
					checkTree(t, tr, model, r)
				}
			}
			for k := range maps.Clone(model) {
				tr.del(pairKey, gen, &k)
				delete(model, k)
			}
			checkTree(t, tr, model, r)
			if len(kept) < 5 {
				t.Fatalf("only %d versions kept", len(kept))
			}
			for _, v := range kept {
				checkTree(t, v.tree, v.model, r)
			}
		})
	}
}

// TestTreeInOrder: rows that come in order leave full nodes behind.
func TestTreeInOrder(t *testing.T) {
	var tr tree[pair]
	const rows = 20000
	for i := range rows {
		p := &pair{a: fmt.Sprintf("%08d", i)}
		k := pairKey(p)
		tr.set(pairKey, 1, &k, p)
	}
	nodes := 0
	var count func(n *node[pair])
	count = func(n *node[pair]) {
		nodes++
		for _, kid := range n.kids {
			count(kid)
		}
	}
	count(tr.root)
	if fill := float64(rows) / float64(nodes) / maxItems; fill < 0.8 {
		t.Errorf("nodes are filled to %.2f", fill)
	}
}

func TestKeyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	parts := func(p *pair) string { return p.a + "\x00\x00" + p.b }
	for range 5000 {
		a, b := randomKey(r), randomKey(r)
		ka, kb := pairKey(a), pairKey(b)
		if ka.compare(&kb) != -kb.compare(&ka) {
			t.Fatalf("order of %v and %v depends on the side", ka, kb)
		}
		if (ka.compare(&kb) == 0) != (ka == kb) {
			t.Fatalf("%v and %v", ka, kb)
		}
		if a.a != b.a && (ka.compare(&kb) < 0) != (a.a < b.a) {
			t.Fatalf("%q and %q are not in the order of text", a.a, b.a)
		}
		if a.a == b.a && a.b != b.b && (ka.compare(&kb) < 0) != (parts(a) < parts(b)) {
			t.Fatalf("%q and %q are not in the order of text", a.b, b.b)
		}
	}
}
