// SPDX-License-Identifier: MPL-2.0

package template

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"text/template"
	"time"
)

// gen makes templates at random.
type gen struct {
	r *rand.Rand
	// vars and defs are the variables and templates that may be used, loops how many loops are around.
	vars, defs []string
	loops      int
}

func (g *gen) pick(s ...string) string { return s[g.r.IntN(len(s))] }

func (g *gen) operand(d int) string {
	opts := []string{".", ".A", ".M.k", ".M.none", ".L", ".N", ".Nil", "1", "2.5", `"a b"`, "`raw }} ( x`", `"q\"}}"`, `'x'`, "true", "nil", ".F.G", "$", "$.A", ".P", ".P.X", ".Str", ".Meth"}
	opts = append(opts, g.vars...)
	if d > 0 && g.r.IntN(3) == 0 {
		return "(" + g.sp() + g.pipeline(d-1) + g.sp() + ")" + g.pick("", "", "", ".X", ".k")
	}
	return opts[g.r.IntN(len(opts))]
}

func (g *gen) sp() string { return g.pick("", "", " ", "  ", "\n") }

func (g *gen) command(d int, first bool) string {
	switch g.r.IntN(5) {
	case 0, 1:
		if first {
			return g.operand(d)
		}
		fallthrough
	default:
		f := g.pick("id", "len", "printf \"%v|%v\"", "print", "html", "index .M", "index .L", "not", "and .A", "or .Nil", "eq 1", "lt 1", "upper", "list", "nothing", "fail", "slice .L", "call .Fn", "js", "println", "dict", "ptr", "ch")
		s := f
		for range g.r.IntN(3) {
			s += " " + g.operand(d-1)
		}
		return s
	}
}

func (g *gen) pipeline(d int) string {
	s := g.command(d, true)
	for range g.r.IntN(3) {
		s += g.sp() + "|" + g.sp() + g.command(d-1, false)
	}
	return s
}

func (g *gen) act(s string) string {
	return "{{" + g.pick("", " ", "- ", "\n") + s + g.pick("", " ", " -", "\n", "\n-") + "}}"
}

func (g *gen) block(d int) string {
	if d <= 0 {
		return g.pick("t", " x\n", "\n\n", "é ")
	}
	n := len(g.vars)
	defer func() { g.vars = g.vars[:n] }()
	var b strings.Builder
	for range 1 + g.r.IntN(4) {
		switch g.r.IntN(14) {
		case 0, 1, 2:
			b.WriteString(g.pick("text ", "\n a\n", "}", "{ (", "\"", "é\n"))
		case 3, 4:
			b.WriteString(g.act(g.pipeline(2)))
		case 5:
			v := fmt.Sprintf("$v%d", g.r.IntN(4))
			p := g.pipeline(2)
			b.WriteString(g.act(v + g.pick(" := ", ":=", " :=\n") + p))
			g.vars = append(g.vars, v)
		case 6:
			if len(g.vars) > 0 {
				b.WriteString(g.act(g.vars[g.r.IntN(len(g.vars))] + " = " + g.pipeline(1)))
			}
		case 7:
			b.WriteString(g.act("if "+g.pick("", "$c := ")+g.pipeline(1)) + g.block(d-1))
			for range g.r.IntN(3) {
				b.WriteString(g.act("else if "+g.pipeline(1)) + g.block(d-1))
			}
			if g.r.IntN(2) == 0 {
				b.WriteString(g.act("else") + g.block(d-1))
			}
			b.WriteString(g.act("end"))
		case 8:
			b.WriteString(g.act("with "+g.pick("", "$w := ")+g.pipeline(1)) + g.block(d-1))
			if g.r.IntN(3) == 0 {
				b.WriteString(g.act("else with "+g.pipeline(1)) + g.block(d-1))
			}
			if g.r.IntN(2) == 0 {
				b.WriteString(g.act("else") + g.block(d-1))
			}
			b.WriteString(g.act("end"))
		case 9, 10:
			decl := g.pick("", "$e := ", "$i, $e := ", "$i,$e:=")
			m := len(g.vars)
			pipe := g.pick(".L", ".M", "3", ".Nil", "(list 1 2)", "ch", "list .A .N", g.pipeline(1))
			if decl != "" {
				g.vars = append(g.vars, "$e")
			}
			g.loops++
			b.WriteString(g.act("range "+decl+pipe) + g.block(d-1))
			if g.r.IntN(4) == 0 {
				b.WriteString(g.act(g.pick("break", "continue")) + "z")
			}
			g.loops--
			g.vars = g.vars[:m]
			if g.r.IntN(3) == 0 {
				b.WriteString(g.act("else") + g.block(d-1))
			}
			b.WriteString(g.act("end"))
		case 11:
			b.WriteString(g.pick("{{/* c }} */}}", "{{- /* c */ -}}", "{{/* a */ -}}"))
		case 12:
			if len(g.defs) > 0 {
				b.WriteString(g.act("template \"" + g.defs[g.r.IntN(len(g.defs))] + "\"" + g.pick("", " .", " "+g.pipeline(1))))
			}
		case 13:
			if g.loops > 0 {
				b.WriteString(g.act("if "+g.pipeline(1)) + g.act(g.pick("break", "continue")) + g.act("end"))
			}
		}
	}
	return b.String()
}

