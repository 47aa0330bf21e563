// SPDX-License-Identifier: MPL-2.0

package command

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/nomadlike/nomadlike/internal/testkit"
)

func TestFmt(t *testing.T) {
	const (
		ugly   = "job \"a\" {\n type=\"batch\"\n   priority =   1\n}\n"
		pretty = "job \"a\" {\n  type     = \"batch\"\n  priority = 1\n}\n"
		broken = "job \"a\" {\n"
	)
	files := map[string]string{
		"a.nomad": ugly, "b.hcl": pretty, "c.txt": ugly, "sub/d.hcl": ugly, "sub/.hidden/e.hcl": ugly, "broken/f.hcl": broken, "broken/g.hcl": ugly,
	}
	for _, c := range []struct {
		name  string
		args  []string
		input string
		out   string
		// changed are the files that are formatted afterwards.
		changed []string
	}{
		{"directory", nil, "", "a.nomad\n", []string{"a.nomad"}},
		{"recursive", []string{"-recursive", "sub"}, "", "sub/d.hcl\n", []string{"sub/d.hcl"}},
		{"file by name", []string{"c.txt"}, "", "c.txt\n", []string{"c.txt"}},
		{"silent", []string{"-list=false", "a.nomad"}, "", "", []string{"a.nomad"}},
		{"check", []string{"-check", "a.nomad", "b.hcl"}, "", "a.nomad\nexit 1\n", nil},
		{"check of what is formatted", []string{"-check", "b.hcl"}, "", "", nil},
		{"print", []string{"-write=false", "-list=false", "a.nomad"}, "", pretty, nil},
		{"list", []string{"-write=false", "a.nomad"}, "", "a.nomad\n", nil},
		{"standard input", []string{"-"}, ugly, pretty, nil},
		{"check of standard input", []string{"-check", "-"}, ugly, "exit 1\n", nil},
		{"broken standard input", []string{"-"}, broken, "<stdin>:1,9: Unclosed configuration block; There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.\nexit 1\n", nil},
		{"broken file", []string{"broken"}, "", "broken/g.hcl\nbroken/f.hcl:1,9: Unclosed configuration block; There is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.\nexit 1\n", []string{"broken/g.hcl"}},
		{"missing", []string{"missing"}, "", "stat missing: no such file or directory\nexit 1\n", nil},
		{"stdin and more", []string{"-", "a.nomad"}, "", "- cannot stand with other paths\nFor additional help try 'nomadlike fmt -help'\nexit 1\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newCannedAgent(t)
			for name, text := range files {
				if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o640); err != nil { //nolint:gosec // the mode has to stay
					t.Fatal(err)
				}
			}
			if got := a.run(append([]string{"fmt"}, c.args...), c.input); got != c.out {
				t.Errorf("printed\n%s\nwant\n%s", got, c.out)
			}
			want := map[string]string{}
			maps.Copy(want, files)
			for _, name := range c.changed {
				want[name] = pretty
			}
			for name, text := range want {
				got, err := os.ReadFile(name)
				info, statErr := os.Stat(name)
				if err != nil || statErr != nil || string(got) != text || info.Mode().Perm() != 0o640 {
					t.Errorf("%s has mode %v and\n%s\nwant\n%s (%v, %v)", name, info.Mode(), got, text, err, statErr)
				}
			}
		})
	}
}

// TestFmtLink writes through a link.
func TestFmtLink(t *testing.T) {
	a := newCannedAgent(t)
	if err := os.WriteFile("real.hcl", []byte("a=1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.hcl", "link.hcl"); err != nil {
		testkit.Lacks(t, "symbolic links: %v", err)
	}
	a.must("fmt", "link.hcl")
	if got, err := os.ReadFile("real.hcl"); err != nil || string(got) != "a = 1\n" {
		t.Errorf("the file has %q, %v", got, err)
	}
	if to, err := os.Readlink("link.hcl"); err != nil || to != "real.hcl" {
		t.Errorf("the link is %q, %v", to, err)
	}
}
