// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// varJob declares variables of several types; the meta of the job shows their values as JSON.
const varJob = `
variable "s" {
  type    = string
  default = "def"
}
variable "n" {
  type    = number
  default = 1
}
variable "b" {
  type    = bool
  default = false
}
variable "l" {
  type    = list(string)
  default = []
}
variable "m" {
  type    = map(number)
  default = {}
}
variable "set" {
  type    = set(string)
  default = []
}
variable "o" {
  type    = object({ a = string, b = number })
  default = { a = "x", b = 1 }
}
variable "t" {
  type    = tuple([string, bool])
  default = ["x", true]
}
variable "any" {
  type    = any
  default = null
}
variable "untyped" {
  default = "u"
}
variable "untyped_list" {
  default = ["u"]
}
variable "nothing" {
  default = null
}
variables {
  short = 5
}
job "j" {
  meta = {
    s = jsonencode(var.s)
    n = jsonencode(var.n)
    b = jsonencode(var.b)
    l = jsonencode(var.l)
    m = jsonencode(var.m)
    set = jsonencode(var.set)
    o = jsonencode(var.o)
    t = jsonencode(var.t)
    any = jsonencode(var.any)
    untyped = jsonencode(var.untyped)
    untyped_list = jsonencode(var.untyped_list)
    nothing = jsonencode(var.nothing)
    short = jsonencode(var.short)
  }
}
`

var varDefaults = map[string]string{
	"s": `"def"`, "n": `1`, "b": `false`, "l": `[]`, "m": `{}`, "set": `[]`, "o": `{"a":"x","b":1}`, "t": `["x",true]`,
	"any": `null`, "untyped": `"u"`, "untyped_list": `["u"]`, "nothing": `null`, "short": `5`,
}

func TestVariableValues(t *testing.T) {
	tests := []struct {
		flag string
		want string // JSON of the value, or "error: " and a part of the message
	}{
		{`s=text`, `"text"`},
		{`s=`, `""`},
		{`s="quoted"`, `"\"quoted\""`},
		{`s=a=b`, `"a=b"`},
		{`s=${x}`, `"${x}"`},
		{`n=42`, `42`},
		{`n=1.5`, `1.5`},
		{`n=x`, `error: a number is required`},
		{`b=true`, `true`},
		{`b="true"`, `true`},
		{`b=yes`, `error: Variables not allowed; Variables may not be used here. The variable "b" is of the type bool, so its value is an expression, such as true, `},
		{`b=1 +`, `error: Missing expression`},
		{`l=["a","b"]`, `["a","b"]`},
		{`l=[1]`, `["1"]`},
		{`l=a,b`, `error: Extra characters after expression`},
		{`l=a`, `error: The variable "l" is of the type list of string, so its value is an expression`},
		{`l=upper("x")`, `error: Function calls not allowed`},
		{`m={a=1, b="2"}`, `{"a":1,"b":2}`},
		{`m={a="x"}`, `error: a number is required`},
		{`set=["b","a","b"]`, `["a","b"]`},
		{`o={a=1,b="2"}`, `{"a":"1","b":2}`},
		{`o={a=1}`, `error: attribute "b" is required`},
		{`t=["a",false]`, `["a",false]`},
		{`t=["a"]`, `error: tuple required`},
		{`any={x=[1,null]}`, `{"x":[1,null]}`},
		{`any="x"`, `"x"`},
		{`untyped=["a"]`, `"[\"a\"]"`},
		{`untyped_list=["b"]`, `["b"]`},
		{`nothing=raw text`, `"raw text"`},
		{`short=7`, `7`},
	}
	for _, tt := range tests {
		for _, source := range []string{"flag", "env"} {
			cfg := &Config{Body: []byte(varJob), Strict: true}
			if source == "flag" {
				cfg.ArgVars = []string{tt.flag}
			} else {
				cfg.Envs = []string{"HOME=/", "NOMAD_VAR_" + tt.flag, "NOMAD_VAR_undeclared=1", "NOMAD_VAR_S=upper case"}
			}
			res, err := Parse(cfg)
			if msg, isError := strings.CutPrefix(tt.want, "error: "); isError {
				if err == nil || !strings.Contains(err.Error(), msg) {
					t.Errorf("%s %s: got error %v, want %q", source, tt.flag, err, msg)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", source, tt.flag, err)
				continue
			}
			name, value, _ := strings.Cut(tt.flag, "=")
			want := maps.Clone(varDefaults)
			want[name] = tt.want
			if diff := cmp.Diff(want, res.Job.Meta); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", source, tt.flag, diff)
			}
			if diff := cmp.Diff(map[string]string{name: value}, res.VariableFlags); diff != "" {
				t.Errorf("%s %s: flags (-want +got):\n%s", source, tt.flag, diff)
			}
		}
	}
}

