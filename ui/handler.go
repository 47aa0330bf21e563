// SPDX-License-Identifier: MPL-2.0

package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
)

// placeholders of index.html.
const (
	basePlaceholder  = "__BASE__"
	noncePlaceholder = "__NONCE__"
	pagePlaceholder  = "__PAGE__"
)

// Config of the interface.
type Config struct {
	Policy Policy
	Page   Page
}

// Page is what the page is told before it asks the API anything.
type Page struct {
	// Label names the cluster in the header, with its CSS colours.
	Label           string `json:"label,omitempty"`
	LabelBackground string `json:"labelBackground,omitempty"`
	LabelColor      string `json:"labelColor,omitempty"`
	// HideCLIHints leaves out the command lines that equal what a screen shows.
	HideCLIHints bool `json:"hideCLIHints,omitempty"`
}

// Policy is the content security policy of the interface; an empty directive has its strict default.
type Policy struct {
	ConnectSrc, DefaultSrc, FormAction, FrameAncestors, ImgSrc, ScriptSrc, StyleSrc []string
}

// header returns the policy's text. Nothing is allowed but the agent itself; the style elements that the
// libraries add while running carry the nonce, so that no inline style of other origin is applied.
func (p Policy) header(nonce string) string {
	var b strings.Builder
	add := func(name string, values, otherwise []string) {
		if len(values) == 0 {
			values = otherwise
		}
		fmt.Fprintf(&b, "%s %s; ", name, strings.Join(values, " "))
	}
	none, self := []string{"'none'"}, []string{"'self'"}
	add("default-src", p.DefaultSrc, none)
	add("connect-src", p.ConnectSrc, self)
	add("img-src", p.ImgSrc, []string{"'self'", "data:"})
	add("script-src", p.ScriptSrc, self)
	add("style-src", p.StyleSrc, []string{"'self'", "'nonce-" + nonce + "'"})
	add("form-action", p.FormAction, none)
	add("frame-ancestors", p.FrameAncestors, none)
	b.WriteString("base-uri 'self'")
	return b.String()
}

// asset is one file of the interface.
type asset struct {
	contentType string
	plain       []byte
	// ready is what is made of the file when it is asked for first, so that a start does not wait for it.
	ready func() readyAsset
}

type readyAsset struct {
	etag string
	gzip []byte // nil unless it is smaller
}

// Handler serves the interface below /ui/.
type Handler struct {
	policy Policy
	page   string
	assets map[string]*asset
	index  string
}

// types are the content types by extension; the machine's own table is not asked.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".woff2": "font/woff2", ".json": "application/json",
}

// New returns the handler of the built interface, or of a page that says that this build leaves it out.
func New(cfg Config) (http.Handler, error) {
	files := dist()
	if files == nil {
		return http.HandlerFunc(leftOut), nil
	}
	return newHandler(cfg, files)
}

func newHandler(cfg Config, files fs.FS) (*Handler, error) {
	page, err := json.Marshal(cfg.Page)
	if err != nil {
		return nil, fmt.Errorf("encode the settings of the web interface: %w", err)
	}
	h := &Handler{policy: cfg.Policy, page: html.EscapeString(string(page)), assets: map[string]*asset{}}
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name == "index.html" {
			h.index = string(text)
			return nil
		}
		if types[path.Ext(name)] == "" {
			return nil // the sources' hash and the like
		}
		h.assets[name] = newAsset(name, text)
		return nil
	})
	if err == nil && h.index == "" {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read the built web interface: %w", err)
	}
	return h, nil
}

func newAsset(name string, text []byte) *asset {
	return &asset{contentType: types[path.Ext(name)], plain: text, ready: sync.OnceValue(func() readyAsset {
		sum := sha256.Sum256(text)
		out := readyAsset{etag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = w.Write(text)
		}
		if err == nil {
			err = w.Close()
		}
		if err == nil && b.Len() < len(text) {
			out.gzip = b.Bytes()
		}
		return out
	})}
}

// ServeHTTP serves a file of the interface, or its page for every other path: routes are the page's own.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	hd := w.Header()
	hd.Set("X-Content-Type-Options", "nosniff")
	hd.Set("Referrer-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		hd.Set("Allow", "GET, HEAD")
		http.Error(w, "Invalid method", http.StatusMethodNotAllowed)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, "/ui/")
	switch {
	case !below:
		// Relative, so that it holds behind a proxy that adds a prefix.
		hd.Set("Location", "ui/"+query(r))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case h.assets[name] != nil:
		h.serveAsset(w, r, h.assets[name], strings.HasPrefix(name, "assets/"))
	case strings.HasPrefix(name, "assets/"):
		http.Error(w, "no such file; the agent was updated, load the page again", http.StatusNotFound)
	default:
		h.serveIndex(w, r)
	}
}

func query(r *http.Request) string {
	if r.URL.RawQuery == "" {
		return ""
	}
	return "?" + r.URL.RawQuery
}

func (h *Handler) serveAsset(w http.ResponseWriter, r *http.Request, a *asset, hashed bool) {
	ready := a.ready()
	hd := w.Header()
	hd.Set("Content-Type", a.contentType)
	hd.Set("ETag", ready.etag)
	hd.Set("Cache-Control", "no-cache")
	if hashed {
		hd.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == ready.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	text := a.plain
	if ready.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		hd.Set("Content-Encoding", "gzip")
		text = ready.gzip
	}
	send(w, r, text)
}

// serveIndex sends the page. Its base is the way up from the path asked for, whatever a proxy put before
// it, and its nonce is new each time.
func (h *Handler) serveIndex(w http.ResponseWriter, r *http.Request) {
	var random [16]byte
	rand.Read(random[:]) //nolint:errcheck // crypto/rand.Read never fails
	nonce := base64.RawURLEncoding.EncodeToString(random[:])
	depth := strings.Count(strings.TrimPrefix(r.URL.EscapedPath(), "/ui/"), "/")
	base := "./" + strings.Repeat("../", depth)
	hd := w.Header()
	hd.Set("Content-Type", "text/html; charset=utf-8")
	hd.Set("Cache-Control", "no-store")
	hd.Set("Content-Security-Policy", h.policy.header(nonce))
	send(w, r, []byte(strings.NewReplacer(basePlaceholder, base, noncePlaceholder, nonce, pagePlaceholder, h.page).Replace(h.index)))
}

func send(w http.ResponseWriter, r *http.Request, text []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		w.Write(text) //nolint:errcheck // the reader is gone
	}
}

// notice is what /ui/ answers in builds without the interface.
const notice = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>nomadlike</title>
<body>
<h1>nomadlike</h1>
<p>This agent runs. Its web interface is not part of this build; the HTTP API is at <code>/v1/</code>, and
<code>nomadlike status</code> on the command line shows jobs, allocations and nodes.</p>
</body>
</html>
`

// leftOut says so in place of the interface.
func leftOut(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; form-action 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	send(w, r, []byte(notice))
}
