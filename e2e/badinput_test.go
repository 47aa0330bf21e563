// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadRequests sends what a client may not send: each is refused with its status, and the agent serves on.
func TestBadRequests(t *testing.T) {
	a := newAgent(t, false, "").start()
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"truncated body", http.MethodPut, "/v1/jobs", `{"Job":`, 400},
		{"empty body", http.MethodPut, "/v1/jobs", ``, 400},
		{"body of another shape", http.MethodPut, "/v1/jobs", `[]`, 400},
		{"no job in the body", http.MethodPut, "/v1/jobs", `null`, 400},
		{"unknown job", http.MethodGet, "/v1/job/absent", ``, 404},
		{"unknown allocation", http.MethodGet, "/v1/allocation/00000000-0000-0000-0000-000000000000", ``, 404},
		{"unknown path, answered without a text", http.MethodGet, "/v1/absent", ``, 404},
	} {
		req, err := http.NewRequest(c.method, a.addr+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if resp.StatusCode != c.status || (len(text) == 0) != (c.path == "/v1/absent") {
			t.Errorf("%s: status %d, want %d; body %q", c.name, resp.StatusCode, c.status, text)
		}
	}
	jobs, _, err := a.client.Jobs().List(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(jobs) != 0 {
		t.Errorf("refused requests left %d jobs", len(jobs))
	}
	if log := a.log.String(); strings.Contains(log, "panic") {
		t.Error("the agent's log holds a panic")
	}
}

// TestBadJobFile expects the place of the mistake and a failing exit status.
func TestBadJobFile(t *testing.T) {
	a := newAgent(t, false, "").start()
	file := filepath.Join(t.TempDir(), "bad.nomad.hcl")
	if err := os.WriteFile(file, []byte("job \"x\" {\n  group \"g\" {\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := a.cli("", "job", "run", file)
	if code == 0 || !strings.Contains(stdout+stderr, "bad.nomad.hcl") {
		t.Errorf("exit status %d, output %q", code, stdout+stderr)
	}
}

// TestSecondAgentOnTheSameConfiguration expects the second agent to end by itself and the first to serve on.
func TestSecondAgentOnTheSameConfiguration(t *testing.T) {
	a := newAgent(t, false, "").start()
	cmd := exec.CommandContext(t.Context(), os.Getenv("NOMADLIKE_BIN"), a.args...)
	out := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err == nil {
		t.Errorf("the second agent ended without an error:\n%s", out)
	}
	if strings.Contains(out.String(), "panic") {
		t.Errorf("the second agent panicked:\n%s", out)
	}
	if _, err := a.client.Agent().Self(); err != nil {
		t.Errorf("the first agent no longer serves: %v", err)
	}
}
