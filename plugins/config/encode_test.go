// SPDX-License-Identifier: MPL-2.0

package config

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/plugins/hclspec"
)

// dockerish has every kind of node that plugins in the field use.
func dockerish() *hclspec.Spec {
	return hclspec.Object(hclspec.Fields{
		"image":      hclspec.RequiredAttr("image", "string"),
		"entrypoint": hclspec.Attr("entrypoint", "any"),
		"labels":     hclspec.Attr("labels", "list(map(string))"),
		"port_map":   hclspec.Attr("port_map", "list(map(number))"),
		"timeout":    hclspec.AttrOr("timeout", "string", `"5m"`),
		"args":       hclspec.Attr("args", "list(string)"),
		"cpu":        hclspec.Attr("cpu", "number"),
		"binds":      hclspec.Attr("bind", "list(string)"), // name and key differ
		"implied":    hclspec.Attr("", "bool"),             // name from the key
		"volumes": hclspec.BlockOr("volumes", hclspec.Object(hclspec.Fields{
			"enabled": hclspec.AttrOr("enabled", "bool", "false"),
			"label":   hclspec.Attr("label", "string"),
		}), `{ enabled = true }`),
		"logging": hclspec.Block("logging", hclspec.Object(hclspec.Fields{
			"type":   hclspec.RequiredAttr("type", "string"),
			"config": hclspec.BlockAttrs("config", "string", false),
		})),
		"mounts": hclspec.LimitedBlockList("mount", hclspec.Object(hclspec.Fields{
			"source": hclspec.Attr("source", "string"),
			"ro":     hclspec.AttrOr("ro", "bool", "true"),
		}), 0, 2),
		"socket": hclspec.BlockMap("socket", []string{"name"}, hclspec.Object(hclspec.Fields{
			"path": hclspec.Attr("path", "string"),
		})),
	})
}

// minimal is what dockerish yields for nothing but an image.
func minimal() map[string]any {
	return map[string]any{
		"image": "x", "entrypoint": nil, "labels": nil, "port_map": nil, "timeout": "5m", "args": nil,
		"cpu": nil, "binds": nil, "implied": nil, "volumes": map[string]any{"enabled": true},
		"logging": nil, "mounts": []any{}, "socket": map[string]any{},
	}
}

