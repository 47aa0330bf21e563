// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// apply writes past the API what nothing creates yet.
func (c *cluster) apply(cmd []byte) {
	c.t.Helper()
	if _, _, err := c.srv.Apply(c.ctx, cmd); err != nil {
		c.t.Fatal(err)
	}
}

// deployment stores a deployment of the present version of a job, with groups of the plan's own when nil, and
// returns its ID.
func (c *cluster) deployment(jobID, status string, groups map[string]*api.DeploymentState, allocs ...*api.Allocation) string {
	c.t.Helper()
	j := state.Jobs.Get(c.srv.Store().Snapshot(), "default", jobID)
	if groups == nil {
		groups = map[string]*api.DeploymentState{"g": {DesiredTotal: 1}}
	}
	d := &api.Deployment{
		ID: api.NewID(), Namespace: "default", JobID: jobID, JobVersion: j.Version, JobModifyIndex: j.ModifyIndex,
		JobSpecModifyIndex: j.JobModifyIndex, JobCreateIndex: j.CreateIndex, TaskGroups: groups, Status: status,
		StatusDescription: api.DeploymentDescRunning, EvalPriority: 70,
	}
	result := &api.PlanResult{Deployment: d, NodeAllocation: map[string][]*api.Allocation{}}
	for _, a := range allocs {
		moved := *a
		moved.DeploymentID = d.ID
		result.NodeAllocation[a.NodeID] = append(result.NodeAllocation[a.NodeID], &moved)
	}
	c.apply(fsm.PlanApply.Encode(&fsm.PlanApplyRequest{Plans: []*fsm.PlanCommit{{Job: j, Result: result}}}))
	return d.ID
}

// judged returns the job with a rollout in which only a person says what is healthy.
func judged(j object) object {
	j["TaskGroups"].([]any)[0].(object)["Update"] = object{"HealthCheck": "manual"}
	return j
}

func (c *cluster) deployed(id string) *api.Deployment {
	return state.Deployments.Get(c.srv.Store().Snapshot(), id)
}

func TestDeploymentPauseAndFail(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(judged(job("web", 1)))
	alloc := c.running("web", 1)[0]
	id := c.deployment("web", api.DeploymentRunning, nil, alloc)

	var d api.Deployment
	if a := c.get("/v1/deployment/"+id, &d); d.ID != id || a.header.Get("X-Nomad-Index") != index(d.ModifyIndex) {
		t.Errorf("deployment %+v at index %s", d, a.header.Get("X-Nomad-Index"))
	}
	var all []*api.Deployment
	if c.get("/v1/deployments?prefix="+strings.ReplaceAll(id, "-", "")[:10], &all); len(all) != 1 {
		t.Errorf("%d deployments with the prefix", len(all))
	}
	if c.get("/v1/deployments?namespace=other", &all); len(all) != 0 {
		t.Errorf("%d deployments in another namespace", len(all))
	}
	var allocs []*api.AllocListStub
	if c.get("/v1/deployment/allocations/"+id, &allocs); len(allocs) != 1 || allocs[0].ID != alloc.ID {
		t.Errorf("allocations %+v", allocs)
	}

	a := c.put("/v1/deployment/pause/"+id, object{"DeploymentID": id, "Pause": true}, nil)
	httpdtest.Shape(t, "pause", httpdtest.Recorded(t, "deployment-pause.json"), []byte(a.body), httpdtest.Rules{})
	var resp api.DeploymentUpdateResponse
	unmarshal(t, a.body, &resp)
	if resp.EvalID != "" || resp.EvalCreateIndex != 0 || resp.DeploymentModifyIndex != resp.Index || a.header.Get("X-Nomad-Index") != index(resp.Index) {
		t.Errorf("pause answers %+v", resp)
	}
	if d := c.deployed(id); d.Status != api.DeploymentPaused || d.StatusDescription != "Deployment is paused" {
		t.Errorf("paused deployment is %s, %s", d.Status, d.StatusDescription)
	}
	c.put("/v1/deployment/pause/"+id, object{"DeploymentID": id}, &resp)
	if d := c.deployed(id); d.Status != api.DeploymentRunning || d.StatusDescription != "Deployment is running" || resp.EvalID == "" {
		t.Errorf("resumed deployment is %s, %s, evaluation %q", d.Status, d.StatusDescription, resp.EvalID)
	}
	if ev := c.done(resp.EvalID); ev.TriggeredBy != api.TriggerDeploymentWatcher || ev.DeploymentID != id || ev.Priority != 70 || ev.JobModifyIndex != 0 {
		t.Errorf("evaluation %+v", ev)
	}
	a = c.do("POST", "/v1/deployment/fail/"+id, "")
	if a.code != 200 {
		t.Fatalf("fail: %+v", a)
	}
	httpdtest.Shape(t, "fail", httpdtest.Recorded(t, "deployment-fail.json"), []byte(a.body), httpdtest.Rules{})
	if d := c.deployed(id); d.Status != api.DeploymentFailed || d.StatusDescription != "Deployment marked as failed" {
		t.Errorf("failed deployment is %s, %s", d.Status, d.StatusDescription)
	}
}

