// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// template is a parameterised job.
func template(id string, block object) object {
	j := job(id, 1)
	j["Type"], j["ParameterizedJob"] = "batch", block
	task(j)["DispatchPayload"] = object{"File": "in.txt"}
	return j
}

func (c *cluster) children(id string) []*api.Job {
	c.t.Helper()
	var out []*api.Job
	for j := range state.Jobs.By(c.srv.Store().Snapshot(), state.ByParent, "default", id) {
		out = append(out, j)
	}
	return out
}

func TestDispatch(t *testing.T) {
	c := start(t)
	c.nodes(1)
	var req object
	if err := json.Unmarshal(httpdtest.Recorded(t, "jobs-register-parameterized.request.json"), &req); err != nil {
		t.Fatal(err)
	}
	task(req["Job"].(object))["Driver"] = "mock_driver"
	a := c.do("POST", "/v1/jobs", encode(t, req))
	httpdtest.Shape(t, "register", httpdtest.Recorded(t, "jobs-register-parameterized.json"), []byte(a.body), httpdtest.Rules{})
	var reg api.JobRegisterResponse
	unmarshal(t, a.body, &reg)
	if a.code != 200 || reg.EvalID != "" || reg.EvalCreateIndex != 0 || c.stored("rec-param").Status != "running" {
		t.Fatalf("registered %s", a.body)
	}
	// The same again: there is nothing to evaluate, and nothing changes.
	if a := c.do("POST", "/v1/jobs", encode(t, req)); a.code != 200 || c.stored("rec-param").Version != 0 {
		t.Errorf("registered again: %d %s", a.code, a.body)
	}
	a = c.do("POST", "/v1/job/rec-param/dispatch?idempotency_token=tok1", `{"Payload":"aGVsbG8K","Meta":{"who":"world"},"IdPrefixTemplate":"blue"}`)
	httpdtest.Shape(t, "dispatch", httpdtest.Recorded(t, "job-dispatch.json"), []byte(a.body), httpdtest.Rules{})
	var d api.JobDispatchResponse
	unmarshal(t, a.body, &d)
	if a.code != 200 || !regexp.MustCompile(`^rec-param/dispatch-blue-\d+-[0-9a-f]{8}$`).MatchString(d.DispatchedJobID) || d.EvalCreateIndex != d.JobCreateIndex || d.Index != d.JobCreateIndex {
		t.Fatalf("dispatched %d %s", a.code, a.body)
	}
	c.done(d.EvalID)
	c.running(d.DispatchedJobID, 1)
	read := c.do("GET", "/v1/job/"+d.DispatchedJobID, "")
	httpdtest.Shape(t, "child", httpdtest.Recorded(t, "job-read-dispatched.json"), []byte(read.body),
		httpdtest.Rules{Skip: []string{"**.Config"}, Optional: []string{"**.Networks.[].*"}})
	child := c.stored(d.DispatchedJobID)
	if string(child.Payload) != "hello\n" || child.Meta["who"] != "world" || !child.Dispatched || child.ParentID != "rec-param" || child.Name != child.ID ||
		child.DispatchIdempotencyToken != "tok1" || child.Status != "running" || child.SubmitTime == 0 {
		t.Errorf("child %+v", child)
	}
	again := c.do("POST", "/v1/job/rec-param/dispatch", `{"Payload":"aGVsbG8K","Meta":{"who":"world"},"IdempotencyToken":"tok1"}`)
	httpdtest.Shape(t, "dispatch again", httpdtest.Recorded(t, "job-dispatch-idempotent.json"), []byte(again.body), httpdtest.Rules{})
	var same api.JobDispatchResponse
	unmarshal(t, again.body, &same)
	if same.DispatchedJobID != d.DispatchedJobID || same.EvalID != "" || same.EvalCreateIndex != 0 || same.JobCreateIndex != d.JobCreateIndex {
		t.Errorf("dispatched again: %s", again.body)
	}
	summary := c.do("GET", "/v1/job/rec-param/summary", "")
	httpdtest.Shape(t, "summary", httpdtest.Recorded(t, "job-summary-parent.json"), []byte(summary.body), httpdtest.Rules{})
	if !strings.Contains(summary.body, `"Children":{"Pending":0,"Running":1,"Dead":0}`) {
		t.Errorf("summary of the parent: %s", summary.body)
	}
	var statuses []*api.JobStatus
	if c.get("/v1/jobs/statuses", &statuses); len(statuses) != 1 || len(statuses[0].ChildStatuses) != 1 || statuses[0].ChildStatuses[0] != "running" {
		t.Errorf("statuses %+v", statuses)
	}
	if a := c.do("POST", "/v1/job/rec-param/evaluate", ""); a.code != 500 || a.body != "can't evaluate parameterized job" {
		t.Errorf("evaluate: %d %s", a.code, a.body)
	}

	// Stopping the parent leaves the child alone; it cannot be dispatched any more.
	c.do("DELETE", "/v1/job/rec-param", "")
	if c.stored("rec-param").Status != "dead" || c.stored(d.DispatchedJobID).Stop {
		t.Error("the child was stopped with its parent, or the parent was not")
	}
	if a := c.do("POST", "/v1/job/rec-param/dispatch", `{"Meta":{"who":"x"}}`); a.code != 500 || a.body != `Specified job "rec-param" is stopped` {
		t.Errorf("dispatch of a stopped job: %d %s", a.code, a.body)
	}
	// The same specification again after the stop is a new version, and the job can be dispatched.
	c.put("/v1/jobs", req, nil)
	c.put("/v1/job/rec-param/dispatch", object{"Meta": object{"who": "x"}, "Priority": 80}, &d)
	if p := c.stored(d.DispatchedJobID).PriorityOrDefault(); p != 80 || c.stored("rec-param").Status != "running" {
		t.Errorf("priority %d", p)
	}
}

