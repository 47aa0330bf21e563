// SPDX-License-Identifier: MPL-2.0

package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// uploadTo sends n chunks to an agent that behaves as h says, and returns the answer.
func uploadTo(t *testing.T, h http.HandlerFunc, n int) error {
	t.Helper()
	srv := httptest.NewServer(h)
	defer srv.Close()
	c, err := New(Config{Address: srv.URL, Token: "t", Region: "eu"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := api.SnapshotRestore.Open(t.Context(), c, &api.SnapshotRestoreRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if s.Send(&api.Chunk{Data: []byte(strings.Repeat("x", 1<<16))}) != nil {
			break
		}
	}
	if err := s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	return s.Recv(&api.Empty{})
}

func TestUpload(t *testing.T) {
	err := uploadTo(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(body) != 10<<16 {
			t.Errorf("body of %d bytes, error %v", len(body), err)
		}
		if r.Method != http.MethodPut || r.URL.Path != "/v1/operator/snapshot" || r.URL.Query().Get("region") != "eu" || r.Header.Get("X-Nomad-Token") != "t" {
			t.Errorf("request %s %s %v", r.Method, r.URL, r.Header)
		}
	}, 10)
	if !errors.Is(err, io.EOF) {
		t.Errorf("answer %v, want io.EOF", err)
	}
}

// TestUploadRefused gets the answer although the agent does not read all.
func TestUploadRefused(t *testing.T) {
	err := uploadTo(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		http.Error(w, "snapshot archive is damaged", http.StatusInternalServerError)
	}, 1)
	if !IsStatus(err, http.StatusInternalServerError) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("answer %v, want the agent's", err)
	}
}

func TestUploadTakesChunks(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // the client is gone
	}))
	defer srv.Close()
	c, err := New(Config{Address: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	s, err := api.SnapshotRestore.Open(t.Context(), c, &api.SnapshotRestoreRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(&api.Empty{}); err == nil {
		t.Error("a message that is no chunk was taken")
	}
	if err := s.CloseSend(); err != nil {
		t.Error(err)
	}
	if err := s.Recv(nil); !errors.Is(err, io.EOF) {
		t.Errorf("answer %v", err)
	}
}
