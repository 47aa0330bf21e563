// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

// twin is an api.Caller over functions.
type twin struct {
	set  *opset.Set
	meta api.Meta
}

func (t *twin) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	h := t.set.Unary(op.Name)
	if h == nil {
		return nil, api.Errorf(api.ClassUnsupported, "no twin of %s", op.Name)
	}
	v, err := h(ctx, req)
	if err != nil {
		return &t.meta, err
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return &t.meta, json.Unmarshal(data, resp)
}

func (t *twin) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	h := t.set.Streaming(op.Name)
	if h == nil {
		return nil, api.Errorf(api.ClassUnsupported, "no twin of %s", op.Name)
	}
	caller, end, finish := opset.Pipe(ctx)
	go func() { finish(h(end.Context(), req, end)) }()
	return caller, nil
}

func serve(t *testing.T, fill func(*opset.Set)) (*httptest.Server, *twin) {
	t.Helper()
	tw := &twin{set: opset.New(), meta: api.Meta{Index: 42, HasIndex: true, KnownLeader: true, LastContact: 7 * time.Millisecond}}
	fill(tw.set)
	srv := httptest.NewServer(New(Config{Caller: tw}))
	t.Cleanup(srv.Close)
	return srv, tw
}

var noRedirect = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableCompression: true},
}

func do(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	var rd io.Reader
	if body != "" {
		rd = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url, rd)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := noRedirect.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func TestRouting(t *testing.T) {
	got := ""
	srv, _ := serve(t, func(s *opset.Set) {
		opset.Handle(s, api.JobList, func(context.Context, *api.JobListRequest) ([]*api.JobListStub, error) { got = "list"; return nil, nil })
		opset.Handle(s, api.JobGet, func(_ context.Context, r *api.JobRequest) (*api.Job, error) {
			got = "get " + r.JobID
			return &api.Job{ID: r.JobID}, nil
		})
		opset.Handle(s, api.JobVersions, func(_ context.Context, r *api.JobVersionsRequest) (*api.JobVersionsResponse, error) {
			got = "versions " + r.JobID
			return &api.JobVersionsResponse{}, nil
		})
		opset.Handle(s, api.JobRegister, func(_ context.Context, r *api.JobRegisterRequest) (*api.JobRegisterResponse, error) {
			got = "register " + r.PathID
			return &api.JobRegisterResponse{}, nil
		})
		opset.Handle(s, api.SystemGC, func(context.Context, *api.SystemWriteRequest) (api.Empty, error) { got = "gc"; return api.Empty{}, nil })
	})
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/v1/jobs", "", 200, "list"},
		{"GET", "/v1/job/a", "", 200, "get a"},
		{"GET", "/v1/job/a/b/c", "", 200, "get a/b/c"},
		{"GET", "/v1/job/a%2Fb", "", 200, "get a/b"},
		{"GET", "/v1/job/a/b/versions", "", 200, "versions a/b"},
		{"PUT", "/v1/jobs", `{"Job":{}}`, 200, "register "},
		{"POST", "/v1/job/x/y", `{"job":{}}`, 200, "register x/y"},
		{"PUT", "/v1/system/gc", "", 200, "gc"},
		{"POST", "/v1/system/gc", "", 405, ""},
		{"DELETE", "/v1/jobs", "", 405, ""},
		{"HEAD", "/v1/jobs", "", 405, ""},
		{"PUT", "/v1/job/x/versions", "{}", 405, ""},
		{"GET", "/v1/jobs/", "", 404, ""},
		{"GET", "/v1/nope", "", 404, ""},
		{"GET", "/v2/jobs", "", 404, ""},
		{"GET", "/v1/job/", "", 404, ""},
		{"GET", "/v1/node/a/b", "", 500, ""},
		{"GET", "/v1/allocation/a/b", "", 404, ""},
		{"GET", "/v1/client/fs/zzz/a", "", 404, ""},
		{"GET", "/v1/agent/keyring/zzz", "", 404, ""},
		{"PUT", "/v1/job/a/tag", "{}", 404, ""},
		{"PUT", "/v1/job/a/versions/b/c/tag", "{}", 404, ""},
		{"GET", "/v1/vars", "", 501, ""},
		{"DELETE", "/v1/quota/x", "", 501, ""},
		{"GET", "//v1//jobs", "", 307, ""},
		{"GET", "/v1/job/../jobs", "", 307, ""},
		{"GET", "/", "", 307, ""},
	} {
		got = ""
		res, body := do(t, c.method, srv.URL+c.path, c.body)
		if res.StatusCode != c.code || got != c.want {
			t.Errorf("%s %s: status %d, ran %q; want %d, %q (body %q)", c.method, c.path, res.StatusCode, got, c.code, c.want, body)
		}
	}
	if _, body := do(t, "GET", srv.URL+"/v1/vars", ""); !strings.Contains(body, "GET /v1/vars") {
		t.Errorf("an unserved route must name itself, got %q", body)
	}
	for path, want := range map[string]string{
		"/v1/node/a/b":          "node lookup failed: index error: UUID must be 36 characters",
		"/v1/allocation/a/zzz":  "resource not found",
		"/v1/client/fs/zzz/a":   "Invalid method",
		"/v1/agent/keyring/zzz": "resource not found",
		"/v1/job/a/b/tag":       "invalid job tag endpoint",
	} {
		if _, body := do(t, "GET", srv.URL+path, ""); body != want {
			t.Errorf("GET %s says %q, want %q", path, body, want)
		}
	}
	if res, _ := do(t, "GET", srv.URL+"/?a=b", ""); res.Header.Get("Location") != "/ui/?a=b" {
		t.Errorf("the root redirects to %q", res.Header.Get("Location"))
	}
	if res, body := do(t, "GET", srv.URL+"/v1/nope", ""); body != "" || res.Header.Get("Content-Type") != "" {
		t.Errorf("an unknown path has body %q and type %q", body, res.Header.Get("Content-Type"))
	}
}