func with(changes map[string]any) map[string]any {
	out := minimal()
	maps.Copy(out, changes)
	return out
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

var scope = &Scope{
	Env: map[string]string{
		"NOMAD_PORT_http": "8080", "dotted.name": "d", ".odd": "o", "sh-name": "s", "env": "shadowed",
	},
	Values: map[string]string{
		"node.unique.id": "n1", "node.class": "c", "attr.kernel.name": "linux",
		"attr.driver.qemu": "1", "attr.driver.qemu.version": "9", "meta.a-b": "dash",
	},
}

func TestEncode(t *testing.T) {
	tests := map[string]struct {
		give string
		want map[string]any
	}{
		"defaults": {`{"image":"x"}`, minimal()},
		"one object for a block": {`{"image":"x","logging":{"type":"j","config":{"a":"1","b":2}}}`, with(map[string]any{
			"logging": map[string]any{"type": "j", "config": map[string]any{"a": "1", "b": "2"}},
		})},
		"a list of one object for a block": {`{"image":"x","volumes":[{"label":"z"}]}`, with(map[string]any{
			"volumes": map[string]any{"enabled": false, "label": "z"},
		})},
		"repeated blocks": {`{"image":"x","mount":[{"source":"a"},{"source":"b","ro":false}]}`, with(map[string]any{
			"mounts": []any{map[string]any{"source": "a", "ro": true}, map[string]any{"source": "b", "ro": false}},
		})},
		"labelled blocks": {`{"image":"x","socket":{"a":{"path":"p"},"b":{}}}`, with(map[string]any{
			"socket": map[string]any{"a": map[string]any{"path": "p"}, "b": map[string]any{"path": nil}},
		})},
		"list of maps": {`{"image":"x","labels":[{"a":"1"},{"b":true}],"port_map":[{"http":80}]}`, with(map[string]any{
			"labels":   []any{map[string]any{"a": "1"}, map[string]any{"b": "true"}},
			"port_map": []any{map[string]any{"http": int64(80)}},
		})},
		"any takes a string":    {`{"image":"x","entrypoint":"sh"}`, with(map[string]any{"entrypoint": "sh"})},
		"any takes a list":      {`{"image":"x","entrypoint":["a","b"]}`, with(map[string]any{"entrypoint": []any{"a", "b"}})},
		"text becomes a number": {`{"image":"x","cpu":"12"}`, with(map[string]any{"cpu": int64(12)})},
		"exact fraction":        {`{"image":"x","cpu":0.5}`, with(map[string]any{"cpu": 0.5})},
		"inexact fraction":      {`{"image":"x","cpu":0.1}`, with(map[string]any{"cpu": 0.1})},
		"large number":          {`{"image":"x","cpu":18446744073709551615}`, with(map[string]any{"cpu": 18446744073709551615.0})},
		"other name":            {`{"image":"x","bind":["b"],"implied":true}`, with(map[string]any{"binds": []any{"b"}, "implied": true})},
		"null is absent":        {`{"image":"x","timeout":null}`, minimal()},
		"variables": {
			`{"image":"${NOMAD_PORT_http}/${attr.kernel.name}/${attr[\"kernel.name\"]}/${node.attr.kernel.name}/${node.unique.id}"}`,
			with(map[string]any{"image": "8080/linux/linux/linux/n1"}),
		},
		"odd names": {
			`{"image":"${env[\"dotted.name\"]}${dotted.name}${env[\".odd\"]}${sh-name}${meta.a-b}${node.meta[\"a-b\"]}"}`,
			with(map[string]any{"image": "ddosdashdash"}),
		},
		"nested object wins":    {`{"image":"${attr.driver.qemu.version}${attr[\"driver.qemu\"]}"}`, with(map[string]any{"image": "91"})},
		"env is the map":        {`{"image":"${env.NOMAD_PORT_http}${env[\"env\"]}"}`, with(map[string]any{"image": "8080shadowed"})},
		"escape":                {`{"image":"$${x} %%{y}"}`, with(map[string]any{"image": "${x} %{y}"})},
		"functions":             {`{"image":"${upper(substr(\"abc\",0,2))}","cpu":"${max(1,2)}"}`, with(map[string]any{"image": "AB", "cpu": int64(2)})},
		"expression keeps type": {`{"image":"x","args":"${concat([\"a\"],[\"b\"])}"}`, with(map[string]any{"args": []any{"a", "b"}})},
		"keys are templates":    {`{"image":"x","labels":[{"${node.class}":"1"}]}`, with(map[string]any{"labels": []any{map[string]any{"c": "1"}}})},
	}
	schema, err := Compile(dockerish())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := schema.Encode(values(t, test.give), scope)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := hclspec.Decode(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("encoded configuration differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEncodeErrors(t *testing.T) {
	tests := map[string]struct {
		give string
		want []string
	}{
		"missing":              {`{}`, []string{`"image" is required`}},
		"unknown":              {`{"image":"x","imgae":"y"}`, []string{`imgae: Invalid label: No argument or block type is named "imgae"`}},
		"unknown in a block":   {`{"image":"x","mount":[{},{"sorce":"y"}]}`, []string{`mount[1].sorce: Invalid label`}},
		"wrong type":           {`{"image":"x","cpu":"many"}`, []string{`cpu: `, `number is required`}},
		"several":              {`{"a":1,"b":2}`, []string{`a: Invalid label`, `b: Invalid label`, `"image" is required`}},
		"unknown variable":     {`{"image":"x","args":["ok","${nope}"]}`, []string{`args[1]: Unknown variable`, `write "$$${" in a job file`}},
		"for a shell":          {`{"image":"x","args":["${x:-y}","${x##*/}","${#x}","${x%.*}"]}`, []string{`args[0]: `, `args[1]: `, `args[2]: `, `args[3]: Invalid expression: Expected the start of an expression, but found an invalid expression token; for a "${"`}},
		"for curl":             {`{"image":"x","args":["%{http_code}"]}`, []string{`write "%%%{" in a job file`}},
		"unknown function":     {`{"image":"${file(\"x\")}"}`, []string{`image: Call to unknown function`}},
		"too many blocks":      {`{"image":"x","mount":[{},{},{}]}`, []string{`mount`, `No more than 2`}},
		"two blocks":           {`{"image":"x","logging":[{"type":"a"},{"type":"b"}]}`, []string{`logging`, `Duplicate logging block`}},
		"required in a block":  {`{"image":"x","logging":{}}`, []string{`logging: `, `"type" is required`}},
		"required in a list":   {`{"image":"x","logging":[{"config":[{"a":"b"}]}]}`, []string{`logging`}},
		"malformed expression": {`{"image":"${"}`, []string{`image: `}},
	}
	schema, err := Compile(dockerish())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := schema.Encode(values(t, test.give), scope)
			if err == nil {
				t.Fatalf("encoded to %x, want an error", data)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is\n%v\nand has no %q", err, want)
				}
			}
		})
	}
}

