// SPDX-License-Identifier: MPL-2.0

package state

import (
	"cmp"
	"strings"
)

// Key orders rows: by P, A, B, N in that order. P repeats the first bytes of A as a number, so that most
// comparisons inside a tree touch no row; orders by number use it directly.
type Key struct {
	P    uint64
	A, B string
	N    uint64
}

// StringKey returns the key of a row named by one or two strings.
func StringKey(a string, b ...string) Key {
	k := Key{P: leading(a), A: a}
	if len(b) > 0 {
		k.B = b[0]
	}
	return k
}

// leading returns the first eight bytes of s as a big-endian number, padded with zeros, which sorts as s does.
func leading(s string) uint64 {
	if len(s) >= 8 {
		return uint64(s[0])<<56 | uint64(s[1])<<48 | uint64(s[2])<<40 | uint64(s[3])<<32 |
			uint64(s[4])<<24 | uint64(s[5])<<16 | uint64(s[6])<<8 | uint64(s[7])
	}
	var p uint64
	for i := range 8 {
		p <<= 8
		if i < len(s) {
			p |= uint64(s[i])
		}
	}
	return p
}

// compare returns the order of k and o.
func (k *Key) compare(o *Key) int {
	if c := cmp.Compare(k.P, o.P); c != 0 {
		return c
	}
	if c := strings.Compare(k.A, o.A); c != 0 {
		return c
	}
	if c := strings.Compare(k.B, o.B); c != 0 {
		return c
	}
	return cmp.Compare(k.N, o.N)
}
