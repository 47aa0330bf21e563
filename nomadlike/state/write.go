// SPDX-License-Identifier: MPL-2.0

package state

import "slices"

// WriteTx is the open write transaction of a store; it sees its own changes. It ends with Commit or Abort.
type WriteTx struct {
	store   *Store
	index   uint64
	msg     string
	gen     uint64
	roots   []any
	owned   []bool
	changes []Change
	// at finds the change that put a row, once there are many; dropped counts those of rows that came and went.
	at      map[any]int
	dropped int
	// touched is set when the usage columns changed.
	touched bool
	before  *Snapshot
	jobs    jobRules
	deploys deploymentRules
	done    bool
}

// Begin opens the write transaction for the command at a raft index; msg names the command. It waits for
// the one that is open.
func (s *Store) Begin(index uint64, msg string) *WriteTx {
	s.write.Lock()
	s.generation++
	now := s.Snapshot()
	return &WriteTx{
		store: s, index: index, msg: msg, gen: s.generation, before: now,
		roots: append([]any(nil), now.roots...), owned: make([]bool, len(now.roots)),
	}
}

func (w *WriteTx) root(table int) any { return w.roots[table] }

func (w *WriteTx) recorder() *Tx { return nil }

// Index returns the raft index of the command.
func (w *WriteTx) Index() uint64 { return w.index }

// Changed reports whether the transaction changed anything yet.
func (w *WriteTx) Changed() bool { return len(w.changes) > w.dropped }

// SetMsg renames the command, for those whose events depend on what they do.
func (w *WriteTx) SetMsg(msg string) { w.msg = msg }

// Abort drops everything that was written.
func (w *WriteTx) Abort() {
	if w.done {
		return
	}
	w.done = true
	if w.touched {
		w.store.usage.Rollback(w.before.usage)
	}
	w.store.write.Unlock()
}

// Ended reports whether the transaction was committed or aborted.
func (w *WriteTx) Ended() bool { return w.done }

// Commit applies the neighbour rules that are left and publishes the transaction. When it panics with the
// transaction not ended, nothing was published and Abort ends it; else a subscriber panicked.
func (w *WriteTx) Commit() {
	if w.done {
		panic("state: transaction ended twice")
	}
	w.deploys.flush(w)
	w.jobs.flush(w)
	w.settle()
	s := w.store
	s.guard.check(w.changes)
	now := &Snapshot{index: max(w.index, w.before.index), roots: w.roots, usage: w.before.usage}
	if w.touched {
		now.usage = s.usage.Snapshot()
	}
	w.done = true
	defer s.write.Unlock()
	s.publish(now)
	w.wake()
	if len(w.changes) > 0 {
		for _, fn := range s.subscribers {
			fn(w.changes)
		}
	}
}

// wake wakes the readers that wait for something that changed.
func (w *WriteTx) wake() {
	var woken wakeList
	var reg *registry
	var t table
	for i := range w.changes {
		c := &w.changes[i]
		if t == nil || t.Name() != c.Table {
			if reg != nil {
				reg.mu.Unlock()
				reg = nil
			}
			ord := tableOrdinal(c.Table)
			t = tables[ord]
			if r := w.store.registries[ord]; r.waiters.Load() > 0 {
				reg = r
				reg.mu.Lock()
			}
		}
		if reg != nil {
			t.wake(reg, c.Old, c.New, &woken)
		}
	}
	if reg != nil {
		reg.mu.Unlock()
	}
	woken.fire()
}

func tableOrdinal(name string) int {
	for i, t := range tables {
		if t.Name() == name {
			return i
		}
	}
	panic("state: no table " + name)
}

// writable returns the table's root for changing it.
func (t *Table[T]) writable(w *WriteTx) *root[T] {
	if !w.owned[t.ord] {
		w.roots[t.ord] = t.cloneRoot(w.roots[t.ord])
		w.owned[t.ord] = true
	}
	return w.roots[t.ord].(*root[T])
}

// Put stores a row, which belongs to the store from then on, sets its indexes and applies the table's
// neighbour rules. It returns the row that was there.
func (t *Table[T]) Put(w *WriteTx, row *T) *T {
	k := t.key(row)
	old := t.root(w).rows.get(t.key, &k)
	if t.stamp != nil {
		t.stamp(row, old, w.index)
	}
	t.store(w, &k, old, row)
	if t.put != nil {
		t.put(w, old, row)
	}
	return old
}

// store puts the row into the table and notes the change.
func (t *Table[T]) store(w *WriteTx, k *Key, old, row *T) {
	tab := t.writable(w)
	tab.index = max(tab.index, w.index)
	t.insert(tab, w.gen, w.index, k, old, row)
	w.note(t.name, boxed(old), row, old != nil && t.mayBeOf(w, old))
}