func TestHeadersAndBodies(t *testing.T) {
	var seen api.ReadOptions
	srv, tw := serve(t, func(s *opset.Set) {
		opset.Handle(s, api.NodeList, func(_ context.Context, r *api.NodeListRequest) ([]*api.NodeListStub, error) {
			seen = r.ReadOptions
			return nil, nil
		})
		opset.Handle(s, api.JobGet, func(_ context.Context, r *api.JobRequest) (*api.Job, error) {
			if r.JobID == "none" {
				return nil, &api.Error{Class: api.ClassNotFound, Message: "job not found", Index: 9}
			}
			return &api.Job{ID: "<x>", Meta: map[string]string{"k": strings.Repeat("v", 2000)}}, nil
		})
	})
	tw.meta.NextToken = "tok"
	res, body := do(t, "GET", srv.URL+"/v1/nodes?index=5&wait=1500ms&stale&per_page=3&next_token=t&filter=a&prefix=ab&reverse=true&region=r&namespace=*", "", "Authorization", "bearer  secret x")
	if body != "[]" {
		t.Errorf("an empty list is %q", body)
	}
	for k, v := range map[string]string{"X-Nomad-Index": "42", "X-Nomad-Knownleader": "true", "X-Nomad-Lastcontact": "7", "X-Nomad-Nexttoken": "tok", "Vary": "Accept-Encoding", "Content-Type": "application/json"} {
		if got := res.Header.Get(k); got != v {
			t.Errorf("header %s is %q, want %q", k, got, v)
		}
	}
	want := api.ReadOptions{
		RequestOptions: api.RequestOptions{Region: "r", Namespace: "*", AuthToken: "secret"},
		MinIndex:       5, MaxWait: 1500 * time.Millisecond, AllowStale: true, Prefix: "ab", Filter: "a", NextToken: "t", PerPage: 3, Reverse: true,
	}
	if seen != want {
		t.Errorf("options are %+v, want %+v", seen, want)
	}
	res, body = do(t, "GET", srv.URL+"/v1/job/none", "")
	if res.StatusCode != 404 || body != "job not found" || res.Header.Get("X-Nomad-Index") != "9" || res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("not found is %d %q %v", res.StatusCode, body, res.Header)
	}
	_, plain := do(t, "GET", srv.URL+"/v1/job/x", "")
	if !strings.Contains(plain, `"ID":"<x>"`) || strings.HasSuffix(plain, "\n") {
		t.Errorf("compact form is %.80q", plain)
	}
	if _, pretty := do(t, "GET", srv.URL+"/v1/job/x?pretty", ""); !strings.Contains(pretty, "\n    \"ID\": \"<x>\"") || !strings.HasSuffix(pretty, "}\n") {
		t.Errorf("pretty form is %.80q", pretty)
	}
	if _, off := do(t, "GET", srv.URL+"/v1/job/x?pretty=0", ""); off != plain {
		t.Errorf("pretty=0 is %.80q", off)
	}
	res, packed := do(t, "GET", srv.URL+"/v1/job/x", "", "Accept-Encoding", "gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Content-Length") != strconv.Itoa(len(packed)) {
		t.Fatalf("not compressed, or of unknown length: %v", res.Header)
	}
	zr, err := gzip.NewReader(bytes.NewReader([]byte(packed)))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(zr); err != nil || string(b) != plain {
		t.Errorf("compressed body differs: %v", err)
	}
	for accept, want := range map[string]string{
		"br, GZIP": "gzip", "deflate, gzip; q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.000": "", "deflate": "", "*": "",
	} {
		if res, _ := do(t, "GET", srv.URL+"/v1/job/x", "", "Accept-Encoding", accept); res.Header.Get("Content-Encoding") != want {
			t.Errorf("a client that accepts %q gets the encoding %q, want %q", accept, res.Header.Get("Content-Encoding"), want)
		}
	}
}