// TestDeploymentRollback: a deployment that fails brings the newest stable version back, when its group says so.
func TestDeploymentRollback(t *testing.T) {
	c := start(t)
	c.nodes(1)
	groups := func() map[string]*api.DeploymentState {
		return map[string]*api.DeploymentState{"g": {AutoRevert: true, DesiredTotal: 1}}
	}
	c.register(judged(job("web", 1)))
	id := c.deployment("web", api.DeploymentRunning, groups())
	var resp api.DeploymentUpdateResponse
	c.put("/v1/deployment/fail/"+id, nil, &resp)
	if d := c.deployed(id); resp.RevertedJobVersion != nil || d.StatusDescription != "Deployment marked as failed - no stable job version to auto revert to" {
		t.Errorf("without a stable version: %+v, %s", resp, d.StatusDescription)
	}
	c.apply(fsm.JobStability.Encode(&fsm.JobStabilityRequest{Namespace: "default", JobID: "web", Version: 0, Stable: true}))
	j := judged(job("web", 1))
	j["Priority"] = 60
	c.register(j)
	id = c.deployment("web", api.DeploymentRunning, groups())
	a := c.do("PUT", "/v1/deployment/fail/"+id, "")
	unmarshal(t, a.body, &resp)
	d := c.deployed(id)
	now := state.Jobs.Get(c.srv.Store().Snapshot(), "default", "web")
	if resp.RevertedJobVersion == nil || *resp.RevertedJobVersion != 0 || d.StatusDescription != "Deployment marked as failed - rolling back to job version 0" {
		t.Errorf("rollback: %s, %s", a.body, d.StatusDescription)
	}
	if now.Version != 2 || now.PriorityOrDefault() != 50 || now.Stable {
		t.Errorf("the job is version %d with priority %d, stable %v", now.Version, now.PriorityOrDefault(), now.Stable)
	}
	if ev := c.done(resp.EvalID); ev.JobModifyIndex != now.JobModifyIndex {
		t.Errorf("the evaluation is of job index %d, the job's is %d", ev.JobModifyIndex, now.JobModifyIndex)
	}
	id = c.deployment("web", api.DeploymentRunning, groups())
	resp = api.DeploymentUpdateResponse{}
	c.put("/v1/deployment/fail/"+id, nil, &resp)
	if d := c.deployed(id); resp.RevertedJobVersion != nil || d.StatusDescription != "Deployment marked as failed - not rolling back to stable job version 0 as current job has same specification" {
		t.Errorf("the same specification: %+v, %s", resp, d.StatusDescription)
	}
}

