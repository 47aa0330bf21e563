// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
)

// serverErrors are the texts that the contract answers with 500 although the caller is at fault (http-api.md 1.7 and the
// tables of the routes), or that say what this agent lacks.
var serverErrors = regexp.MustCompile(`^(` + strings.Join([]string{
	`(alloc|eval|node|deployment|scaling_policy) lookup failed: index error: (UUID must be 36 characters|Input \(without hyphens\) must be even length|Invalid UUID: .*)`,
	`Failed to parse value of "\w+" \(.*\) as a bool: .*`,
	`No path to region`,
	`Unknown job ".*"`,
	`(parameterized job|job|node|namespace|deployment|service registration) not found`,
	`(job|node pool|tag) ("[^"]*"|[^ ]+)( version \d+)? not found( on job "[^"]*")?`,
	`Invalid namespace ".*": (?s:.*)`,
	`invalid scheduling eligibility ".*"`,
	`context must be one of .*`,
	`fuzzy search query must be at least 2 characters, got \d+`,
	`eval broker is enabled; eval broker must be paused to delete evals`,
	`No such allocation on client, or allocation not eligible for GC`,
	`Enterprise only`,
	`gossip is not encrypted: .*`,
	`failed to restore from snapshot: .*`,
	// Mistakes in the filter and the token of job statuses only; other lists answer 400.
	`failed to (create result paginator|read result page): .*`,
}, `|`) + `)$`)

// TestMisuse calls every route with the wrong method, a cut-off body, members of the wrong type and every common parameter
// out of its range, on objects that are there. Each answer is a refusal of the contract or a success, none is late, and
// the agent goes on as if nothing had been.
func TestMisuse(t *testing.T) {
	w := newWorld(t)
	defer w.keepWorkers()()
	methods := map[string][]string{} // by pattern
	for _, op := range api.Operations() {
		for _, r := range op.Routes {
			methods[r.Pattern] = append(methods[r.Pattern], r.Methods...)
			if len(r.Methods) == 0 {
				methods[r.Pattern] = append(methods[r.Pattern], "any")
			}
		}
	}
	for _, op := range api.Operations() {
		for _, r := range op.Routes {
			w.wrongMethods(r.Pattern, methods[r.Pattern])
			method := http.MethodGet
			if len(r.Methods) > 0 {
				method = r.Methods[0]
			}
			if method != http.MethodGet && method != http.MethodDelete {
				w.wrongBodies(op, method, r.Pattern)
			}
			if !op.Stream && method != http.MethodDelete {
				w.wrongParameters(method, r.Pattern)
			}
		}
	}
	w.oversize()
	if log := w.log.String(); strings.Contains(log, "panicked") || strings.Contains(log, "goroutine ") {
		t.Error("the agent's log holds a panic")
	}
	w.running(w.web, 2)
}

// present fills the parameters of a route with objects that are there, where that harms nothing.
func (w *world) present(pattern string) string {
	return strings.NewReplacer("{job_id...}", w.web, "{alloc_id}", w.allocs[0].ID, "{eval_id}", w.eval, "{node_id}", w.node).Replace(pattern)
}

func (w *world) absent(pattern string) string { return routeParam.ReplaceAllString(pattern, absentID) }

// judge sends a request and says what is wrong with its answer.
func (w *world) judge(method, path, body string, right func(status int, text string) bool) {
	w.Helper()
	begun := time.Now()
	resp, text := w.do(method, path, body)
	if took := time.Since(begun); took > patience/2 {
		w.Errorf("%s %s %.200s: answered after %s", method, path, body, took)
	}
	if !right(resp.StatusCode, text) || strings.Contains(text, "goroutine ") || strings.Contains(text, "internal error in") {
		w.Errorf("%s %s %.200s: %d %.300q", method, path, body, resp.StatusCode, text)
	}
}

// refusedOrDone holds for what the contract knows: success, a fault of the caller, or a server error with its text.
func refusedOrDone(status int, text string) bool {
	return status < 500 || status == 501 || serverErrors.MatchString(text)
}

func (w *world) wrongMethods(pattern string, right []string) {
	w.Helper()
	if slices.Contains(right, "any") {
		return
	}
	for _, m := range []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch, http.MethodHead, http.MethodOptions, http.MethodTrace, "BREW"} {
		if slices.Contains(right, m) {
			continue
		}
		w.judge(m, w.absent(pattern), "", func(status int, text string) bool {
			return status == 501 || (status == 405 || status == 404 || status == 400) && (text == "Invalid method" || text == "" || status == 404)
		})
	}
}

// wrongBodies sends bodies that are cut off, of another kind, or have one member of another type.
func (w *world) wrongBodies(op *api.OpInfo, method, pattern string) {
	w.Helper()
	path := w.absent(pattern)
	if op.Stream {
		w.judge(method, path, `{"`, refusedOrDone)
		return
	}
	for _, body := range []string{`{`, `{"a":`, `[`, `"x"`, `12`, `nul`, `[{}]`, `{}{`, "\x00", `{"Job":[]}`, strings.Repeat("[", 20000)} {
		w.judge(method, path, body, refusedOrDone)
	}
	text, err := json.Marshal(op.NewRequest())
	w.ok(err)
	var members map[string]any
	if json.Unmarshal(text, &members) != nil {
		return
	}
	for name := range members {
		for _, value := range []string{`"x"`, `-1`, `1.5`, `true`, `[]`, `[1]`, `{}`, `{"x":1}`, `1e400`} {
			w.judge(method, path, fmt.Sprintf(`{%q:%s}`, name, value), refusedOrDone)
		}
	}
}

func (w *world) wrongParameters(method, pattern string) {
	w.Helper()
	if method != http.MethodGet {
		return
	}
	path := w.present(pattern)
	if routeParam.MatchString(path) || strings.HasSuffix(path, "/restart") {
		path = w.absent(pattern)
	}
	for name, values := range map[string][]string{
		"index": {"x", "-1", "1.5", "99999999999999999999"}, "wait": {"x", "-5s", "10", "9999999h"}, "stale": {"maybe", "2", ""},
		"per_page": {"x", "-3", "2147483648", "1e3"}, "next_token": {"x", "default.none", "1.2.3", "\x01"},
		"filter": {"x", `ID ==`, `Nothing == "x"`, `ID matches "["`, strings.Repeat("not ", 2000) + "x"}, "reverse": {"x", "2", "TRUE"},
		"namespace": {"none", "*", "../x", strings.Repeat("n", 300)}, "region": {"none", "../x"}, "prefix": {"z", "0", "é", "%", "\x00"},
		"pretty": {"x", "0"}, "resources": {"x"}, "diffs": {"x"}, "all": {"x"}, "summary": {"x"}, "consistent": {"x"},
	} {
		for _, v := range values {
			w.judge(method, path+"?"+url.Values{name: {v}}.Encode(), "", refusedOrDone)
		}
	}
}

// oversize sends more than a body may have.
func (w *world) oversize() {
	w.Helper()
	for _, path := range []string{"/v1/jobs", "/v1/jobs/parse", "/v1/search", "/v1/namespace", "/v1/job/web/plan"} {
		r, err := http.NewRequestWithContext(w.Context(), http.MethodPut, w.addr+path, io.MultiReader(strings.NewReader(`{"x":"`), io.LimitReader(endless{}, 65<<20)))
		w.ok(err)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			continue // the connection was cut while it was still being sent
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		w.that(err == nil && resp.StatusCode >= 400 && resp.StatusCode < 500, "%s with 65 MB: %d %s %v", path, resp.StatusCode, text, err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}
