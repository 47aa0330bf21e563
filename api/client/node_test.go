// SPDX-License-Identifier: MPL-2.0

package client

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/nomadlike/nomadlike/api"
)

// TestNodeAddress says when a node is not asked directly.
func TestNodeAddress(t *testing.T) {
	for _, c := range []struct {
		agent, node string
		want        string // the address that is asked, or a part of the error
	}{
		{"http://127.0.0.1:4646", `"HTTPAddr":"127.0.0.1:5656"`, "http://127.0.0.1:5656"},
		{"http://127.0.0.1:4646", `"HTTPAddr":"10.0.0.7:4646","TLSEnabled":true`, "https://10.0.0.7:4646"},
		{"http://10.0.0.1:4646", `"HTTPAddr":"127.0.0.1:4646"`, "on its own host only"},
		{"http://10.0.0.1:4646", `"HTTPAddr":"[::1]:4646"`, "on its own host only"},
		{"https://10.0.0.1:4646", `"HTTPAddr":"10.0.0.7:4646"`, "not to be sent in the clear"},
		{"http://10.0.0.1:4646", `"HTTPAddr":""`, "no HTTP address"},
		{"http://10.0.0.1:4646", `"Status":"down","HTTPAddr":"10.0.0.7:4646"`, ErrNodeDown.Error()},
		{"unix:///run/agent.sock", `"HTTPAddr":"127.0.0.1:4646"`, "on its own host only"},
	} {
		cl, err := New(Config{Address: c.agent, Token: "t", Namespace: "dev"})
		if err != nil {
			t.Fatal(err)
		}
		cl.http = &http.Client{Transport: answer(`{` + c.node + `}`)}
		node, err := cl.Node(context.Background(), "n")
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = node.Address()
			if node.cfg.Token != "t" || node.cfg.Namespace != "dev" {
				t.Errorf("settings were lost: %+v", node.cfg)
			}
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s, %s: got %q, want %q", c.agent, c.node, got, c.want)
		}
	}
}

// answer is a transport that answers everything with the text.
type answer string

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// TestSocket speaks the protocol of http-api.md 6.3 with an agent that follows a script.
func TestSocket(t *testing.T) {
	header := make(chan http.Header, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("task") == "denied" {
			http.Error(w, "Permission denied", http.StatusForbidden)
			return
		}
		up := websocket.Upgrader{}
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		switch r.URL.Query().Get("task") {
		case "client":
			conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "command is not present")) //nolint:errcheck // the other end tells
		case "server":
			conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseInternalServerErr, "task not found")) //nolint:errcheck // the other end tells
		case "cut":
		default:
			header <- r.Header
			_, data, err := conn.ReadMessage()
			if err != nil || string(data) != `{"stdin":{"data":"aGk="}}`+"\n" {
				t.Errorf("got %q, %v", data, err)
			}
			for _, m := range []string{`{"stdout":{"data":"aGk="}}`, `{"exited":true,"result":{"exit_code":3}}`} {
				if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
					t.Error(err)
				}
			}
		}
	}))
	defer web.Close()
	cl, err := New(Config{Address: web.URL, Token: "secret", HTTPAuth: "user:pass"})
	if err != nil {
		t.Fatal(err)
	}
	open := func(task string) (api.Stream, error) {
		return api.AllocExec.Open(context.Background(), cl, &api.ExecRequest{AllocID: "a", Task: task, Command: `["x"]`})
	}
	s, err := open("main")
	if err != nil {
		t.Fatal(err)
	}
	if h := <-header; h.Get("X-Nomad-Token") != "secret" || !strings.HasPrefix(h.Get("Authorization"), "Basic ") {
		t.Errorf("headers %v", h)
	}
	if err := s.Send(&api.ExecInput{Stdin: &api.ExecIO{Data: []byte("hi")}}); err != nil {
		t.Fatal(err)
	}
	var out api.ExecOutput
	if err := s.Recv(&out); err != nil || string(out.Stdout.Data) != "hi" {
		t.Fatalf("got %+v, %v", out, err)
	}
	out = api.ExecOutput{}
	if err := s.Recv(&out); err != nil || !out.Exited || out.Result.ExitCode != 3 {
		t.Fatalf("got %+v, %v", out, err)
	}
	if err := s.Recv(&out); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	for task, want := range map[string]string{
		"denied": "Unexpected response code: 403 (Permission denied)", "client": "Unexpected response code: 400 (command is not present)",
		"server": "Unexpected response code: 500 (task not found)", "cut": "the connection ended before the command did",
	} {
		s, err := open(task)
		if err == nil {
			err = s.Recv(&out)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", task, err, want)
		}
	}
}
