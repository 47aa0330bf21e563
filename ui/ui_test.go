// SPDX-License-Identifier: MPL-2.0

package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestBuildIsCurrent fails when the sources changed and nobody built them; vite.config.ts writes the hash.
func TestBuildIsCurrent(t *testing.T) {
	files := []string{"index.html", "package-lock.json", "tsconfig.json", "vite.config.ts"}
	for _, dir := range []string{"public", "src"} {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !regexp.MustCompile(`\.gen\.ts$|\.test\.tsx?$`).MatchString(p) {
				files = append(files, filepath.ToSlash(p))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(files)
	all := sha256.New()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		fmt.Fprintf(all, "%s %s\n", f, hex.EncodeToString(sum[:]))
	}
	built, err := os.ReadFile("dist/sources.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(all.Sum(nil)) != strings.TrimSpace(string(built)) {
		t.Error("ui/dist was built from other sources than ui/src has now: run make ui and commit ui/dist")
	}
}

// chunk is an entry of vite's manifest.
type chunk struct {
	File           string
	IsEntry        bool
	IsDynamicEntry bool
	Imports, CSS   []string
}

// TestBudget keeps the first load and each further screen small enough for a slow line.
func TestBudget(t *testing.T) {
	const first, further = 220 << 10, 60 << 10
	// The terminal is one library that cannot be divided; it is loaded when a session begins.
	const terminal = 95 << 10
	text, err := os.ReadFile("dist/manifest.txt")
	if err != nil {
		t.Fatal(err)
	}
	var chunks map[string]chunk
	if err := json.Unmarshal(text, &chunks); err != nil {
		t.Fatal(err)
	}
	var files func(name string, into map[string]bool)
	files = func(name string, into map[string]bool) {
		c := chunks[name]
		if into[c.File] {
			return
		}
		into[c.File] = true
		for _, f := range c.CSS {
			into[f] = true
		}
		for _, i := range c.Imports {
			files(i, into)
		}
	}
	page := map[string]bool{}
	files("index.html", page)
	entries := 0
	if n := zipped(t, page); n > first {
		t.Errorf("the first load is %d bytes compressed, more than %d", n, first)
	}
	for name, c := range chunks {
		if !c.IsDynamicEntry {
			continue
		}
		entries++
		more := map[string]bool{}
		files(name, more)
		for f := range page {
			delete(more, f)
		}
		limit := further
		if strings.HasSuffix(name, "routes/exec/terminal.ts") {
			limit = terminal
		}
		if n := zipped(t, more); n > limit {
			t.Errorf("%s is %d bytes compressed, more than %d", name, n, limit)
		}
	}
	if entries == 0 {
		t.Error("no screen is loaded on demand")
	}
}

func zipped(t *testing.T, files map[string]bool) int {
	t.Helper()
	total := 0
	for f := range files {
		text, err := os.ReadFile(path.Join("dist", f))
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		w.Close()
		total += b.Len()
	}
	return total
}

func TestLockfileNamesNoHost(t *testing.T) {
	text, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte(`"resolved"`)) || bytes.Contains(text, []byte("registry")) {
		t.Error("package-lock.json names download addresses: install with the settings of ui/.npmrc")
	}
}

func testHandler(t *testing.T, cfg Config) *Handler {
	t.Helper()
	h, err := newHandler(cfg, fstest.MapFS{
		"index.html":      {Data: []byte(`<base href="__BASE__"><meta name="nomadlike" content="__PAGE__"><script nonce="__NONCE__">`)},
		"assets/app-1.js": {Data: bytes.Repeat([]byte("let a = 1;\n"), 100)},
		"icon.svg":        {Data: []byte("<svg/>")},
		"sources.sha256":  {Data: []byte("x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	h := testHandler(t, Config{Page: Page{Label: `<b>"prod"`}})
	nonce := regexp.MustCompile(`nonce="([\w-]{20,})"`)
	seen := map[string]bool{}
	for target, base := range map[string]string{
		"/ui/": "./", "/ui/jobs": "./", "/ui/jobs/a": "./../", "/ui/jobs/a%2Fb@default/versions": "./../../", "/ui/sources.sha256": "./",
	} {
		w := get(h, target)
		body := w.Body.String()
		if w.Code != 200 || !strings.Contains(body, `<base href="`+base+`">`) {
			t.Errorf("%s: %d %s", target, w.Code, body)
		}
		if strings.Contains(body, "<b>") || !strings.Contains(body, "&lt;b&gt;") && !strings.Contains(body, `\u003cb\u003e`) {
			t.Errorf("the label is not escaped: %s", body)
		}
		m := nonce.FindStringSubmatch(body)
		if len(m) < 2 || seen[m[1]] {
			t.Fatalf("no nonce of its own: %s", body)
		}
		seen[m[1]] = true
		csp := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "'nonce-" + m[1] + "'", "frame-ancestors 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("the policy lacks %s: %s", want, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", w.Header())
		}
	}
}

func TestPolicyIsConfigurable(t *testing.T) {
	w := get(testHandler(t, Config{Policy: Policy{FrameAncestors: []string{"'self'", "https://portal.example"}}}), "/ui/")
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self' https://portal.example;") {
		t.Error(csp)
	}
}

func TestAssets(t *testing.T) {
	h := testHandler(t, Config{})
	w := get(h, "/ui/assets/app-1.js", "Accept-Encoding", "gzip, br")
	if w.Code != 200 || w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get(h, "/ui/assets/app-1.js", "If-None-Match", w.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("not modified: %d", w.Code)
	}
	if w := get(h, "/ui/icon.svg"); w.Header().Get("Content-Type") != "image/svg+xml" || w.Header().Get("Content-Encoding") != "" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", w.Header())
	}
	if w := get(h, "/ui/assets/app-0.js"); w.Code != http.StatusNotFound {
		t.Errorf("a file of another build: %d", w.Code)
	}
	if w := get(h, "/ui?x=1"); w.Code != http.StatusTemporaryRedirect || w.Header().Get("Location") != "ui/?x=1" {
		t.Errorf("%d %s", w.Code, w.Header().Get("Location"))
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ui/", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestLeftOut(t *testing.T) {
	w := get(http.HandlerFunc(leftOut), "/ui/")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "not part of this build") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
