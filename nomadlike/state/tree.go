// SPDX-License-Identifier: MPL-2.0

package state

import "slices"

// Sizes of tree nodes, in items. A node splits above maxItems and is filled up from a sibling, or
// merged with it, before something is deleted from one that holds minItems.
const (
	maxItems = 48
	minItems = 8
)

// tree is a persistent B-tree of rows. Nodes carry the generation of the transaction that made them: a
// transaction changes its own nodes in place and copies the others, so that a copied tree value stays a
// snapshot. An empty tree is the zero value.
type tree[E any] struct {
	root *node[E]
	n    int
}

type node[E any] struct {
	gen   uint64
	items []item[E]
	kids  []*node[E] // nil in leaves, else one more than items
}

type item[E any] struct {
	p uint64
	e *E
}

// order gives the key of a row.
type order[E any] func(*E) Key

// find returns where k is, or belongs.
func (n *node[E]) find(by order[E], k *Key) (int, bool) {
	lo, hi := 0, len(n.items)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		it := &n.items[mid]
		switch {
		case it.p < k.P:
			lo = mid + 1
		case it.p > k.P:
			hi = mid
		default:
			have := by(it.e)
			c := have.compare(k)
			if c == 0 {
				return mid, true
			}
			if c < 0 {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
	}
	return lo, false
}

// get returns the row with the key, or nil.
func (t tree[E]) get(by order[E], k *Key) *E {
	for n := t.root; n != nil; {
		i, ok := n.find(by, k)
		if ok {
			return n.items[i].e
		}
		if n.kids == nil {
			return nil
		}
		n = n.kids[i]
	}
	return nil
}

// set stores e under k, which must be its key, and returns the row that was there.
func (t *tree[E]) set(by order[E], gen uint64, k *Key, e *E) *E {
	if t.root == nil {
		t.root = &node[E]{gen: gen, items: []item[E]{{k.P, e}}}
		t.n = 1
		return nil
	}
	t.root = t.root.own(gen)
	if len(t.root.items) >= maxItems {
		t.root = &node[E]{gen: gen, kids: []*node[E]{t.root}}
		t.root.split(0, k, by)
	}
	for n := t.root; ; {
		i, ok := n.find(by, k)
		if ok {
			old := n.items[i].e
			n.items[i].e = e
			return old
		}
		if n.kids == nil {
			n.items = insert(n.items, i, item[E]{k.P, e})
			t.n++
			return nil
		}
		n.kids[i] = n.kids[i].own(gen)
		if len(n.kids[i].items) >= maxItems {
			n.split(i, k, by)
			continue // k may be the item that moved up, or belong to its right
		}
		n = n.kids[i]
	}
}

// own returns the node itself when the generation made it, else a copy that it may change.
func (n *node[E]) own(gen uint64) *node[E] {
	if n.gen == gen {
		return n
	}
	c := &node[E]{gen: gen, items: make([]item[E], len(n.items), min(len(n.items)+2, maxItems))}
	copy(c.items, n.items)
	if n.kids != nil {
		c.kids = make([]*node[E], len(n.kids), min(len(n.kids)+2, maxItems+1))
		copy(c.kids, n.kids)
	}
	return c
}

// split divides the full kid i, which the caller owns. A kid that grows at its right end keeps most of
// its items, so that rows that come in order leave full nodes behind.
func (n *node[E]) split(i int, k *Key, by order[E]) {
	left := n.kids[i]
	at := len(left.items) / 2
	last := by(left.items[len(left.items)-1].e)
	if last.compare(k) < 0 {
		at = len(left.items) - minItems
	}
	up := left.items[at]
	right := &node[E]{gen: left.gen, items: append([]item[E](nil), left.items[at+1:]...)}
	clear(left.items[at:])
	left.items = left.items[:at]
	if left.kids != nil {
		right.kids = append([]*node[E](nil), left.kids[at+1:]...)
		clear(left.kids[at+1:])
		left.kids = left.kids[:at+1]
	}
	n.items = insert(n.items, i, up)
	n.kids = insert(n.kids, i+1, right)
}

// insert is slices.Insert with little spare capacity: a tree holds very many of these slices.
func insert[S any](s []S, i int, v S) []S {
	if len(s) == cap(s) {
		grown := make([]S, len(s), len(s)+4)
		copy(grown, s)
		s = grown
	}
	return slices.Insert(s, i, v)
}

// del removes the row with the key and returns it, nil when there is none.
func (t *tree[E]) del(by order[E], gen uint64, k *Key) *E {
	if t.root == nil || t.get(by, k) == nil {
		return nil
	}
	t.root = t.root.own(gen)
	old := t.root.del(by, gen, k)
	t.n--
	if len(t.root.items) == 0 {
		if t.root.kids == nil {
			t.root = nil
		} else {
			t.root = t.root.kids[0]
		}
	}
	return old
}

// del removes k, which exists below n; the caller owns n.
func (n *node[E]) del(by order[E], gen uint64, k *Key) *E {
	for {
		i, ok := n.find(by, k)
		if n.kids == nil {
			old := n.items[i].e
			n.items = slices.Delete(n.items, i, i+1)
			return old
		}
		if len(n.kids[i].items) <= minItems {
			n.fill(i, gen)
			continue // the item may have moved
		}
		n.kids[i] = n.kids[i].own(gen)
		if ok {
			old := n.items[i].e
			n.items[i] = n.kids[i].delMax(gen)
			return old
		}
		n = n.kids[i]
	}
}

// delMax removes and returns the last item below n; the caller owns n.
func (n *node[E]) delMax(gen uint64) item[E] {
	for n.kids != nil {
		i := len(n.kids) - 1
		if len(n.kids[i].items) <= minItems {
			n.fill(i, gen)
			continue
		}
		n.kids[i] = n.kids[i].own(gen)
		n = n.kids[i]
	}
	last := n.items[len(n.items)-1]
	n.items = slices.Delete(n.items, len(n.items)-1, len(n.items))
	return last
}

// fill gives the kid i an item of a sibling, or merges it with one; the caller owns n.
func (n *node[E]) fill(i int, gen uint64) {
	switch {
	case i > 0 && len(n.kids[i-1].items) > minItems:
		n.kids[i-1], n.kids[i] = n.kids[i-1].own(gen), n.kids[i].own(gen)
		left, kid := n.kids[i-1], n.kids[i]
		kid.items = insert(kid.items, 0, n.items[i-1])
		last := len(left.items) - 1
		n.items[i-1] = left.items[last]
		left.items = slices.Delete(left.items, last, last+1)
		if left.kids != nil {
			kid.kids = insert(kid.kids, 0, left.kids[last+1])
			left.kids = slices.Delete(left.kids, last+1, last+2)
		}
	case i < len(n.items) && len(n.kids[i+1].items) > minItems:
		n.kids[i], n.kids[i+1] = n.kids[i].own(gen), n.kids[i+1].own(gen)
		kid, right := n.kids[i], n.kids[i+1]
		kid.items = insert(kid.items, len(kid.items), n.items[i])
		n.items[i] = right.items[0]
		right.items = slices.Delete(right.items, 0, 1)
		if right.kids != nil {
			kid.kids = insert(kid.kids, len(kid.kids), right.kids[0])
			right.kids = slices.Delete(right.kids, 0, 1)
		}
	default:
		if i == len(n.items) {
			i--
		}
		n.kids[i] = n.kids[i].own(gen)
		kid, right := n.kids[i], n.kids[i+1]
		kid.items = append(append(kid.items, n.items[i]), right.items...)
		kid.kids = append(kid.kids, right.kids...)
		n.items = slices.Delete(n.items, i, i+1)
		n.kids = slices.Delete(n.kids, i+1, i+2)
	}
}

// ascend yields the rows from k on (all for nil) in order until yield returns false.
func (t tree[E]) ascend(by order[E], k *Key, yield func(*E) bool) {
	if t.root != nil {
		t.root.ascend(by, k, yield)
	}
}

func (n *node[E]) ascend(by order[E], k *Key, yield func(*E) bool) bool {
	i, exact := 0, false
	if k != nil {
		i, exact = n.find(by, k)
	}
	if n.kids != nil && !exact && !n.kids[i].ascend(by, k, yield) {
		return false
	}
	for ; i < len(n.items); i++ {
		if !yield(n.items[i].e) {
			return false
		}
		if len(n.kids) > 0 && !n.kids[i+1].ascend(by, nil, yield) {
			return false
		}
	}
	return true
}

// descend yields the rows from k on (all for nil) in reverse order until yield returns false.
func (t tree[E]) descend(by order[E], k *Key, yield func(*E) bool) {
	if t.root != nil {
		t.root.descend(by, k, yield)
	}
}

func (n *node[E]) descend(by order[E], k *Key, yield func(*E) bool) bool {
	i := len(n.items)
	if k != nil {
		at, exact := n.find(by, k)
		i = at
		if exact {
			if !yield(n.items[at].e) {
				return false
			}
			k = nil
		}
	}
	for {
		if len(n.kids) > 0 && !n.kids[i].descend(by, k, yield) {
			return false
		}
		k = nil
		if i--; i < 0 {
			return true
		}
		if !yield(n.items[i].e) {
			return false
		}
	}
}