func TestBadInput(t *testing.T) {
	srv, _ := serve(t, func(s *opset.Set) {
		opset.Handle(s, api.JobRegister, func(context.Context, *api.JobRegisterRequest) (*api.JobRegisterResponse, error) {
			return &api.JobRegisterResponse{}, nil
		})
		opset.Handle(s, api.JobEvaluate, func(context.Context, *api.JobEvaluateRequest) (*api.JobRegisterResponse, error) {
			return &api.JobRegisterResponse{}, nil
		})
		opset.Handle(s, api.JobList, func(context.Context, *api.JobListRequest) ([]*api.JobListStub, error) { return nil, nil })
		opset.Handle(s, api.JobDeregister, func(context.Context, *api.JobDeregisterRequest) (*api.JobDeregisterResponse, error) {
			return &api.JobDeregisterResponse{}, nil
		})
	})
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"PUT", "/v1/jobs", "", 400, "Request body is empty"},
		{"PUT", "/v1/jobs", "{", 400, "unexpected EOF"},
		{"PUT", "/v1/jobs", `{"Job":{"ID":3}}`, 400, "Job.ID"},
		{"PUT", "/v1/jobs", `{"Job":{"TaskGroups":[{"ShutdownDelay":"5s"}]}}`, 400, "ShutdownDelay"},
		{"PUT", "/v1/job/x/evaluate", "", 200, ""},
		{"GET", "/v1/jobs?index=x", "", 400, "Invalid index"},
		{"GET", "/v1/jobs?wait=x", "", 400, "Invalid wait time"},
		{"GET", "/v1/jobs?stale=x", "", 400, "Expect `true` or `false`"},
		{"GET", "/v1/jobs?per_page=x", "", 400, "Expect a number for `per_page`"},
		{"GET", "/v1/jobs?meta=x", "", 500, `Failed to parse value of "meta" (x) as a bool`},
		{"DELETE", "/v1/job/x?purge=x", "", 500, `Failed to parse value of "purge"`},
		{"DELETE", "/v1/job/x?eval_priority=x", "", 400, "eval_priority"},
	} {
		res, body := do(t, c.method, srv.URL+c.path, c.body)
		if res.StatusCode != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.path, res.StatusCode, body, c.code, c.want)
		}
	}
	h := New(Config{Caller: &twin{set: opset.New()}, MaxBody: 10})
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("PUT", "/v1/jobs", strings.NewReader(`{"Job":{"ID":"too long"}}`)))
	if rec.Code != 413 {
		t.Errorf("a huge body is %d %q", rec.Code, rec.Body)
	}
}

