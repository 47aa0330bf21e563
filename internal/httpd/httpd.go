// SPDX-License-Identifier: MPL-2.0

// Package httpd mounts the operation table on net/http with the conventions of the HTTP API v1: binding
// of path, query and body, headers, errors as text, compression and the streaming formats. It runs
// operations through an api.Caller and knows nothing of servers, clients or state.
package httpd

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/api"
)

// DefaultMaxBody is the largest request body accepted, in bytes.
const DefaultMaxBody = 64 << 20

// Config of a Handler.
type Config struct {
	// Caller runs the operations.
	Caller api.Caller
	Logger hclog.Logger
	// UI serves /ui/; nil for a short text instead.
	UI http.Handler
	// ResponseHeaders are set on every API response.
	ResponseHeaders map[string]string
	// Debug mounts /debug/pprof/ and the like; nil for none.
	Debug http.Handler
	// MaxBody overrides DefaultMaxBody when above 0.
	MaxBody int64
}

// Handler serves the HTTP API.
type Handler struct {
	cfg    Config
	log    hclog.Logger
	router *router
	ops    map[string]*binding
}

// New returns a Handler for every declared operation and, with 501, every route of the contract that is
// not served yet. It panics when two routes clash.
func New(cfg Config) *Handler {
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	h := &Handler{cfg: cfg, log: cfg.Logger.Named("http"), router: newRouter(), ops: map[string]*binding{}}
	for _, op := range api.Operations() {
		if len(op.Routes) == 0 {
			continue
		}
		h.ops[op.Name] = newBinding(op)
		for _, r := range op.Routes {
			h.router.add(r.Methods, r.Pattern, &target{op: op})
		}
	}
	for _, r := range api.UnservedRoutes() {
		h.router.add(r.Methods, r.Pattern, &target{unserved: r.Text})
	}
	return h
}

// target is what a route leads to.
type target struct {
	op *api.OpInfo
	// unserved is the error text of a route that is known but not served.
	unserved string
}

// ServeHTTP serves one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept-Encoding")
	switch {
	case !strings.HasPrefix(r.URL.Path, "/"): // "*" of OPTIONS
		w.WriteHeader(http.StatusNotFound)
		return
	case r.URL.Path == "/":
		redirect(w, r, "/ui/")
		return
	case r.URL.Path == "/ui" || strings.HasPrefix(r.URL.Path, "/ui/"):
		h.serveUI(w, r)
		return
	case strings.HasPrefix(r.URL.Path, "/debug/") && h.cfg.Debug != nil:
		h.cfg.Debug.ServeHTTP(w, r)
		return
	}
	if clean := cleanPath(r.URL.Path); clean != r.URL.Path {
		redirect(w, r, clean)
		return
	}
	for k, v := range h.cfg.ResponseHeaders {
		w.Header().Set(k, v)
	}
	if cors(w, r) {
		return
	}
	t, params, found := h.router.match(r.Method, r.URL.Path)
	if !found || isTagMisfit(r.URL.Path) {
		if err := misfitOf(r.URL.Path); err != nil {
			writeError(w, err)
			return
		}
	}
	switch {
	case !found:
		w.WriteHeader(http.StatusNotFound)
	case t == nil:
		writeError(w, wrongMethod(r.URL.Path))
	case t.op == nil:
		writeError(w, api.Errorf(api.ClassUnsupported, "%s", t.unserved))
	case t.op.Stream:
		h.serveStream(w, r, t.op, params)
	default:
		h.serveUnary(w, r, t.op, params)
	}
}

func (h *Handler) serveUI(w http.ResponseWriter, r *http.Request) {
	if h.cfg.UI == nil {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintln(w, "This agent has no web interface built in. The HTTP API is at /v1/.")
		return
	}
	h.cfg.UI.ServeHTTP(w, r)
}

func redirect(w http.ResponseWriter, r *http.Request, to string) {
	u := *r.URL
	u.Path, u.RawPath = to, ""
	http.Redirect(w, r, u.RequestURI(), http.StatusTemporaryRedirect)
}

// cleanPath removes repeated slashes and dot segments, keeping a trailing slash.
func cleanPath(p string) string {
	if p == "" {
		return "/"
	}
	c := path.Clean(p)
	if strings.HasSuffix(p, "/") && c != "/" {
		c += "/"
	}
	return c
}

func (h *Handler) serveUnary(w http.ResponseWriter, r *http.Request, op *api.OpInfo, params map[string]string) {
	b := h.ops[op.Name]
	req := op.NewRequest()
	if err := b.bind(w, r, req, params, h.cfg.MaxBody); err != nil {
		writeError(w, err)
		return
	}
	ctx := r.Context()
	var rows *rowWriter
	if b.list && !isPretty(r.URL.Query()) {
		rows = &rowWriter{w: w, r: r, op: op}
		ctx = api.WithRows(ctx, rows)
	}
	resp := op.NewResponse()
	meta, err := h.cfg.Caller.Call(ctx, op, req, resp)
	if rows != nil && rows.finish(err) {
		return
	}
	if meta == nil {
		meta = &api.Meta{}
	}
	if err != nil {
		e := api.AsError(err)
		if !op.NoIndex && e.Index > 0 {
			setReadHeaders(w, &api.Meta{Index: e.Index, HasIndex: true, KnownLeader: meta.KnownLeader, LastContact: meta.LastContact})
		}
		if e.HTTPCode() >= 500 && r.Context().Err() == nil {
			h.log.Debug("request failed", "operation", op.Name, "error", err)
		}
		writeError(w, e)
		return
	}
	writeResponse(w, r, op, meta, resp)
}
