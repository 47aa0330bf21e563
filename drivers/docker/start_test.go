// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

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
				_, _ = w.Write([]byte(`{"message":"failed to start shim: mkdir /run/c: file exists: unknown"}`))
			}))
			defer engine.Close()
			d := New(hclog.NewNullLogger())
			var err error
			if d.mu.engine, err = newEngine(&pluginConfig{Endpoint: "tcp://" + engine.Listener.Addr().String()}); err != nil {
				t.Fatal(err)
			}
			_, err = d.run(t.Context(), "c")
			if err == nil || !strings.Contains(err.Error(), "Failed to start container: Error response from daemon: failed to start shim") {
				t.Fatal(err)
			}
			if got := drivers.IsRecoverable(err); got != broken {
				t.Errorf("recoverable %t: %v", got, err)
			}
		})
	}
}
