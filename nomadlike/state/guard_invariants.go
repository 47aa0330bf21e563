// SPDX-License-Identifier: MPL-2.0

//go:build invariants

package state

import (
	"fmt"
	"hash/crc64"

	"github.com/nomadlike/nomadlike/internal/codec"
)

// guard remembers a hash of every row that was put, and panics when a row differs from it later: somebody
// changed a row in place that snapshots share.
type guard struct {
	rows map[guarded]uint64
	buf  []byte
}

// guarded is a row by its address. A row may be in two tables (jobs, job_versions).
type guarded struct {
	table string
	row   any
}

// guardSample is how many of all rows each commit looks at besides those that it replaces.
const guardSample = 16

var guardTable = crc64.MakeTable(crc64.ECMA)

func newGuard() *guard { return &guard{rows: map[guarded]uint64{}} }

// check is called with the changes of each commit, before it is published.
func (g *guard) check(changes []Change) {
	for i := range changes {
		c := &changes[i]
		if c.Old != nil {
			k := guarded{c.Table, c.Old}
			g.verify(k)
			delete(g.rows, k)
		}
	}
	for i := range changes {
		if c := &changes[i]; c.New != nil {
			g.rows[guarded{c.Table, c.New}] = g.hash(c.New)
		}
	}
	n := 0
	for k := range g.rows { // in random order
		if n++; n > guardSample {
			break
		}
		g.verify(k)
	}
}

// reset forgets all rows, for a restore that replaces them.
func (g *guard) reset() { clear(g.rows) }

func (g *guard) verify(k guarded) {
	if want, ok := g.rows[k]; ok && g.hash(k.row) != want {
		panic(fmt.Sprintf("state: row of table %s was changed in place after it was put, copy it first: %+v", k.table, k.row))
	}
}

func (g *guard) hash(row any) uint64 {
	b, err := codec.AppendSorted(g.buf[:0], row)
	if err != nil {
		panic(fmt.Sprintf("state: row cannot be encoded: %v", err))
	}
	g.buf = b
	return crc64.Checksum(b, guardTable)
}