func TestDeploymentPromotion(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(judged(job("web", 2)))
	allocs := c.running("web", 2)
	yes := true
	canary := *allocs[0]
	canary.DeploymentStatus = &api.AllocDeploymentStatus{Canary: true}
	id := c.deployment("web", api.DeploymentRunning, map[string]*api.DeploymentState{
		"g": {DesiredCanaries: 1, DesiredTotal: 2}, "other": {DesiredTotal: 1},
	}, &canary, allocs[1])
	promote := func(body object) answer {
		body["DeploymentID"] = id
		return c.do("PUT", "/v1/deployment/promote/"+id, encode(t, body))
	}
	if a := promote(object{"All": true}); a.code != 500 || a.body != "1 error occurred:\n\t* Task group \"g\" has 0/1 healthy allocations\n\n" {
		t.Errorf("promotion without health: %d %q", a.code, a.body)
	}
	var resp api.DeploymentUpdateResponse
	c.put("/v1/deployment/allocation-health/"+id, object{"DeploymentID": id, "HealthyAllocationIDs": []string{canary.ID}}, &resp)
	if a := state.Allocs.Get(c.srv.Store().Snapshot(), canary.ID); a.DeploymentStatus.Healthy == nil || !*a.DeploymentStatus.Healthy || !a.DeploymentStatus.Canary || resp.EvalID == "" {
		t.Errorf("health %+v after %+v", a.DeploymentStatus, resp)
	}
	if g := c.deployed(id).TaskGroups["g"]; g.HealthyAllocs != 1 || g.UnhealthyAllocs != 0 {
		t.Errorf("group %+v", g)
	}
	if a := promote(object{"Groups": []string{"nope"}}); a.code != 200 || c.deployed(id).TaskGroups["g"].Promoted {
		t.Errorf("promotion of an unknown group: %d %s", a.code, a.body)
	}
	a := promote(object{"Groups": []string{"g"}})
	httpdtest.Shape(t, "promote", httpdtest.Recorded(t, "deployment-promote.json"), []byte(a.body), httpdtest.Rules{})
	if d := c.deployed(id); !d.TaskGroups["g"].Promoted || d.TaskGroups["other"].Promoted || d.StatusDescription != "Deployment is running" {
		t.Errorf("promoted deployment %+v", d)
	}
	if a := state.Allocs.Get(c.srv.Store().Snapshot(), canary.ID); a.DeploymentStatus.Canary || *a.DeploymentStatus.Healthy != yes {
		t.Errorf("promoted canary %+v", a.DeploymentStatus)
	}
	if a := promote(object{"All": true}); a.code != 500 || a.body != "no canaries to promote" {
		t.Errorf("second promotion: %d %q", a.code, a.body)
	}
	other := c.deployment("web", api.DeploymentRunning, nil)
	if a := c.do("PUT", "/v1/deployment/allocation-health/"+other, encode(t, object{"DeploymentID": other, "UnhealthyAllocationIDs": []string{canary.ID}})); a.code != 500 || a.body != `alloc "`+canary.ID+`" is not part of deployment "`+other+`"` {
		t.Errorf("health of another deployment's allocation: %d %q", a.code, a.body)
	}
	c.put("/v1/deployment/allocation-health/"+id, object{"DeploymentID": id, "UnhealthyAllocationIDs": []string{canary.ID}}, &resp)
	if d := c.deployed(id); d.Status != api.DeploymentFailed || d.StatusDescription != "Failed due to unhealthy allocations" || d.TaskGroups["g"].UnhealthyAllocs != 1 {
		t.Errorf("unhealthy deployment %+v %+v", d, d.TaskGroups["g"])
	}
}

// TestDeploymentOfPurgedJob: the newest deployment of a job is not that of an earlier job of its name.
func TestDeploymentOfPurgedJob(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	if a := c.do("GET", "/v1/job/web/deployment", ""); !strings.Contains(a.body, `"JobID":"web"`) {
		t.Fatalf("deployment %d %s", a.code, a.body)
	}
	var gone api.JobDeregisterResponse
	unmarshal(t, c.do("DELETE", "/v1/job/web?purge=true", "").body, &gone)
	c.done(gone.EvalID)
	c.register(atOnce(job("web", 1)))
	if a := c.do("GET", "/v1/job/web/deployment", ""); a.code != 200 || a.body != "null" {
		t.Errorf("deployment of the new job is %d %s", a.code, a.body)
	}
}
