// SPDX-License-Identifier: MPL-2.0

package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
)

// fill sets every field of a struct to something other than its zero value.
func fill(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.String:
			f.SetString(v.Type().Field(i).Name)
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Int, reflect.Int64:
			f.SetInt(int64(-1000 - i))
		case reflect.Uint64:
			f.SetUint(1<<63 + uint64(i))
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
			fill(f.Elem())
		case reflect.Slice:
			switch f.Type().Elem().Kind() {
			case reflect.String:
				f.Set(reflect.ValueOf([]string{"one", "", "three"}))
			case reflect.Uint8:
				f.Set(reflect.ValueOf([]byte{0, 1, 255}))
			case reflect.Struct:
				f.Set(reflect.MakeSlice(f.Type(), 2, 2))
				fill(f.Index(0))
			default:
				f.Set(reflect.ValueOf([]int{0, 1, 70000}))
			}
		default:
			panic("no value for a field of kind " + f.Kind().String())
		}
	}
}

// messages are all kinds of messages, each with how to decode it.
var messages = []struct {
	message interface{ Encode() []byte }
	decode  func([]byte) (any, error)
}{
	{&Spec{}, func(b []byte) (any, error) { return DecodeSpec(b) }},
	{&Started{}, func(b []byte) (any, error) { return DecodeStarted(b) }},
	{&Signal{}, func(b []byte) (any, error) { return DecodeSignal(b) }},
	{&Done{}, func(b []byte) (any, error) { return DecodeDone(b) }},
	{&Info{}, func(b []byte) (any, error) { return DecodeInfo(b) }},
	{&Exec{}, func(b []byte) (any, error) { return DecodeExec(b) }},
	{&Size{}, func(b []byte) (any, error) { return DecodeSize(b) }},
	{&Root{}, func(b []byte) (any, error) { return DecodeRoot(b) }},
	{&Inside{Task: &Spec{}}, func(b []byte) (any, error) { return DecodeInside(b) }},
	{&ExecExit{}, func(b []byte) (any, error) { return DecodeExecExit(b) }},
}

// TestMessages checks that every field of every message comes back, and that a
// reader skips fields that it does not know.
func TestMessages(t *testing.T) {
	t.Parallel()
	for _, test := range messages {
		name := reflect.TypeOf(test.message).Elem().Name()
		check := func(encoded []byte) {
			got, err := test.decode(encoded)
			if err != nil || !reflect.DeepEqual(got, test.message) {
				t.Errorf("%s came back as %+v, %v; want %+v", name, got, err, test.message)
			}
		}
		check(test.message.Encode())
		fill(reflect.ValueOf(test.message).Elem())
		check(test.message.Encode())
		var later Encoder
		later.String(200, "a field of a later version")
		check(append(later.Encoded(), test.message.Encode()...))
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, v := range []int64{1, -1, 63, 64, -64, -65, 1 << 31, math.MaxInt64, math.MinInt64} {
		var e Encoder
		e.Int(1, v)
		d := NewDecoder(e.Encoded())
		if !d.Next() || d.Int() != v || d.Err() != nil {
			t.Errorf("%d came back otherwise, %v", v, d.Err())
		}
	}
}

func TestCorruptMessages(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{
		{1},
		{1, 5, 'a'},
		{1, 0x80},
		{1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		{7, 0},
		{7, 1, 0x80},
		{7, 2, 1, 1},
	} {
		if s, err := DecodeSpec(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%v was decoded to %+v, %v", b, s, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, test := range messages {
		f.Add(test.message.Encode())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, test := range messages {
			got, err := test.decode(b)
			if err != nil {
				continue
			}
			again, err := test.decode(got.(interface{ Encode() []byte }).Encode())
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%+v came back as %+v, %v", got, again, err)
			}
		}
	})
}

func TestRecord(t *testing.T) {
	t.Parallel()
	for _, want := range []Exit{
		{},
		{Code: 137, Signal: 9, OOM: true, At: math.MaxInt64, LogDropped: math.MaxInt64, LogErrno: 28},
		{Code: -1, At: math.MinInt64},
	} {
		record := want.Record()
		if len(record) != RecordSize {
			t.Errorf("the record has %d bytes", len(record))
		}
		got, err := ParseRecord(record)
		if err != nil || *got != want {
			t.Errorf("%+v came back as %+v, %v", want, got, err)
		}
	}
	whole := string((&Exit{Code: 1}).Record())
	for _, text := range []string{
		"", "end\n", strings.Repeat("\x00", RecordSize), whole[:20], whole[:len(whole)/8],
		strings.Replace(whole, "exit_code 1", "exit_code one", 1), strings.Replace(whole, "end", "", 1),
	} {
		if got, err := ParseRecord([]byte(text)); err == nil {
			t.Errorf("%q was parsed to %+v", text, got)
		}
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var stream bytes.Buffer
	bodies := []string{"", "x", strings.Repeat("y", MaxData)}
	for i, body := range bodies {
		if err := WriteFrame(&stream, Kind(i+1), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	whole := stream.Bytes()
	r := bytes.NewReader(whole)
	for i, body := range bodies {
		kind, got, err := ReadFrame(r)
		if err != nil || kind != Kind(i+1) || string(got) != body {
			t.Errorf("frame %d is of kind %d with %d bytes, %v", i, kind, len(got), err)
		}
	}
	if _, _, err := ReadFrame(r); !errors.Is(err, io.EOF) {
		t.Errorf("after the last frame: %v", err)
	}
	for cut := 1; cut < 11; cut++ {
		r := bytes.NewReader(whole[:cut])
		var err error
		for err == nil {
			_, _, err = ReadFrame(r)
		}
		if whole := cut == HeaderSize; whole != errors.Is(err, io.EOF) {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
	if _, _, err := ReadFrame(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff, 1})); !errors.Is(err, ErrTooBig) {
		t.Errorf("a frame without bounds: %v", err)
	}
}
