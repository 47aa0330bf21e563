// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"fmt"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// scaled is a job with a scaling block.
func scaled(id string, count, low, high int) object {
	j := job(id, count)
	group(j)["Scaling"] = object{"Min": low, "Max": high, "Policy": object{"cooldown": "1m"}}
	return j
}

func (c *cluster) policies(query string) []*api.ScalingPolicyListStub {
	c.t.Helper()
	var out []*api.ScalingPolicyListStub
	c.get("/v1/scaling/policies"+query, &out)
	return out
}

func (c *cluster) scaleStatus(id string) api.TaskGroupScaleStatus {
	c.t.Helper()
	var s api.JobScaleStatus
	c.get("/v1/job/"+id+"/scale", &s)
	return s.TaskGroups["g"]
}

func TestScale(t *testing.T) {
	c := start(t)
	c.nodes(1)
	reg := c.register(atOnce(scaled("web", 1, 1, 5)))
	c.running("web", 1)
	c.settle()
	a := c.do("GET", "/v1/job/web/scale", "")
	httpdtest.Shape(t, "scale status", httpdtest.Recorded(t, "job-scale-status.json"), []byte(a.body), httpdtest.Rules{Open: []string{"TaskGroups"}})

	a = c.do("POST", "/v1/job/web/scale", `{"Count":2,"Target":{"Group":"g"},"Message":"up","Meta":{"k":1}}`)
	httpdtest.Shape(t, "scale", httpdtest.Recorded(t, "job-scale.json"), []byte(a.body), httpdtest.Rules{})
	var resp api.JobRegisterResponse
	unmarshal(t, a.body, &resp)
	if ev := c.done(resp.EvalID); ev.TriggeredBy != api.TriggerScaling {
		t.Errorf("evaluation %+v", ev)
	}
	c.running("web", 2)
	if j := c.stored("web"); j.Version != 1 || *j.TaskGroups[0].Count != 2 || j.JobModifyIndex != resp.JobModifyIndex || j.JobModifyIndex <= reg.JobModifyIndex {
		t.Errorf("scaled to %+v", j)
	}
	a = c.do("POST", "/v1/job/web/scale", `{"Target":{"Group":"g"},"Message":"metrics unavailable","Error":true}`)
	httpdtest.Shape(t, "scale event", httpdtest.Recorded(t, "job-scale-error-event.json"), []byte(a.body), httpdtest.Rules{})
	a = c.do("GET", "/v1/job/web/scale", "")
	httpdtest.Shape(t, "scale status with events", httpdtest.Recorded(t, "job-scale-status-events.json"), []byte(a.body), httpdtest.Rules{Open: []string{"TaskGroups"}})
	s := c.scaleStatus("web")
	if s.Desired != 2 || s.Placed != 2 || s.Running != 2 || len(s.Events) != 2 {
		t.Fatalf("status %+v", s)
	}
	if e := s.Events[0]; !e.Error || e.Count != nil || e.EvalID != nil || e.PreviousCount != 2 || e.Message != "metrics unavailable" {
		t.Errorf("newest event %+v", e)
	}
	if e := s.Events[1]; e.Error || *e.Count != 2 || *e.EvalID != resp.EvalID || e.PreviousCount != 1 || e.Meta["k"] != 1.0 || e.CreateIndex != resp.JobModifyIndex {
		t.Errorf("older event %+v", e)
	}
	// The same count again: an evaluation and an event, no version.
	c.put("/v1/job/web/scale", object{"Count": 2, "Target": object{"Group": "g"}}, &resp)
	if j := c.stored("web"); j.Version != 1 || resp.EvalID == "" || resp.JobModifyIndex != j.JobModifyIndex {
		t.Errorf("scaled to the same: %+v, version %d", resp, j.Version)
	}
	for body, want := range map[string]string{
		`{"Count":9,"Target":{"Group":"g"}}`: "group count was greater than scaling policy maximum: 9 > 5",
		`{"Count":0,"Target":{"Group":"g"}}`: "group count was less than scaling policy minimum: 0 < 1",
	} {
		if a := c.do("POST", "/v1/job/web/scale", body); a.code != 400 || a.body != want {
			t.Errorf("%s: %d %s", body, a.code, a.body)
		}
	}
	for n := range 30 {
		c.put("/v1/job/web/scale", object{"Target": object{"Group": "g"}, "Message": fmt.Sprint(n)}, nil)
	}
	if s := c.scaleStatus("web"); len(s.Events) != 20 || s.Events[0].Message != "29" || s.Events[19].Message != "10" {
		t.Errorf("%d events, the newest %+v", len(s.Events), s.Events[0])
	}
	c.do("DELETE", "/v1/job/web?purge=true", "")
	c.register(atOnce(scaled("web", 1, 1, 5)))
	if s := c.scaleStatus("web"); len(s.Events) != 0 {
		t.Errorf("events of the purged job are left: %+v", s.Events)
	}
}

