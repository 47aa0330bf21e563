// SPDX-License-Identifier: MPL-2.0

package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// Codes of the wire format (the msgpack specification).
const (
	codeNil    = 0xc0
	codeFalse  = 0xc2
	codeTrue   = 0xc3
	codeBytes8 = 0xc4 // 16 and 32 bit lengths follow
	codeExt8   = 0xc7
	codeFloat  = 0xca
	codeDouble = 0xcb
	codeUint8  = 0xcc
	codeInt8   = 0xd0
	codeFixExt = 0xd4 // 1, 2, 4, 8, 16 bytes
	codeText8  = 0xd9
	codeList16 = 0xdc
	codeMap16  = 0xde

	extTime = 0xff
)

// maxDepth is how deep values may be nested.
const maxDepth = 1000

var (
	errShort    = errors.New("value is cut off")
	errDeep     = errors.New("value is nested too deeply")
	errTrailing = errors.New("bytes after the value")
)

// decodeError is what a message that cannot be decoded panics with, up to Unmarshal.
type decodeError struct{ err error }

// reader is what is left of a message.
type reader struct {
	b     []byte
	depth int
}

func (r *reader) fail(err error) { panic(decodeError{err}) }

func (r *reader) wrong(code byte, want string) {
	r.fail(fmt.Errorf("code %#x is no %s", code, want))
}

func (r *reader) down() {
	if r.depth++; r.depth > maxDepth {
		r.fail(errDeep)
	}
}

func (r *reader) up() { r.depth-- }

// nil reads a nil if one is next.
func (r *reader) nil() bool {
	if len(r.b) > 0 && r.b[0] == codeNil {
		r.b = r.b[1:]
		return true
	}
	return false
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail(errShort)
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// take returns the next n bytes of the message itself.
func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail(errShort)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// number reads an unsigned big-endian number of 1, 2, 4 or 8 bytes.
func (r *reader) number(size int) uint64 {
	b := r.take(size)
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.BigEndian.Uint16(b))
	case 4:
		return uint64(binary.BigEndian.Uint32(b))
	default:
		return binary.BigEndian.Uint64(b)
	}
}

// length reads a length of the size and checks that so many bytes are left.
func (r *reader) length(size int) int {
	n := r.number(size)
	if n > uint64(len(r.b)) {
		r.fail(errShort)
	}
	return int(n)
}

func (r *reader) bool() bool {
	switch c := r.byte(); c {
	case codeTrue:
		return true
	case codeFalse:
	default:
		r.wrong(c, "bool")
	}
	return false
}

// integer reads the rest of a number that starts with code; signed is set when it is negative.
func (r *reader) integer(code byte) (bits uint64, signed, ok bool) {
	switch {
	case code < 0x80:
		return uint64(code), false, true
	case code >= 0xe0:
		return uint64(int64(int8(code))), true, true
	case code >= codeUint8 && code < codeInt8:
		return r.number(1 << (code - codeUint8)), false, true
	case code >= codeInt8 && code < codeFixExt:
		size := 1 << (code - codeInt8)
		shift := 64 - 8*size
		n := int64(r.number(size)<<shift) >> shift
		return uint64(n), n < 0, true
	}
	return 0, false, false
}

func (r *reader) int() int64 {
	c := r.byte()
	n, signed, ok := r.integer(c)
	switch {
	case !ok:
		r.wrong(c, "number")
	case !signed && n > math.MaxInt64:
		r.fail(fmt.Errorf("number %d is too large", n))
	}
	return int64(n)
}

func (r *reader) uint() uint64 {
	c := r.byte()
	n, signed, ok := r.integer(c)
	switch {
	case !ok:
		r.wrong(c, "number")
	case signed:
		r.fail(fmt.Errorf("number %d is negative", int64(n)))
	}
	return n
}

func (r *reader) float() float64 {
	switch c := r.byte(); c {
	case codeFloat:
		return float64(math.Float32frombits(uint32(r.number(4))))
	case codeDouble:
		return math.Float64frombits(r.number(8))
	default:
		n, signed, ok := r.integer(c)
		if !ok {
			r.wrong(c, "number")
		}
		if signed {
			return float64(int64(n))
		}
		return float64(n)
	}
}

// text returns the bytes of a text or of bytes.
func (r *reader) text() []byte {
	c := r.byte()
	switch {
	case c&0xe0 == 0xa0:
		return r.take(int(c & 0x1f))
	case c >= codeText8 && c < codeList16:
		return r.take(r.length(1 << (c - codeText8)))
	case c >= codeBytes8 && c < codeExt8:
		return r.take(r.length(1 << (c - codeBytes8)))
	}
	r.wrong(c, "text")
	return nil
}