// insert puts the row over old into the tree and every index.
func (t *Table[T]) insert(tab *root[T], gen, index uint64, k *Key, old, row *T) {
	tab.rows.set(t.key, gen, k, row)
	if t.created != nil {
		at := t.created(row)
		if old != nil {
			if was := t.created(old); was.compare(&at) != 0 {
				tab.created.del(t.created, gen, &was)
			}
		}
		tab.created.set(t.created, gen, &at, row)
	}
	for n := range t.indexes {
		t.reindex(tab, n, gen, index, k, old, row)
	}
}

// reindex moves a row inside one index; old or row is nil for a new or deleted row.
func (t *Table[T]) reindex(tab *root[T], n int, gen, index uint64, k *Key, old, row *T) {
	ix := &t.indexes[n]
	var was, is Key
	var had, has bool
	if old != nil {
		was, had = ix.key(old)
	}
	if row != nil {
		is, has = ix.key(row)
	}
	if had && (!has || was.compare(&is) != 0) {
		g := t.ownGroup(tab, n, gen, index, &was)
		g.rows.del(t.key, gen, k)
		g.live -= count(ix.live, old)
		if g.rows.n == 0 {
			tab.groups[n].del(groupKey, gen, &was)
		}
		had = false
	}
	if !has {
		return
	}
	g := t.ownGroup(tab, n, gen, index, &is)
	g.rows.set(t.key, gen, k, row)
	g.live += count(ix.live, row)
	if ix.version != nil {
		g.version = max(g.version, ix.version(row))
	}
	if had {
		g.live -= count(ix.live, old)
	}
}

func count[T any](is func(*T) bool, row *T) int {
	if is != nil && is(row) {
		return 1
	}
	return 0
}

// ownGroup returns the group for changing it, a new one when there is none.
func (t *Table[T]) ownGroup(tab *root[T], n int, gen, index uint64, k *Key) *group[T] {
	g := tab.groups[n].get(groupKey, k)
	if g == nil || g.gen != gen {
		c := &group[T]{key: *k}
		if g != nil {
			*c = *g
		}
		c.gen = gen
		g = c
		tab.groups[n].set(groupKey, gen, k, g)
	}
	g.index = max(g.index, index)
	return g
}

// Delete removes the row with the key and applies the table's neighbour rules. It returns the row, nil
// when there was none.
func (t *Table[T]) Delete(w *WriteTx, key ...string) *T { return t.deleteKey(w, keyOf(key)) }

func (t *Table[T]) deleteKey(w *WriteTx, k Key) *T {
	old := t.root(w).rows.get(t.key, &k)
	if old == nil {
		return nil
	}
	tab := t.writable(w)
	tab.index = max(tab.index, w.index)
	tab.rows.del(t.key, w.gen, &k)
	if t.created != nil {
		at := t.created(old)
		tab.created.del(t.created, w.gen, &at)
	}
	for n := range t.indexes {
		t.reindex(tab, n, w.gen, w.index, &k, old, nil)
	}
	w.note(t.name, old, nil, t.mayBeOf(w, old))
	if t.del != nil {
		t.del(w, old)
	}
	return old
}

// mayBeOf reports whether the row may have been put by the transaction itself.
func (t *Table[T]) mayBeOf(w *WriteTx, row *T) bool {
	return t.modified == nil || t.modified(row) == w.index
}

// boxed returns p as a value that is nil when p is.
func boxed[T any](p *T) any {
	if p == nil {
		return nil
	}
	return p
}

// note records a change; again says that the old row may be of this transaction, so that an earlier
// change of the row is continued instead.
func (w *WriteTx) note(table string, old, row any, again bool) {
	if again {
		if i, ok := w.find(table, old); ok {
			prev := &w.changes[i]
			delete(w.at, old)
			if prev.New = row; row != nil && w.at != nil {
				w.at[row] = i
			}
			if prev.Old == nil && prev.New == nil {
				prev.Table = "" // it came and went; Commit leaves it out
				w.dropped++
			}
			return
		}
	}
	w.changes = append(w.changes, Change{Table: table, Old: old, New: row, Index: w.index, Msg: w.msg})
	if w.at != nil && row != nil {
		w.at[row] = len(w.changes) - 1
	}
}

// fewChanges is up to how many changes are searched one by one.
const fewChanges = 16

// find returns the place of the change that put a row.
func (w *WriteTx) find(table string, row any) (int, bool) {
	if row == nil {
		return 0, false
	}
	if len(w.changes) <= fewChanges {
		for i := len(w.changes) - 1; i >= 0; i-- {
			if c := &w.changes[i]; c.New == row && c.Table == table {
				return i, true
			}
		}
		return 0, false
	}
	if w.at == nil {
		w.at = make(map[any]int, 2*len(w.changes))
		for i := range w.changes {
			if c := &w.changes[i]; c.New != nil {
				w.at[c.New] = i
			}
		}
	}
	i, ok := w.at[row]
	return i, ok && w.changes[i].Table == table
}

// settle leaves out the changes of rows that came and went.
func (w *WriteTx) settle() {
	if w.dropped > 0 {
		w.changes = slices.DeleteFunc(w.changes, func(c Change) bool { return c.Table == "" })
	}
	w.dropped, w.at = 0, nil
}
