// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/nomadlike/nomadlike/internal/opset"
)

func TestCrossOrigin(t *testing.T) {
	h := New(Config{Caller: &twin{set: opset.New()}})
	for _, c := range []struct {
		method, path, asked string
		code                int
		origin, methods     string
		vary                []string
	}{
		{"GET", "/v1/vars", "", 501, "*", "", []string{"Accept-Encoding", "Origin"}},
		{"GET", "/v1/client/stats", "", 501, "*", "", []string{"Accept-Encoding", "Origin"}},
		{"OPTIONS", "/v1/var/a", "PUT", 204, "*", "PUT", []string{"Accept-Encoding", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"OPTIONS", "/v1/client/stats", "PUT", 204, "", "", []string{"Accept-Encoding", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}},
		{"OPTIONS", "/v1/jobs", "GET", 405, "", "", []string{"Accept-Encoding"}},
	} {
		r := httptest.NewRequest(c.method, c.path, http.NoBody)
		r.Header.Set("Origin", "http://ui.example")
		if c.asked != "" {
			r.Header.Set("Access-Control-Request-Method", c.asked)
			r.Header.Set("Access-Control-Request-Headers", "X-Nomad-Token")
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		got := rec.Header()
		if rec.Code != c.code || got.Get("Access-Control-Allow-Origin") != c.origin || got.Get("Access-Control-Allow-Methods") != c.methods {
			t.Errorf("%s %s: %d %v", c.method, c.path, rec.Code, got)
		}
		if c.methods != "" && got.Get("Access-Control-Allow-Headers") != "X-Nomad-Token" {
			t.Errorf("%s %s: headers %v", c.method, c.path, got)
		}
		if v := got.Values("Vary"); len(v) != len(c.vary) || v[len(v)-1] != c.vary[len(v)-1] {
			t.Errorf("%s %s: Vary is %q, want %q", c.method, c.path, v, c.vary)
		}
	}
}
