// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/nomadlike/nomadlike/internal/codec"
)

// Texts in a packed payload are a varint: empty, a new text, a new ID, or 3 plus the number of one that
// came before.
const (
	textEmpty = iota
	textNew
	textUUID
	textKnown
)

// packer writes a packed payload: varints, texts that are written once, and blobs of the codec for what
// is rare.
type packer struct {
	b     []byte
	texts map[string]uint64
	err   error
}

func (p *packer) uint(v uint64) { p.b = binary.AppendUvarint(p.b, v) }
func (p *packer) int(v int64)   { p.b = binary.AppendVarint(p.b, v) }

func (p *packer) bool(v bool) {
	var n byte
	if v {
		n = 1
	}
	p.b = append(p.b, n)
}

// raw writes bytes with their length.
func (p *packer) raw(v []byte) {
	p.uint(uint64(len(v)))
	p.b = append(p.b, v...)
}

// once writes a text that will hardly come again.
func (p *packer) once(s string) {
	if s == "" {
		p.uint(textEmpty)
		return
	}
	if id, ok := parseUUID(s); ok {
		p.uint(textUUID)
		p.b = append(p.b, id[:]...)
		return
	}
	p.uint(textNew)
	p.uint(uint64(len(s)))
	p.b = append(p.b, s...)
}

// text writes a text that may come again.
func (p *packer) text(s string) {
	if n, ok := p.texts[s]; ok {
		p.uint(textKnown + n)
		return
	}
	if s != "" {
		if p.texts == nil {
			p.texts = map[string]uint64{}
		}
		p.texts[s] = uint64(len(p.texts))
	}
	p.once(s)
}

// blob writes a value with the codec.
func (p *packer) blob(v any) {
	b, err := codec.Marshal(v)
	if err != nil && p.err == nil {
		p.err = err
	}
	p.raw(b)
}

// unpacker reads what a packer wrote. After the first error it returns zero values.
type unpacker struct {
	b     []byte
	texts []string
	err   error
}

var errShort = errors.New("payload is cut off")

func (u *unpacker) fail(err error) {
	if u.err == nil {
		u.err = err
	}
	u.b = nil
}

func (u *unpacker) uint() uint64 {
	v, n := binary.Uvarint(u.b)
	if n <= 0 {
		u.fail(errShort)
		return 0
	}
	u.b = u.b[n:]
	return v
}

func (u *unpacker) int() int64 {
	v, n := binary.Varint(u.b)
	if n <= 0 {
		u.fail(errShort)
		return 0
	}
	u.b = u.b[n:]
	return v
}

// count reads the number of things that follow, each of at least one byte.
func (u *unpacker) count() int {
	v := u.uint()
	if v > uint64(len(u.b)) {
		u.fail(errShort)
		return 0
	}
	return int(v)
}

func (u *unpacker) bool() bool {
	b := u.take(1)
	return len(b) == 1 && b[0] != 0
}

// take returns the next n bytes of the payload itself.
func (u *unpacker) take(n int) []byte {
	if n > len(u.b) {
		u.fail(errShort)
		return nil
	}
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

func (u *unpacker) raw() []byte { return u.take(u.count()) }

func (u *unpacker) once() string { return u.textOf(u.uint()) }

func (u *unpacker) textOf(kind uint64) string {
	switch kind {
	case textEmpty:
		return ""
	case textNew:
		return intern(string(u.raw()))
	case textUUID:
		if b := u.take(16); b != nil {
			return formatUUID(b)
		}
		return ""
	}
	if n := kind - textKnown; n < uint64(len(u.texts)) {
		return u.texts[n]
	}
	u.fail(fmt.Errorf("text %d of %d", kind-textKnown, len(u.texts)))
	return ""
}

func (u *unpacker) text() string {
	kind := u.uint()
	s := u.textOf(kind)
	if kind == textNew || kind == textUUID {
		u.texts = append(u.texts, s)
	}
	return s
}

func (u *unpacker) blob(v any) {
	b := u.raw()
	if u.err != nil {
		return
	}
	if err := codec.Unmarshal(b, v); err != nil {
		u.fail(err)
	}
}
