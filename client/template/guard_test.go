// SPDX-License-Identifier: MPL-2.0

package template

import (
	"context"
	"errors"
	"strings"
	"testing"

	ct "github.com/hashicorp/consul-template/template"

	"github.com/nomadlike/nomadlike/api"
)

// TestBounds has templates that want more than an agent has.
func TestBounds(t *testing.T) {
	for name, test := range map[string]struct{ text, fails string }{
		"repeat":             {`{{ sprig_repeat 1000000000 "x" }}`, `:1:3: executing "" at <sprig_repeat 1000000000 "x">: error calling sprig_repeat: the result would be bigger`},
		"until":              {`{{ range sprig_until 1000000000 }}{{ end }}`, "would be bigger"},
		"until less":         {`{{ range sprig_until -1000000000 }}{{ end }}`, "would be bigger"},
		"steps":              {`{{ range sprig_untilStep 0 1000000000 2 }}{{ end }}`, "would be bigger"},
		"steps past the end": {`{{ range sprig_untilStep -1 -10 -9223372036854775807 }}{{ end }}`, "would be bigger"},
		"seq":                {`{{ sprig_seq 1 2 1000000000 }}`, "would be bigger"},
		"indent":             {`{{ "x" | indent 1000000000 }}`, "would be bigger"},
		"indent of Sprig":    {`{{ "x" | sprig_indent 1000000000 }}`, "would be bigger"},
		"nindent":            {`{{ "x" | sprig_nindent 1000000000 }}`, "would be bigger"},
		"width":              {`{{ printf (sprig_repeat 100 "%1000000d") 1 }}`, "would be bigger"},
		"precision":          {`{{ printf (sprig_repeat 100 "%.1000000f") 1.0 }}`, "would be bigger"},
		"width elsewhere":    {`{{ printf (sprig_repeat 100 "%[1]*[2]d") 1000000 1 }}`, "would be bigger"},
		"argument again":     {`{{ $x := sprig_repeat 1000000 "x" }}{{ printf (sprig_repeat 100 "%[1]s") $x }}`, "would be bigger"},
		"replace":            {`{{ $x := sprig_repeat 100000 "x" }}{{ $x | replaceAll "x" $x }}`, "would be bigger"},
		"replace of Sprig":   {`{{ $x := sprig_repeat 100000 "x" }}{{ $x | sprig_replace "x" $x }}`, "would be bigger"},
		"expression":         {`{{ $x := sprig_repeat 100000 "x" }}{{ $x | regexReplaceAll "x" $x }}`, "would be bigger"},
		"submatches":         {`{{ $x := sprig_repeat 100000 "x" }}{{ regexReplaceAll "(.*)" (sprig_repeat 10000 "$1") $x }}`, "would be bigger"},
		"expression, Sprig":  {`{{ $x := sprig_repeat 100000 "x" }}{{ sprig_regexReplaceAll "x" $x $x }}`, "would be bigger"},
		"join":               {`{{ $x := sprig_repeat 100000 "x" }}{{ split "" $x | join $x }}`, "would be bigger"},
		"join of Sprig":      {`{{ $x := sprig_repeat 100000 "x" }}{{ split "" $x | sprig_join $x }}`, "would be bigger"},
		"wrap":               {`{{ $x := sprig_repeat 100000 "x" }}{{ sprig_wrapWith 1 $x $x }}`, "would be bigger"},
		"split":              {`{{ $x := sprig_repeat 10000000 "x" }}{{ len (split "" $x) }}`, "would be bigger"},
		"double":             {`{{ $x := "x" }}{{ range loop 100 }}{{ $x = print $x $x }}{{ end }}`, "a value is bigger"},
		"double by printf":   {`{{ $x := "x" }}{{ range loop 100 }}{{ $x = printf "%s%s" $x $x }}{{ end }}`, "would be bigger"},
		"double lists":       {`{{ $x := sprig_list 1 }}{{ range loop 100 }}{{ $x = sprig_list $x $x }}{{ end }}`, "a value is bigger"},
		"map in itself":      {`{{ $x := sprig_dict }}{{ $y := sprig_set $x "x" $x }}{{ $x }}`, "holds itself"},
		"map in itself, as an argument": {
			`{{ $x := sprig_dict }}{{ toYAML (sprig_set $x "x" $x) }}`, "holds itself",
		},
		"map in itself, merged":  {`{{ $x := sprig_dict }}{{ mergeMap $x (sprig_dict "x" $x) | toYAML }}`, "holds itself"},
		"map in itself, noted":   {`{{ scratch.MapSet "m" "k" 1 }}{{ $m := scratch.Get "m" }}{{ scratch.MapSet "m" "k" $m }}{{ toYAML $m }}`, "holds itself"},
		"map in itself, noted X": {`{{ scratch.MapSetX "m" "k" 1 }}{{ $m := scratch.Get "m" }}{{ scratch.MapSetX "m" "l" $m }}{{ toYAML $m }}`, "holds itself"},
		"output":                 {`{{ $x := sprig_repeat 1000000 "x" }}{{ range loop 100 }}{{ $x }}{{ end }}`, "it renders more than 67108864 bytes"},
		"text":                   {`{{ range 1000000 }}` + strings.Repeat("x", 1000) + `{{ end }}`, "it renders more than"},
		"text in templates":      {`{{ define "x" }}` + strings.Repeat("x", 100_000) + `{{ end }}{{ range 1000 }}{{ template "x" }}{{ end }}`, "it renders more than"},
		"variables":              {`{{ define "x" }}{{ $x := sprig_repeat 50000000 "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, "its variables hold more than"},
		"arguments":              {`{{ define "x" }}{{ template "x" (sprig_repeat 50000000 "x") }}{{ end }}{{ template "x" }}`, "its variables hold more than"},
		"recursion of all": {
			strings.Repeat("{{ if true }}", 9) + `{{ template "" }}` + strings.Repeat("{{ end }}", 9), `template "" calls itself from within more than`,
		},
		"recursion of one that is named like all": {
			`{{ define "template" }}` + strings.Repeat("{{ if true }}", 9) + `{{ template "template" }}` + strings.Repeat("{{ end }}", 9) + `{{ end }}`, `template "template" calls itself`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			err := r.ready(r.start(&api.Template{EmbeddedTmpl: test.text}))
			if err == nil || !strings.Contains(err.Error(), test.fails) || !strings.HasPrefix(err.Error(), "local/out: ") && !strings.Contains(err.Error(), "(local/out): ") {
				t.Errorf("got %v, want an error with %q", err, test.fails)
			}
		})
	}
}

// TestEndless ends templates that would go on for longer than anyone waits.
func TestEndless(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for name, text := range map[string]string{
		"number":    `{{ range 9000000000000000000 }}{{ end }}`,
		"loop":      `{{ range loop 9000000000000000000 }}{{ end }}`,
		"trimmed":   `{{ range loop 9000000000000000000 -}} {{- end }}`,
		"two loops": `{{ range 9000000000 }}{{ range 9000000000 }}{{ continue }}{{ end }}{{ end }}`,
		"else":      `{{ range 0 }}{{ else }}{{ range 9000000000000000000 }}{{ if false }}{{ end }}{{ end }}{{ end }}`,
		"templates": `{{ define "x" }}{{ if . }}{{ template "x" (subtract 1 .) }}{{ template "x" (subtract 1 .) }}{{ end }}{{ end }}{{ template "x" 90 }}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			m := newManager(func() {}, r.task([]*api.Template{{EmbeddedTmpl: text}}))
			if err := m.load(); err != nil {
				t.Fatal(err)
			}
			m.longest = 0
			if _, _, err := m.pass(t.Context(), true); !errors.Is(err, errTime) {
				t.Errorf("after its time: %v", err)
			}
			m.longest = maxTime
			if _, _, err := m.pass(stopped, true); !errors.Is(err, errStopped) {
				t.Errorf("after its task: %v", err)
			}
		})
	}
}

