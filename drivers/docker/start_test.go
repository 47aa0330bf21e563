// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

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
