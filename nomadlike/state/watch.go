// SPDX-License-Identifier: MPL-2.0

package state

import (
	"maps"
	"sync"
	"sync/atomic"
)

// watchKind says what part of a table a reader looked at.
type watchKind uint8

const (
	watchRow watchKind = iota
	watchGroup
	watchTable
	watchPrefixA // rows whose first key part has a prefix
	watchPrefixB // rows of a namespace whose ID has a prefix
)

// watchKey is one thing that a reader looked at, and what waiters are found by.
type watchKey struct {
	table int
	kind  watchKind
	index int
	key   Key
}

// waiter is a reader that waits for any of several things.
type waiter struct {
	fired atomic.Bool
	ch    chan struct{}
}

func (w *waiter) fire() {
	if w.fired.CompareAndSwap(false, true) {
		close(w.ch)
	}
}

// registry knows who waits for what in one table. Nothing is kept for rows that nobody waits for, which
// is why rows carry no channels.
type registry struct {
	// waiters is the number of entries, read without the lock so that commits nobody waits for cost nothing.
	waiters atomic.Int64

	mu struct {
		sync.Mutex
		lists map[watchKey]map[*waiter]struct{}
		// lengths counts the waited-for prefixes by kind and length.
		lengths map[prefixLength]int
	}
}

type prefixLength struct {
	kind watchKind
	n    int
}

func newRegistry() *registry {
	r := &registry{}
	r.mu.lists = map[watchKey]map[*waiter]struct{}{}
	r.mu.lengths = map[prefixLength]int{}
	return r
}

func lengthOf(k *watchKey) (prefixLength, bool) {
	switch k.kind {
	case watchPrefixA:
		return prefixLength{watchPrefixA, len(k.key.A)}, true
	case watchPrefixB:
		return prefixLength{watchPrefixB, len(k.key.B)}, true
	default:
		return prefixLength{}, false
	}
}

func (r *registry) add(k watchKey, w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.mu.lists[k]
	if list == nil {
		list = map[*waiter]struct{}{}
		r.mu.lists[k] = list
		if l, ok := lengthOf(&k); ok {
			r.mu.lengths[l]++
		}
	}
	if _, ok := list[w]; !ok {
		list[w] = struct{}{}
		r.waiters.Add(1)
	}
}

func (r *registry) remove(k watchKey, w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.mu.lists[k]
	if _, ok := list[w]; !ok {
		return
	}
	delete(list, w)
	r.waiters.Add(-1)
	if len(list) == 0 {
		r.dropLocked(k)
	}
}

func (r *registry) dropLocked(k watchKey) {
	delete(r.mu.lists, k)
	if l, ok := lengthOf(&k); ok {
		if r.mu.lengths[l]--; r.mu.lengths[l] == 0 {
			delete(r.mu.lengths, l)
		}
	}
}

// takeLocked moves the waiters of a key to the list that is about to be woken.
func (r *registry) takeLocked(k watchKey, woken *wakeList) {
	list, ok := r.mu.lists[k]
	if !ok {
		return
	}
	r.waiters.Add(-int64(len(list)))
	r.dropLocked(k)
	for w := range list {
		woken.waiters = append(woken.waiters, w)
	}
}

// takePrefixesLocked takes the waiters of every prefix of a row's key.
func (r *registry) takePrefixesLocked(table int, k *Key, woken *wakeList) {
	for l := range r.mu.lengths {
		switch {
		case l.kind == watchPrefixA && len(k.A) >= l.n:
			r.takeLocked(watchKey{table: table, kind: l.kind, key: StringKey(k.A[:l.n])}, woken)
		case l.kind == watchPrefixB && len(k.B) >= l.n:
			r.takeLocked(watchKey{table: table, kind: l.kind, key: StringKey(k.A, k.B[:l.n])}, woken)
		}
	}
}

// takeAll empties the registry, for a restore that replaces everything.
func (r *registry) takeAll(woken *wakeList) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range maps.Clone(r.mu.lists) {
		r.takeLocked(k, woken)
	}
}

// wakeList collects the waiters of a commit; they are woken without any lock held.
type wakeList struct{ waiters []*waiter }

func (l *wakeList) fire() {
	for _, w := range l.waiters {
		w.fire()
	}
}

// wake takes the waiters that a change of one row concerns. The caller holds the registry's lock.
func (t *Table[T]) wake(reg *registry, oldRow, newRow any, woken *wakeList) {
	was, _ := oldRow.(*T)
	is, _ := newRow.(*T)
	row := is
	if row == nil {
		row = was
	}
	k := t.key(row)
	reg.takeLocked(watchKey{table: t.ord, kind: watchRow, key: k}, woken)
	reg.takeLocked(watchKey{table: t.ord, kind: watchTable}, woken)
	if len(reg.mu.lengths) > 0 {
		reg.takePrefixesLocked(t.ord, &k, woken)
	}
	for n := range t.indexes {
		for _, row := range [2]*T{was, is} {
			if row == nil {
				continue
			}
			if g, ok := t.indexes[n].key(row); ok {
				reg.takeLocked(watchKey{table: t.ord, kind: watchGroup, index: n, key: g}, woken)
			}
		}
	}
}

// changed reports whether what a reader looked at differs between two roots of the table. Prefixes are
// compared by the table's index, which may wake a reader for nothing, once.
func (t *Table[T]) changed(k *watchKey, oldRoot, newRoot any) bool {
	was, is := oldRoot.(*root[T]), newRoot.(*root[T])
	if was == is {
		return false
	}
	switch k.kind {
	case watchRow:
		return was.rows.get(t.key, &k.key) != is.rows.get(t.key, &k.key)
	case watchGroup:
		return was.groups[k.index].get(groupKey, &k.key) != is.groups[k.index].get(groupKey, &k.key)
	default:
		return was.index != is.index
	}
}