// TestWatched compares what templates render, and say of their errors, with what they do by themselves.
func TestWatched(t *testing.T) {
	for _, test := range []struct{ text, left, right string }{
		{text: "plain\n"},
		{text: " \n{{- /* c */ -}}\n a {{- \" b \" -}} c\n"},
		{text: `{{ "}}" }}{{ '}' }}{{ "\"}}" }}` + "{{ `}}\\` }}x"},
		{text: `{{ define "x" -}} <{{ . }}> {{- end }}{{ template "x" 1 }}{{ template "x" (add 1 2) -}} y {{ block "z" "a" | toUpper }}{{ . }}{{ end }}`},
		{text: `{{ define "x" }} {{ end }}{{ define "x" }}y{{ end }}{{ define "x" }}{{ end }}{{ template "x" }}`},
		{text: `{{ range $i, $x := loop 5 8 -}} {{ $i }}={{ $x }}, {{ else }}none{{ end }}{{ range loop "3" }}{{ . }}{{ if eq . 1 }}{{ break }}{{ end }}{{ end }}`},
		{text: `{{ range $i, $x := split "," "a,b" }}{{ if $i }}, {{ else if not $i }}- {{ end }}{{ $x | toUpper | sprig_repeat 2 | printf "%3s|%v" "x" }}{{ end }}`},
		{text: `{{ range loop 2 1 }}x{{ else }}y{{ end }}{{ with $x := "" }}{{ $x }}{{ else with "z" | toUpper }}{{ . }}{{ end }}`},
		{text: `{{ $x := parseJSON "{\"a\": [1, null, {\"b\": 1.5}], \"c\": null}" }}{{ $x }}{{ $x.a }}{{ $x.none }}{{ $x.c }}{{ (index $x.a 2).b }}{{ index $x.a 1 }}`},
		{text: `{{ $x := 1 }}{{ $x = add $x (multiply 2 (add 1 1)) }}{{ $x }}{{ true }}{{ 1.0 }}{{ 'a' }}{{ len "abc" }}{{ and 1 "" }}{{ or "" 0 "x" }}{{ not 1 }}`},
		{text: `{{ scratch.Set "a" 1 }}{{ scratch.Get "a" }}{{ scratch.MapSet "m" "k" "v" }}{{ range scratch.MapValues "m" }}{{ . }}{{ end }}{{ (scratch.Get "m").k | toUpper }}{{ scratch.Key "b" }}{{ $s := scratch }}{{ $s.Get "a" }}`},
		{text: "{{ indent 2 \"a\\n\\nb\\n\" }}|{{ sprig_indent 2 \"a\\n\\nb\" }}|{{ \"a b\" | regexReplaceAll \"(a)\" \"$1$1\" }}{{ replaceAll \"a\" \"b\" \"aa\" }}{{ split \",\" \" a,b \" | join \"-\" }}{{ split \",\" \" \" }}"},
		{text: "{{ print 1 2 \"x\" }}{{ println 1 }}{{ html \"<\" }}{{ js \"'\" }}{{ urlquery \"&\" }}{{ sprig_untilStep 3 0 -1 }}{{ sprig_seq 3 }}{{ \"2026-01-02\" | sprig_toDate \"2006-01-02\" }}"},
		{text: `<< "a" >><< range $x := loop 2 ->> {{ << $x >> <<- end >>`, left: "<<", right: ">>"},
		{text: "a\n{{ $x := 1 }}{{ add 1 2 }} b {{ toUpper \"x\" }}{{ $x.y | toUpper }}"},
		{text: "a {{ range loop 2 }}\n\n text {{ toUpper \"x\" }} {{ loop true }}\n{{ end }}"},
		{text: "{{ toUpper (toLower (index (split \",\" \"a\") 5)) }}"},
		{text: "{{ nil }}"},
		{text: "{{ none }}"},
		{text: "{{ if }}"},
		{text: "{{ indent -1 \"x\" }}"},
		{text: "{{ loop \"x\" }}"},
		{text: "{{ range $x, $y := 3 }}{{ end }}"},
		{text: "{{ loop 1 }}"},
		{text: "{{ template \"none\" (toUpper \"x\") }}"},
		{text: "{{ sprig_fail \"no\" }}"},
	} {
		t.Run(test.text, func(t *testing.T) {
			execute := func(text string, funcs map[string]any) (string, string) {
				tmpl, err := ct.NewTemplate(&ct.NewTemplateInput{Contents: text, LeftDelim: test.left, RightDelim: test.right, ExtFuncMap: funcs})
				if err != nil {
					t.Fatal(err)
				}
				out, err := tmpl.Execute(&ct.ExecuteInput{Brain: ct.NewBrain()})
				if err != nil {
					return "", err.Error()
				}
				return string(out.Output), ""
			}
			out, failed := execute(test.text, nil)

			r := newRig(t)
			err := r.ready(r.start(&api.Template{EmbeddedTmpl: test.text, LeftDelim: test.left, RightDelim: test.right}))
			if failed != "" {
				if err == nil || err.Error() != "local/out: "+failed {
					t.Errorf("got the error\n%v, want\n%s", err, failed)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := r.read(taskName + "/local/out"); got != out {
				t.Errorf("got\n%s\nwant\n%s", got, out)
			}
		})
	}
}
