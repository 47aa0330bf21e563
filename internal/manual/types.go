// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// printer writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// sources holds the comments of the types of a package and of their fields.
type sources struct {
	types  map[string]string
	fields map[string]map[string]string
}

func parseDocs(dir string) (*sources, error) {
	s := &sources{types: map[string]string{}, fields: map[string]map[string]string{}}
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				s.add(g)
			}
		}
	}
	return s, nil
}

func (s *sources) add(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		doc := t.Doc
		if doc == nil {
			doc = g.Doc
		}
		s.types[t.Name.Name] = strings.TrimSuffix(flatten(doc.Text()), ", see http-types.md.")
		st, ok := t.Type.(*ast.StructType)
		if !ok {
			continue
		}
		fields := map[string]string{}
		for _, f := range st.Fields.List {
			text := f.Doc.Text()
			if text == "" {
				text = f.Comment.Text()
			}
			for _, n := range f.Names {
				fields[n.Name] = strings.TrimPrefix(flatten(text), n.Name+": ")
			}
		}
		s.fields[t.Name.Name] = fields
	}
}

// flatten makes a comment fit into a cell of a table.
func flatten(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

func (s *sources) field(typ, field string) string { return s.fields[typ][field] }

// typeList collects the types of package api that the page mentions.
type typeList struct {
	seen  map[reflect.Type]bool
	order []reflect.Type
}

// name returns how the page calls a type, and notes the types in it.
func (l *typeList) name(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case t == reflect.TypeFor[time.Duration]():
		return "nanoseconds"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return l.name(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64"
		}
		return "list of " + l.name(t.Elem())
	case reflect.Map:
		return "map of " + l.name(t.Key()) + " to " + l.name(t.Elem())
	case reflect.Interface:
		return "any"
	case reflect.Struct:
		if t.Name() == "" {
			return "object"
		}
		if !l.seen[t] {
			l.seen[t] = true
			l.order = append(l.order, t)
		}
		return fmt.Sprintf("[%s](#type-%s)", t.Name(), strings.ToLower(t.Name()))
	default:
		return t.Kind().String()
	}
}

func writeType(out *printer, docs *sources, l *typeList, t reflect.Type) {
	out.line("<a id=\"type-%s\"></a>\n### %s\n\n%s\n", strings.ToLower(t.Name()), t.Name(), docs.types[t.Name()])
	out.line("| field | type | |\n|---|---|---|")
	writeFields(out, docs, l, t)
	out.line("")
}

func writeFields(out *printer, docs *sources, l *typeList, t reflect.Type) {
	for f := range t.Fields() {
		if f.Anonymous && f.Type.Kind() == reflect.Struct && f.Tag.Get("json") == "" {
			writeFields(out, docs, l, f.Type)
			continue
		}
		if n := jsonName(f); f.IsExported() && n != "-" {
			out.line("| `%s` | %s | %s |", n, l.name(f.Type), docs.field(t.Name(), f.Name))
		}
	}
}

// jsonName is the name of a field on the wire.
func jsonName(f reflect.StructField) string {
	if n, _, _ := strings.Cut(f.Tag.Get("json"), ","); n != "" {
		return n
	}
	return f.Name
}
