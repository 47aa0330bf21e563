// SPDX-License-Identifier: MPL-2.0

package codec

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-msgpack/v2/codec"
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
	Rows                   map[string]inner
	Lists                  map[string][]inner
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
		"rows":  {Rows: map[string]inner{"a": {Name: "a", Next: &inner{Name: "x"}}, "b": {}, "c": {Name: "c"}, "d": {Next: &inner{}}}},
		"lists": {Lists: map[string][]inner{"a": {{Name: "a"}, {}}, "b": {{}, {Name: "b"}}, "c": {{}}, "d": nil}},
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

// TestLibrary checks against an independent implementation of the format, in both directions.
func TestLibrary(t *testing.T) {
	for name, want := range samples() {
		t.Run(name, func(t *testing.T) {
			var theirs []byte
			if err := codec.NewEncoderBytes(&theirs, handle).Encode(want); err != nil {
				t.Fatal(err)
			}
			var got everything
			if err := Unmarshal(theirs, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, &got, equal); diff != "" {
				t.Errorf("what the library wrote is read as other values: %s", diff)
			}
			if name == "rows" || name == "lists" {
				return // the library mixes the values of a map up
			}
			ours, err := Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			got = everything{}
			if err := codec.NewDecoderBytes(ours, handle).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, &got, equal); diff != "" {
				t.Errorf("the library reads other values: %s", diff)
			}
		})
	}
}