func TestScaleIsBlocked(t *testing.T) {
	c := start(t)
	c.register(atOnce(job("web", 1)))
	j := c.stored("web")
	d := &api.Deployment{ID: api.NewID(), Namespace: "default", JobID: "web", JobCreateIndex: j.CreateIndex, Status: api.DeploymentRunning}
	if _, _, err := c.srv.Apply(c.ctx, fsm.PlanApply.Encode(&fsm.PlanApplyRequest{Plans: []*fsm.PlanCommit{{Job: j, Result: &api.PlanResult{Deployment: d}}}})); err != nil {
		t.Fatal(err)
	}
	if a := c.do("POST", "/v1/job/web/scale", `{"Count":2,"Target":{"Group":"g"}}`); a.code != 400 || a.body != "job scaling blocked due to active deployment" {
		t.Errorf("scaling beside a deployment: %d %s", a.code, a.body)
	}
	if a := c.do("POST", "/v1/job/web/scale", `{"Target":{"Group":"g"},"Message":"x"}`); a.code != 200 {
		t.Errorf("an event beside a deployment: %d %s", a.code, a.body)
	}
}

func TestScalingPolicies(t *testing.T) {
	c := start(t)
	c.namespaces("other")
	c.register(atOnce(scaled("web", 1, 1, 5)))
	c.register(atOnce(scaled("db", 1, 1, 5)))
	elsewhere := scaled("web", 1, 1, 5)
	elsewhere["Namespace"] = "other"
	c.register(elsewhere)
	c.register(atOnce(job("plain", 1)))
	a := c.do("GET", "/v1/scaling/policies?job=web&type=horizontal", "")
	httpdtest.Shape(t, "policies", httpdtest.Recorded(t, "scaling-policies.json"), []byte(a.body), httpdtest.Rules{})
	for query, want := range map[string]int{
		"": 2, "?namespace=*": 3, "?namespace=other": 1, "?job=web": 1, "?job=web&namespace=*": 2, "?job=plain": 0, "?type=vertical_cpu": 0, "?type=horizontal": 2,
	} {
		if got := c.policies(query); len(got) != want {
			t.Errorf("%d policies for %q, want %d", len(got), query, want)
		}
	}
	id := c.policies("?job=web")[0].ID
	if got := c.policies("?prefix=" + id[:8]); len(got) != 1 || got[0].ID != id {
		t.Errorf("by prefix: %+v", got)
	}
	a = c.do("GET", "/v1/scaling/policy/"+id, "")
	httpdtest.Shape(t, "policy", httpdtest.Recorded(t, "scaling-policy.json"), []byte(a.body), httpdtest.Rules{Open: []string{"Policy"}})
	policy := func() (p api.ScalingPolicy) {
		c.get("/v1/scaling/policy/"+id, &p)
		return p
	}
	first := policy()
	if first.Target["Job"] != "web" || first.Target["Group"] != "g" || first.Target["Namespace"] != "default" || *first.Max != 5 || *first.Min != 1 || first.CreateIndex == 0 {
		t.Errorf("policy %+v", first)
	}
	if j := c.stored("web"); j.TaskGroups[0].Scaling.ID != id {
		t.Errorf("the job shows policy %+v", j.TaskGroups[0].Scaling)
	}

	// Another version of the job leaves the policy alone, unless that changes.
	next := scaled("web", 2, 1, 5)
	c.register(next)
	if p := policy(); p.ModifyIndex != first.ModifyIndex {
		t.Errorf("an unchanged policy has index %d after %d", p.ModifyIndex, first.ModifyIndex)
	}
	c.register(atOnce(scaled("web", 2, 1, 9)))
	if p := policy(); *p.Max != 9 || p.ModifyIndex <= first.ModifyIndex || p.CreateIndex != first.CreateIndex {
		t.Errorf("changed policy %+v after %+v", p, first)
	}
	// A stopped job has none, and gets its own back.
	c.do("DELETE", "/v1/job/web", "")
	if got := c.policies("?job=web"); len(got) != 0 {
		t.Errorf("a stopped job has policies %+v", got)
	}
	c.register(atOnce(scaled("web", 2, 1, 9)))
	if got := c.policies("?job=web"); len(got) != 1 || got[0].ID != id {
		t.Errorf("the job that came back has policies %+v", got)
	}
	c.register(atOnce(job("web", 2)))
	if got := c.policies("?job=web"); len(got) != 0 {
		t.Errorf("a job without the block has policies %+v", got)
	}
	c.do("DELETE", "/v1/job/db?purge=true", "")
	if got := c.policies(""); len(got) != 0 {
		t.Errorf("a purged job has policies %+v", got)
	}
}

func TestBadScaling(t *testing.T) {
	c := start(t)
	for what, r := range map[string]struct {
		job  object
		code int
	}{
		"count below":   {scaled("a", 1, 2, 5), 500},
		"count above":   {scaled("a", 6, 2, 5), 500},
		"min above max": {scaled("a", 5, 6, 5), 500},
		"negative":      {scaled("a", 1, -1, 5), 500},
	} {
		if a := c.do("PUT", "/v1/jobs", encode(t, object{"Job": r.job})); a.code != r.code {
			t.Errorf("%s: %d %s", what, a.code, a.body)
		}
	}
	system := scaled("a", 1, 1, 5)
	system["Type"] = "system"
	if a := c.do("PUT", "/v1/jobs", encode(t, object{"Job": system})); a.code != 400 {
		t.Errorf("a system job: %d %s", a.code, a.body)
	}
	// What runs counts, within the new bounds.
	c.register(atOnce(scaled("web", 5, 1, 5)))
	c.put("/v1/jobs", object{"Job": scaled("web", 2, 1, 3), "PreserveCounts": true}, nil)
	if n := *c.stored("web").TaskGroups[0].Count; n != 3 {
		t.Errorf("preserved count %d", n)
	}
}