func (g *gen) all() string {
	var b strings.Builder
	for i := range g.r.IntN(3) {
		name := fmt.Sprintf("d%d", i)
		b.WriteString(g.act("define \""+name+"\"") + g.block(2) + g.act("end"))
		g.defs = append(g.defs, name)
	}
	if g.r.IntN(3) == 0 {
		b.WriteString(g.act("block \"blk\" .") + g.block(2) + g.act("end"))
	}
	b.WriteString(g.block(3))
	return b.String()
}

type stringer struct{ X int }

// String implements fmt.Stringer for pointers only.
func (s *stringer) String() string { return "stringer" }

type random struct {
	A   string
	N   int
	M   map[string]any
	L   []any
	Nil any
	F   struct{ G []string }
	P   *stringer
	Str stringer
	Fn  func(...any) string
}

// Meth takes what it is given.
func (*random) Meth(args ...any) string { return fmt.Sprint("m", len(args)) }

// addresses differ between two runs.
var addresses = regexp.MustCompile(`0[xX][0-9a-fA-F]+`)

// TestWatchedAtRandom executes templates as they are and as they are watched: the output is the same, and whether there is an
// error, which does not name the calls that were added.
func TestWatchedAtRandom(t *testing.T) {
	funcs := template.FuncMap{
		"id": func(v any) any { return v }, "upper": strings.ToUpper, "list": func(v ...any) []any { return v },
		"nothing": func(...any) any { return nil },
		"fail": func(v ...any) (string, error) {
			if len(v) > 1 {
				return "", errors.New("failed")
			}
			return "ok", nil
		},
		"dict": func(v ...any) map[string]any { return map[string]any{"k": len(v), "X": 1} },
		"ptr":  func(...any) *stringer { return nil },
		"ch": func(...any) <-chan int {
			c := make(chan int, 2)
			c <- 1
			c <- 2
			close(c)
			return c
		},
	}
	data := &random{
		A: "a<b", N: 3, M: map[string]any{"k": "v", "n": nil}, L: []any{1, "x", nil}, P: &stringer{},
		Fn: func(v ...any) string { return fmt.Sprint(len(v)) },
	}
	const templates = 5000
	executed := 0
	for seed := range uint64(templates) {
		g := &gen{r: rand.New(rand.NewPCG(seed, 9))}
		text, left, right := g.all(), "{{", "}}"
		if seed%5 == 0 {
			left, right = "<<", ">>"
			text = strings.NewReplacer("{{", left, "}}", right).Replace(text)
		}
		execute := func(text string, extra template.FuncMap) (out string, parsed bool, err error) {
			tmpl, err := template.New("").Delims(left, right).Funcs(funcs).Funcs(extra).Parse(text)
			if err != nil {
				return "", false, err
			}
			if seed%2 == 0 {
				tmpl.Option("missingkey=error")
			}
			var b bytes.Buffer
			err = tmpl.Execute(&b, data)
			return addresses.ReplaceAllString(b.String(), "0x0"), true, err
		}
		trees, err := parseText(text, left, right)
		want, parsed, wantErr := execute(text, nil)
		if err != nil || !parsed {
			continue
		}
		executed++
		w := watch(text, left, right, trees)
		got, _, gotErr := execute(w.text, (&guard{ctx: t.Context(), ends: time.Now().Add(time.Hour)}).functions())
		if got != want || (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("seed %d: got %q, %v, want %q, %v of\n%s\nwatched as\n%s", seed, got, gotErr, want, wantErr, text, w.text)
		}
		if gotErr == nil {
			continue
		}
		if said := w.explain(text, gotErr.Error()); strings.Contains(said, ":-") || regexp.MustCompile(`\b_(text|out|pass|keep)\b`).MatchString(said) {
			t.Errorf("seed %d: the error is %q, that of the original %q", seed, said, wantErr)
		}
	}
	if executed < templates/2 {
		t.Errorf("only %d of %d templates were executed", executed, templates)
	}
}
