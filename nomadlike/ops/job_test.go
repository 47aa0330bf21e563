// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// group returns the job's only group.
func group(j object) object { return j["TaskGroups"].([]any)[0].(object) }

// task returns the job's only task.
func task(j object) object { return group(j)["Tasks"].([]any)[0].(object) }

func (c *cluster) stored(id string) *api.Job {
	c.t.Helper()
	j := state.Jobs.Get(c.srv.Store().Snapshot(), "default", id)
	if j == nil {
		c.t.Fatalf("job %s is not stored", id)
	}
	return j
}

func TestRegister(t *testing.T) {
	c := start(t)
	c.nodes(2)
	first := c.register(job("web", 2))
	if j := c.stored("web"); j.Version != 0 || j.JobModifyIndex != first.JobModifyIndex || j.SubmitTime == 0 {
		t.Errorf("stored %+v", j)
	}
	c.running("web", 2)
	c.settle()

	// The same again: a new evaluation, no new version.
	same := c.register(job("web", 2))
	if same.EvalID == "" || same.EvalID == first.EvalID || same.JobModifyIndex != first.JobModifyIndex || same.EvalCreateIndex <= first.EvalCreateIndex {
		t.Errorf("registered the same again: %+v after %+v", same, first)
	}
	if j := c.stored("web"); j.Version != 0 {
		t.Errorf("version is %d after the same specification", j.Version)
	}

	// A change makes a version.
	changed := job("web", 2)
	task(changed)["Env"] = object{"A": "b"}
	c.register(changed)
	if j := c.stored("web"); j.Version != 1 || j.TaskGroups[0].Tasks[0].Env["A"] != "b" {
		t.Errorf("stored %+v", j)
	}

	// The evaluation's priority is the job's, or the one asked for.
	var resp api.JobRegisterResponse
	c.put("/v1/jobs", object{"Job": job("web", 3), "EvalPriority": 77}, &resp)
	if ev := c.done(resp.EvalID); ev.Priority != 77 {
		t.Errorf("the evaluation's priority is %d", ev.Priority)
	}
	if j := c.stored("web"); j.PriorityOrDefault() != 50 {
		t.Errorf("the job's priority is %d", j.PriorityOrDefault())
	}
}

// TestPriorityZero: validation, plan and registration give a job of priority 0 the server's usual one.
func TestPriorityZero(t *testing.T) {
	c := start(t)
	c.env.DefaultPriority = 60
	j := job("web", 1)
	j["Priority"] = 0
	var valid api.JobValidateResponse
	c.put("/v1/validate/job", object{"Job": j}, &valid)
	if valid.Error != "" {
		t.Errorf("validation: %s", valid.Error)
	}
	c.register(j)
	var stored api.Job
	c.get("/v1/job/web", &stored)
	if stored.PriorityOrDefault() != 60 {
		t.Errorf("registered with priority %d", stored.PriorityOrDefault())
	}
}

func TestEnforceIndex(t *testing.T) {
	c := start(t)
	resp := api.JobRegisterResponse{}
	c.put("/v1/jobs", object{"Job": job("web", 1), "EnforceIndex": true}, &resp)
	c.put("/v1/jobs", object{"Job": job("web", 2), "EnforceIndex": true, "JobModifyIndex": resp.JobModifyIndex}, &resp)
	if a := c.do("PUT", "/v1/jobs", `{"Job":{"ID":"web"},"EnforceIndex":true,"JobModifyIndex":1}`); a.code != 500 {
		t.Errorf("an old index gives %d %s", a.code, a.body)
	}
	if j := c.stored("web"); j.Version != 1 || *j.TaskGroups[0].Count != 2 {
		t.Errorf("a refused write changed the job: %+v", j)
	}
}

func TestPreserve(t *testing.T) {
	c := start(t)
	c.register(job("web", 5))
	next := job("web", 1)
	task(next)["Resources"] = object{"CPU": 999, "MemoryMB": 999}
	task(next)["Env"] = object{"A": "b"}
	c.put("/v1/jobs", object{"Job": next, "PreserveCounts": true, "PreserveResources": true}, nil)
	j := c.stored("web")
	if *j.TaskGroups[0].Count != 5 || *j.TaskGroups[0].Tasks[0].Resources.CPU != 50 || j.TaskGroups[0].Tasks[0].Env["A"] != "b" {
		t.Errorf("preserved count %d, CPU %d", *j.TaskGroups[0].Count, *j.TaskGroups[0].Tasks[0].Resources.CPU)
	}
	c.put("/v1/jobs", object{"Job": next}, nil)
	if j := c.stored("web"); *j.TaskGroups[0].Count != 1 || *j.TaskGroups[0].Tasks[0].Resources.CPU != 999 {
		t.Errorf("without the flags: count %d", *j.TaskGroups[0].Count)
	}
}

