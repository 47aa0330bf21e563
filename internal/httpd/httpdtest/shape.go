// SPDX-License-Identifier: MPL-2.0

// Package httpdtest holds what tests of the HTTP API share: reading recorded answers of the reference and
// comparing the shape of an answer with one of them. Shape means field names, kinds of values and which
// fields are there; the values themselves differ between runs. Only tests import it, and it imports nothing
// of the product.
package httpdtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// Recorded returns the recorded file of that name, such as "jobs-list.json", from api/testdata/recorded of the checkout
// that the test runs in.
func Recorded(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, err := os.ReadFile(filepath.Join(dir, "api", "testdata", "recorded", name))
		if err == nil {
			return data
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || up == dir {
			t.Fatal(err)
		}
		dir = up
	}
}

// Rules say where an answer may differ from a recording. Paths are dotted, "[]" stands for any element and
// "*" for any one name: "TaskGroups.[].Tasks.[].Config".
type Rules struct {
	// Open paths are maps whose keys are data; their values are compared with the recording's first one.
	Open []string
	// Skip paths are not compared.
	Skip []string
	// Null paths may be null where the recording has a value.
	Null []string
	// Optional paths may be missing on either side (fields of types that omit zero values).
	Optional []string
}

// With returns the rules with more of each kind.
func (r Rules) With(more Rules) Rules {
	return Rules{
		Open: slices.Concat(r.Open, more.Open), Skip: slices.Concat(r.Skip, more.Skip),
		Null: slices.Concat(r.Null, more.Null), Optional: slices.Concat(r.Optional, more.Optional),
	}
}

// Shape fails the test for every difference in shape between the recorded and the got JSON.
func Shape(t testing.TB, what string, recorded, got []byte, rules Rules) {
	t.Helper()
	for _, d := range Differences(recorded, got, rules) {
		t.Errorf("%s: %s", what, d)
	}
}

// Differences lists how the shape of got differs from that of recorded.
func Differences(recorded, got []byte, rules Rules) []string {
	want, err := decode(recorded)
	if err != nil {
		return []string{"recording: " + err.Error()}
	}
	have, err := decode(got)
	if err != nil {
		return []string{fmt.Sprintf("answer is no JSON: %v: %.200s", err, got)}
	}
	c := &comparer{rules: rules}
	c.value("", want, have)
	return c.found
}

func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

type comparer struct {
	rules Rules
	found []string
}

func (c *comparer) add(path, format string, args ...any) {
	if path == "" {
		path = "(whole)"
	}
	c.found = append(c.found, path+": "+fmt.Sprintf(format, args...))
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// matches reports whether a path is among the patterns.
func matches(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ps, hs := strings.Split(p, "."), strings.Split(path, ".")
		if ps[0] == "**" { // the end of the path decides
			ps = ps[1:]
			if len(hs) < len(ps) {
				return false
			}
			hs = hs[len(hs)-len(ps):]
		}
		return len(ps) == len(hs) && equalSegments(ps, hs)
	})
}

func equalSegments(pattern, path []string) bool {
	for i, p := range pattern {
		if p != "*" && p != path[i] {
			return false
		}
	}
	return true
}

func (c *comparer) value(path string, want, have any) {
	switch {
	case matches(c.rules.Skip, path), want == nil:
		return
	case have == nil:
		if !matches(c.rules.Null, path) {
			c.add(path, "is null, recorded as %s", show(want))
		}
		return
	}
	switch want := want.(type) {
	case map[string]any:
		obj, ok := have.(map[string]any)
		if !ok {
			c.add(path, "is %s, recorded as an object", show(have))
			return
		}
		c.object(path, want, obj)
	case []any:
		list, ok := have.([]any)
		if !ok {
			c.add(path, "is %s, recorded as a list", show(have))
			return
		}
		for _, h := range list {
			c.element(join(path, "[]"), want, h)
		}
	default:
		if w, h := kind(want), kind(have); w != h {
			c.add(path, "is a %s (%s), recorded as a %s (%s)", h, show(have), w, show(want))
		}
	}
}

// element compares with the recorded element that is most like it.
func (c *comparer) element(path string, want []any, have any) {
	var best []string
	for i, w := range want {
		try := &comparer{rules: c.rules}
		try.value(path, w, have)
		if i == 0 || len(try.found) < len(best) {
			best = try.found
		}
	}
	c.found = append(c.found, best...)
}

func (c *comparer) object(path string, want, have map[string]any) {
	if matches(c.rules.Open, path) {
		var first any
		for _, k := range keys(want) {
			first = want[k]
			break
		}
		for _, k := range keys(have) {
			c.value(join(path, "*"), first, have[k])
		}
		return
	}
	for _, k := range keys(want) {
		at := join(path, k)
		h, ok := have[k]
		switch {
		case ok:
			c.value(at, want[k], h)
		case !matches(c.rules.Optional, at) && !matches(c.rules.Skip, at):
			c.add(at, "is missing")
		}
	}
	for _, k := range keys(have) {
		at := join(path, k)
		if _, ok := want[k]; !ok && !matches(c.rules.Optional, at) && !matches(c.rules.Skip, at) {
			c.add(at, "is not in the recording (%s)", show(have[k]))
		}
	}
}

func keys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// kind tells values of different kinds apart, also timestamps from texts and floats from integers.
func kind(v any) string {
	switch v := v.(type) {
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "float"
		}
		return "integer"
	case string:
		if _, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return "timestamp"
		}
		return "string"
	case bool:
		return "boolean"
	case map[string]any:
		return "object"
	case []any:
		return "list"
	}
	return "null"
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if len(b) > 60 {
		b = append(b[:57], "..."...)
	}
	return string(b)
}