func TestFrames(t *testing.T) {
	frames := func(_ context.Context, r *api.LogsRequest, s api.Stream) error {
		if r.Task == "none" {
			return api.Errorf(api.ClassNotFound, "no such log")
		}
		for _, d := range []string{"ab", "cd"} {
			if err := s.Send(&api.StreamFrame{Data: []byte(d), File: "f", Offset: 2}); err != nil {
				return err
			}
		}
		if r.Task == "half" {
			return api.Errorf(api.ClassUnavailable, "the node is gone")
		}
		return nil
	}
	srv, _ := serve(t, func(s *opset.Set) {
		opset.HandleStream(s, api.FSLogs, frames)
		opset.HandleStream(s, api.FSCat, func(_ context.Context, r *api.FSRequest, s api.Stream) error {
			if r.Path == "/none" {
				return api.Errorf(api.ClassNotFound, "no such file")
			}
			if err := s.Send(&api.StreamFrame{Data: []byte("<html>")}); err != nil || r.Path == "/x" {
				return err
			}
			return api.Errorf(api.ClassUnavailable, "the node is gone")
		})
		opset.HandleStream(s, api.MetricsGet, func(_ context.Context, r *api.MetricsRequest, s api.Stream) error {
			if r.Format != "" {
				return s.Send(&api.Chunk{ContentType: "text/plain", Data: []byte("a 1\n")})
			}
			return s.Send(&api.Chunk{ContentType: "application/json", Data: []byte(`{"Points":[]}`)})
		})
		opset.HandleStream(s, api.EventStream, func(_ context.Context, r *api.EventStreamRequest, s api.Stream) error {
			if len(r.Topic) > 0 {
				return api.Errorf(api.ClassInvalid, "Invalid topic query")
			}
			if err := s.Send(&api.EventBatch{}); err != nil {
				return err
			}
			if err := s.Send(&api.EventBatch{Index: 3, Events: []*api.Event{{Topic: "Job"}}}); err != nil || r.Index == "" {
				return err
			}
			return api.Errorf(api.ClassTooMany, "fell behind")
		})
	})
	if _, body := do(t, "GET", srv.URL+"/v1/client/fs/logs/a?task=t&type=stdout", ""); body != `{"Data":"YWI=","File":"f","Offset":2}{"Data":"Y2Q=","File":"f","Offset":2}` {
		t.Errorf("frames are %s", body)
	}
	if res, body := do(t, "GET", srv.URL+"/v1/client/fs/logs/a?task=t&plain=true", ""); body != "abcd" || res.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("plain log is %q %v", body, res.Header)
	}
	if res, body := do(t, "GET", srv.URL+"/v1/client/fs/logs/a?task=none", ""); res.StatusCode != 404 || body != "no such log" {
		t.Errorf("missing log is %d %q", res.StatusCode, body)
	}
	if res, body := do(t, "GET", srv.URL+"/v1/client/fs/cat/a?path=/none", ""); res.StatusCode != 200 || body != "no such file" {
		t.Errorf("missing file is %d %q", res.StatusCode, body)
	}
	if res, body := do(t, "GET", srv.URL+"/v1/client/fs/cat/a?path=/x", ""); body != "<html>" || strings.Contains(res.Header.Get("Content-Type"), "html") {
		t.Errorf("a task's page is served as %v", res.Header)
	}
	for _, path := range []string{"/logs/a?task=half", "/logs/a?task=half&plain=true", "/cat/a?path=/half"} {
		res, err := http.Get(srv.URL + "/v1/client/fs" + path)
		if err != nil {
			continue // a part so small that nothing was sent yet
		}
		if body, err := io.ReadAll(res.Body); err == nil {
			t.Errorf("%s: a part looks like the whole: %q", path, body)
		}
		res.Body.Close()
	}
	for _, path := range []string{"/logs/a?task=t", "/logs/a?task=t&plain=true", "/cat/a?path=/x", "/cat/a?path=/none"} {
		res, _ := do(t, "GET", srv.URL+"/v1/client/fs"+path, "")
		if res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(res.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("what a task wrote may run in a browser: %s has %v", path, res.Header)
		}
	}
	for path, want := range map[string]string{
		"": `{"Points":[]}`, "?pretty": "{\n    \"Points\": []\n}\n", "?pretty=0": `{"Points":[]}`, "?format=prometheus&pretty": "a 1\n",
	} {
		if _, body := do(t, "GET", srv.URL+"/v1/metrics"+path, ""); body != want {
			t.Errorf("metrics%s are %q, want %q", path, body, want)
		}
	}
	res, body := do(t, "GET", srv.URL+"/v1/event/stream", "", "Accept-Encoding", "gzip")
	if !strings.HasPrefix(body, "{}\n{\"") || strings.Count(body, "\n") != 2 || res.ContentLength != -1 || len(res.TransferEncoding) != 0 {
		t.Errorf("event stream is %q, length %d, encoding %v", body, res.ContentLength, res.TransferEncoding)
	}
	if _, body := do(t, "GET", srv.URL+"/v1/event/stream?index=1", ""); !strings.HasSuffix(body, "}]}\n{\"Error\":\"fell behind\"}\n") {
		t.Errorf("a stream that is ended says %q", body)
	}
	if res, body := do(t, "GET", srv.URL+"/v1/event/stream?topic=a:b:c", ""); res.StatusCode != 400 || body != "Invalid topic query" {
		t.Errorf("a refused subscription is %d %q", res.StatusCode, body)
	}
	if _, err := bufio.NewReader(strings.NewReader(body)).ReadString('\n'); err != nil {
		t.Error(err)
	}
}

