// SPDX-License-Identifier: MPL-2.0

package client

import (
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// TestAuthorities: the files of a CA directory count whatever their names end in.
func TestAuthorities(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), ca, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "old"), 0o700); err != nil {
		t.Fatal(err)
	}
	cl, err := New(Config{Address: srv.URL, TLS: TLSConfig{CAPath: dir}})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := cl.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

// TestBadConfig: what cannot work is refused before anything is asked, with what to change.
func TestBadConfig(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Address: "127.0.0.1:4646"}, "want a URL such as http://127.0.0.1:4646"},
		{Config{Address: "localhost:4646"}, "want a URL such as http://127.0.0.1:4646"},
		{Config{TLS: TLSConfig{CAPath: filepath.Join(empty, "nope")}}, "no such file"},
		{Config{TLS: TLSConfig{CAPath: empty}}, "holds no certificate"},
		{Config{TLS: TLSConfig{ClientCert: "a.pem"}}, "set both or neither"},
		{Config{TLS: TLSConfig{ClientKey: "a.pem"}}, "set both or neither"},
	} {
		if _, err := New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v is refused with %v, want %q", c.cfg, err, c.want)
		}
	}
}

// TestIncompleteAnswers: what an agent would not answer is an error with the address, and never a panic of who reads it.
func TestIncompleteAnswers(t *testing.T) {
	var body, kind string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Write([]byte(body)) //nolint:errcheck // a test's server
	}))
	defer srv.Close()
	cl, err := New(Config{Address: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	get := func() error {
		_, _, err := api.JobGet.Call(ctx, cl, &api.JobRequest{JobID: "web"})
		return err
	}
	list := func() error {
		_, _, err := api.NodeList.Call(ctx, cl, &api.NodeListRequest{})
		return err
	}
	summary := func() error {
		sum, _, err := api.JobSummaryGet.Call(ctx, cl, &api.JobRequest{JobID: "web"})
		if err != nil && sum != nil {
			t.Errorf("an answer that is refused is there: %+v", sum)
		}
		return err
	}
	meta := func() error {
		_, _, err := api.ClientMetadataGet.Call(ctx, cl, &api.ClientRequest{})
		return err
	}
	monitor := func() error {
		_, err := api.AgentMonitor.Open(ctx, cl, &api.AgentMonitorRequest{Plain: true})
		return err
	}
	file := func() error {
		_, err := api.FSCat.Open(ctx, cl, &api.FSRequest{AllocID: "a", Path: "x.html"})
		return err
	}
	restore := func() error {
		s, err := api.SnapshotRestore.Open(ctx, cl, &api.SnapshotRestoreRequest{})
		if err == nil {
			err = s.CloseSend()
		}
		if err == nil {
			err = s.Recv(&api.Empty{})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
	latest := func() error {
		_, _, err := api.JobLatestDeployment.Call(ctx, cl, &api.JobRequest{JobID: "web"})
		return err
	}
	restart := func() error {
		_, _, err := api.AllocRestart.Call(ctx, cl, &api.AllocRestartRequest{AllocID: "a"})
		return err
	}
	for _, c := range []struct {
		body, kind string
		call       func() error
		want       string // in the error, "" for none
	}{
		{"", "application/json", get, "is incomplete: is that the address of an agent?"},
		{"null", "application/json", get, srv.URL},
		{"{}", "application/json", get, ""},
		{"null", "application/json", list, ""},
		{"[null]", "application/json", list, "is incomplete"},
		{"null", "application/json", latest, ""},
		{`[{"ID":"a","Drivers":{"exec":null}}]`, "application/json", list, "is incomplete, [0].Drivers.exec is null"},
		{`{"Meta":{},"Dynamic":{"gone":null},"Static":null}`, "application/json", meta, ""},
		{`{"JobID":"web","Children":null,"Summary":{"g":{}}}`, "application/json", summary, ""},
		{"", "application/json", restart, ""},
		{"<html>", "text/html; charset=utf-8", list, "is a web page"},
		{"<html>", "text/html", monitor, "is a web page"},
		{"<html>", "text/html", restore, "is a web page"},
		{"", "application/json", restore, ""},
		{"<html>", "text/html", file, ""},
	} {
		body, kind = c.body, c.kind
		if err := c.call(); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v, want %q", c.kind, c.body, err, c.want)
		}
	}
}
