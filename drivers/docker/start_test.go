// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/plugins/drivers"
	"github.com/nomadlike/nomadlike/plugins/drivertest"
)

// TestNetworkBroken: an engine that ends under the start of the container of a network is no reason to give the network
// up, and the container is nobody's then.
func TestNetworkBroken(t *testing.T) {
	t.Parallel()
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/containers/create"):
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"Id":"c"}`))
		case strings.Contains(r.URL.Path, "/images/"):
			_, _ = w.Write([]byte(`{"Id":"i"}`))
		case strings.HasSuffix(r.URL.Path, "/json"):
			w.WriteHeader(http.StatusNotFound)
		default:
			panic(http.ErrAbortHandler)
		}
	}))
	defer engine.Close()
	d := New(hclog.NewNullLogger())
	if err := configure(d, drivertest.Config{"endpoint": "tcp://" + engine.Listener.Addr().String(), "infra_image": "pause:1"}); err != nil {
		t.Fatal(err)
	}
	_, _, err := d.CreateNetwork(t.Context(), "4f6c2c4e-3b0e-4f0e-9a57-52f1d2c1a111", &drivers.NetworkRequest{})
	if err == nil || !drivers.IsRecoverable(err) || !strings.Contains(err.Error(), "Failed to start container") {
		t.Errorf("recoverable %t: %v", drivers.IsRecoverable(err), err)
	}
	if known := d.known(); len(known) > 0 {
		t.Errorf("containers of networks are %v", known)
	}
	// One that is to go while the engine is away is doubtful from then on.
	d.holdPause("c")
	engine.Close()
	err = d.DestroyNetwork(t.Context(), "4f6c2c4e-3b0e-4f0e-9a57-52f1d2c1a111", &drivers.NetworkIsolationSpec{Labels: map[string]string{sandboxContainer: "c"}})
	if err == nil || !drivers.IsRecoverable(err) || d.mu.pauses["c"] {
		t.Errorf("recoverable %t, held %v: %v", drivers.IsRecoverable(err), d.mu.pauses, err)
	}
}

// TestLoadBroken: an engine that ends while it loads an image is no reason to give the task up.
func TestLoadBroken(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]bool{"broken": true, "refused": false} {
		engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"stream":"Loading"}`))
			if broken {
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
			_, _ = w.Write([]byte(`{"errorDetail":{"message":"bad archive"},"error":"bad archive"}`))
		}))
		defer engine.Close()
		d := New(hclog.NewNullLogger())
		if err := configure(d, drivertest.Config{"endpoint": "tcp://" + engine.Listener.Addr().String()}); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.tar"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := d.images.load(t.Context(), dir, "x.tar"); err == nil || drivers.IsRecoverable(err) != broken {
			t.Errorf("%s: recoverable %t: %v", name, drivers.IsRecoverable(err), err)
		}
	}
}

// TestStartHalfDone: a container of which the engine has a part of a start already makes room for another.
func TestStartHalfDone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"task c1: already exists": "create c1, start c1, delete c1, create c2, start c2", "mkdir /run/c1: file exists": "create c1, start c1, delete c1, create c2, start c2",
		"exec: x: not found": "create c1, start c1, delete c1",
	} {
		var calls []string
		made := 0
		engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			parts := strings.Split(r.URL.Path, "/")
			switch last := parts[len(parts)-1]; {
			case last == "create":
				made++
				calls = append(calls, fmt.Sprintf("create c%d", made))
				w.WriteHeader(http.StatusCreated)
				_, _ = fmt.Fprintf(w, `{"Id":"c%d"}`, made)
			case last == "start":
				calls = append(calls, "start "+parts[len(parts)-2])
				if made == 1 {
					w.WriteHeader(http.StatusBadRequest)
					_, _ = fmt.Fprintf(w, `{"message":%q}`, text)
				}
			case r.Method == http.MethodDelete:
				calls = append(calls, "delete "+last)
			default:
				_, _ = fmt.Fprintf(w, `{"Id":%q,"State":{"Running":true}}`, parts[len(parts)-2])
			}
		}))
		defer engine.Close()
		d := New(hclog.NewNullLogger())
		if err := configure(d, drivertest.Config{"endpoint": "tcp://" + engine.Listener.Addr().String()}); err != nil {
			t.Fatal(err)
		}
		found, err := d.launch(t.Context(), &client.ContainerCreateOptions{Name: "n", Config: &container.Config{Image: "i"}})
		if got := strings.Join(calls, ", "); got != want || (err == nil) != (made == 2) {
			t.Errorf("%s: asked for %s, want %s; %+v, %v", text, got, want, found, err)
		}
	}
}

// TestStartBroken: what an engine answers for a container whose start its own end left half done is no reason to give the
// task up; the same answer without that is.
func TestStartBroken(t *testing.T) {
	for name, broken := range map[string]bool{"broken": true, "whole": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/start") {
					return
				}
				if calls++; calls == 1 && broken {
					panic(http.ErrAbortHandler)
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(`{"message":"failed to create task: no such device: unknown"}`))
			}))
			defer engine.Close()
			d := New(hclog.NewNullLogger())
			var err error
			if d.mu.engine, err = newEngine(&pluginConfig{Endpoint: "tcp://" + engine.Listener.Addr().String()}); err != nil {
				t.Fatal(err)
			}
			_, err = d.run(t.Context(), "c")
			if err == nil || !strings.Contains(err.Error(), "Failed to start container: Error response from daemon: failed to create task") {
				t.Fatal(err)
			}
			if got := drivers.IsRecoverable(err); got != broken {
				t.Errorf("recoverable %t: %v", got, err)
			}
		})
	}
}
