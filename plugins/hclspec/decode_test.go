// SPDX-License-Identifier: MPL-2.0

package hclspec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type nested struct {
	Name string `codec:"name"`
}

type embedded struct {
	Shared string `codec:"shared"`
}

type target struct {
	embedded

	Text    string            `codec:"text"`
	Flag    bool              `codec:"flag"`
	Int     int               `codec:"int"`
	Small   int8              `codec:"small"`
	Uint    uint64            `codec:"uint"`
	Float   float64           `codec:"float"`
	Period  time.Duration     `codec:"period"`
	List    []string          `codec:"list"`
	Map     map[string]string `codec:"map"`
	Labels  StringMap         `codec:"labels"`
	Ports   IntMap            `codec:"ports"`
	Block   nested            `codec:"block"`
	Pointer *nested           `codec:"pointer"`
	Blocks  []nested          `codec:"blocks"`
	Any     any               `codec:"any"`
	Bytes   []byte            `codec:"bytes"`
	Time    time.Time         `codec:"time"`
	Skipped string            `codec:"-"`
	Untaged string

	hidden string
}

func TestDecode(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	tests := map[string]struct {
		give map[string]any
		want target
	}{
		"nothing":      {map[string]any{}, target{}},
		"nil values":   {map[string]any{"text": nil, "list": nil, "block": nil, "pointer": nil}, target{}},
		"unknown keys": {map[string]any{"other": 1}, target{}},
		"scalars": {
			map[string]any{"text": "x", "flag": true, "int": -5, "small": 127, "uint": uint64(1 << 63), "float": 1.5},
			target{Text: "x", Flag: true, Int: -5, Small: 127, Uint: 1 << 63, Float: 1.5},
		},
		"whole floats fit integers": {map[string]any{"int": 3.0, "uint": 4.0}, target{Int: 3, Uint: 4}},
		"integers fit floats":       {map[string]any{"float": 7}, target{Float: 7}},
		"decimal text":              {map[string]any{"float": "0.1", "int": "12"}, target{Float: 0.1, Int: 12}},
		"named kinds":               {map[string]any{"period": 1000}, target{Period: 1000}},
		"collections": {
			map[string]any{"list": []string{"a", "b"}, "map": map[string]string{"k": "v"}},
			target{List: []string{"a", "b"}, Map: map[string]string{"k": "v"}},
		},
		"lists of maps merge": {
			map[string]any{
				"labels": []any{map[string]any{"a": "1", "b": "1"}, map[string]any{"b": "2"}},
				"ports":  []any{map[string]any{"http": 80}},
			},
			target{Labels: StringMap{"a": "1", "b": "2"}, Ports: IntMap{"http": 80}},
		},
		"one map will do": {map[string]any{"labels": map[string]any{"a": "1"}}, target{Labels: StringMap{"a": "1"}}},
		"blocks": {
			map[string]any{
				"block": map[string]any{"name": "a"}, "pointer": map[string]any{"name": "b"},
				"blocks": []any{map[string]any{"name": "c"}, map[string]any{}},
			},
			target{Block: nested{"a"}, Pointer: &nested{"b"}, Blocks: []nested{{"c"}, {}}},
		},
		"any":            {map[string]any{"any": []any{"a", int64(1)}}, target{Any: []any{"a", int64(1)}}},
		"bytes and time": {map[string]any{"bytes": []byte{1, 2}, "time": when}, target{Bytes: []byte{1, 2}, Time: when}},
		"embedded":       {map[string]any{"shared": "s"}, target{embedded: embedded{Shared: "s"}}},
		"field names":    {map[string]any{"Untaged": "u", "-": "x", "Skipped": "x", "hidden": "x"}, target{Untaged: "u"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := Encode(test.give)
			if err != nil {
				t.Fatal(err)
			}
			got := target{Text: "stale", hidden: "stale"}
			if err := Decode(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(target{}, embedded{})); diff != "" {
				t.Errorf("decoded value differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	tests := map[string]struct {
		give any
		want string
	}{
		"text for a number":     {map[string]any{"int": "many"}, "int: "},
		"fraction for an int":   {map[string]any{"int": 1.5}, "int: "},
		"number for text":       {map[string]any{"text": 1}, "text: "},
		"text for a flag":       {map[string]any{"flag": "true"}, "flag: "},
		"overflow":              {map[string]any{"small": 128}, "small: "},
		"negative for unsigned": {map[string]any{"uint": -1}, "uint: "},
		"too large":             {map[string]any{"int": uint64(1 << 63)}, "int: "},
		"list for a block":      {map[string]any{"block": []any{}}, "block: "},
		"inside a list":         {map[string]any{"blocks": []any{map[string]any{"name": 1}}}, "blocks[0].name: "},
		"inside a map":          {map[string]any{"map": map[string]any{"k": 1}}, "map.k: "},
		"not a map of numbers":  {map[string]any{"ports": []any{map[string]any{"http": "x"}}}, "ports: "},
		"not a list of maps":    {map[string]any{"labels": "x"}, "labels: "},
		"not a map":             {[]any{1}, "configuration: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := Encode(test.give)
			if err != nil {
				t.Fatal(err)
			}
			var into target
			if err := Decode(data, &into); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error is %v, want one about %q", err, test.want)
			}
		})
	}
	if err := Decode(nil, new(target)); err == nil {
		t.Error("no bytes at all were decoded")
	}
	if err := Decode([]byte{0x80}, target{}); err == nil {
		t.Error("a value that is not a pointer was accepted")
	}
	if err := Decode([]byte{0x81, 0xa1}, new(target)); err == nil {
		t.Error("truncated bytes were decoded")
	}
}

// TestDecodeStringFamilies reads what old and new encoders write.
func TestDecodeStringFamilies(t *testing.T) {
	long := strings.Repeat("y", 40)
	for name, data := range map[string]string{
		"raw16": "\x81\xa4text\xda\x00\x28" + long,
		"str8":  "\x81\xa4text\xd9\x28" + long,
		"bin8":  "\x81\xa4text\xc4\x28" + long,
	} {
		var got target
		if err := Decode([]byte(data), &got); err != nil || got.Text != long {
			t.Errorf("%s decoded to %q, %v", name, got.Text, err)
		}
	}
}
