// SPDX-License-Identifier: MPL-2.0

package state

import (
	"fmt"
	"iter"
)

// TableSize tells how much a table has.
type TableSize struct {
	// Name is the table's name.
	Name string
	Rows int
	// Bytes is what the table takes in a saved snapshot. What several tables share counts in the first.
	Bytes int64
}

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) {
	c.n += int64(len(b))
	return len(b), nil
}

// Sizes returns the sizes of all tables.
func (s *Snapshot) Sizes() ([]TableSize, error) {
	var c counter
	e := newRowEncoder(&c)
	var sizes []TableSize
	for i, t := range tables {
		before, err := e.written(&c)
		if err != nil {
			return nil, err
		}
		if err := t.save(e, s.roots[i]); err != nil {
			return nil, fmt.Errorf("measure table %s: %w", t.Name(), err)
		}
		after, err := e.written(&c)
		if err != nil {
			return nil, err
		}
		sizes = append(sizes, TableSize{Name: t.Name(), Rows: t.rowCount(s.roots[i]), Bytes: after - before})
	}
	return sizes, nil
}

// written ends the frame and returns how much has reached the counter.
func (e *rowEncoder) written(c *counter) (int64, error) {
	e.frame()
	if e.err == nil {
		e.err = e.w.Flush()
	}
	return c.n, e.err
}

// Tables returns every table with its rows, pointers to what they are without secrets, in the order of their keys.
// The rows must not be changed.
func (s *Snapshot) Tables() iter.Seq2[string, iter.Seq[any]] {
	return func(yield func(string, iter.Seq[any]) bool) {
		for i, t := range tables {
			if !yield(t.Name(), t.rows(s.roots[i])) {
				return
			}
		}
	}
}

func (t *Table[T]) rows(r any) iter.Seq[any] {
	return func(yield func(any) bool) {
		r.(*root[T]).rows.ascend(t.key, nil, func(row *T) bool {
			if t.redact != nil {
				row = t.redact(row)
			}
			return yield(row)
		})
	}
}