// TestInto decodes into values that hold something already.
func TestInto(t *testing.T) {
	b, err := Marshal(&everything{Text: "new", Map: map[string]int{"b": 2}, Texts: []string{"c"}, Struct: inner{Name: "n"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 3
	texts := []string{"a", "b"}
	v := everything{Text: "old", Int: 5, Ptr: &n, Map: map[string]int{"a": 1}, Texts: texts, Struct: inner{Next: &inner{}}}
	if err := Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	want := everything{
		Text: "new", Int: 5, Ptr: &n, Map: map[string]int{"a": 1, "b": 2}, Texts: []string{"c"},
		Struct: inner{Name: "n", Next: &inner{}},
	}
	if diff := cmp.Diff(want, v, equal); diff != "" {
		t.Error(diff)
	}
	if texts[0] != "a" {
		t.Error("the list that was there was written to")
	}
}

type named string

type embedded struct{ Value int }

// address encodes itself.
type address struct{ host, port string }

func (a address) MarshalBinary() ([]byte, error) { return []byte(a.host + ":" + a.port), nil }

func (a *address) UnmarshalBinary(b []byte) error {
	var ok bool
	if a.host, a.port, ok = strings.Cut(string(b), ":"); !ok {
		return errors.New("no address")
	}
	return nil
}

func TestKinds(t *testing.T) {
	type outer struct {
		*Embedded2
		Addr  address
		Addrs map[string]address
		Named named
		Any   any
	}
	var target any = &embedded{}
	for _, test := range []struct {
		name      string
		in, out   any
		wantError string
		want      any
	}{
		{"embedded pointer", map[string]any{"Deep": 4}, &outer{}, "", &outer{Embedded2: &Embedded2{Deep: 4}}},
		{"self", &outer{Addr: address{"h", "p"}, Addrs: map[string]address{"a": {"x", "y"}}}, &outer{}, "", &outer{Addr: address{"h", "p"}, Addrs: map[string]address{"a": {"x", "y"}}}},
		{"self refuses", map[string]any{"Addr": []byte("none")}, &outer{}, "no address", nil},
		{"pointer in interface", &embedded{Value: 3}, &target, "", func() any { var v any = &embedded{Value: 3}; return &v }()},
		{"named text", "x", new(named), "", func() any { n := named("x"); return &n }()},
		{"bytes as text", []byte("x"), new(string), "", func() any { s := "x"; return &s }()},
		{"unknown fields", map[string]any{"a": 1, "b": []any{1, "x", map[string]any{"c": nil}}, "c": 1.5, "d": -1000, "e": true, "f": time.Unix(1, 1), "g": []byte("x"), "h": float32(1), "Value": 7}, &embedded{}, "", &embedded{Value: 7}},
		{"too large", 300, new(int8), "300 does not fit into int8", nil},
		{"too large unsigned", 70000, new(uint16), "70000 does not fit into uint16", nil},
		{"too large for signed", uint64(math.MaxUint64), new(int), "too large", nil},
		{"negative", -1, new(uint), "negative", nil},
		{"text for number", "x", new(int), "no number", nil},
		{"number for text", 1, new(string), "no text", nil},
		{"number for bool", 1, new(bool), "no bool", nil},
		{"number for time", 1, new(time.Time), "no time", nil},
		{"text for struct", "x", &embedded{}, "no map", nil},
		{"map for list", map[string]int{}, new([]int), "no list", nil},
		{"text for float", "x", new(float64), "no number", nil},
		{"whole number for float", -3, new(float64), "", func() any { f := -3.0; return &f }()},
		{"nil for number", nil, func() any { n := 5; return &n }(), "", new(int)},
		{"long array", []int{1, 2, 3}, new([2]int), "list of 3 members", nil},
		{"short array", []int{1}, &[2]int{8, 9}, "", &[2]int{1, 0}},
		{"channel", 1, new(chan int), "cannot be decoded", nil},
		{"list as key", map[string]any{"k": 1}, new(map[any]int), "", &map[any]int{"k": 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, err := Marshal(test.in)
			if err != nil {
				t.Fatal(err)
			}
			err = Unmarshal(b, test.out)
			if test.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantError) {
					t.Fatalf("error %v, want one with %q", err, test.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(test.out, test.want) {
				t.Errorf("got %+v, want %+v", test.out, test.want)
			}
		})
	}
}

// Embedded2 is exported so that decoding can make it.
type Embedded2 struct{ Deep int }

func TestPlainValues(t *testing.T) {
	at := time.Unix(5, 6).UTC()
	want := map[string]any{
		"nil": nil, "true": true, "false": false, "int": int64(-77777), "big": int64(1 << 40), "huge": uint64(math.MaxUint64),
		"float": 1.25, "text": strings.Repeat("x", 300), "bytes": []byte{1, 2}, "time": at,
		"list": []any{int64(1), []any{}, map[string]any{}}, "map": map[string]any{"k": "v"},
	}
	b, err := Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(want), got); diff != "" {
		t.Error(diff)
	}
}

// TestHostile decodes messages that announce more than they hold, or nest without end, into everything.
func TestHostile(t *testing.T) {
	deepList := append(bytes.Repeat([]byte{0x91}, 1<<20), 0x90)
	var deepStruct []byte
	for range 1 << 16 {
		deepStruct = append(deepStruct, 0x81, 0xa4, 'N', 'e', 'x', 't')
	}
	huge := []byte{0xdd, 0x7f, 0xff, 0xff, 0xff}
	for name, b := range map[string][]byte{
		"deep list": append([]byte{0x81, 0xa3, 'A', 'n', 'y'}, deepList...), "deep struct": append(deepStruct, 0xc0),
		"deep unknown": append([]byte{0x81, 0xa1, '?'}, deepList...),
		"huge list":    append([]byte{0x81, 0xa5, 'T', 'e', 'x', 't', 's'}, huge...),
		"huge any":     append([]byte{0x81, 0xa3, 'A', 'n', 'y'}, huge...),
		"huge unknown": append([]byte{0x81, 0xa1, '?'}, huge...),
		"huge text":    {0xdb, 0xff, 0xff, 0xff, 0xff, 'x'}, "huge map": {0xdf, 0xff, 0xff, 0xff, 0xff},
		"empty": {}, "never used": {0xc1}, "cut off": {0x81}, "bad time": {0x81, 0xa4, 'T', 'i', 'm', 'e', 0xd6, 1, 0, 0, 0, 0},
		"nanoseconds": {0x81, 0xa4, 'T', 'i', 'm', 'e', 0xd7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		for _, v := range []any{&everything{}, &inner{}, new(any)} {
			if _, ok := v.(*inner); ok && (name == "bad time" || name == "nanoseconds") {
				continue // an unknown field there, whose content does not matter
			}
			if err := Unmarshal(b, v); err == nil {
				t.Errorf("%s was decoded into %T", name, v)
			}
		}
	}
	var list any
	chain := &inner{}
	for range maxDepth + 1 {
		list, chain = []any{list}, &inner{Next: chain}
	}
	for _, v := range []any{list, map[string]any{"x": list}, &everything{Any: list}, chain} {
		if b, err := Marshal(v); !errors.Is(err, errDeep) {
			t.Errorf("%T nested too deeply was encoded: %d bytes, %v", v, len(b), err)
		}
	}
	if b, err := Marshal(list.([]any)[0]); err != nil {
		t.Error(err)
	} else if err := Unmarshal(b, &list); err != nil {
		t.Errorf("what is just not too deep cannot be decoded: %v", err)
	}
	for _, v := range []any{nil, inner{}, (*inner)(nil)} {
		if Unmarshal([]byte{0x80}, v) == nil {
			t.Errorf("decoded into %#v", v)
		}
	}
}

func TestErrors(t *testing.T) {
	if _, err := Marshal(struct{ C chan int }{make(chan int)}); err == nil {
		t.Error("a channel was encoded")
	}
	if err := Unmarshal([]byte{0x80, 0x80}, &inner{}); !errors.Is(err, errTrailing) {
		t.Errorf("trailing bytes: %v", err)
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
