// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// startIn starts a process that looks like one that keeps a container, in a directory of its own below dir.
func startIn(t *testing.T, dir, script, address string) (id string, cmd *exec.Cmd) {
	t.Helper()
	var number [idLength / 2]byte
	_, _ = rand.Read(number[:])
	id = hex.EncodeToString(number[:])
	if err := os.Mkdir(filepath.Join(dir, id), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command("/bin/sh", "-c", script, "keeper", "-namespace", "moby", "-id", id, "-address", address)
	cmd.Args[0], cmd.Dir = "/usr/bin/containerd-shim-runc-v2", filepath.Join(dir, id)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return id, cmd
}

// TestEndKeepers: the process that keeps a container of a task running goes when the engine does not know the container,
// and no other.
func TestEndKeepers(t *testing.T) {
	const here, there = "/run/here.sock", "/run/there.sock"
	known := map[string]bool{}
	start := func(address, description string) (id string, cmd *exec.Cmd) {
		t.Helper()
		dir := t.TempDir()
		id, cmd = startIn(t, dir, "echo; read x", address)
		if description != "" {
			if err := os.WriteFile(filepath.Join(dir, id, "config.json"), []byte(description), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return id, cmd
	}
	const ours, theirs = `{"process":{"env":["A=b","NOMAD_ALLOC_ID=x"]}}`, `{"process":{"env":["A=NOMAD_ALLOC_ID=x"]}}`
	_, left := start(here, ours)
	removedID, removed := start(here, "")
	knownID, alive := start(here, ours)
	known[knownID] = true
	_, elsewhere := start(there, ours)
	_, foreign := start(here, theirs)
	// One without its directory, with nothing to keep and with something.
	lost := func(script string) *exec.Cmd {
		t.Helper()
		dir := t.TempDir()
		id, cmd := startIn(t, dir, script, here)
		if err := os.Remove(filepath.Join(dir, id)); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	idle, busy := lost("echo; read x"), lost("sleep 1000 & echo; read x; kill $!")

	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/containers/json") {
			_, _ = w.Write([]byte("[]"))
			return
		}
		_, path, ok := strings.Cut(r.URL.Path, "/containers/")
		id := strings.TrimSuffix(path, "/json")
		if ok && !known[id] {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = fmt.Fprintf(w, `{"Id":%q}`, id)
	}))
	_ = engine.Listener.Close()
	engine.Listener = l
	engine.Start()
	defer engine.Close()
	d := New(hclog.NewNullLogger())
	if err := configure(d, map[string]any{"endpoint": "unix://" + l.Addr().String()}); err != nil {
		t.Fatal(err)
	}
	d.noteRemoved(removedID)
	d.endKeepers(t.Context()) // nothing is known of the engine's containerd
	for _, cmd := range []*exec.Cmd{left, removed, alive, elsewhere, foreign, idle, busy} {
		if err := cmd.Process.Signal(syscall.Signal(0)); err != nil {
			t.Fatalf("%q: %v", cmd.Args, err)
		}
	}
	d.mu.keeper = here
	d.noteRemoved(removedID)
	d.endKeepers(t.Context())
	for name, cmd := range map[string]*exec.Cmd{"left": left, "removed": removed, "without its directory": idle} {
		over := make(chan error, 1)
		go func() { over <- cmd.Wait() }()
		select {
		case err := <-over:
			if err == nil || err.Error() != "signal: killed" {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("%s: it goes on", name)
		}
	}
	for name, cmd := range map[string]*exec.Cmd{"known": alive, "of another engine": elsewhere, "of no task": foreign, "busy": busy} {
		if k, ok := keeperOf(cmd.Process.Pid); !ok || k.id == "" {
			t.Errorf("%s: it was ended", name)
		}
	}
}
