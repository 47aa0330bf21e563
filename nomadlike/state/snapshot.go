// SPDX-License-Identifier: MPL-2.0

package state

import (
	"errors"
	"fmt"
	"io"

	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// snapshotVersion is the version of the format that Save writes. A reader refuses others.
const snapshotVersion = 1

// snapshotHeader starts a saved snapshot.
type snapshotHeader struct {
	Version int
	// Index is the raft index of the last command in it.
	Index uint64
}

// tableHeader starts the rows of a table.
type tableHeader struct {
	Name  string
	Index uint64
	Rows  uint64
}

// Save writes all tables. Commits go on meanwhile.
func (s *Snapshot) Save(w io.Writer) error { return s.save(newRowEncoder(w)) }

// SaveRedacted writes all tables without the secrets in them, for eyes that must not see those.
func (s *Snapshot) SaveRedacted(w io.Writer) error {
	e := newRowEncoder(w)
	e.redact = true
	return s.save(e)
}

func (s *Snapshot) save(e *rowEncoder) error {
	e.head(frameSnapshot, &snapshotHeader{Version: snapshotVersion, Index: s.index})
	for i, t := range tables {
		if err := t.save(e, s.roots[i]); err != nil {
			return fmt.Errorf("save table %s: %w", t.Name(), err)
		}
	}
	return e.finish()
}

func (t *Table[T]) save(e *rowEncoder, r any) error {
	tab := r.(*root[T])
	e.head(frameTable, &tableHeader{Name: t.name, Index: tab.index, Rows: uint64(tab.rows.n)})
	tab.rows.ascend(t.key, nil, func(row *T) bool {
		if e.redact && t.redact != nil {
			row = t.redact(row)
		}
		if t.encode != nil {
			t.encode(e, row)
		} else {
			e.row(row)
		}
		return e.err == nil
	})
	return e.err
}

// Restore replaces everything by a saved snapshot. When that cannot be read, it returns an error that
// says what to do and leaves the store as it is.
func (s *Store) Restore(r io.Reader) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.generation++
	now, err := s.load(newRowDecoder(r))
	switch {
	case errors.Is(err, errDamaged):
		return fmt.Errorf("%w; use an older snapshot or one of another server", err)
	case err != nil:
		return err
	}
	columns := usage.NewTable()
	for n := range Nodes.All(now) {
		columns.UpsertNode(n)
	}
	for a := range Allocs.All(now) {
		columns.UpsertAlloc(nil, a)
	}
	now.usage = columns.Snapshot()
	s.usage = columns
	s.replace(now)
	return nil
}

// load reads a whole snapshot, without the usage columns.
func (s *Store) load(d *rowDecoder) (*Snapshot, error) {
	var h snapshotHeader
	if err := d.head(frameSnapshot, &h); err != nil {
		return nil, damaged(err)
	}
	if h.Version != snapshotVersion {
		return nil, fmt.Errorf("snapshot has format %d, this version reads format %d: use the version that wrote it",
			h.Version, snapshotVersion)
	}
	now := &Snapshot{index: h.Index, roots: make([]any, len(tables))}
	for i, t := range tables {
		now.roots[i] = t.newRoot()
	}
	for {
		var th tableHeader
		err := d.head(frameTable, &th)
		if errors.Is(err, io.EOF) {
			return now, nil
		}
		if err != nil {
			return nil, err
		}
		if err := s.loadTable(d, now, &th); err != nil {
			return nil, err
		}
	}
}

func (s *Store) loadTable(d *rowDecoder, now *Snapshot, th *tableHeader) error {
	for i, t := range tables {
		if t.Name() != th.Name {
			continue
		}
		if t.rowCount(now.roots[i]) > 0 {
			return fmt.Errorf("%w: table %s comes twice", errDamaged, th.Name)
		}
		if err := t.load(d, now.roots[i], s.generation, th); err != nil {
			return fmt.Errorf("load table %s: %w", th.Name, err)
		}
		return nil
	}
	return fmt.Errorf("snapshot has a table %q that this version does not know: a newer server wrote it, upgrade this one", th.Name)
}

func (t *Table[T]) load(d *rowDecoder, r any, gen uint64, th *tableHeader) error {
	tab := r.(*root[T])
	tab.index = th.Index
	for range th.Rows {
		row, err := t.loadRow(d)
		if err != nil {
			return err
		}
		k := t.key(row)
		index := th.Index
		if t.modified != nil {
			index = t.modified(row)
		}
		if old := tab.rows.get(t.key, &k); old != nil {
			return fmt.Errorf("%w: a row comes twice", errDamaged)
		}
		t.insert(tab, gen, index, &k, nil, row)
	}
	return nil
}

func (t *Table[T]) loadRow(d *rowDecoder) (*T, error) {
	if t.decode != nil {
		return t.decode(d)
	}
	row := new(T)
	return row, d.row(row)
}

// replace publishes a restored state, and wakes everybody.
func (s *Store) replace(now *Snapshot) {
	s.guard.reset()
	s.publish(now)
	var woken wakeList
	for _, reg := range s.registries {
		reg.takeAll(&woken)
	}
	woken.fire()
	for _, fn := range s.restored {
		fn()
	}
}
