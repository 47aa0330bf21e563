// SPDX-License-Identifier: MPL-2.0

package usage

import (
	"math/bits"
	"sync/atomic"
)

// epochs numbers the writers of copy-on-write memory: a table between two snapshots, or an overlay.
var epochs atomic.Uint64

func nextEpoch() uint64 { return epochs.Add(1) }

const (
	chunkBits  = 10
	chunkWords = 1 << chunkBits / 64
	chunkCount = 1 << 16 / (1 << chunkBits)
)

// IDSet is a set of 16-bit numbers (ports of one address, cores of one node) that counts how often a
// member was added. It is copied piece by piece on the first write of each epoch; a nil *IDSet is empty.
type IDSet struct {
	epoch  uint64
	n      int
	chunks [chunkCount]*idChunk
	// extra counts further additions of a member that is already in: a port of an allocation that is
	// being stopped and of its successor, or a port with ignore_collision.
	extra []idCount
}

type idChunk struct {
	epoch uint64
	words [chunkWords]uint64
}

type idCount struct {
	id    uint16
	count uint16
}

// Has reports whether id is in the set.
func (s *IDSet) Has(id uint16) bool {
	if s == nil {
		return false
	}
	c := s.chunks[id>>chunkBits]
	return c != nil && c.words[id%(1<<chunkBits)/64]&(1<<(id%64)) != 0
}

// Len returns the number of distinct members.
func (s *IDSet) Len() int {
	if s == nil {
		return 0
	}
	return s.n
}

// Count returns how often id was added and not removed.
func (s *IDSet) Count(id uint16) int {
	if !s.Has(id) {
		return 0
	}
	for _, e := range s.extra {
		if e.id == id {
			return 1 + int(e.count)
		}
	}
	return 1
}

// All yields the members in ascending order.
func (s *IDSet) All(yield func(uint16) bool) {
	if s == nil {
		return
	}
	for ci, c := range s.chunks {
		if c == nil {
			continue
		}
		for wi, w := range c.words {
			for ; w != 0; w &= w - 1 {
				if !yield(uint16(ci<<chunkBits | wi*64 | bits.TrailingZeros64(w))) {
					return
				}
			}
		}
	}
}

// NextFree returns the smallest number in [from, to] that is in none of the sets, by whole words.
func NextFree(from, to uint16, sets ...*IDSet) (uint16, bool) {
	for at := uint32(from); at <= uint32(to); {
		ci, wi := at>>chunkBits, at%(1<<chunkBits)/64
		var used uint64
		for _, s := range sets {
			if s != nil && s.chunks[ci] != nil {
				used |= s.chunks[ci].words[wi]
			}
		}
		used |= 1<<(at%64) - 1
		if used != ^uint64(0) {
			free := at&^63 | uint32(bits.TrailingZeros64(^used))
			return uint16(free), free <= uint32(to)
		}
		at = at&^63 + 64
	}
	return 0, false
}

// writable returns the set itself when it already belongs to the epoch, else a copy that does.
func (s *IDSet) writable(epoch uint64) *IDSet {
	if s == nil {
		return &IDSet{epoch: epoch}
	}
	if s.epoch == epoch {
		return s
	}
	c := *s
	c.epoch = epoch
	c.extra = append([]idCount(nil), s.extra...)
	return &c
}

func (s *IDSet) chunk(epoch uint64, id uint16) *idChunk {
	c := s.chunks[id>>chunkBits]
	switch {
	case c == nil:
		c = &idChunk{epoch: epoch}
	case c.epoch == epoch:
		return c
	default:
		dup := *c
		dup.epoch = epoch
		c = &dup
	}
	s.chunks[id>>chunkBits] = c
	return c
}

// add puts id in; the receiver must be writable in epoch.
func (s *IDSet) add(epoch uint64, id uint16) {
	if s.Has(id) {
		for i := range s.extra {
			if s.extra[i].id == id {
				s.extra[i].count++
				return
			}
		}
		s.extra = append(s.extra, idCount{id: id, count: 1})
		return
	}
	s.chunk(epoch, id).words[id%(1<<chunkBits)/64] |= 1 << (id % 64)
	s.n++
}

// remove takes one addition of id back; the receiver must be writable in epoch.
func (s *IDSet) remove(epoch uint64, id uint16) {
	if !s.Has(id) {
		return
	}
	for i := range s.extra {
		if s.extra[i].id != id {
			continue
		}
		if s.extra[i].count--; s.extra[i].count == 0 {
			s.extra = append(s.extra[:i], s.extra[i+1:]...)
		}
		return
	}
	s.chunk(epoch, id).words[id%(1<<chunkBits)/64] &^= 1 << (id % 64)
	s.n--
}
