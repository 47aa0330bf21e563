// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// apartKeys exclude a key of testdata/every.hcl, so that each is tried in a file of its own.
var apartKeys = map[string]string{
	"server.start_join":                   "server {\n  start_join = [\"a\"]\n}",
	"server.retry_join":                   "server {\n  retry_join = [\"a\"]\n}",
	"server.retry_max":                    "server {\n  retry_max = 2\n}",
	"server.retry_interval":               "server {\n  retry_interval = \"2s\"\n}",
	"server.server_join.start_join":       "server {\n  server_join {\n    start_join = [\"a\"]\n  }\n}",
	"server.raft_boltdb.no_freelist_sync": "server {\n  raft_boltdb {\n    no_freelist_sync = true\n  }\n}",
	"client.drain_on_shutdown.force":      "client {\n  drain_on_shutdown {\n    force = true\n  }\n}",
	"client.server_join.start_join":       "client {\n  server_join {\n    start_join = [\"a\"]\n  }\n}", // refused by Validate
}

// TestEveryKey loads one file with every key that works, and its JSON twin: they are the same configuration, it is valid,
// and no key of it is lost.
func TestEveryKey(t *testing.T) {
	read := func(path string) *Config {
		t.Helper()
		c := &Config{}
		if err := c.LoadPath(path); err != nil {
			t.Fatal(err)
		}
		c.Sources = nil
		return c
	}
	c := read("testdata/every.hcl")
	if other := read("testdata/every.json"); !reflect.DeepEqual(c, other) {
		t.Errorf("HCL and JSON differ:\n%+v\n%+v", c, other)
	}
	set := setKeys(reflect.ValueOf(c).Elem(), "")
	for _, k := range Keys() {
		if k.Unserved != "" {
			continue
		}
		text, apart := apartKeys[k.Path]
		if apart {
			alone, err := load(t, text)
			if err != nil {
				t.Errorf("%s: %v", k.Path, err)
			} else if !setKeys(reflect.ValueOf(alone).Elem(), "")[k.Path] {
				t.Errorf("%s is lost when it is read", k.Path)
			}
		}
		if set[k.Path] == apart {
			t.Errorf("%s: in testdata/every.hcl %v, in a file of its own %v", k.Path, set[k.Path], apart)
		}
	}
	if err := c.EnsureDefaults(); err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// setKeys returns the paths of the keys that have a value.
func setKeys(v reflect.Value, path string) map[string]bool {
	set := map[string]bool{}
	for _, f := range fieldsOf(v.Type()) {
		fv, at := v.FieldByIndex(f.index), join(path, f.name)
		var inner []reflect.Value
		switch f.kind {
		case kindLabel:
		case kindBlock:
			inner = append(inner, fv)
		case kindList:
			for i := range fv.Len() {
				inner = append(inner, fv.Index(i))
			}
		case kindLabelled:
			for it := fv.MapRange(); it.Next(); {
				inner = append(inner, it.Value())
			}
		default:
			set[at] = !fv.IsZero()
		}
		for _, b := range inner {
			if b.Kind() == reflect.Pointer {
				b = b.Elem()
			}
			if !b.IsValid() {
				continue
			}
			maps.Copy(set, setKeys(b, at))
		}
	}
	return set
}

// TestEveryUnservedKey sets each key that nothing acts on: an error names it with file and line, in HCL and in JSON, and
// the values that ask for nothing are taken.
func TestEveryUnservedKey(t *testing.T) {
	for _, k := range Keys() {
		if k.Unserved == "" {
			if _, both := unservedKeys[k.Path]; both {
				t.Errorf("%s has a field and is said to be unserved", k.Path)
			}
			continue
		}
		all := len(k.Accepts) == 1 && k.Accepts[0] == "*"
		for _, value := range append([]string{"strange"}, k.Accepts...) {
			if value == "*" {
				continue
			}
			hcl, line := nested(k.Path, value)
			for name, text := range map[string]string{"c.hcl": hcl, "c.json": nestedJSON(k.Path, value)} {
				file := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				err := (&Config{}).LoadPath(file)
				if all || value != "strange" {
					if err != nil {
						t.Errorf("%s = %q: %v", k.Path, value, err)
					}
					continue
				}
				at := fmt.Sprintf("%s (line %d) is not supported", k.Path, line)
				if name == "c.json" {
					at = k.Path + " (line "
				}
				if err == nil || !strings.Contains(err.Error(), at) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s in %s: %v, want %q", k.Path, name, err, at)
				}
			}
		}
	}
}

// nested is a file that sets one key, each block on a line of its own, and the line of the key.
func nested(path, value string) (text string, line int) {
	names := strings.Split(path, ".")
	last := len(names) - 1
	for _, n := range names[:last] {
		text += n + " {\n"
	}
	return text + fmt.Sprintf("%s = %q\n", names[last], value) + strings.Repeat("}\n", last), last + 1
}

func nestedJSON(path, value string) string {
	names := strings.Split(path, ".")
	text := fmt.Sprintf("%q: %q", names[len(names)-1], value)
	for i := len(names) - 2; i >= 0; i-- {
		text = fmt.Sprintf("%q: {\n%s\n}", names[i], text)
	}
	return "{\n" + text + "\n}\n"
}