// writeFiles writes files to a temporary directory and returns a function that names them.
func writeFiles(t *testing.T, files map[string]string) func(names ...string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return func(names ...string) []string {
		var out []string
		for _, name := range names {
			out = append(out, filepath.Join(dir, name))
		}
		return out
	}
}

func TestPrecedence(t *testing.T) {
	const src = `
variable "v" {
  type    = string
  default = "default"
  validation {
    condition     = var.v != "bad"
    error_message = "bad is bad"
  }
}
job "j" {
  name = var.v
}`
	paths := writeFiles(t, map[string]string{
		"one.hcl": "v = \"one\"\n", "two.json": `{"v": "two"}`, "none.hcl": "", "bad.hcl": `v = "bad"`,
	})
	env := []string{"NOMAD_VAR_v=env"}
	tests := []struct {
		name  string
		cfg   Config
		want  string
		files string // combined text
	}{
		{"default", Config{}, "default", ""},
		{"env", Config{Envs: env}, "env", ""},
		{"last env", Config{Envs: append(env, "NOMAD_VAR_v=env2")}, "env2", ""},
		{"file over env", Config{Envs: env, VarFiles: paths("one.hcl")}, "one", `v = "one"`},
		{"env when the file is silent", Config{Envs: env, VarFiles: paths("none.hcl")}, "env", ""},
		{"later file", Config{VarFiles: paths("one.hcl", "two.json")}, "two", "v = \"two\"\n"},
		{"file order", Config{VarFiles: paths("two.json", "one.hcl")}, "one", "v = \"one\"\n"},
		{"text over files", Config{VarFiles: paths("one.hcl"), VarContent: `v = "text"`}, "text", "v = \"text\"\n"},
		{"JSON text", Config{VarContent: `{"v": "text"}`}, "text", `{"v": "text"}`},
		{"flag over all", Config{Envs: env, VarFiles: paths("one.hcl"), VarContent: `v = "text"`, ArgVars: []string{"v=flag"}}, "flag", "v = \"text\"\n"},
		{"last flag", Config{ArgVars: []string{"v=flag", "v=flag2"}}, "flag2", ""},
		{"a loser is not validated", Config{Envs: []string{"NOMAD_VAR_v=bad"}, VarFiles: paths("bad.hcl"), ArgVars: []string{"v=good"}}, "good", `v = "bad"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.Body, tt.cfg.Strict = []byte(src), true
			res, err := Parse(&tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			if res.Job.Name != tt.want {
				t.Errorf("got %q, want %q", res.Job.Name, tt.want)
			}
			if res.Variables != tt.files {
				t.Errorf("variable text %q, want %q", res.Variables, tt.files)
			}
			// What is stored must reproduce the job.
			again := Config{Body: []byte(src), VarContent: res.Variables, Strict: true}
			for name, value := range res.VariableFlags {
				again.ArgVars = append(again.ArgVars, name+"="+value)
			}
			if res, err = Parse(&again); err != nil || res.Job.Name != tt.want {
				t.Errorf("parsed again: %v, %v", res, err)
			}
		})
	}

	for source, cfg := range map[string]Config{
		"env":     {Envs: []string{"NOMAD_VAR_v=bad"}},
		"varfile": {VarFiles: paths("bad.hcl")},
		"cmd":     {ArgVars: []string{"v=bad"}},
	} {
		cfg.Body = []byte(src)
		_, err := Parse(&cfg)
		want := "Invalid value for " + source + " variable; bad is bad"
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "input.hcl:5,3-13") {
			t.Errorf("%s: got %v, want %q and the place of the rule", source, err, want)
		}
	}
}

func TestStoredVariables(t *testing.T) {
	const src = "variable \"a\" {\n default = 1\n}\nvariable \"b\" {\n default = 1\n}\njob \"j\" {\n  name = \"${var.a}${var.b}\"\n}"
	paths := writeFiles(t, map[string]string{"a.hcl": "# first\na = 2\n", "b.hcl": "b = [\n  3,\n][0]\n", "b.json": `{"b": 4}`, "c.hcl": "b = 5"})
	tests := []struct {
		files []string
		want  string
		name  string
	}{
		{paths("a.hcl", "c.hcl"), "# first\na = 2\nb = 5", "25"},
		{paths("a.hcl", "b.json"), "a = 2\nb = 4\n", "24"},
		{paths("b.json", "a.hcl", "c.hcl"), "a = 2\nb = 5\n", "25"},
	}
	for _, tt := range tests {
		res, err := Parse(&Config{Body: []byte(src), VarFiles: tt.files, Strict: true})
		if err != nil {
			t.Error(err)
			continue
		}
		if res.Variables != tt.want || res.Job.Name != tt.name {
			t.Errorf("got %q and %q, want %q and %q", res.Variables, res.Job.Name, tt.want, tt.name)
		}
	}
}

func TestUndeclared(t *testing.T) {
	paths := writeFiles(t, map[string]string{"x.hcl": "nope = 1\n"})
	cases := map[string]Config{
		"flag": {ArgVars: []string{"nope=1"}},
		"file": {VarFiles: paths("x.hcl")},
		"text": {VarContent: "nope = 1"},
	}
	for name, cfg := range cases {
		cfg.Body = []byte(`job "j" {}`)
		res, err := Parse(&cfg)
		if err != nil || len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], `"nope"`) {
			t.Errorf("%s: lenient: %v, %v", name, res, err)
		}
		cfg.Strict = true
		if _, err := Parse(&cfg); err == nil || !strings.Contains(err.Error(), "Undeclared variable") {
			t.Errorf("%s: strict: %v", name, err)
		}
	}
	res, err := Parse(&Config{Body: []byte(`job "j" {}`), Envs: []string{"NOMAD_VAR_nope=1"}, Strict: true})
	if err != nil || len(res.Warnings) != 0 || len(res.VariableFlags) != 0 {
		t.Errorf("environment: %+v, %v", res, err)
	}
}

func TestVariableSourceErrors(t *testing.T) {
	// What a file or flag with a mistake would have set is not reported as unset.
	const src = "variable \"v\" {\n  default = 1\n}\nvariable \"w\" {}\njob \"j\" {}"
	paths := writeFiles(t, map[string]string{"decl.hcl": "variable \"v\" {}\n", "block.hcl": "x {}\n", "syntax.hcl": "v = = 1\n", "ref.hcl": "v = var.x\n", "fn.hcl": "v = upper(\"x\")\n"})
	tests := []struct {
		cfg  Config
		want string
	}{
		{Config{VarFiles: paths("missing.hcl")}, "Failed to read variable file"},
		{Config{VarFiles: paths("decl.hcl")}, "Variable declaration in a variable file"},
		{Config{VarFiles: paths("block.hcl")}, "Unexpected \"x\" block"},
		{Config{VarFiles: paths("syntax.hcl")}, "syntax.hcl:1,5-6: Invalid expression"},
		{Config{VarFiles: paths("ref.hcl")}, "Variables not allowed"},
		{Config{VarFiles: paths("fn.hcl")}, "Function calls not allowed"},
		{Config{VarContent: "v = {"}, "input.vars:1,"},
		{Config{VarContent: `{"v":`}, "input.vars:1,"},
		{Config{ArgVars: []string{"v"}}, "Invalid -var option"},
		{Config{ArgVars: []string{"=v"}}, "Invalid -var option"},
	}
	for _, tt := range tests {
		tt.cfg.Body = []byte(src)
		if _, err := Parse(&tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "Unset") {
			t.Errorf("%+v: got %v, want %q", tt.cfg, err, tt.want)
		}
	}
}

func TestTypelessVariables(t *testing.T) {
	src := "variable \"v\" {}\njob \"j\" {\n  name = jsonencode(var.v)\n}"
	res, err := Parse(&Config{Body: []byte(src), ArgVars: []string{`v=["a"]`}, Strict: true})
	if err != nil || res.Job.Name != `"[\"a\"]"` {
		t.Errorf("flag: %+v, %v", res, err)
	}
	res, err = Parse(&Config{Body: []byte(src), VarContent: `v = ["a"]`, Strict: true})
	if err != nil || res.Job.Name != `["a"]` {
		t.Errorf("file: %+v, %v", res, err)
	}
}
