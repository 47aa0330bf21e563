// SPDX-License-Identifier: MPL-2.0

package httpd

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

// sink accepts every call and answers nothing.
type sink struct{}

func (sink) Call(context.Context, *api.OpInfo, api.Request, any) (*api.Meta, error) {
	return &api.Meta{}, nil
}

func (sink) Open(ctx context.Context, _ *api.OpInfo, _ api.Request) (api.Stream, error) {
	caller, _, finish := opset.Pipe(ctx)
	finish(nil)
	return caller, nil
}

func FuzzRouter(f *testing.F) {
	h := New(Config{Caller: sink{}})
	f.Add("GET", "/v1/job/a/b/versions", "index=1")
	f.Add("PUT", "/v1/jobs", "pretty")
	f.Add("GET", "/v1//job/../x", "wait=1s&index=5&stale")
	f.Add("OPTIONS", "/v1/var/a", "namespace=*")
	f.Add("PUT", "/v1/job/a/versions/b/tag", "")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		r, err := http.NewRequest("GET", "http://x/", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Method, r.URL.Path, r.URL.RawQuery = method, path, query
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code < 200 || rec.Code >= 600 {
			t.Errorf("%s %q answers %d", method, path, rec.Code)
		}
		if loc := rec.Header().Get("Location"); loc != "" && (!strings.HasPrefix(loc, "/") || strings.HasPrefix(loc, "//")) {
			t.Errorf("%s %q leads away, to %q", method, path, loc)
		}
	})
}

func FuzzBodies(f *testing.F) {
	h := New(Config{Caller: sink{}, MaxBody: 1 << 20})
	paths := []string{"/v1/jobs", "/v1/jobs/parse", "/v1/validate/job", "/v1/job/a/plan", "/v1/job/a/evaluate", "/v1/node/a/eligibility", "/v1/client/allocation/a/signal", "/v1/client/allocation/a/restart"}
	for _, s := range []string{
		`{"Job":{"ID":"x","TaskGroups":[{"Name":"g","Count":1,"Tasks":[{"Name":"t","Config":{"a":[1,{"b":null}]}}]}]}}`,
		`{"job":null}`, `[]`, `{"Job":{"Meta":{"a":1}}}`, `{"JobHCL":"job"}`, `{"Eligibility":"eligible"}`, "\xff", `{"Job":{"Priority":1e400}}`, `{"Job":{"Payload":"%%"}}`,
	} {
		for i := range paths {
			f.Add(uint8(i), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		r := httptest.NewRequest("PUT", paths[int(which)%len(paths)], bytes.NewReader(body))
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		switch rec.Code {
		case 200, 400, 413:
		default:
			t.Errorf("%s answers %d %s", r.URL.Path, rec.Code, rec.Body)
		}
	})
}