// TestHostileExpressions evaluates what jobs may have in the configuration of a task, in the agent: it must not end that, nor
// take its time and memory.
func TestHostileExpressions(t *testing.T) {
	spec, err := Compile(dockerish())
	if err != nil {
		t.Fatal(err)
	}
	list := strings.TrimSuffix(strings.Repeat("1,", 1000), ",")
	for name, expr := range map[string]string{
		"brackets": "${" + strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000) + "}",
		"signs":    "${" + strings.Repeat("!", 20_000) + "true}",
		"loops":    "${[for a in [" + list + "]: [for b in [" + list + "]: [for c in [" + list + "]: 1]]]}",
		"text":     "${[for a in [" + list + "]: \"" + strings.Repeat("${BIG}", 100) + "\"][0]}",
		"number":   "${1e600000000}",
		"JSON":     "${jsondecode(\"1e600000000\")}",
	} {
		t.Run(name, func(t *testing.T) {
			scope := &Scope{Env: map[string]string{"BIG": strings.Repeat("x", 100_000)}}
			for _, values := range []map[string]any{
				{"image": expr},
				{"image": "x", "args": []any{"a", expr}},
				{"image": "x", "labels": []any{map[string]any{"k": expr}}},
				{"image": "x", "labels": []any{map[string]any{expr: "v"}}},
				{"image": "x", "mount": []any{map[string]any{"source": expr}}},
				{"image": "x", "logging": map[string]any{"type": "x", "config": map[string]any{"k": expr}}},
			} {
				_, err := spec.Encode(values, scope)
				if err == nil || !strings.Contains(err.Error(), "There are more than") && !strings.Contains(err.Error(), "there are more than") {
					t.Errorf("%.40v: got %.200v", values, err)
				}
			}
		})
	}
}

// TestMissingBelongsToItsBlock checks that what is missing is not ascribed to the
// option before.
func TestMissingBelongsToItsBlock(t *testing.T) {
	schema, err := Compile(dockerish())
	if err != nil {
		t.Fatal(err)
	}
	for give, want := range map[string]string{
		`{"cpu":1}`: "Missing required argument: ",
		`{"cpu":1,"logging":{"config":{"a":"b"}}}`: "logging: Missing required argument: ",
	} {
		if _, err := schema.Encode(values(t, give), scope); err == nil || !slices.ContainsFunc(strings.Split(err.Error(), "\n"), func(line string) bool {
			return strings.HasPrefix(line, want)
		}) {
			t.Errorf("%s: error is %v, want %q", give, err, want)
		}
	}
}

func TestEncodeWithoutScope(t *testing.T) {
	schema, err := Compile(dockerish())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schema.Encode(map[string]any{"image": "${NOMAD_TASK_NAME}"}, nil); err == nil {
		t.Error("a variable was accepted where there are none")
	}
}

