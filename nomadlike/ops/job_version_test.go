// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// submit registers version n of the job with a source that says so.
func (c *cluster) submit(id string, n int) {
	c.t.Helper()
	j := job(id, 1)
	task(j)["Env"] = object{"N": fmt.Sprint(n)}
	c.put("/v1/jobs", object{"Job": j, "Submission": object{
		"Source": fmt.Sprintf("source %d", n), "Format": "hcl2", "VariableFlags": object{"a": "x y"}, "Variables": fmt.Sprintf("n = %d", n),
	}}, nil)
}

func TestRevert(t *testing.T) {
	c := start(t)
	c.submit("web", 0)
	c.submit("web", 1)
	a := c.do("POST", "/v1/job/web/revert", `{"JobID":"web","JobVersion":0,"EnforcePriorVersion":1}`)
	httpdtest.Shape(t, "revert", httpdtest.Recorded(t, "job-revert.json"), []byte(a.body), httpdtest.Rules{})
	var resp api.JobRegisterResponse
	unmarshal(t, a.body, &resp)
	j := c.stored("web")
	if a.code != 200 || j.Version != 2 || j.TaskGroups[0].Tasks[0].Env["N"] != "0" || j.JobModifyIndex != resp.JobModifyIndex || resp.EvalID == "" {
		t.Fatalf("reverted to %+v with %d %s", j, a.code, a.body)
	}
	if ev := c.done(resp.EvalID); ev.TriggeredBy != api.TriggerJobRegister {
		t.Errorf("evaluation %+v", ev)
	}
	var sub api.JobSubmission
	c.get("/v1/job/web/submission?version=2", &sub)
	if sub.Source != "source 0" || sub.Version != 2 || sub.JobModifyIndex != j.JobModifyIndex || sub.Variables != "n = 0" || sub.VariableFlags["a"] != "x y" {
		t.Errorf("source of the reverted version: %+v", sub)
	}
	c.get("/v1/job/web/submission?version=0", &sub)
	if sub.Version != 0 {
		t.Errorf("the old version's source changed: %+v", sub)
	}
}

func TestTags(t *testing.T) {
	c := start(t)
	c.submit("web", 0)
	a := c.do("POST", "/v1/job/web/versions/golden/tag", `{"Version":0,"Description":"known good"}`)
	httpdtest.Shape(t, "tag", httpdtest.Recorded(t, "job-version-tag.json"), []byte(a.body), httpdtest.Rules{})
	if a.code != 200 || a.header.Get("X-Nomad-Index") != "" {
		t.Fatalf("tag: %d %s %v", a.code, a.body, a.header)
	}
	if j := c.stored("web"); j.VersionTag == nil || j.VersionTag.Name != "golden" || j.Version != 0 {
		t.Errorf("tagged %+v", j)
	}
	for n := 1; n < 10; n++ {
		c.submit("web", n)
	}
	if j := c.stored("web"); j.VersionTag != nil {
		t.Errorf("the next version took the tag over: %+v", j.VersionTag)
	}
	versions := func() (out []uint64) {
		var resp api.JobVersionsResponse
		c.get("/v1/job/web/versions", &resp)
		for _, v := range resp.Versions {
			out = append(out, v.Version)
		}
		return out
	}
	if got := versions(); !slices.Equal(got, []uint64{9, 8, 7, 6, 5, 4, 0}) {
		t.Errorf("versions %d", got)
	}
	var sub api.JobSubmission
	if c.get("/v1/job/web/submission?version=0", &sub); sub.Source != "source 0" {
		t.Errorf("source of the tagged version: %+v", sub)
	}
	var diffs api.JobVersionsResponse
	c.get("/v1/job/web/versions?diffs=true&diff_tag=golden", &diffs)
	if len(diffs.Diffs) != 7 || diffs.Diffs[6].Type != "None" || diffs.Diffs[0].Type != "Edited" {
		t.Errorf("%d diffs with the tag", len(diffs.Diffs))
	}
	for body, want := range map[string]string{
		`{"Version":5}`:                  `tag "golden" already exists on a different version of job "web"`,
		`{"Latest":true}`:                `tag "golden" already exists on a different version of job "web"`,
		`{"Latest":true,"Version":9}`:    "cannot tag both the latest version and version 9",
		`{"Version":0,"Description":""}`: "",
	} {
		if a := c.do("PUT", "/v1/job/web/versions/golden/tag", body); want != "" && a.body != want || want == "" && a.code != 200 {
			t.Errorf("%s: %d %s", body, a.code, a.body)
		}
	}
	// An old version is reverted to, and the tag stays where it is.
	c.put("/v1/job/web/revert", object{"JobID": "web", "JobVersion": 0}, nil)
	if j := c.stored("web"); j.Version != 10 || j.VersionTag != nil || j.TaskGroups[0].Tasks[0].Env["N"] != "0" {
		t.Errorf("reverted to %+v", j)
	}
	a = c.do("DELETE", "/v1/job/web/versions/golden/tag", "")
	httpdtest.Shape(t, "untag", httpdtest.Recorded(t, "job-version-untag.json"), []byte(a.body), httpdtest.Rules{})
	if a := c.do("DELETE", "/v1/job/web/versions/golden/tag", ""); a.code != 500 {
		t.Errorf("untagged twice: %d %s", a.code, a.body)
	}
	c.submit("web", 11)
	if got := versions(); slices.Contains(got, 0) {
		t.Errorf("an untagged version is not trimmed: %d", got)
	}
	if a := c.do("PUT", "/v1/job/web/versions/a%0Ab/tag", `{}`); a.code != 500 || !strings.Contains(a.body, "control character") {
		t.Errorf("a bad tag: %d %s", a.code, a.body)
	}
}

func TestStable(t *testing.T) {
	c := start(t)
	c.submit("web", 0)
	c.submit("web", 1)
	a := c.do("POST", "/v1/job/web/stable", `{"JobID":"web","JobVersion":1,"Stable":true}`)
	httpdtest.Shape(t, "stable", httpdtest.Recorded(t, "job-stable.json"), []byte(a.body), httpdtest.Rules{})
	if j := c.stored("web"); !j.Stable || j.Version != 1 {
		t.Errorf("marked %+v", j)
	}
	// An older version is marked without becoming the current one.
	c.put("/v1/job/web/stable", object{"JobID": "web", "JobVersion": 0, "Stable": true}, nil)
	if j := c.stored("web"); j.Version != 1 || j.TaskGroups[0].Tasks[0].Env["N"] != "1" {
		t.Errorf("the current job is %+v", j)
	}
	var resp api.JobVersionsResponse
	if c.get("/v1/job/web/versions", &resp); len(resp.Versions) != 2 || !resp.Versions[1].Stable {
		t.Errorf("versions %+v", resp.Versions)
	}
}
