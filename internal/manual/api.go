// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// apiIntro opens docs/api.md.
const apiIntro = `# The HTTP API

This page is made from the operation table in ` + "`api/op_*.go`" + ` by ` + "`go generate ./internal/manual`" + `; do not edit it.

Every operation has one declaration. Its name is the method of calls between agents, and how long it takes (streams: to begin)
is measured under "metric". "Runs on" says where: the leader, any server that has the state, the client of an allocation or node,
or the agent that was asked. Reads follow the conventions of "Reads": blocking (` + "`index`, `wait`" + `), stale, paginated
(` + "`per_page`, `next_token`" + `), reversible (` + "`reverse`" + `), filtered (` + "`filter`" + `), prefixed (` + "`prefix`" + `), all namespaces (` + "`namespace=*`" + `).
Every operation takes ` + "`region` and `namespace`" + ` in the query and a token in ` + "`X-Nomad-Token`" + ` or as bearer token.
` + "`PUT` and `POST`" + ` are the same unless one of them stands alone with an exclamation mark.
`

func writeAPI(w io.Writer, root string) error {
	docs, err := parseDocs(filepath.Join(root, "api"))
	if err != nil {
		return err
	}
	out := &printer{w: w}
	out.line("%s", apiIntro)
	types := &typeList{seen: map[reflect.Type]bool{}}
	section := ""
	for _, op := range api.Operations() {
		if len(op.Routes) == 0 {
			continue
		}
		if s, _, _ := strings.Cut(op.Name, "."); s != section {
			section = s
			out.line("## %s\n", section)
		}
		writeOp(out, docs, types, op)
	}
	writeUnserved(out)
	out.line("## Types\n")
	for i := 0; i < len(types.order); i++ { // grows while it is walked
		writeType(out, docs, types, types.order[i])
	}
	return out.err
}

func writeOp(out *printer, docs *sources, types *typeList, op *api.OpInfo) {
	out.line("### %s\n\n%s\n", op.Name, op.Doc)
	out.line("| | |\n|---|---|")
	var routes []string
	for _, r := range op.Routes {
		routes = append(routes, "`"+methodsOf(r)+" "+r.Pattern+"`")
	}
	out.line("| routes | %s |", strings.Join(routes, "<br>"))
	out.line("| runs on | %s |", runsOn(op))
	if reads := readsOf(op.Reads); reads != "" {
		out.line("| reads | %s |", reads)
	}
	out.line("| may call | %s |", needOf(op.Need))
	req := reflect.TypeOf(op.NewRequest()).Elem()
	query, body := parameters(docs, types, req)
	if len(query) > 0 {
		out.line("| query | %s |", strings.Join(query, "<br>"))
	}
	if len(body) > 0 {
		out.line("| body | %s |", strings.Join(body, "<br>"))
	}
	out.line("| answer | %s |", answerOf(types, op))
	out.line("| metric | `nomad.%s` |\n", strings.Join(op.Metric, "."))
}

func methodsOf(r api.Route) string {
	switch {
	case len(r.Methods) == 0:
		return "ANY"
	case len(r.Methods) == 2:
		return "PUT"
	case r.Methods[0] == "PUT" || r.Methods[0] == "POST":
		return r.Methods[0] + "!"
	}
	return r.Methods[0]
}

func runsOn(op *api.OpInfo) string {
	switch op.Mode {
	case api.ModeRead:
		if op.Reads&api.Stale != 0 {
			return "the leader; any server for stale reads"
		}
		return "the leader"
	case api.ModeWrite:
		return "the leader"
	case api.ModeRegion:
		return "the leader of the authoritative region"
	case api.ModeNode:
		return "the client of the allocation or node"
	case api.ModeAgent:
		return "the agent of `node_id` or `server_id`; without them the one that was asked"
	default:
		return "the agent that was asked"
	}
}

func readsOf(r api.Reads) string {
	var names []string
	for i, n := range []string{"blocking", "stale", "paginated", "reversible", "filtered", "prefixed", "all namespaces"} {
		if r&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}

func needOf(n api.Need) string {
	var parts []string
	if len(n.Namespace) > 0 {
		parts = append(parts, "`"+strings.Join(n.Namespace, "` or `")+"` in the namespace")
	}
	for _, p := range []struct{ name, level string }{{"node", n.Node}, {"agent", n.Agent}, {"operator", n.Operator}, {"node_pool", n.NodePool}} {
		if p.level != "" {
			parts = append(parts, fmt.Sprintf("`%s:%s`", p.name, p.level))
		}
	}
	if n.Management {
		parts = append(parts, "management tokens")
	}
	if n.Anyone {
		parts = append(parts, "anyone")
	}
	return strings.Join(parts, ", ")
}

// parameters describes the query values and body fields of a request type.
func parameters(docs *sources, types *typeList, req reflect.Type) (query, body []string) {
	for f := range req.Fields() {
		if f.Anonymous || !f.IsExported() || f.Tag.Get("path") != "" {
			continue
		}
		about := docs.field(req.Name(), f.Name)
		if about != "" {
			about = ": " + about
		}
		if n := f.Tag.Get("query"); n != "" {
			query = append(query, fmt.Sprintf("`%s` (%s)%s", n, types.name(f.Type), about))
			continue
		}
		switch f.Tag.Get("body") {
		case "*":
			body = append(body, types.name(f.Type)+about)
		case "raw":
			body = append(body, "bytes"+about)
		default:
			body = append(body, fmt.Sprintf("`%s` (%s)%s", jsonName(f), types.name(f.Type), about))
		}
	}
	return query, body
}

func answerOf(types *typeList, op *api.OpInfo) string {
	switch {
	case !op.Stream:
		t := reflect.TypeOf(op.NewResponse()).Elem()
		if t == reflect.TypeFor[api.Empty]() {
			return "nothing"
		}
		return types.name(t)
	case op.Wire == api.WireFrames:
		return "frames of " + types.name(reflect.TypeFor[api.StreamFrame]())
	case op.Wire == api.WireEvents:
		return "one " + types.name(reflect.TypeFor[api.EventBatch]()) + " a line"
	case op.Wire == api.WireSocket:
		return fmt.Sprintf("a websocket: %s in, %s out", types.name(reflect.TypeFor[api.ExecInput]()), types.name(reflect.TypeFor[api.ExecOutput]()))
	case op.Wire == api.WireUpload:
		return "nothing; the request's body is read as it comes"
	case op.Wire == api.WireDocument:
		return "a document"
	default:
		return "bytes"
	}
}

func writeUnserved(out *printer) {
	out.line("## Not served\n\nThese paths of the contract answer 501 with a text that names them.\n")
	var rows []string
	for _, r := range api.UnservedRoutes() {
		rows = append(rows, fmt.Sprintf("* `%s %s`", methodsOf(r.Route), r.Pattern))
	}
	slices.Sort(rows)
	out.line("%s\n", strings.Join(rows, "\n"))
}
