// SPDX-License-Identifier: MPL-2.0

package usage

import "maps"

const idShards = 256

// idMap maps node IDs to ordinals. Like the pages it is copied on the first write of each epoch, one
// shard at a time, so that a snapshot costs one pointer.
type idMap struct {
	epoch  uint64
	n      int
	shards [idShards]*idShard
}

type idShard struct {
	epoch    uint64
	ordinals map[string]int32
}

func shardOf(id string) int {
	h := uint32(2166136261) // FNV-1a
	for i := range len(id) {
		h = (h ^ uint32(id[i])) * 16777619
	}
	return int(h>>8^h) % idShards
}

func (m *idMap) get(id string) (int32, bool) {
	if m == nil {
		return 0, false
	}
	s := m.shards[shardOf(id)]
	if s == nil {
		return 0, false
	}
	ord, ok := s.ordinals[id]
	return ord, ok
}

// put returns the map with the entry, written in epoch; a negative ordinal removes the entry.
func (m *idMap) put(epoch uint64, id string, ord int32) *idMap {
	switch {
	case m == nil:
		m = &idMap{epoch: epoch}
	case m.epoch != epoch:
		dup := *m
		dup.epoch = epoch
		m = &dup
	}
	at := shardOf(id)
	s := m.shards[at]
	switch {
	case s == nil:
		s = &idShard{epoch: epoch, ordinals: map[string]int32{}}
	case s.epoch != epoch:
		s = &idShard{epoch: epoch, ordinals: maps.Clone(s.ordinals)}
	}
	m.shards[at] = s
	m.n -= len(s.ordinals)
	if ord < 0 {
		delete(s.ordinals, id)
	} else {
		s.ordinals[id] = ord
	}
	m.n += len(s.ordinals)
	return m
}

func (m *idMap) len() int {
	if m == nil {
		return 0
	}
	return m.n
}
