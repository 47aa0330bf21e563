// SPDX-License-Identifier: MPL-2.0

package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// importRule forbids imports of the packages that match, in the non-test files of a room.
type importRule struct {
	room  string
	allow func(imp string) bool
	why   string
	// except is a room inside the room that a rule of its own holds for.
	except string
}

func stdlib(imp string) bool { return !strings.Contains(strings.Split(imp, "/")[0], ".") }

func not(rooms ...string) func(string) bool {
	return func(imp string) bool {
		for _, r := range rooms {
			if under(imp, module+"/"+r) {
				return false
			}
		}
		return true
	}
}

// belowAll allows what the types may lean on.
func belowAll(imp string) bool {
	return stdlib(imp) || under(imp, module+"/api") || imp == module+"/internal/typeinfo"
}

var importRules = []importRule{
	{"client", not("nomadlike", "command"), "the client reaches servers through an api.Caller only, so that both can change and be tested alone", ""},
	{"nomadlike", not("client", "command"), "servers reach clients through operations only", ""},
	{"drivers", not("client", "nomadlike", "command"), "a driver is a plugin and runs under any host", ""},
	{"plugins", not("client", "nomadlike", "command", "drivers", "scheduler"), "the plugin contract knows neither side's insides", ""},
	{"scheduler", func(imp string) bool {
		for _, bad := range []string{"go-memdb", "go-immutable-radix", "hashicorp/raft", "go-hclog", module + "/nomadlike", module + "/client"} {
			if strings.Contains(imp, bad) {
				return false
			}
		}
		return true
	}, "scheduling is a pure function of what it is given: no state store, consensus, clock or logger", ""},
	{"api", belowAll, "the types stand below everything else", "api/client"},
	{"api/client", func(imp string) bool {
		return belowAll(imp) || imp == "github.com/gorilla/websocket"
	}, "the HTTP client is for everybody and brings nothing along but the websocket of exec", ""},
	{"internal/typeinfo", stdlib, "the types stand below everything else", ""},
	{"internal/shim", func(imp string) bool {
		return stdlib(imp) || strings.HasPrefix(imp, "golang.org/x/sys") || under(imp, module+"/internal/shim")
	}, "there is one shim process a task: every import costs memory a thousand times", ""},
	{"jobspec", not("client", "nomadlike", "command", "drivers"), "job files are parsed without a cluster", ""},
	{"", func(imp string) bool { return imp != module+"/internal/testkit" }, "product code must not lean on test support", ""},
}

func TestImports(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || under(f.dir, "e2e") {
			continue
		}
		for _, r := range importRules {
			if r.room != "" && !under(f.dir, r.room) || r.except != "" && under(f.dir, r.except) {
				continue
			}
			if r.room == "" && (under(f.dir, "internal/testkit") || strings.HasSuffix(f.dir, "test")) {
				continue
			}
			for _, imp := range f.imports() {
				if !r.allow(imp) {
					t.Errorf("%s imports %s: %s", f.rel, imp, r.why)
				}
			}
		}
	}
}

func TestLicenceLine(t *testing.T) {
	for _, f := range sources(t) {
		if !strings.Contains(f.src[:min(len(f.src), 200)], "SPDX-License-Identifier: MPL-2.0") && !f.gen {
			t.Errorf("%s does not start with the SPDX line: a file must say its licence where it is copied to", f.rel)
		}
	}
}

func TestPackageComments(t *testing.T) {
	has := map[string]bool{}
	for _, f := range sources(t) {
		if !f.test {
			has[f.dir] = has[f.dir] || f.ast.Doc != nil
		}
	}
	for dir, ok := range has {
		if !ok {
			t.Errorf("package %s has no comment: say its purpose, who owns what, and what it must not import", dir)
		}
	}
}

