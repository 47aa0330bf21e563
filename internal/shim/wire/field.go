// SPDX-License-Identifier: MPL-2.0

package wire

import "errors"

// ErrCorrupt reports bytes that are not a sequence of fields.
var ErrCorrupt = errors.New("malformed shim message")

// Encoder appends fields to a buffer. Zero values are left out, which is how
// an absent field and its zero value stay the same thing.
type Encoder struct {
	buf []byte
}

// Encoded returns the fields written so far.
func (e *Encoder) Encoded() []byte { return e.buf }

// Bytes appends one field with the given contents, even if they are empty.
func (e *Encoder) Bytes(tag byte, b []byte) {
	e.buf = append(e.buf, tag)
	e.buf = appendUvarint(e.buf, uint64(len(b)))
	e.buf = append(e.buf, b...)
}

// String appends s unless it is empty.
func (e *Encoder) String(tag byte, s string) {
	if s != "" {
		e.text(tag, s)
	}
}

// Strings appends one field for each element, empty ones included.
func (e *Encoder) Strings(tag byte, list []string) {
	for _, s := range list {
		e.text(tag, s)
	}
}

// Int appends v unless it is zero.
func (e *Encoder) Int(tag byte, v int64) {
	if v != 0 {
		e.Number(tag, v)
	}
}

// Number appends v, as an element of a list in which zero counts.
func (e *Encoder) Number(tag byte, v int64) {
	zigzag := uint64(v)<<1 ^ uint64(v>>63)
	var digits [10]byte
	e.Bytes(tag, appendUvarint(digits[:0], zigzag))
}

// Bool appends v unless it is false.
func (e *Encoder) Bool(tag byte, v bool) {
	if v {
		e.Int(tag, 1)
	}
}

func (e *Encoder) text(tag byte, s string) {
	e.buf = append(e.buf, tag)
	e.buf = appendUvarint(e.buf, uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// Decoder walks over fields.
type Decoder struct {
	rest  []byte
	tag   byte
	value []byte
	bad   bool
}

// NewDecoder returns a decoder for the fields in b, which it does not copy.
func NewDecoder(b []byte) *Decoder { return &Decoder{rest: b} }

// Next advances to the next field and reports whether there is one.
func (d *Decoder) Next() bool {
	if len(d.rest) == 0 || d.bad {
		return false
	}
	size, n := uvarint(d.rest[1:])
	if n <= 0 || size > uint64(len(d.rest)-1-n) {
		d.bad = true
		return false
	}
	start := 1 + n
	d.tag = d.rest[0]
	d.value = d.rest[start : start+int(size)]
	d.rest = d.rest[start+int(size):]
	return true
}

// Tag is the tag of the current field.
func (d *Decoder) Tag() byte { return d.tag }

// Bytes is the contents of the current field, shared with the input.
func (d *Decoder) Bytes() []byte { return d.value }

// String is the contents of the current field as text.
func (d *Decoder) String() string { return string(d.value) }

// Int is the contents of the current field as a number.
func (d *Decoder) Int() int64 {
	zigzag, n := uvarint(d.value)
	if n != len(d.value) || n == 0 {
		d.bad = true
		return 0
	}
	return int64(zigzag>>1) ^ -int64(zigzag&1)
}

// Bool is the contents of the current field as a truth value.
func (d *Decoder) Bool() bool { return d.Int() != 0 }

// Err returns ErrCorrupt if the input was not a sequence of well-formed fields.
func (d *Decoder) Err() error {
	if d.bad {
		return ErrCorrupt
	}
	return nil
}

func appendUvarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// uvarint returns the number at the start of b and how many bytes it took,
// which is 0 if b holds no complete number.
func uvarint(b []byte) (uint64, int) {
	var v uint64
	for i, c := range b {
		if i == 10 || i == 9 && c > 1 {
			return 0, 0
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