func TestEncodeWireForm(t *testing.T) {
	schema, err := Compile(hclspec.Object(hclspec.Fields{
		"b": hclspec.Attr("b", "string"),
		"a": hclspec.Attr("a", "number"),
		"c": hclspec.Attr("c", "bool"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 40)
	got, err := schema.Encode(map[string]any{"b": long, "a": 7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "\x83\xa1a\x07\xa1b\xd9\x28" + long + "\xa1c\xc0"
	if string(got) != want {
		t.Errorf("wire form is\n%q, want\n%q", got, want)
	}
	empty, err := Compile(hclspec.Object(nil))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := empty.Encode(nil, nil); err != nil || string(got) != "\x80" {
		t.Errorf("an empty configuration is %q, %v; want an empty map", got, err)
	}
}

func TestCompileErrors(t *testing.T) {
	tests := map[string]*hclspec.Spec{
		"nil":                    nil,
		"no child":               {},
		"attribute without name": hclspec.Attr("", "string"),
		"attribute without type": hclspec.Attr("a", ""),
		"unknown type":           hclspec.Attr("a", "text"),
		"block without nested":   hclspec.Block("a", nil),
		"blocks without name":    hclspec.BlockList("", hclspec.Object(nil)),
		"map without labels":     hclspec.BlockMap("a", nil, hclspec.Object(nil)),
		"bad literal":            hclspec.Literal("{"),
		"default without name":   hclspec.Object(hclspec.Fields{"a": hclspec.AttrOr("", "string", `"x"`)}),
		"deep":                   hclspec.Object(hclspec.Fields{"a": hclspec.Array(hclspec.Attr("", "string"))}),
	}
	for name, spec := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := Compile(spec); err == nil {
				t.Error("the schema was accepted")
			}
		})
	}
}

// TestCompileHostileSchemas compiles what a plugin may have in its schema: it must not end the agent, nor take its memory.
func TestCompileHostileSchemas(t *testing.T) {
	ten := "[1,2,3,4,5,6,7,8,9,0]"
	for name, spec := range map[string]*hclspec.Spec{
		"brackets":         hclspec.Literal(strings.Repeat("[", 100_000)),
		"loops":            hclspec.Literal(strings.Repeat("[for x in "+ten+": ", 6) + "1" + strings.Repeat("]", 6)),
		"number":           hclspec.Literal("1e600000000"),
		"brackets in type": hclspec.Attr("a", strings.Repeat("list(", 100_000)),
	} {
		_, err := Compile(hclspec.Object(hclspec.Fields{"a": spec}))
		if err == nil || !strings.Contains(err.Error(), "There are more than") {
			t.Errorf("%s: got %.300v", name, err)
		} else if len(err.Error()) > 20_000 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func TestNoSchema(t *testing.T) {
	if data, err := NoSchema(nil); err != nil || len(data) != 0 {
		t.Errorf("no values gave %q, %v", data, err)
	}
	if _, err := NoSchema(map[string]any{"a": 1}); err == nil {
		t.Error("values were accepted without a schema")
	}
}

func TestPathAt(t *testing.T) {
	const source = `{"a":1,"b":{"c":["x",{"d":true}],"e":null}}`
	tests := map[string]string{
		`"a"`: "a", `1`: "a", `"b"`: "b", `"c"`: "b.c", `"x"`: "b.c[0]", `"d"`: "b.c[1].d", `true`: "b.c[1].d",
		`"e"`: "b.e", `null`: "b.e",
	}
	for text, want := range tests {
		if got := pathAt([]byte(source), strings.Index(source, text)); got != want {
			t.Errorf("path at %s is %q, want %q", text, got, want)
		}
	}
}

// TestEncodeStrangeSchemas applies schemas that the decoder has no good answer
// for; none may panic.
func TestEncodeStrangeSchemas(t *testing.T) {
	anyBlock := hclspec.Object(hclspec.Fields{"a": hclspec.Attr("a", "any")})
	tests := map[string]struct {
		spec *hclspec.Spec
		give string
	}{
		"any in a list": {hclspec.Object(hclspec.Fields{"b": hclspec.BlockList("b", anyBlock)}), `{"b":[{"a":1},{"a":"x"}]}`},
		"any in a set":  {hclspec.Object(hclspec.Fields{"b": hclspec.BlockSet("b", anyBlock, 0, 0)}), `{"b":[{"a":1},{"a":["x"]}]}`},
		"any in a map":  {hclspec.Object(hclspec.Fields{"b": hclspec.BlockMap("b", []string{"l"}, anyBlock)}), `{"b":{"x":{"a":1},"y":{"a":"z"}}}`},
		"a literal":     {hclspec.Literal(`"x"`), `{}`},
		"mixed default": {hclspec.Object(hclspec.Fields{"a": hclspec.AttrOr("a", "number", `"text"`)}), `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			schema, err := Compile(test.spec)
			if err != nil {
				t.Fatal(err)
			}
			data, err := schema.Encode(values(t, test.give), nil)
			if (err == nil) == (len(data) == 0) {
				t.Errorf("encoded to %x and %v", data, err)
			}
		})
	}
}
