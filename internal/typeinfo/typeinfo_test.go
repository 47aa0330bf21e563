// SPDX-License-Identifier: MPL-2.0

package typeinfo

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

type inner struct {
	A string
	B *int
}

type sparse struct {
	_ struct{} `api:"sparse"`

	Label string
	Value int
	Flag  bool
	List  []string
	Sub   inner
	Ptr   *inner
	When  *time.Time
}

type embedded struct{ Index uint64 }

type everything struct {
	embedded

	Name      string
	Renamed   string `json:"renamed"`
	Hidden    string `json:"-"`
	Optional  string `json:"optional,omitempty"`
	OnlyIn    string `api:"in"`
	OnlyOut   string `api:"out"`
	Null      int    `api:"null"`
	NullKeep  int    `api:"null,keep"`
	Omit      *inner `api:"omit"`
	Duration  time.Duration
	Wait      *time.Duration
	When      *time.Time
	Zero      *time.Time `api:"zerotime"`
	Bytes     []byte
	Float     float64
	Ints      []uint16
	Strings   map[string]string
	Any       map[string]any
	Dynamic   any
	ByNumber  map[int]string
	Sparse    *sparse
	Children  []*everything
	Named     map[string]*inner
	Marshaled stamp
	Text      textual
	private   int //nolint:unused // it is not to be seen
}

type stamp struct{ v int } //nolint:unused // it is not to be seen

func (s stamp) MarshalJSON() ([]byte, error) { return []byte(`{ "stamp": true }`), nil }

type textual struct{}

func (*textual) MarshalText() ([]byte, error) { return []byte("te<xt"), nil }

func full() *everything {
	when := time.Date(2026, 11, 23, 3, 17, 23, 635686969, time.UTC)
	return &everything{
		embedded: embedded{7}, Name: "a<b>&\"\\\n\x01é\xff", Renamed: "r", Hidden: "h", Optional: "o",
		OnlyIn: "in", OnlyOut: "out", Null: 1, NullKeep: 2, Omit: &inner{A: "x"},
		Duration: time.Second, Wait: new(time.Minute), When: &when, Zero: &when, Bytes: []byte("hello\n"),
		Float: 1, Ints: []uint16{1, 2}, Strings: map[string]string{"b": "2", "a": "1"},
		Any:     map[string]any{"n": int64(3), "f": 2.5, "l": []any{"x", nil, true}, "m": map[string]any{"k": 1.0}},
		Dynamic: []string{"d"}, ByNumber: map[int]string{10: "x", 9: "y"},
		Sparse:   &sparse{Label: "l", Ptr: &inner{}},
		Children: []*everything{nil, {Name: "child"}},
		Named:    map[string]*inner{"one": {A: "1", B: new(1)}, "none": nil},
	}
}

//go:fix inline

