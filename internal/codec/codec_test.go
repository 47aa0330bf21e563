// SPDX-License-Identifier: MPL-2.0

package codec

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Name string
	Next *inner
}

type base struct {
	Index  uint64
	Hidden string `json:"-"`
}

type everything struct {
	base
	Bool                   bool
	Int                    int
	Small                  int8
	Uint                   uint16
	Float                  float64
	Text                   string `json:"other"`
	Short                  string `codec:"s"`
	Skipped                string `codec:"-"`
	Bytes                  []byte
	Texts                  []string
	Ptr                    *int
	False                  *bool
	Struct                 inner
	Structs                []*inner
	Map                    map[string]int
	Deep                   map[string]map[string]*inner
	ByInt                  map[int]string
	Time                   time.Time
	When                   *time.Time
	Any                    any
	Array                  [2]int
	private                int
	Pad1, Pad2, Pad3, Pad4 int
}

func samples() map[string]*everything {
	n, no := 7, false
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	long := make([]string, 70000)
	for i := range long {
		long[i] = "x"
	}
	return map[string]*everything{
		"zero":  {},
		"base":  {base: base{Index: 9, Hidden: "travels"}},
		"texts": {Text: "a", Short: string(bytes.Repeat([]byte("b"), 40)), Texts: []string{"", "x", string(make([]byte, 300)), string(make([]byte, 70000))}},
		"empty": {Texts: []string{}, Map: map[string]int{}, Bytes: []byte{}, Structs: []*inner{}},
		"nils":  {Structs: []*inner{nil, {Name: "x"}, {}}, Deep: map[string]map[string]*inner{"a": nil, "b": {"c": nil}}},
		"ptrs":  {Ptr: &n, False: &no, Struct: inner{Next: &inner{Name: "deep"}}},
		"maps":  {Map: map[string]int{"a": 1, "b": -1}, ByInt: map[int]string{-5: "x", 5: "y"}},
		"times": {Time: at, When: &at},
		"epoch": {Time: time.Unix(100, 0).UTC()},
		"far":   {Time: time.Date(2999, 1, 1, 0, 0, 0, 1, time.UTC)},
		"past":  {Time: time.Date(1901, 1, 1, 0, 0, 0, 5, time.UTC)},
		"bytes": {Bytes: bytes.Repeat([]byte{0xff}, 300)},
		"nums":  {Bool: true, Int: math.MinInt64, Small: -128, Uint: math.MaxUint16, Float: math.Inf(-1), Array: [2]int{1, -40000}},
		"ints":  {ByInt: map[int]string{-32: "", -33: "", -129: "", -40000: "", -3000000000: "", 127: "", 128: "", 256: "", 65536: "", 1 << 40: ""}},
		"any":   {Any: map[string]any{"k": []any{"v", int64(1), true, nil, 1.5}}},
		"long":  {Texts: long},
		"many": {
			Bool: true, Int: 1, Small: 1, Uint: 1, Float: 1, Text: "t", Short: "s", Bytes: []byte{1}, Texts: []string{"x"}, Ptr: &n,
			False: &no, Struct: inner{Name: "x"}, Structs: []*inner{{}}, Map: map[string]int{"a": 1}, Time: at, Pad1: 1, Pad2: 2, Pad3: 3, Pad4: 4,
		},
	}
}

var equal = cmp.AllowUnexported(everything{}, base{})

func TestRoundTrip(t *testing.T) {
	for name, want := range samples() {
		t.Run(name, func(t *testing.T) {
			b, err := Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			var got everything
			if err := Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, &got, equal); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestFieldsThatDoNotTravel(t *testing.T) {
	b, err := Marshal(&everything{Skipped: "x", private: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, []byte{0x80}) {
		t.Fatalf("got % x, want an empty map", b)
	}
}

func TestStream(t *testing.T) {
	var buf bytes.Buffer
	e := NewEncoder(&buf)
	for i := range 3 {
		if err := e.Encode(&inner{Name: string(rune('a' + i))}); err != nil {
			t.Fatal(err)
		}
	}
	d := NewDecoder(&buf)
	for i := range 3 {
		var got inner
		if err := d.Decode(&got); err != nil || got.Name != string(rune('a'+i)) {
			t.Fatalf("value %d: %+v, %v", i, got, err)
		}
	}
	if err := d.Decode(&inner{}); !errors.Is(err, io.EOF) {
		t.Fatalf("after the last value: %v, want io.EOF", err)
	}
}

func TestErrors(t *testing.T) {
	if _, err := Marshal(struct{ C chan int }{make(chan int)}); err == nil {
		t.Error("a channel was encoded")
	}
	if err := Unmarshal([]byte{0x80, 0x80}, &inner{}); !errors.Is(err, errTrailing) {
		t.Errorf("trailing bytes: %v", err)
	}
	for _, bad := range [][]byte{{}, {0xc1}, {0x81}, {0xdf, 0xff, 0xff, 0xff, 0xff}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0xdb, 0xff, 0xff, 0xff, 0xff, 'x'}} {
		if err := Unmarshal(bad, &everything{}); err == nil {
			t.Errorf("% x was decoded", bad)
		}
	}
	if err := Unmarshal([]byte{0x80}, &inner{}); err != nil {
		t.Errorf("decoding works no more after errors: %v", err)
	}
}

func TestSortedIsStable(t *testing.T) {
	v := map[string]int{}
	for i := range 50 {
		v[string(rune('a'+i))] = i
	}
	first, err := MarshalSorted(v)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := MarshalSorted(v)
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("encodings differ (%v)", err)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, v := range samples() {
		if b, err := Marshal(v); err == nil && len(b) < 4096 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v everything
		if Unmarshal(b, &v) != nil {
			return
		}
		again, err := Marshal(&v)
		if err != nil {
			t.Fatalf("decoded value cannot be encoded: %v", err)
		}
		var w everything
		if err := Unmarshal(again, &w); err != nil {
			t.Fatalf("own encoding cannot be decoded: %v", err)
		}
	})
}
