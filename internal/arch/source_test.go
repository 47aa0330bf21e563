// SPDX-License-Identifier: MPL-2.0

package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/nomadlike/nomadlike"

// file is one parsed Go file of this module; e2e is a module of its own and has only the file rules.
type file struct {
	rel   string // slash path from the module's root
	dir   string
	test  bool
	gen   bool
	src   string
	ast   *ast.File
	fset  *token.FileSet
	lines int
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(dir))
}

func sources(t *testing.T) []*file {
	t.Helper()
	root := moduleRoot(t)
	var files []*file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			switch n := d.Name(); {
			case p != root && strings.HasPrefix(n, "."), n == "node_modules", n == "testdata", n == "bin", n == "dist":
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		src, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		f := &file{rel: rel, dir: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), src: string(src), fset: token.NewFileSet()}
		f.lines = strings.Count(f.src, "\n")
		f.ast, err = parser.ParseFile(f.fset, p, src, parser.ParseComments)
		if err != nil {
			return err
		}
		f.gen = ast.IsGenerated(f.ast)
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("found only %d Go files below %s: the rules would check nothing", len(files), root)
	}
	return files
}

func (f *file) imports() []string {
	var out []string
	for _, i := range f.ast.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func under(dir, room string) bool { return dir == room || strings.HasPrefix(dir, room+"/") }
