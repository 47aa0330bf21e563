// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// nonsense are values that no parameter should be given.
var nonsense = []string{
	"-1", "1e309", "99999999999999999999999", "true\x00", "../../../../etc/passwd", "é世界\u202e", "a\nb\rc\t", "((((((", strings.Repeat("x", 5000), "[]", "\xff\xfe",
}

var routeParam = regexp.MustCompile(`\{[^}]*\}`)

// keepWorkers returns what sets the scheduler workers as they are now: a body without fields asks for none, which is
// possible, and nothing would be stopped at the end.
func (w *world) keepWorkers() func() {
	workers, err := w.client.Agent().GetSchedulerWorkerConfig(nil)
	w.ok(err)
	return func() {
		_, err := w.client.Agent().SetSchedulerWorkerConfig(*workers, nil)
		w.ok(err)
	}
}

// TestNonsense gives every parameter of every operation every kind of nonsense, in the path, the query and the body.
// Each request is answered, none with a stack, and the agent goes on as if nothing had been.
func TestNonsense(t *testing.T) {
	w := newWorld(t)
	defer w.keepWorkers()()
	sent := 0
	for _, op := range api.Operations() {
		for _, r := range op.Routes {
			method := http.MethodGet
			if len(r.Methods) > 0 {
				method = r.Methods[0]
			}
			for _, bad := range nonsense {
				sent += w.nonsensical(op, method, r.Pattern, bad)
			}
		}
	}
	if sent < 2000 {
		t.Errorf("only %d requests were sent", sent)
	}
	if log := w.log.String(); strings.Contains(log, "panicked") || strings.Contains(log, "goroutine ") {
		t.Error("the agent's log holds a panic")
	}
	w.running(w.web, 2)
}

// nonsensical sends one value wherever the operation takes one, and returns how many requests that were.
func (w *world) nonsensical(op *api.OpInfo, method, pattern, bad string) int {
	w.Helper()
	sane := routeParam.ReplaceAllString(pattern, absentID)
	n := 0
	try := func(path, query, body string) {
		n++
		w.nonsenseAnswer(op, method, path, query, body)
	}
	if routeParam.MatchString(pattern) {
		try(routeParam.ReplaceAllLiteralString(pattern, url.PathEscape(bad)), "", "{}")
	}
	req := reflect.TypeOf(op.NewRequest()).Elem()
	for f := range req.Fields() {
		// A profile of many seconds is no nonsense, it takes them.
		if q := f.Tag.Get("query"); q != "" && q != "seconds" {
			try(sane, url.Values{q: {bad}}.Encode(), "{}")
		}
	}
	for _, q := range []string{"region", "namespace", "index", "wait", "stale", "per_page", "next_token", "prefix", "filter", "pretty"} {
		if q == "index" && bad == "99999999999999999999999" {
			continue // waits for that index, as it should, where it fits into a number
		}
		try(sane, url.Values{q: {bad}}.Encode(), "{}")
	}
	if method != http.MethodGet {
		try(sane, "", bad)
	}
	return n
}

// nonsenseAnswer sends a request and judges the answer: it comes, it is no page of the program's insides, and a stream is
// either refused or begins.
func (w *world) nonsenseAnswer(op *api.OpInfo, method, path, query, body string) {
	w.Helper()
	limit := patience
	if op.Stream {
		limit = 20 * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(w.Context(), limit)
	defer cancel()
	target := w.addr + path
	if query != "" {
		target += "?" + query
	}
	var rd io.Reader
	if method != http.MethodGet {
		rd = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, target, rd)
	if err != nil {
		return // Go's client itself refuses it
	}
	what := fmt.Sprintf("%s: %s %.200q %.60q", op.Name, method, path+"?"+query, body)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		if !op.Stream || !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("%s: %v", what, err)
		}
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil && !op.Stream {
		w.Errorf("%s: %v", what, err)
	}
	if strings.Contains(string(text), "goroutine ") && op.Name != "Agent.Profile" || strings.Contains(string(text), "internal error in") {
		w.Errorf("%s answers %d %.300q", what, resp.StatusCode, text)
	}
}