func TestNamespaceAndRegion(t *testing.T) {
	c := start(t)
	c.namespaces("query", "body", "job")
	in := func() object { j := job("web", 1); j["Namespace"] = "job"; return j }
	abroad := func(ns string) object { j := job("web", 2); j["Namespace"], j["Region"] = ns, "mars"; return j }
	for _, w := range []struct {
		path string
		req  object
		want string
	}{
		{"/v1/jobs?namespace=query", object{"Job": in(), "Namespace": "body"}, "query"},
		{"/v1/jobs", object{"Job": in(), "Namespace": "body"}, "body"},
		{"/v1/jobs", object{"Job": in()}, "job"},
		{"/v1/jobs", object{"Job": job("web", 1)}, "default"},
		{"/v1/jobs?region=global", object{"Job": abroad("query")}, "query"},
		{"/v1/jobs?region=mars", object{"Job": abroad("body"), "Region": "global"}, "body"},
	} {
		c.put(w.path, w.req, nil)
		if j := state.Jobs.Get(c.srv.Store().Snapshot(), w.want, "web"); j == nil || j.Namespace != w.want || j.Region != "global" {
			t.Errorf("%s is not in namespace %s: %+v", w.path, w.want, j)
		}
	}
	// A region in the body wins over the query's.
	c.put("/v1/jobs?region=mars", object{"Job": job("web", 1), "Region": "global"}, nil)
}

func TestSubmission(t *testing.T) {
	c := start(t)
	resp := api.JobRegisterResponse{}
	c.put("/v1/jobs", object{"Job": job("web", 1), "Submission": object{"Source": "text", "Format": "hcl2", "VariableFlags": object{"a": "b"}}}, &resp)
	var sub api.JobSubmission
	c.get("/v1/job/web/submission?version=0", &sub)
	if sub.Source != "text" || sub.VariableFlags["a"] != "b" || sub.JobID != "web" || sub.JobModifyIndex != resp.JobModifyIndex {
		t.Errorf("submission is %+v", sub)
	}
	// One that is too large is left out with a warning, and the job is registered all the same.
	c.put("/v1/jobs", object{"Job": job("web", 2), "Submission": object{"Source": strings.Repeat("x", 1<<20+1), "Format": "hcl2"}}, &resp)
	if !strings.Contains(resp.Warnings, "exceeds the limit") {
		t.Errorf("warnings are %q", resp.Warnings)
	}
	if a := c.do("GET", "/v1/job/web/submission?version=1", ""); a.code != 404 {
		t.Errorf("the submission that was too large is %d", a.code)
	}
}

func TestStopAndRunAgain(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 2))
	c.running("web", 2)
	var resp api.JobDeregisterResponse
	a := c.do("DELETE", "/v1/job/web?eval_priority=80", "")
	decode(t, a, &resp)
	if ev := c.done(resp.EvalID); ev.Priority != 80 || ev.TriggeredBy != api.TriggerJobDeregister {
		t.Errorf("the evaluation of a stop is %+v", ev)
	}
	c.running("web", 0)
	c.settle()
	if j := c.stored("web"); !j.Stop || j.Status != api.JobStatusDead {
		t.Errorf("the stopped job is %+v", j)
	}
	// The same file runs again.
	c.register(job("web", 2))
	c.running("web", 2)
	if j := c.stored("web"); j.Stop || j.Status != api.JobStatusRunning {
		t.Errorf("the job that runs again is %+v", j)
	}
	// Purged, it is gone with its versions, and its allocations stop.
	decode(t, c.do("DELETE", "/v1/job/web?purge=true", ""), &resp)
	c.done(resp.EvalID)
	for _, path := range []string{"/v1/job/web", "/v1/job/web/versions", "/v1/job/web/summary"} {
		if a := c.do("GET", path, ""); a.code != 404 {
			t.Errorf("GET %s after the purge: %d %s", path, a.code, a.body)
		}
	}
	c.until("allocations stop", func(tx *state.Tx) bool {
		for a := range state.Allocs.By(tx, state.ByJob, "default", "web") {
			if !a.ClientTerminalStatus() {
				return false
			}
		}
		return true
	})
	// A new job of that name does not show the old one's allocations unless asked.
	c.register(job("web", 1))
	c.running("web", 1)
	var stubs []*api.AllocListStub
	if c.get("/v1/job/web/allocations", &stubs); len(stubs) != 1 {
		t.Errorf("%d allocations, want 1", len(stubs))
	}
	if c.get("/v1/job/web/allocations?all=true", &stubs); len(stubs) != 5 {
		t.Errorf("%d allocations of all jobs of the name, want 5", len(stubs))
	}
}

