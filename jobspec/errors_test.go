// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestErrorCorpus(t *testing.T) {
	for _, path := range matches(t, "testdata/errors/*.hcl") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(&Config{Path: filepath.Base(path), Body: src, Strict: true})
			if err == nil {
				t.Fatal("no error")
			}
			var diags *Diagnostics
			if !errors.As(err, &diags) {
				t.Fatalf("the error is a %T", err)
			}
			golden(t, strings.TrimSuffix(path, ".hcl")+".golden", []byte(err.Error()+"\n"))
			if diags.Len() == 0 || strings.Count(diags.Snippets(), "Error: ") != diags.Len() {
				t.Errorf("%d problems, snippets:\n%s", diags.Len(), diags.Snippets())
			}
		})
	}
}

func TestSnippets(t *testing.T) {
	_, err := Parse(&Config{Body: []byte("job \"j\" {\n  count = 1\n}\n")})
	var diags *Diagnostics
	if !errors.As(err, &diags) {
		t.Fatalf("got %v", err)
	}
	want := `Error: Unsupported argument

  on input.hcl line 2, in job "j":
   2:   count = 1

An argument named "count" is not expected here.

`
	if got := diags.Snippets(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got, want := err.Error(), `input.hcl:2,3-8: Unsupported argument; An argument named "count" is not expected here.`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var coloured strings.Builder
	if err := diags.WriteSnippets(&coloured, 40, true); err != nil || !strings.Contains(coloured.String(), "\x1b[") {
		t.Errorf("no colour: %q, %v", coloured.String(), err)
	}
}

// TestTooComplex feeds input that would overflow the stack of a recursive parser or evaluator.
func TestTooComplex(t *testing.T) {
	const n = 200_000
	wrap := func(expr string) string { return "job \"j\" {\n  name = " + expr + "\n}\n" }
	tests := map[string]string{
		"parentheses":   wrap(strings.Repeat("(", n)),
		"lists":         wrap(strings.Repeat("[", n)),
		"objects":       wrap(strings.Repeat("{a=", n)),
		"blocks":        strings.Repeat("a {\n", n),
		"templates":     wrap(strings.Repeat(`"${`, n)),
		"negations":     wrap(strings.Repeat("!", n) + "true"),
		"sums":          wrap("1" + strings.Repeat("+1", n)),
		"broken sums":   wrap("(1" + strings.Repeat("+\n1", n) + ")"),
		"conditionals":  wrap(strings.Repeat("true ? 1 : ", n) + "1"),
		"indexes":       wrap("local.a" + strings.Repeat("[0]", n)),
		"words":         wrap("[" + strings.Repeat("a,", 600_000) + "]"),
		"empty lines":   strings.Repeat("\n", 1_100_000),
		"if directives": wrap(`"` + strings.Repeat("%{if true}", n) + `"`),
		"json lists":    `{"job":{"j":{"meta":` + strings.Repeat("[", n) + `}}}`,
		"json template": `{"job":{"j":{"name":"` + strings.Repeat("${(", n) + `"}}}`,
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(&Config{Body: []byte(src)})
			if err == nil || !strings.Contains(err.Error(), "Input too complex") {
				t.Errorf("got %.200v", err)
			}
		})
	}
	text := `variable "v" {
  type = any
}
job "j" {}`
	_, err := Parse(&Config{Body: []byte(text), ArgVars: []string{"v=" + strings.Repeat("(", n)}})
	if err == nil || !strings.Contains(err.Error(), "Input too complex") {
		t.Errorf("variable: got %.200v", err)
	}
	if _, err := Parse(&Config{Body: []byte(text), VarContent: "v = " + strings.Repeat("[", n)}); err == nil || !strings.Contains(err.Error(), "Input too complex") {
		t.Errorf("variable file: got %.200v", err)
	}
}

// numbered returns format with the numbers below n, one after the other.
func numbered(format string, n int) string {
	var out strings.Builder
	for i := range n {
		fmt.Fprintf(&out, format, i)
	}
	return out.String()
}