func TestDispatchRules(t *testing.T) {
	c := start(t)
	c.put("/v1/jobs", object{"Job": template("needs", object{"Payload": "required", "MetaRequired": []string{"a", "b"}, "MetaOptional": []string{"c"}})}, nil)
	c.put("/v1/jobs", object{"Job": template("none", object{"Payload": "forbidden"})}, nil)
	c.put("/v1/jobs", object{"Job": template("may", object{})}, nil)
	for _, r := range []struct {
		job  string
		body object
		want string
	}{
		{"needs", object{"Meta": object{"a": "1", "b": "2"}}, "Payload is not provided but required by parameterized job"},
		{"needs", object{"Payload": "eA==", "Meta": object{}}, "Dispatch did not provide required meta keys: [a b]"},
		{"needs", object{"Payload": "eA==", "Meta": object{"a": "", "b": "", "z": "", "y": ""}}, "Dispatch request included unpermitted metadata keys: [y z]"},
		{"needs", object{"Payload": "eA==", "Meta": object{"a": "", "b": "", "c": ""}}, ""},
		{"needs", object{"Payload": "eA==", "Meta": object{"a": "\x00", "b": ""}}, `meta "a" contains a null character`},
		{"none", object{"Payload": "eA=="}, "Payload provided but forbidden by parameterized job"},
		{"none", object{}, ""},
		{"may", object{"Payload": make([]byte, 16384)}, ""},
		{"may", object{"Payload": make([]byte, 16385)}, "Payload exceeds maximum size; 16385 > 16384"},
		{"may", object{"Priority": 101}, "1 error occurred:\n\t* job priority must be between [1, 100]\n\n"},
		{"may", object{"IdPrefixTemplate": "a b"}, "1 error occurred:\n\t* Job ID contains a space\n\n"},
		{"may", object{"IdPrefixTemplate": "/../x"}, "an empty part or one of dots"},
		{"may", object{"JobID": "none"}, "Job ID does not match name"},
	} {
		a := c.do("POST", "/v1/job/"+r.job+"/dispatch", encode(t, r.body))
		if r.want == "" && a.code != 200 || r.want != "" && (a.code == 200 || !strings.Contains(a.body, r.want)) {
			t.Errorf("%s %.80v: %d %s, want %q", r.job, r.body, a.code, a.body, r.want)
		}
	}
	a := c.do("POST", "/v1/job/may/dispatch/payload?idempotency_token=raw", "raw \x00 bytes")
	var d api.JobDispatchResponse
	unmarshal(t, a.body, &d)
	if child := c.stored(d.DispatchedJobID); string(child.Payload) != "raw \x00 bytes" || child.DispatchIdempotencyToken != "raw" {
		t.Errorf("raw payload %q", child.Payload)
	}
	if a := c.do("POST", "/v1/job/may/dispatch/payload", strings.Repeat("x", 16385)); a.code != 500 {
		t.Errorf("a raw payload that is too large: %d %s", a.code, a.body)
	}
	bad := template("bad", object{})
	bad["Type"] = "service"
	if a := c.do("PUT", "/v1/jobs", encode(t, object{"Job": bad})); a.code != 500 || !strings.Contains(a.body, "Parameterized job can only be used with") {
		t.Errorf("a parameterised service: %d %s", a.code, a.body)
	}
	dispatched := job("x", 1)
	dispatched["Dispatched"] = true
	if a := c.do("PUT", "/v1/jobs", encode(t, object{"Job": dispatched})); a.code != 500 {
		t.Errorf("a job that claims to be dispatched: %d %s", a.code, a.body)
	}
}

