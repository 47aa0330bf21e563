// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"
	"iter"
)

// Index names a secondary index of a table.
type Index string

// Indexes.
const (
	ByJob        Index = "job"
	ByNode       Index = "node"
	ByEval       Index = "eval"
	ByDeployment Index = "deployment"
	ByParent     Index = "parent"
	ByPool       Index = "pool"
	ByAlloc      Index = "alloc"
	ByName       Index = "name"
	ByPeriodic   Index = "periodic"

	ByDispatchToken Index = "dispatch token"
)

// schema declares a table of rows T.
type schema[T any] struct {
	name string
	// key is the primary key.
	key order[T]
	// created keeps the rows also in the order of creation: P is the create index.
	created order[T]
	indexes []index[T]
	// modified returns the row's modify index; nil when rows have none.
	modified func(*T) uint64
	// stamp sets the indexes of a row that is put over old (nil for a new row).
	stamp func(row, old *T, index uint64)
	// put and del are the neighbour rules, called inside the transaction after the change; a table's init
	// function sets them, because tables refer to each other through them.
	put func(w *WriteTx, old, row *T)
	del func(w *WriteTx, old *T)
	// redact returns a copy of a row without its secrets; nil when rows have none.
	redact func(*T) *T
	// encode and decode are the row's form in snapshots; nil for the codec's.
	encode func(e *rowEncoder, row *T)
	decode func(d *rowDecoder) (*T, error)
}

// index groups rows by a key.
type index[T any] struct {
	name Index
	// key returns the group of a row; false when the row is in none.
	key func(*T) (Key, bool)
	// live, if set, tells which rows of a group Live counts.
	live func(*T) bool
	// version, if set, is what Newest returns the largest one of.
	version func(*T) uint64
}

// group holds the rows with one index key, in the order of their primary keys.
type group[T any] struct {
	gen  uint64
	key  Key
	rows tree[T]
	live int
	// version is the largest one that a row of the group has, or had.
	version uint64
	// index is that of the last change of a row in the group.
	index uint64
}

func groupKey[T any](g *group[T]) Key { return g.key }

// root is the content of a table at one time.
type root[T any] struct {
	index   uint64
	rows    tree[T]
	created tree[T]
	groups  []tree[group[T]]
}

// Table is a table of rows T. Declare it once, at package level.
type Table[T any] struct {
	schema[T]
	ord int
}

// table is a Table without its row type.
type table interface {
	Name() string
	newRoot() any
	cloneRoot(any) any
	changed(rec *watchKey, old, now any) bool
	wake(reg *registry, old, row any, l *wakeList)
	save(e *rowEncoder, root any) error
	load(d *rowDecoder, root any, gen uint64, th *tableHeader) error
	rowCount(root any) int
	rows(root any) iter.Seq[any]
}

// tables lists every table in the order of its declaration.
var tables []table

// newTable declares a table; two of one name are a programming error.
func newTable[T any](s schema[T]) *Table[T] {
	for _, t := range tables {
		if t.Name() == s.name {
			panic("state: table declared twice: " + s.name)
		}
	}
	t := &Table[T]{schema: s, ord: len(tables)}
	tables = append(tables, t)
	return t
}

// Name returns the table's name, as in Change.Table.
func (t *Table[T]) Name() string { return t.name }

func (t *Table[T]) newRoot() any { return &root[T]{groups: make([]tree[group[T]], len(t.indexes))} }

func (t *Table[T]) cloneRoot(r any) any {
	c := *r.(*root[T])
	c.groups = append([]tree[group[T]](nil), c.groups...)
	return &c
}

func (t *Table[T]) rowCount(r any) int { return r.(*root[T]).rows.n }

func (t *Table[T]) root(r Reader) *root[T] { return r.root(t.ord).(*root[T]) }

// keyOf makes the key of Get, By and Prefix arguments.
func keyOf(parts []string) Key {
	switch len(parts) {
	case 0:
		return Key{}
	case 1:
		return StringKey(parts[0])
	}
	return StringKey(parts[0], parts[1])
}

// Get returns the row with the key, nil when there is none. The parts are those of the primary key:
// the ID, or namespace and ID.
func (t *Table[T]) Get(r Reader, key ...string) *T { return t.getKey(r, keyOf(key)) }

func (t *Table[T]) getKey(r Reader, k Key) *T {
	tab := t.root(r)
	row := tab.rows.get(t.key, &k)
	if tx := r.recorder(); tx != nil {
		tx.record(watchKey{table: t.ord, kind: watchRow, key: k})
		if row != nil && t.modified != nil {
			tx.fold(t.modified(row))
		} else {
			tx.fold(tab.index)
		}
	}
	return row
}

