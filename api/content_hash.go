// SPDX-License-Identifier: MPL-2.0

package api

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"slices"
)

// contentHash makes the Hash of objects, by which a region sees whether its copy is up to date. Each part
// goes in with its length, so that different contents never read the same.
type contentHash struct{ h hash.Hash }

func newContentHash() contentHash { return contentHash{sha256.New()} }

func (c contentHash) number(n int) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n)) //nolint:gosec // lengths are not negative
	c.h.Write(b[:])                             //nolint:errcheck // a hash cannot fail
}

func (c contentHash) text(parts ...string) {
	for _, p := range parts {
		c.number(len(p))
		c.h.Write([]byte(p)) //nolint:errcheck // a hash cannot fail
	}
}

func (c contentHash) list(parts []string) {
	c.number(len(parts))
	c.text(parts...)
}

func (c contentHash) texts(m map[string]string) {
	c.number(len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		c.text(k, m[k])
	}
}

func (c contentHash) sum() []byte { return c.h.Sum(nil) }