// TestDispatchTogether: many dispatches at a time, all different, or all with one token.
func TestDispatchTogether(t *testing.T) {
	c := start(t)
	c.put("/v1/jobs", object{"Job": template("t", object{})}, nil)
	c.put("/v1/jobs", object{"Job": template("once", object{})}, nil)
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			for _, path := range []string{"/v1/job/t/dispatch", "/v1/job/once/dispatch?idempotency_token=x"} {
				if a, err := c.try("PUT", path, fmt.Sprintf(`{"IdPrefixTemplate":"p%d"}`, n)); err != nil || a.code != 200 {
					t.Errorf("%s: %v %d %s", path, err, a.code, a.body)
				}
			}
		})
	}
	wg.Wait()
	if n := len(c.children("t")); n != 20 {
		t.Errorf("%d children, want 20", n)
	}
	if n := len(c.children("once")); n != 1 {
		t.Errorf("%d children with one token", n)
	}
	c.do("DELETE", "/v1/job/"+c.children("once")[0].ID+"?purge=true", "")
	c.put("/v1/job/once/dispatch?idempotency_token=x", object{}, nil)
	if n := len(c.children("once")); n != 1 {
		t.Errorf("%d children after the first was purged", n)
	}
}

// TestChildPolicies: scaling policies of children are their own.
func TestChildPolicies(t *testing.T) {
	c := start(t)
	j := template("t", object{})
	group(j)["Scaling"] = object{"Min": 1, "Max": 3}
	c.put("/v1/jobs", object{"Job": j}, nil)
	var d api.JobDispatchResponse
	c.put("/v1/job/t/dispatch", object{}, &d)
	parent, child := c.policies("?job=t"), c.stored(d.DispatchedJobID).TaskGroups[0].Scaling
	if len(parent) != 1 || child.ID == parent[0].ID || child.Target["Job"] != d.DispatchedJobID || len(c.policies("")) != 2 {
		t.Errorf("policies of parent %+v and child %+v", parent, child)
	}
	c.put("/v1/job/t/scale", object{"Count": 2, "Target": object{"Group": "g"}}, nil)
	if s := c.scaleStatus("t"); s.Desired != 2 || len(s.Events) != 1 || s.Events[0].EvalID != nil {
		t.Errorf("scaled template %+v", s)
	}
}

// clockwork is a periodic job.
func clockwork(id string, block object) object {
	j := job(id, 1)
	j["Type"], j["Periodic"] = "batch", block
	return j
}

