// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestKinds(t *testing.T) {
	desc := Of(reflect.TypeFor[*everything]())
	for name, want := range map[string]Kind{
		"Index": Primitive, "Name": Primitive, "Wait": Primitive, "When": Primitive, "Bytes": Primitive, "Float": Primitive,
		"Ints": Free, "Strings": TextMap, "Any": Free, "Dynamic": Free, "Sparse": Block, "Marshaled": Block,
		"Children": Blocks, "Named": BlockMap,
	} {
		if got := desc.Field(name).Kind(); got != want {
			t.Errorf("%s: got %d, want %d", name, got, want)
		}
	}
	if desc.Field("Hidden") != nil || desc.Field("private") != nil {
		t.Error("fields that are not on the wire were listed")
	}
	if !desc.Field("OnlyIn").RequestOnly() || desc.Field("Name").RequestOnly() {
		t.Error("request fields")
	}
	if Of(reflect.TypeFor[string]()) != nil {
		t.Error("a string is no struct")
	}
	if !Of(reflect.TypeFor[sparse]()).Sparse || desc.Sparse {
		t.Error("sparse")
	}
}

func TestText(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		in   any
		want string
		ok   bool
	}{
		{"a", "a", true},
		{true, "true", true},
		{time.Second, "1000000000", true},
		{new(uint8(3)), "3", true},
		{0.5, "0.5", true},
		{&when, "2026-01-02T03:04:05Z", true},
		{[]byte("hello\n"), "aGVsbG8K", true},
		{(*int)(nil), "", false},
		{[]string{"a"}, "", false},
	} {
		if got, ok := Text(reflect.ValueOf(test.in)); got != test.want || ok != test.ok {
			t.Errorf("%v: got %q, %v", test.in, got, ok)
		}
	}
}

func TestFlatten(t *testing.T) {
	got := Flatten(reflect.ValueOf(map[string]any{
		"a": "x", "n": nil, "l": []any{int64(1), map[string]any{"k": 2.5}}, "e": []any{}, "h": map[string][]string{"H": {"v"}},
		"s": inner{A: "y"},
	}))
	want := map[string]string{"a": "x", "l[0]": "1", "l[1].k": "2.5", "h.H[0]": "v", "s.A": "y"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if keys := SortedKeys(map[string]int{"b": 1, "a": 1}, map[string]int{"c": 1, "a": 2}); !slices.Equal(keys, []string{"a", "b", "c"}) {
		t.Errorf("got %v", keys)
	}
}