// TestBudget evaluates small files that describe endless work or text.
func TestBudget(t *testing.T) {
	doubling := "locals {\n  a0 = \"0123456789\"\n"
	for i := range 60 {
		doubling += fmt.Sprintf("  a%d = \"${local.a%d}${local.a%d}\"\n", i+1, i, i)
	}
	big, _, _ := strings.Cut(doubling, "  a19 =")
	big += "}\n"
	name := func(expr string) string { return "job \"j\" {\n  name = " + expr + "\n}\n" }
	aliases := "a0: &a0 [x]\\n"
	for i := range 30 {
		aliases += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\\n", i+1, i+1, i, i)
	}
	tests := map[string]string{
		"for":               name("jsonencode([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : [for d in range(1000) : 1]]]])"),
		"swallowed":         name("jsonencode([for a in range(9) : can([for b in range(1000) : [for c in range(1000) : 1]])])"),
		"template":          name("\"" + strings.Repeat("%{ for a in range(1000) }", 4) + "x" + strings.Repeat("%{ endfor }", 4) + "\""),
		"dynamic":           "job \"j\" {\n" + strings.Repeat("dynamic \"group\" {\nfor_each = range(1000)\nlabels = [\"g\"]\ncontent {\n dynamic \"task\" {\nfor_each = range(1000)\nlabels = [\"t\"]\ncontent {}\n}\n}\n}\n", 3) + "}\n",
		"doubling":          doubling + "}\n" + name("local.a60"),
		"references":        big + name("\""+strings.Repeat("${local.a18}", 1000)+"\""),
		"loop":              big + name("join(\"\", [for i in range(1000) : \"${i}${local.a18}\"])"),
		"replace":           big + name("replace(local.a18, \"1\", local.a18)"),
		"regex":             big + name("regex_replace(local.a18, \"1\", local.a18)"),
		"join":              big + name("join(local.a18, range(1000))"),
		"calls":             name("[for a in range(1000) : [for b in range(40) : range(1000)[0]]][0][0]"),
		"parts":             name("length(flatten([for a in range(1000) : range(1000)]))"),
		"aliases":           name("yamldecode(\"" + aliases + "\").a0[0]"),
		"values":            big + "job \"j\" {\n  meta {\n" + numbered("    m%d = \"${local.a18}x\"\n", 100) + "  }\n}\n",
		"references of all": big + "job \"j\" {\n  meta {\n" + numbered("    m%d = local.a18 == \"x\"\n", 150) + "  }\n}\n",
		"format":            name("format(\"%999999999d\", 1)"),
		"precision":         name("join(\"\", formatlist(\"%.99999f\", [1]))"),
	}
	for label, src := range tests {
		t.Run(label, func(t *testing.T) {
			_, err := Parse(&Config{Body: []byte(src)})
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error()
			if !strings.Contains(text, "Input too complex") && !strings.Contains(text, "might be longer") && !strings.Contains(text, "more than 4 digits") && !strings.Contains(text, "aliases replaced") {
				t.Errorf("got %.300s", text)
			}
		})
	}
	table := "locals {\n  rows = [for i in range(1000) : { name = \"a row of a table\", number = i }]\n}\n"
	table += "job \"j\" {\n  dynamic \"group\" {\n    for_each = range(1000)\n    labels = [\"g${group.value}\"]\n    content {\n      meta {\n" +
		numbered("        m%d = local.rows[group.value].name\n", 20) + "      }\n    }\n  }\n}\n"
	if _, err := Parse(&Config{Body: []byte(table)}); err != nil {
		t.Errorf("a table in which 20000 values are looked up: %v", err)
	}
	for _, expr := range []string{`yamldecode("a: &a [x, y]\nb: [*a, *a]").b[1][1]`, `format("100%% of %s 2024123456 %04d", "x", 7)`, `join(",", [for i in range(1000) : "${i}"])`} {
		if _, err := Parse(&Config{Body: []byte(name(expr))}); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

// TestLongNumbers reads numbers of more digits than anybody could write, each in a few bytes of a file or in many.
func TestLongNumbers(t *testing.T) {
	long := strings.Repeat("9", 2_000_000)
	with := func(head, expr string) string { return head + "\njob \"j\" {\n  name = " + expr + "\n}\n" }
	name := func(expr string) string { return with("", expr) }
	squares := "locals {\n  a0 = 1e1000\n"
	for i := range 20 {
		squares += fmt.Sprintf("  a%d = local.a%d * local.a%d\n", i+1, i, i)
	}
	tests := map[string]string{
		"literal":           name("1e600000000"),
		"template":          name("\"${1e600000000}\""),
		"small":             name("\"x${-1e-600000000}\""),
		"many digits":       name(long),
		"fraction":          name("0." + long),
		"remainder":         name("1e600000000 % 7"),
		"remainder of text": name("\"1e600000000\" % 7"),
		"digits of text":    name("\"" + long + "\" % 7"),
		"product":           with(squares+"}", "local.a20"),
		"product inside":    name("\"${[for i in range(9) : 1e1000 * 1e1000 * 1e1000 * 1e1000][0]}\""),
		"argument":          name("floor(\"1e600000000\")"),
		"more arguments":    name("max(1, 2, \"1e600000000\")"),
		"integer":           name("parseint(\"" + long + "\", 10)"),
		"letters":           name("parseint(\"" + strings.Repeat("z", 2_000_000) + "\", 36)"),
		"format":            name("format(\"%d\", \"1e600000000\")"),
		"list":              name("formatlist(\"%d\", [1, \"1e600000000\"])"),
		"JSON":              name("jsondecode(\"[1e600000000]\")[0]"),
		"digits of JSON":    name("jsondecode(\"[" + long + "]\")[0]"),
		"YAML":              name("yamldecode(\"[1e600000000]\")[0]"),
		"conversion":        name("convert([\"1e600000000\"], list(number))[0]"),
		"index":             name("[1e600000000][\"0\"]"),
		"default":           with("variable \"v\" {\n  type = string\n  default = 1e600000000\n}", "var.v"),
		"default text":      with("variable \"v\" {\n  type = number\n  default = \"1e600000000\"\n}", "var.v"),
		"description":       with("variable \"v\" {\n  description = 1e600000000\n  default = 1\n}", "var.v"),
		"count":             "job \"j\" {\n  group \"g\" {\n    count = \"1e600000000\"\n  }\n}\n",
		"whole":             "job \"j\" {\n  priority = \"1e600000000\"\n}\n",
		"JSON file":         `{"job":{"j":{"meta":{"a":1e600000000}}}}`,
		"digits of a file":  `{"job":{"j":{"meta":{"a":` + long + `}}}}`,
	}
	for label, src := range tests {
		t.Run(label, func(t *testing.T) {
			_, err := Parse(&Config{Body: []byte(src)})
			if err == nil || !strings.Contains(err.Error(), "1200 digits in a number") && !strings.Contains(err.Error(), "bytes of values") {
				t.Errorf("got %.300v", err)
			}
		})
	}
	declared := with("variable \"n\" {\n  type = number\n  default = 1\n}\nvariable \"s\" {\n  type = string\n  default = \"\"\n}", "\"${var.n}${var.s}\"")
	for label, cfg := range map[string]*Config{
		"flag": {ArgVars: []string{"n=1e600000000"}}, "file": {VarContent: "s = 1e600000000"}, "digits of a flag": {ArgVars: []string{"n=" + long}},
	} {
		t.Run(label, func(t *testing.T) {
			cfg.Body = []byte(declared)
			if _, err := Parse(cfg); err == nil || !strings.Contains(err.Error(), "1200 digits in a number") {
				t.Errorf("got %.300v", err)
			}
		})
	}
	for _, expr := range []string{"\"${1e308} ${-4.9e-324} ${1 / 3} ${2e3 % 7}\"", "format(\"%s\", \"1e9 and more\")", "\"" + long + "\"", "upper(\"" + long + "\")"} {
		if _, err := Parse(&Config{Body: []byte(name(expr))}); err != nil {
			t.Errorf("%.60s: %.300v", expr, err)
		}
	}
}

// TestTimeOfExpressions: what came over the network has its expressions evaluated for a limited time, which is told once.
func TestTimeOfExpressions(t *testing.T) {
	src := "locals {\n  a = [for i in range(3) : upper(\"x\")]\n}\njob \"j\" {\n  meta {\n" + numbered("    m%d = upper(\"x\")\n", 100) + "  }\n}\n"
	d := newDecoder()
	d.left.ends = time.Unix(1, 0)
	d.parse(&Config{Body: []byte(src)}, "j.hcl")
	if len(d.diags) != 1 || !strings.Contains(d.diags[0].Detail, "take longer than") {
		t.Errorf("when the time is over: %v", d.diags)
	}

	d = newDecoder()
	if d.parse(&Config{Body: []byte(src), AllowFS: true}, "j.hcl"); d.diags.HasErrors() || !d.left.ends.IsZero() {
		t.Errorf("a user's own file: %v, until %v", d.diags, d.left.ends)
	}
	d = newDecoder()
	if d.parse(&Config{Body: []byte(src)}, "j.hcl"); d.diags.HasErrors() || d.left.ends.IsZero() {
		t.Errorf("the file of another: %v, until %v", d.diags, d.left.ends)
	}
}

// TestInfiniteNumbers expects numbers that JSON cannot say to be refused where they stand.
func TestInfiniteNumbers(t *testing.T) {
	for _, expr := range []string{"1e999", "-1e999", "1e999999999", "1/0", "[{ a = pow(10, 1000) }]"} {
		src := "job \"j\" {\n  group \"g\" {\n    task \"t\" {\n      config {\n        n = " + expr + "\n      }\n    }\n  }\n}\n"
		_, err := Parse(&Config{Body: []byte(src)})
		if err == nil || !strings.Contains(err.Error(), "input.hcl:5,13-") || !strings.Contains(err.Error(), "a number must be between -1.8e308 and 1.8e308") {
			t.Errorf("%s: %v", expr, err)
		}
	}
}

// TestLargeFile makes sure that the limits on complexity are no limits on size.
func TestLargeFile(t *testing.T) {
	var src strings.Builder
	src.WriteString("job \"j\" {\n")
	for range 3000 {
		src.WriteString("  constraint {\n    attribute = \"${attr.a.b.c}\"\n    value = \"${1 + 1}\"\n  }\n")
	}
	src.WriteString("  meta = {\n    list = join(\",\", [" + strings.Repeat("upper(\"x\"), -1 + 2, ", 5000) + "])\n  }\n}\n")
	res, err := Parse(&Config{Body: []byte(src.String()), AllowFS: true}) // without the limit of time
	if err != nil {
		t.Fatal(err)
	}
	if got := len(res.Job.Constraints); got != 3000 {
		t.Errorf("%d constraints", got)
	}
}
