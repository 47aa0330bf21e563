// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"reflect"
	"time"
	"unicode/utf8"
)

// structField is the compiled encoding of one field.
type structField struct {
	index   []int
	first   int    // index[0] when it is the only one, else -1
	name    string // `"Name":`
	encode  encoder
	always  bool // left out of nothing and never null
	present [3]bool
	skip    [3]bool // left out when zero
	null    [3]bool // null when zero
}

// structEncoder compiles the encoder of a struct: what every form leaves out is decided here.
func structEncoder(t reflect.Type, active map[reflect.Type]bool) encoder {
	desc := Of(t)
	fields := make([]structField, 0, len(desc.Fields))
	for i := range desc.Fields {
		f := &desc.Fields[i]
		sf := structField{
			index: f.Index, first: -1, name: string(appendString(nil, f.JSON)) + ":",
			encode: newEncoder(f.Type, active),
		}
		if len(f.Index) == 1 {
			sf.first = f.Index[0]
		}
		if f.Tag.Get("api") == "zerotime" {
			sf.encode = encodeZeroTime
		}
		sf.present = [3]bool{Response: !f.in, Input: !f.out, Canonical: !f.out}
		sf.skip = [3]bool{Response: desc.Sparse || f.omitEmpty, Input: f.omit || f.omitEmpty, Canonical: f.omit || f.omitEmpty}
		sf.null = [3]bool{Input: f.null, Canonical: f.null && f.nullKeep}
		sf.always = sf.present == [3]bool{true, true, true} && sf.skip == [3]bool{} && sf.null == [3]bool{}
		fields = append(fields, sf)
	}
	return func(w *writer, v reflect.Value) {
		w.text("{")
		first := true
		for i := range fields {
			f := &fields[i]
			if !f.present[w.form] {
				continue
			}
			var value reflect.Value
			if f.first >= 0 {
				value = v.Field(f.first)
			} else {
				value = v.FieldByIndex(f.index)
			}
			isNull := false
			if !f.always && (f.skip[w.form] || f.null[w.form]) && isEmpty(value) {
				if f.skip[w.form] {
					continue
				}
				isNull = true
			}
			if !first {
				w.text(",")
			}
			first = false
			w.text(f.name)
			if isNull {
				w.text("null")
				continue
			}
			f.encode(w, value)
		}
		w.text("}")
	}
}

// encodeZeroTime writes a *time.Time whose unset form is not null.
func encodeZeroTime(w *writer, v reflect.Value) {
	if t, ok := reflect.TypeAssert[*time.Time](v); ok && t != nil && !t.IsZero() {
		w.time(*t)
		return
	}
	w.text(`"` + ZeroTime + `"`)
}

// isEmpty reports whether a sparse struct leaves the value out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	case reflect.Pointer:
		if v.IsNil() {
			return true
		}
		if t, ok := reflect.TypeAssert[*time.Time](v); ok {
			return t.IsZero()
		}
		return false
	}
	return v.IsZero()
}

const hexDigits = "0123456789abcdef"

// appendString appends the JSON form of s. Only what JSON demands is escaped; bytes that are not UTF-8
// become the replacement character.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[start:i]...)
			dst = append(dst, "\ufffd"...)
			i++
			start = i
			continue
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