func TestMarshalForms(t *testing.T) {
	const zeroTail = `"Duration":0,"Wait":null,"When":null,"Zero":"0001-01-01T00:00:00Z","Bytes":null,` +
		`"Float":0.0,"Ints":null,"Strings":null,"Any":null,"Dynamic":null,"ByNumber":null,"Sparse":null,` +
		`"Children":null,"Named":null,"Marshaled":{"stamp":true},"Text":"te<xt"}`
	for _, test := range []struct {
		name string
		form Form
		in   any
		want string
	}{
		{
			"response of zero", Response, &everything{},
			`{"Index":0,"Name":"","renamed":"","OnlyOut":"","Null":0,"NullKeep":0,"Omit":null,` + zeroTail,
		},
		{
			"input of zero", Input,
			everything{},
			`{"Index":0,"Name":"","renamed":"","OnlyIn":"","Null":null,"NullKeep":null,` + zeroTail,
		},
		{
			"canonical of zero", Canonical,
			everything{},
			`{"Index":0,"Name":"","renamed":"","OnlyIn":"","Null":0,"NullKeep":null,` + zeroTail,
		},
		{"sparse response", Response, sparse{}, `{}`},
		{
			"sparse response keeps set values", Response,
			sparse{Value: -1, Flag: true, List: []string{}, Ptr: &inner{}},
			`{"Value":-1,"Flag":true,"Ptr":{"A":"","B":null}}`,
		},
		{
			"sparse input", Input, &sparse{},
			`{"Label":"","Value":0,"Flag":false,"List":null,"Sub":{"A":"","B":null},"Ptr":null,"When":null}`,
		},
		{"nil", Response, nil, `null`},
		{"nil list is an empty list", Response, []*inner(nil), `[]`},
		{"nil pointer", Response, (*inner)(nil), `null`},
		{"empty lists stay", Response, struct{ L []string }{[]string{}}, `{"L":[]}`},
		{"floats", Response, []float64{1, 0.5, 1e21, 1e-7, -3}, `[1.0,0.5,1e+21,1e-07,-3.0]`},
		{"raw message", Response, json.RawMessage(`{"a": 1}`), `{"a":1}`},
		{"number", Response, map[string]any{"n": json.Number("12")}, `{"n":12}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Marshal(test.in, test.form)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestMarshalFull(t *testing.T) {
	got, err := Marshal(full(), Response)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Index":7,"Name":"a<b>&\"\\\n\u0001é` + "\ufffd" + `","renamed":"r","optional":"o","OnlyOut":"out","Null":1,"NullKeep":2,` +
		`"Omit":{"A":"x","B":null},"Duration":1000000000,"Wait":60000000000,"When":"2026-11-23T03:17:23.635686969Z",` +
		`"Zero":"2026-11-23T03:17:23.635686969Z","Bytes":"aGVsbG8K","Float":1.0,"Ints":[1,2],"Strings":{"a":"1","b":"2"},` +
		`"Any":{"f":2.5,"l":["x",null,true],"m":{"k":1.0},"n":3},"Dynamic":["d"],"ByNumber":{"10":"x","9":"y"},` +
		`"Sparse":{"Label":"l","Ptr":{"A":"","B":null}},"Children":[null,`
	if !strings.HasPrefix(string(got), want) {
		t.Errorf("got  %s\nwant %s…", got, want)
	}
	if !json.Valid(got) {
		t.Error("not valid JSON")
	}
	pretty, err := Indent([]byte(`{"a":[1,{}]}`))
	if err != nil || string(pretty) != "{\n    \"a\": [\n        1,\n        {}\n    ]\n}\n" {
		t.Errorf("indent: %q, %v", pretty, err)
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, v := range map[string]any{
		"NaN": math.NaN(), "infinity": map[string]float64{"x": math.Inf(1)}, "function": struct{ F func() }{},
	} {
		if out, err := Marshal(v, Response); err == nil {
			t.Errorf("%s: no error, got %s", name, out)
		}
	}
}

func TestCopyIsDeepAndEqual(t *testing.T) {
	a := full()
	b := Copy(a)
	if !reflect.DeepEqual(a, b) {
		t.Fatal("copy differs")
	}
	if !Equal(a, b) {
		t.Fatal("copy is not Equal")
	}
	b.Bytes[0] = 'X'
	b.Ints[0] = 9
	b.Strings["a"] = "changed"
	b.Any["l"].([]any)[0] = "changed"
	b.Any["m"].(map[string]any)["k"] = 2.0
	b.Dynamic.([]string)[0] = "changed"
	b.Sparse.Ptr.A = "changed"
	b.Children[1].Name = "changed"
	*b.Named["one"].B = 5
	*b.When = time.Time{}
	*b.Wait = 0
	if !reflect.DeepEqual(a, full()) {
		t.Error("changing the copy changed the original")
	}
	if got := Copy([]string{}); got == nil {
		t.Error("an empty slice became nil")
	}
	if got := Copy(map[string]*inner(nil)); got != nil {
		t.Error("a nil map became empty")
	}
}

func TestEqual(t *testing.T) {
	utc := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	local := utc.In(time.FixedZone("x", 3600))
	for _, test := range []struct {
		name string
		a, b *everything
		want bool
	}{
		{"both nil", nil, nil, true},
		{"one nil", nil, &everything{}, false},
		{"nil and empty list", &everything{Ints: []uint16{}}, &everything{}, true},
		{"nil and empty map", &everything{Any: map[string]any{}}, &everything{}, true},
		{"nil pointer and zero", &everything{Wait: new(time.Duration(0))}, &everything{}, false},
		{"instants", &everything{When: &utc}, &everything{When: &local}, true},
		{"number types", &everything{Dynamic: 1}, &everything{Dynamic: 1.0}, true},
		{"signed and unsigned", &everything{Dynamic: int64(-1)}, &everything{Dynamic: uint64(math.MaxUint64)}, false},
		{"number and text", &everything{Dynamic: 1}, &everything{Dynamic: "1"}, false},
		{"list types", &everything{Dynamic: []string{"a"}}, &everything{Dynamic: []any{"a"}}, true},
		{"map value", &everything{Any: map[string]any{"a": 1}}, &everything{Any: map[string]any{"a": 2}}, false},
		{"map key", &everything{Any: map[string]any{"a": nil}}, &everything{Any: map[string]any{"b": nil}}, false},
		{"name", &everything{Name: "a"}, &everything{Name: "b"}, false},
		{"child", &everything{Children: []*everything{{Name: "a"}}}, &everything{Children: []*everything{{}}}, false},
		{"embedded", &everything{embedded: embedded{1}}, &everything{}, false},
	} {
		if got := Equal(test.a, test.b); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestUnmarshal(t *testing.T) {
	var got everything
	err := Unmarshal([]byte(`{"NAME":"n","unknown":1,"duration":5,"Any":{"i":3,"f":3.0,"l":[1,{"x":9007199254740993}]},
		"Dynamic":7,"Children":[{"Any":{"n":1}}],"When":null} trailing`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := everything{
		Name: "n", Duration: 5, Dynamic: int64(7), Children: []*everything{{Any: map[string]any{"n": int64(1)}}},
		Any: map[string]any{"i": int64(3), "f": 3.0, "l": []any{int64(1), map[string]any{"x": int64(9007199254740993)}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestUnmarshalErrors(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{`{"Children":[{"Name":"a"},{"Children":[{"Wait":"5s"}]}]}`, `json: cannot unmarshal string into field Children[1].Children[0].Wait of type duration (integer nanoseconds)`},
		{`{"Name":"x","Ints":[1,-2]}`, `json: cannot unmarshal number -2 into field Ints[1] of type uint16`},
		{`{"Sparse":{"Flag":1}}`, `json: cannot unmarshal number into field Sparse.Flag of type bool`},
		{`{"Sparse":[1,2]}`, `json: cannot unmarshal array into field Sparse of type object`},
		{`{"Strings":{"k":{"deep":1}}}`, `json: cannot unmarshal object into field Strings.k of type string`},
		{`[]`, `json: cannot unmarshal array into object`},
		{`{`, `json: unexpected EOF`},
		{`{"Any":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`, `json: exceeded max depth: objects and lists may be nested 200 levels deep`},
	} {
		err := Decode(strings.NewReader(test.in), new(everything))
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.in, err, test.want)
		}
	}
	brackets := `{"Dynamic":` + strings.Repeat("[", MaxDepth-1) + `"\"[` + strings.Repeat("{[", MaxDepth) + `"` + strings.Repeat("]", MaxDepth-1) + `}` + strings.Repeat("[", MaxDepth+1)
	if err := Decode(strings.NewReader(brackets), new(everything)); err != nil {
		t.Errorf("as deep as is allowed, with brackets in text and behind the value: %v", err)
	}
	var mismatch *TypeError
	if err := Decode(strings.NewReader(`{"Float":"x"}`), new(everything)); !errors.As(err, &mismatch) || mismatch.Path != "Float" {
		t.Errorf("got %v", err)
	}
	if err := Decode(strings.NewReader(" \n"), new(everything)); !errors.Is(err, io.EOF) {
		t.Errorf("empty input: got %v", err)
	}
}

func TestFillAndTidy(t *testing.T) {
	dst := &everything{Name: "mine", Wait: new(time.Duration(0))}
	src := full()
	Fill(dst, src)
	if dst.Name != "mine" || *dst.Wait != 0 || dst.Renamed != "r" || dst.Float != 1 {
		t.Errorf("got %+v", dst)
	}
	dst.Strings["a"] = "changed"
	if src.Strings["a"] != "1" {
		t.Error("filled values are shared")
	}
	Fill(dst, nil)

	v := &everything{
		Children: []*everything{nil, {Ints: []uint16{}}, nil}, Named: map[string]*inner{"x": nil},
		Strings: map[string]string{}, Any: map[string]any{"keep": []any{}},
	}
	Tidy(v)
	want := &everything{Children: []*everything{{}}, Any: map[string]any{"keep": []any{}}}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got %+v", v)
	}
}

func TestChangeOf(t *testing.T) {
	type part struct {
		Soft int `change:"inplace"`
		Hard int `change:"destructive"`
	}
	type whole struct {
		Soft  int     `change:"inplace"`
		Hard  *int    `change:"destructive"`
		Part  *part   `change:"within"`
		Parts []*part `change:"within"`
		Own   int     `change:"-"`
	}
	base := func() *whole { return &whole{Part: &part{}, Parts: []*part{{}}} }
	for _, test := range []struct {
		name string
		edit func(*whole)
		want Change
	}{
		{"nothing", func(*whole) {}, Unchanged},
		{"soft", func(w *whole) { w.Soft = 1 }, InPlace},
		{"hard", func(w *whole) { w.Hard = new(1) }, Destructive},
		{"own", func(w *whole) { w.Own = 1 }, Unchanged},
		{"soft within", func(w *whole) { w.Part.Soft = 1 }, InPlace},
		{"hard within", func(w *whole) { w.Part.Hard = 1 }, Destructive},
		{"removed", func(w *whole) { w.Part = nil }, Destructive},
		{"hard in list", func(w *whole) { w.Parts[0].Hard = 1; w.Soft = 1 }, Destructive},
		{"list length", func(w *whole) { w.Parts = nil }, Destructive},
	} {
		changed := base()
		test.edit(changed)
		if got := ChangeOf(base(), changed); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if ChangeOf[whole](nil, nil) != Unchanged || ChangeOf(nil, base()) != Destructive {
		t.Error("nil")
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte(`{"Children":[{"Any":{"a":[1,2.5,{"b":null}]}}],"Dynamic":1e400}`))
	f.Add([]byte(`[[[`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var v everything
		if Unmarshal(data, &v) != nil {
			return
		}
		text, err := Marshal(&v, Response)
		if err != nil {
			t.Fatalf("marshal: %v", err)
		}
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		if c := Copy(&v); !Equal(&v, c) {
			t.Fatal("copy differs")
		}
	})
}