func TestExec(t *testing.T) {
	srv, _ := serve(t, func(s *opset.Set) {
		opset.HandleStream(s, api.AllocExec, func(_ context.Context, r *api.ExecRequest, s api.Stream) error {
			if r.Task == "none" {
				return api.Errorf(api.ClassNotFound, "no such task")
			}
			for {
				var in api.ExecInput
				if err := s.Recv(&in); err != nil {
					return err
				}
				if in.Stdin.Close {
					break
				}
				if err := s.Send(&api.ExecOutput{Stdout: in.Stdin}); err != nil {
					return err
				}
			}
			return s.Send(&api.ExecOutput{Exited: true, Result: &api.ExecResult{ExitCode: 3}})
		})
	})
	ws := "ws" + strings.TrimPrefix(srv.URL, "http") + "/v1/client/allocation/a/exec?task="
	conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), ws+"t&ws_handshake=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer conn.Close()
	for _, m := range []string{`{"version":1,"auth_token":"x"}`, `{}`, `{"stdin":{"data":"aGk="}}`, `{"stdin":{"close":true}}`} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{`{"stdout":{"data":"aGk="}}`, `{"exited":true,"result":{"exit_code":3}}`} {
		_, got, err := conn.ReadMessage()
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Fatalf("got %s %v, want %s", got, err, want)
		}
	}
	_, refused, err := websocket.DefaultDialer.DialContext(t.Context(), ws+"t", http.Header{"Origin": {"https://evil.example"}})
	if err == nil || refused.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site: %v, %v", refused, err)
	}
	refused.Body.Close()
	bad, res, err := websocket.DefaultDialer.DialContext(t.Context(), ws+"none", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	defer bad.Close()
	if _, _, err := bad.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) || !strings.Contains(err.Error(), "no such task") {
		t.Errorf("an error closes with %v", err)
	}
}

// TestExecBadMessage sends what is no message of the protocol to a command that waits for input.
func TestExecBadMessage(t *testing.T) {
	srv, _ := serve(t, func(s *opset.Set) {
		opset.HandleStream(s, api.AllocExec, func(ctx context.Context, _ *api.ExecRequest, s api.Stream) error {
			<-ctx.Done()
			return ctx.Err()
		})
	})
	for _, m := range []string{"", "x", "[]", `{"stdin":5}`, `{"stdin":{"data":"%"}}`} {
		conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http")+"/v1/client/allocation/a/exec?task=t", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) || !strings.Contains(err.Error(), "Failed to decode message: ") {
			t.Errorf("%q: the session ended with %v", m, err)
		}
		conn.Close()
	}
}

// TestExecReasonArrives sends while the session is refused: what the server has not read must not cost the reason.
func TestExecReasonArrives(t *testing.T) {
	srv, _ := serve(t, func(s *opset.Set) {
		opset.HandleStream(s, api.AllocExec, func(_ context.Context, _ *api.ExecRequest, _ api.Stream) error {
			return api.Errorf(api.ClassNotFound, "no such program")
		})
	})
	for range 200 {
		conn, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(srv.URL, "http")+"/v1/client/allocation/a/exec?task=t", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		for range 8 { // the later ones may fail: the server has closed by then
			if conn.WriteMessage(websocket.TextMessage, []byte(`{"tty_size":{"height":24,"width":80}}`)) != nil {
				break
			}
		}
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) || !strings.Contains(err.Error(), "no such program") {
			t.Fatalf("the session ended with %v", err)
		}
		conn.Close()
	}
}

// pipes is a listener in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	conn, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }

// TestExecPeerDies has a peer that dies while the command does not read what it has sent.
func TestExecPeerDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, ended := make(chan struct{}), make(chan struct{})
		tw := &twin{set: opset.New()}
		opset.HandleStream(tw.set, api.AllocExec, func(ctx context.Context, _ *api.ExecRequest, _ api.Stream) error {
			select {
			case <-ctx.Done():
				close(ended)
			case <-release:
			}
			return io.EOF
		})
		listener := make(pipes)
		srv := &http.Server{Handler: New(Config{Caller: tw})}
		go func() { _ = srv.Serve(listener) }() // until it is closed
		defer srv.Close()
		defer close(listener)
		defer close(release)
		dialer := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			listener <- far
			return near, nil
		}}
		conn, res, err := dialer.DialContext(t.Context(), "ws://agent/v1/client/allocation/a/exec?task=t", nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"stdin":{"data":"aGk="}}`)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		conn.NetConn().Close()
		time.Sleep(time.Minute)
		synctest.Wait()
		select {
		case <-ended:
		default:
			t.Error("the session goes on without its peer")
		}
	})
}