// list reads the number of members of a list; each has at least one byte.
func (r *reader) list() int {
	c := r.byte()
	switch {
	case c&0xf0 == 0x90:
		return int(c & 0x0f)
	case c == codeList16, c == codeList16+1:
		return r.length(2 << (c - codeList16))
	}
	r.wrong(c, "list")
	return 0
}

// table reads the number of members of a map.
func (r *reader) table() int {
	c := r.byte()
	switch {
	case c&0xf0 == 0x80:
		return int(c & 0x0f)
	case c == codeMap16, c == codeMap16+1:
		return r.length(2 << (c - codeMap16))
	}
	r.wrong(c, "map")
	return 0
}

// ext reads the rest of an extension that starts with code.
func (r *reader) ext(code byte) (kind byte, b []byte) {
	var n int
	if code >= codeFixExt {
		n = 1 << (code - codeFixExt)
	} else {
		n = r.length(1 << (code - codeExt8))
	}
	kind = r.byte()
	return kind, r.take(n)
}

func isExt(code byte) bool {
	return code >= codeExt8 && code < codeFloat || code >= codeFixExt && code < codeText8
}

func (r *reader) time() time.Time {
	if r.nil() {
		return time.Time{}
	}
	c := r.byte()
	if !isExt(c) {
		r.wrong(c, "time")
	}
	return r.timeOf(r.ext(c))
}

func (r *reader) timeOf(kind byte, b []byte) time.Time {
	var sec int64
	var nsec uint32
	switch {
	case kind == extTime && len(b) == 4:
		sec = int64(binary.BigEndian.Uint32(b))
	case kind == extTime && len(b) == 8:
		n := binary.BigEndian.Uint64(b)
		sec, nsec = int64(n&(1<<34-1)), uint32(n>>34)
	case kind == extTime && len(b) == 12:
		nsec, sec = binary.BigEndian.Uint32(b), int64(binary.BigEndian.Uint64(b[4:]))
	default:
		r.fail(fmt.Errorf("extension %d of %d bytes is no time", int8(kind), len(b)))
	}
	if nsec >= 1e9 {
		r.fail(fmt.Errorf("time with %d nanoseconds", nsec))
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// any reads the next value as what it is.
func (r *reader) any() any {
	if len(r.b) == 0 {
		r.fail(errShort)
	}
	switch c := r.b[0]; {
	case c == codeNil:
		r.b = r.b[1:]
		return nil
	case c == codeTrue, c == codeFalse:
		return r.bool()
	case c == codeFloat, c == codeDouble:
		return r.float()
	case c&0xe0 == 0xa0, c >= codeText8 && c < codeList16:
		return string(r.text())
	case c >= codeBytes8 && c < codeExt8:
		return append([]byte{}, r.text()...)
	case isExt(c):
		return r.time()
	case c&0xf0 == 0x90, c == codeList16, c == codeList16+1:
		return r.anyList()
	case c&0xf0 == 0x80, c == codeMap16, c == codeMap16+1:
		return r.anyMap()
	default:
		r.b = r.b[1:]
		n, signed, ok := r.integer(c)
		if !ok {
			r.wrong(c, "value")
		}
		if !signed && n > math.MaxInt64 {
			return n
		}
		return int64(n)
	}
}

func (r *reader) anyList() []any {
	n := r.list()
	list := make([]any, 0, min(n, maxListRoom))
	r.down()
	for range n {
		list = append(list, r.any())
	}
	r.up()
	return list
}

func (r *reader) anyMap() map[string]any {
	n := r.table()
	m := make(map[string]any, min(n, maxMapRoom))
	r.down()
	for range n {
		k := string(r.text())
		m[k] = r.any()
	}
	r.up()
	return m
}

// skip passes over the next value.
func (r *reader) skip() {
	if len(r.b) == 0 {
		r.fail(errShort)
	}
	switch c := r.b[0]; {
	case c&0xe0 == 0xa0, c >= codeText8 && c < codeList16, c >= codeBytes8 && c < codeExt8:
		r.text()
	case c&0xf0 == 0x90, c == codeList16, c == codeList16+1:
		r.skipAll(r.list())
	case c&0xf0 == 0x80, c == codeMap16, c == codeMap16+1:
		r.skipAll(2 * r.table())
	default:
		r.b = r.b[1:]
		r.skipRest(c)
	}
}

// skipRest passes over the rest of a value of fixed size or an extension that starts with code.
func (r *reader) skipRest(code byte) {
	switch {
	case code == codeNil, code == codeTrue, code == codeFalse:
	case code == codeFloat:
		r.take(4)
	case code == codeDouble:
		r.take(8)
	case isExt(code):
		r.ext(code)
	default:
		if _, _, ok := r.integer(code); !ok {
			r.wrong(code, "value")
		}
	}
}

func (r *reader) skipAll(n int) {
	r.down()
	for range n {
		r.skip()
	}
	r.up()
}
