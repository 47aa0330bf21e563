// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUIConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.hcl")
	err := os.WriteFile(file, []byte(`
ui {
  show_cli_hints = false
  label {
    text             = "staging"
    background_color = "#800"
  }
  content_security_policy {
    frame_ancestors = ["https://portal.example"]
  }
}
`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cfg := DevConfig()
	if err := cfg.LoadPath(file); err != nil {
		t.Fatal(err)
	}
	h, err := cfg.UI.handler()
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/ui/jobs", nil))
	for _, want := range []string{"staging", "hideCLIHints", "#800"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not say %s: %s", want, w.Body)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors https://portal.example;") {
		t.Errorf("policy %s", csp)
	}
	off := false
	cfg.UI.Enabled = &off
	if h, err := cfg.UI.handler(); h != nil || err != nil {
		t.Errorf("switched off: %v, %v", h, err)
	}
}