func TestNames(t *testing.T) {
	for _, f := range sources(t) {
		switch f.ast.Name.Name {
		case "util", "utils", "common", "helper", "helpers", "misc":
			t.Errorf("%s is package %s: name the noun it holds", f.rel, f.ast.Name.Name)
		}
	}
}

func TestSizes(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || f.gen {
			continue
		}
		if f.lines > 800 {
			t.Errorf("%s has %d lines: past 800 there is a second noun inside", f.rel, f.lines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			if n := f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line; n > 100 {
				t.Errorf("%s: %s has %d lines: past 100 there is a second thought inside", f.rel, fn.Name.Name, n)
			}
		}
	}
}

func TestExportedNamesAreDocumented(t *testing.T) {
	for _, f := range sources(t) {
		if f.test || f.gen || f.ast.Name.Name == "main" {
			continue
		}
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || exportedReceiver(d)) {
					t.Errorf("%s: %s has no doc comment", f.rel, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if ts, ok := s.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil {
						t.Errorf("%s: type %s has no doc comment", f.rel, ts.Name.Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	exported := false
	ast.Inspect(d.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.IsExported() {
			exported = true
		}
		return true
	})
	return exported
}

// TestNoClock keeps time and chance out of what must give the same result on every server and every replay.
func TestNoClock(t *testing.T) {
	rooms := []string{"nomadlike/fsm", "nomadlike/state", "scheduler"}
	for _, f := range sources(t) {
		if f.test || !slices.ContainsFunc(rooms, func(r string) bool { return under(f.dir, r) }) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if !ok || id.Obj != nil {
				return true
			}
			switch id.Name + "." + sel.Sel.Name {
			case "time.Now", "time.Since", "time.Until", "time.After", "time.NewTimer", "time.AfterFunc", "time.Sleep", "time.Tick", "time.NewTicker":
				t.Errorf("%s uses %s.%s: replay and snapshots must give the same state, so time comes in as data", f.rel, id.Name, sel.Sel.Name)
			}
			return true
		})
		for _, imp := range f.imports() {
			if imp == "math/rand" || imp == "crypto/rand" {
				t.Errorf("%s imports %s: chance comes in as a seed or an ID made by the proposer", f.rel, imp)
			}
		}
	}
}

func TestNoSleepsInTests(t *testing.T) {
	bad := "time." + "Sleep("
	files := sources(t)
	bubbles := map[string]bool{}
	for _, f := range files {
		bubbles[f.dir] = bubbles[f.dir] || f.test && slices.Contains(f.imports(), "testing/synctest")
	}
	for _, f := range files {
		// In a bubble a sleep takes virtual time only.
		if f.test && strings.Contains(f.src, bad) && !bubbles[f.dir] {
			t.Errorf("%s sleeps: wait for an event, or use a synctest bubble", f.rel)
		}
	}
}

func TestOperationsAreDocumentedAndAuthorised(t *testing.T) {
	ops := api.Operations()
	if len(ops) < 40 {
		t.Fatalf("only %d operations are declared", len(ops))
	}
	measured := map[string]string{}
	for _, op := range ops {
		metric := strings.Join(op.Metric, ".")
		if other := measured[metric]; other != "" {
			t.Errorf("operations %s and %s are measured as one, %s", other, op.Name, metric)
		}
		measured[metric] = op.Name
		if !strings.HasSuffix(op.Doc, ".") {
			t.Errorf("operation %s has no full sentence as documentation", op.Name)
		}
		n := op.Need
		if len(n.Namespace) == 0 && n.Node == "" && n.Agent == "" && n.Operator == "" && n.NodePool == "" && !n.Management && !n.Internal && !n.Anyone {
			t.Errorf("operation %s does not say who may call it", op.Name)
		}
		if op.Mode == 0 {
			t.Errorf("operation %s does not say where it runs", op.Name)
		}
		if n.Internal && len(op.Routes) > 0 {
			t.Errorf("operation %s is for agents of the cluster and has an HTTP route", op.Name)
		}
	}
}