func TestPeriodicForce(t *testing.T) {
	c := start(t)
	c.nodes(1)
	never := object{"Spec": "0 0 1 1 * 2090", "SpecType": "cron", "ProhibitOverlap": true}
	plan := c.do("POST", "/v1/job/rec-cron/plan", encode(t, object{"Job": clockwork("rec-cron", never)}))
	httpdtest.Shape(t, "plan", httpdtest.Recorded(t, "job-plan-periodic.json"), []byte(plan.body), httpdtest.Rules{})
	if !strings.Contains(plan.body, `"NextPeriodicLaunch":"2090-01-01T00:00:00Z"`) || plan.header.Get("X-Nomad-Index") != "0" {
		t.Errorf("plan %s", plan.body)
	}
	var reg api.JobRegisterResponse
	c.put("/v1/jobs", object{"Job": clockwork("rec-cron", never)}, &reg)
	if reg.EvalID != "" || reg.JobModifyIndex == 0 || c.stored("rec-cron").Status != "running" {
		t.Errorf("registered %+v", reg)
	}
	read := c.do("GET", "/v1/job/rec-cron", "")
	httpdtest.Shape(t, "read", httpdtest.Recorded(t, "job-read-periodic.json"), []byte(read.body), httpdtest.Rules{Skip: []string{"**.Config"}})
	seen := map[string]bool{}
	for range 3 { // at most one of them in a second of its own; overlap does not count
		a := c.do("POST", "/v1/job/rec-cron/periodic/force", "")
		httpdtest.Shape(t, "force", httpdtest.Recorded(t, "job-periodic-force.json"), []byte(a.body), httpdtest.Rules{})
		var f api.JobPeriodicForceResponse
		unmarshal(t, a.body, &f)
		ev := c.done(f.EvalID)
		if ev.TriggeredBy != api.TriggerPeriodicJob || !regexp.MustCompile(`^rec-cron/periodic-\d+$`).MatchString(ev.JobID) || seen[ev.JobID] {
			t.Errorf("launched %+v", ev)
		}
		seen[ev.JobID] = true
		c.running(ev.JobID, 1)
	}
	if a := c.do("GET", "/v1/job/rec-cron/summary", ""); !strings.Contains(a.body, `"Children":{"Pending":0,"Running":3,"Dead":0}`) {
		t.Errorf("summary %s", a.body)
	}
	if a := c.do("POST", "/v1/job/rec-cron/evaluate", ""); a.code != 500 || a.body != "can't evaluate periodic job" {
		t.Errorf("evaluate: %d %s", a.code, a.body)
	}
	var dereg api.JobDeregisterResponse
	a := c.do("DELETE", "/v1/job/rec-cron", "")
	unmarshal(t, a.body, &dereg)
	if dereg.EvalID != "" || dereg.EvalCreateIndex == 0 || c.stored("rec-cron").Status != "dead" {
		t.Errorf("deregistered %s", a.body)
	}
	for child := range seen {
		if c.stored(child).Status != "running" {
			t.Errorf("child %s is %s after its parent was stopped", child, c.stored(child).Status)
		}
	}
	off := clockwork("off", object{"Specs": []string{"* * * * *"}, "Enabled": false})
	both := clockwork("both", object{"Specs": []string{"* * * * *"}})
	both["ParameterizedJob"] = object{}
	for id, j := range map[string]object{"rec-cron": nil, "off": off, "both": both} {
		if j != nil {
			c.put("/v1/jobs", object{"Job": j}, nil)
		}
		if a := c.do("POST", "/v1/job/"+id+"/periodic/force", ""); a.code != 500 || a.body != "can't force run non-tracked job" {
			t.Errorf("force %s: %d %s", id, a.code, a.body)
		}
	}
	// A dispatch of the job that is both has no evaluation, and its child follows the clock.
	var d api.JobDispatchResponse
	c.put("/v1/job/both/dispatch", object{}, &d)
	if d.EvalID != "" || d.JobCreateIndex == 0 || !c.stored(d.DispatchedJobID).IsPeriodicActive() {
		t.Errorf("dispatched %+v", d)
	}
	for spec, want := range map[string]string{"61 * * * *": "Invalid cron spec", "@every 1m": "unknown macro"} {
		if a := c.do("PUT", "/v1/jobs", encode(t, object{"Job": clockwork("bad", object{"Specs": []string{spec}})})); a.code != 500 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", spec, a.code, a.body)
		}
	}
}
