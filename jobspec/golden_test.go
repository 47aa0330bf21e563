// SPDX-License-Identifier: MPL-2.0

package jobspec

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files instead of comparing with them")

// golden compares got with the file, or writes it.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// matches returns the files of a testdata pattern, of which there must be some.
func matches(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files match %s: %v", pattern, err)
	}
	return paths
}

func parseFile(t *testing.T, path string) *api.Job {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	res, err := Parse(&Config{Path: filepath.Base(path), Body: src, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Warnings) > 0 {
		t.Errorf("warnings: %q", res.Warnings)
	}
	return res.Job
}

func TestGolden(t *testing.T) {
	for _, path := range matches(t, "testdata/golden/*.hcl") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			got := setFields(t, parseFile(t, path))
			golden(t, strings.TrimSuffix(path, ".hcl")+".golden", got)
		})
	}
}

// setFields returns the JSON of every field of v that is set: zero values are left out, pointers to
// them are not.
func setFields(t *testing.T, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(onlySet(reflect.ValueOf(v))); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func onlySet(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return onlySet(v.Elem())
	case reflect.Struct:
		out := map[string]any{}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "_" && !v.Field(i).IsZero() {
				out[f.Name] = onlySet(v.Field(i))
			}
		}
		return out
	case reflect.Slice:
		out := []any{}
		for i := range v.Len() {
			out = append(out, onlySet(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := map[string]any{}
		for _, k := range v.MapKeys() {
			out[k.String()] = onlySet(v.MapIndex(k))
		}
		return out
	}
	return v.Interface()
}

// TestGoldenCoverage fails when a tagged field of the job file language is set by no golden job.
func TestGoldenCoverage(t *testing.T) {
	set := map[string]bool{}
	for _, path := range matches(t, "testdata/golden/*.hcl") {
		markSet(reflect.ValueOf(parseFile(t, path)), set)
	}
	seen := map[reflect.Type]bool{}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		s := schemaOf(typ)
		for _, f := range s.fields {
			name := typ.Name() + "." + typ.FieldByIndex(f.index).Name
			if !set[name] {
				t.Errorf("%s (%q in the file) is set by no golden job", name, f.name)
			}
			if f.elem != nil {
				walk(f.elem)
			}
		}
	}
	walk(reflect.TypeFor[api.Job]())
	if len(seen) < 50 {
		t.Errorf("only %d types were visited", len(seen))
	}
}

func markSet(v reflect.Value, set map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			markSet(v.Elem(), set)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				set[v.Type().Name()+"."+v.Type().Field(i).Name] = true
				markSet(v.Field(i), set)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			markSet(v.Index(i), set)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			markSet(v.MapIndex(k), set)
		}
	}
}

// recorded reads an exchange with the reference.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "api", "testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestRecorded(t *testing.T) {
	for _, name := range []string{"jobs-parse", "jobs-parse-canonicalize"} {
		t.Run(name, func(t *testing.T) {
			var req struct {
				JobHCL       string
				Canonicalize bool
			}
			if err := json.Unmarshal(recorded(t, name+".request.json"), &req); err != nil {
				t.Fatal(err)
			}
			res, err := Parse(&Config{Body: []byte(req.JobHCL)})
			if err != nil {
				t.Fatal(err)
			}
			form := typeinfo.Input
			if req.Canonicalize {
				res.Job.CanonicalizeInput()
				form = typeinfo.Canonical
			}
			text, err := typeinfo.Marshal(res.Job, form)
			if err != nil {
				t.Fatal(err)
			}
			var got, want any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(recorded(t, name+".json"), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-reference +ours):\n%s", diff)
			}
		})
	}
}