func TestEvaluate(t *testing.T) {
	c := start(t)
	c.nodes(1)
	first := c.register(job("web", 1))
	var resp api.JobRegisterResponse
	decode(t, c.do("PUT", "/v1/job/web/evaluate", ""), &resp)
	if ev := c.done(resp.EvalID); ev.Status != api.EvalStatusComplete || ev.JobID != "web" {
		t.Errorf("evaluation is %+v", ev)
	}
	if resp.JobModifyIndex != first.JobModifyIndex || resp.EvalCreateIndex <= first.EvalCreateIndex || resp.Index != resp.EvalCreateIndex {
		t.Errorf("answer is %+v after %+v", resp, first)
	}
}

// TestPlanPredicts: what a plan says is what the registration then does, and a plan stores nothing.
func TestPlanPredicts(t *testing.T) {
	c := start(t)
	c.nodes(3)
	wide := func() object { j := job("web", 3); group(j)["Update"] = object{"MaxParallel": 10}; return j }
	c.register(wide())
	c.running("web", 3)
	for _, step := range []struct {
		name string
		edit func(object)
		want api.DesiredUpdates
		kind string
	}{
		{"nothing", func(object) {}, api.DesiredUpdates{Ignore: 3}, "None"},
		{"more", func(j object) { group(j)["Count"] = 5 }, api.DesiredUpdates{Place: 2, InPlaceUpdate: 3}, "Edited"},
		{"fewer", func(j object) { group(j)["Count"] = 2 }, api.DesiredUpdates{Stop: 3, InPlaceUpdate: 2}, "Edited"},
		{"other", func(j object) { group(j)["Count"] = 2; task(j)["Env"] = object{"A": "b"} }, api.DesiredUpdates{DestructiveUpdate: 2}, "Edited"},
		{"too large", func(j object) {
			group(j)["Count"] = 3
			task(j)["Env"] = object{"A": "b"}
			task(j)["Resources"] = object{"CPU": 50, "MemoryMB": 1 << 20}
		}, api.DesiredUpdates{Place: 1, DestructiveUpdate: 2}, "Edited"},
	} {
		c.settle()
		before := c.srv.Store().Snapshot().Index()
		j := wide()
		step.edit(j)
		var plan api.JobPlanResponse
		c.put("/v1/job/web/plan", object{"Job": j, "Diff": true}, &plan)
		if after := c.srv.Store().Snapshot().Index(); after != before {
			t.Errorf("%s: planning wrote something: index %d, was %d", step.name, after, before)
		}
		got := plan.Annotations.DesiredTGUpdates["g"]
		if got == nil || got.Place != step.want.Place || got.Stop != step.want.Stop || got.DestructiveUpdate != step.want.DestructiveUpdate {
			t.Errorf("%s: the plan says %+v, want %+v", step.name, got, step.want)
			continue
		}
		if plan.Diff.Type != step.kind {
			t.Errorf("%s: the difference is %s, want %s", step.name, plan.Diff.Type, step.kind)
		}
		var resp api.JobRegisterResponse
		c.put("/v1/jobs", object{"Job": j, "EnforceIndex": true, "JobModifyIndex": plan.JobModifyIndex}, &resp)
		ev := c.done(resp.EvalID)
		if did := ev.PlanAnnotations.DesiredTGUpdates["g"]; *did != *got {
			t.Errorf("%s: the plan said %+v, registering did %+v", step.name, got, did)
		}
		if len(plan.FailedTGAllocs) != len(ev.FailedTGAllocs) {
			t.Errorf("%s: the plan said %d groups fail, %d do", step.name, len(plan.FailedTGAllocs), len(ev.FailedTGAllocs))
		}
		for _, next := range plan.CreatedEvals {
			if next.SnapshotIndex != 0 || next.CreateIndex != 0 {
				t.Errorf("%s: an evaluation of the plan is of index %d, made at %d", step.name, next.SnapshotIndex, next.CreateIndex)
			}
		}
		if follows := len(plan.CreatedEvals) > 0; follows != (ev.BlockedEval+ev.NextEval != "") {
			t.Errorf("%s: the plan has %d follow-ups, registering %q and %q", step.name, len(plan.CreatedEvals), ev.BlockedEval, ev.NextEval)
		}
	}
}

func decode(t *testing.T, a answer, v any) {
	t.Helper()
	if a.code != 200 {
		t.Fatalf("%d %s", a.code, a.body)
	}
	unmarshal(t, a.body, v)
}