// All yields every row in the order of the primary key.
func (t *Table[T]) All(r Reader) iter.Seq[*T] {
	tab := t.root(r)
	t.recordTable(r, tab)
	return func(yield func(*T) bool) { tab.rows.ascend(t.key, nil, yield) }
}

func (t *Table[T]) recordTable(r Reader, tab *root[T]) {
	if tx := r.recorder(); tx != nil {
		tx.record(watchKey{table: t.ord, kind: watchTable})
		tx.fold(tab.index)
	}
}

// By yields the rows of an index group in the order of the primary key.
func (t *Table[T]) By(r Reader, ix Index, key ...string) iter.Seq[*T] {
	g := t.group(r, ix, keyOf(key))
	return func(yield func(*T) bool) {
		if g != nil {
			g.rows.ascend(t.key, nil, yield)
		}
	}
}

// Count returns the number of rows in an index group.
func (t *Table[T]) Count(r Reader, ix Index, key ...string) int {
	if g := t.group(r, ix, keyOf(key)); g != nil {
		return g.rows.n
	}
	return 0
}

// Live returns the number of rows in an index group that are not at their end.
func (t *Table[T]) Live(r Reader, ix Index, key ...string) int {
	if g := t.group(r, ix, keyOf(key)); g != nil {
		return g.live
	}
	return 0
}

// Newest returns the number of rows in an index group and the largest version among them. Versions of
// deleted rows count as long as the group has any row.
func (t *Table[T]) Newest(r Reader, ix Index, key ...string) (rows int, version uint64) {
	if g := t.group(r, ix, keyOf(key)); g != nil {
		return g.rows.n, g.version
	}
	return 0, 0
}

// group returns the group with the key, nil when it is empty. The index folded is that of the last
// change of the group, the table's when the group is empty.
//
// Compat: the reference folds the table's index, which makes every blocking read of one group return
// after a change anywhere in the table.
func (t *Table[T]) group(r Reader, ix Index, k Key) *group[T] {
	n := t.indexOf(ix)
	tab := t.root(r)
	g := tab.groups[n].get(groupKey, &k)
	if tx := r.recorder(); tx != nil {
		tx.record(watchKey{table: t.ord, kind: watchGroup, index: n, key: k})
		if g != nil {
			tx.fold(g.index)
		} else {
			tx.fold(tab.index)
		}
	}
	return g
}

func (t *Table[T]) indexOf(ix Index) int {
	for n := range t.indexes {
		if t.indexes[n].name == ix {
			return n
		}
	}
	panic(fmt.Sprintf("state: table %s has no index %q", t.name, ix))
}

// Prefix yields the rows whose key starts with the parts, the last of which is a prefix: ("ab") for the
// rows whose ID starts so, (namespace, "") for all of a namespace.
func (t *Table[T]) Prefix(r Reader, key ...string) iter.Seq[*T] {
	k := keyOf(key)
	tab := t.root(r)
	if tx := r.recorder(); tx != nil {
		kind := watchPrefixA
		if len(key) > 1 {
			kind = watchPrefixB
		}
		tx.record(watchKey{table: t.ord, kind: kind, key: k})
		tx.fold(tab.index)
	}
	parts := len(key)
	return func(yield func(*T) bool) {
		tab.rows.ascend(t.key, &k, func(row *T) bool {
			have := t.key(row)
			return have.hasPrefix(&k, parts) && yield(row)
		})
	}
}

// Created yields the rows in the order of their creation, from the one with the create index and ID on,
// and backwards if reverse. A zero index means from the start (the end).
func (t *Table[T]) Created(r Reader, index uint64, id string, reverse bool) iter.Seq[*T] {
	if t.created == nil {
		panic("state: table " + t.name + " keeps no order of creation")
	}
	tab := t.root(r)
	t.recordTable(r, tab)
	var from *Key
	if index > 0 {
		from = &Key{P: index, A: id}
	}
	return func(yield func(*T) bool) {
		if reverse {
			tab.created.descend(t.created, from, yield)
		} else {
			tab.created.ascend(t.created, from, yield)
		}
	}
}

// Len returns the number of rows.
func (t *Table[T]) Len(r Reader) int {
	tab := t.root(r)
	t.recordTable(r, tab)
	return tab.rows.n
}

// Index returns the index of the table's last change.
func (t *Table[T]) Index(r Reader) uint64 {
	tab := t.root(r)
	t.recordTable(r, tab)
	return tab.index
}

// hasPrefix reports whether k starts with p, which has the given number of parts.
func (k *Key) hasPrefix(p *Key, parts int) bool {
	if parts < 2 {
		return len(k.A) >= len(p.A) && k.A[:len(p.A)] == p.A
	}
	return k.A == p.A && len(k.B) >= len(p.B) && k.B[:len(p.B)] == p.B
}
