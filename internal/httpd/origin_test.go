// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"net/http/httptest"
	"testing"
)

func TestOrigin(t *testing.T) {
	for name, c := range map[string]struct {
		origin, forwarded, allow string
		want                     bool
	}{
		"a program":          {"", "", "", true},
		"our own page":       {"http://nomad.example:4646", "", "", true},
		"case":               {"https://NOMAD.example:4646", "", "", true},
		"another port":       {"http://nomad.example:8080", "", "", false},
		"another site":       {"https://evil.example", "", "", false},
		"a sandboxed page":   {"null", "", "", false},
		"no URL":             {"%%", "", "", false},
		"behind a proxy":     {"https://ops.example", "ops.example", "", true},
		"behind two":         {"https://ops.example", "inner, ops.example", "", true},
		"not through it":     {"https://evil.example", "ops.example", "", false},
		"allowed":            {"https://ui.example", "", "https://ui.example/", true},
		"another is allowed": {"https://evil.example", "", "https://ui.example", false},
		"all are allowed":    {"https://evil.example", "", "*", true},
	} {
		h := &Handler{cfg: Config{ResponseHeaders: map[string]string{}}}
		if c.allow != "" {
			h.cfg.ResponseHeaders["access-control-allow-origin"] = c.allow
		}
		r := httptest.NewRequest("GET", "http://nomad.example:4646/v1/client/allocation/x/exec", nil)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Host", c.forwarded)
		}
		if got := h.allowedOrigin(r); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}
