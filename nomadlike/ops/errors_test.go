// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"strings"
	"testing"
)

// TestErrors checks status and text of the recorded error rows (errors.md) that concern served endpoints.
func TestErrors(t *testing.T) {
	c := start(t)
	node := c.nodes(1)[0]
	reg := c.register(atOnce(job("web", 1)))
	alloc := c.running("web", 1)[0]
	unknown := "00000000-0000-0000-0000-000000000000"
	tiny := `"TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "raw_exec", "Config": {"command": "/bin/true"}}]}]`
	conflict := "Enforcing job modify index 2: job exists with conflicting job modify index: " + index(reg.JobModifyIndex)
	for _, r := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/v1/node/" + unknown, "", 404, "node not found"},
		{"GET", "/v1/node/xyz", "", 500, "node lookup failed: index error: UUID must be 36 characters"},
		{"GET", "/v1/nodes?prefix=8dc93", "", 500, "node lookup failed: index error: Input (without hyphens) must be even length"},
		{"POST", "/v1/node/" + node.ID + "/eligibility", `{"Eligibility": "maybe"}`, 500, `invalid scheduling eligibility "maybe"`},
		{"POST", "/v1/node/" + node.ID + "/eligibility", `{"Eligibility": "eligible"}`, 200, `{"NodeModifyIndex":0,"EvalIDs":null,"EvalCreateIndex":0,"Index":0}`},
		{"POST", "/v1/node/" + unknown + "/eligibility", `{"Eligibility": "eligible"}`, 500, "node not found"},
		{"PUT", "/v1/node/" + unknown + "/purge", "", 500, "node not found"},

		{"PUT", "/v1/client/allocation/" + unknown + "/restart", "{}", 404, `Unknown allocation "` + unknown + `"`},
		{"PUT", "/v1/client/allocation/" + alloc.ID + "/signal", "", 400, "Failed to decode body: Request body is empty"},
		{"GET", "/v1/client/fs/ls/" + unknown, "", 404, `Unknown allocation "` + unknown + `"`},
		{"GET", "/v1/client/fs/ls/zzz", "", 500, "alloc lookup failed: index error: UUID must be 36 characters"},
		{"GET", "/v1/client/fs/zzz/" + alloc.ID, "", 404, "Invalid method"},
		{"GET", "/v1/client/fs/ls/" + alloc.ID, "", 404, "No path to node."},
		{"GET", "/v1/client/stats", "", 400, "No local Node and node_id not provided"},
		{"GET", "/v1/client/stats?node_id=" + node.ID, "", 404, "No path to node."},

		{"POST", "/v1/jobs", `{"Job": {"ID": "web", ` + tiny + `}, "EnforceIndex": true, "JobModifyIndex": 0}`, 500, "Enforcing job modify index 0: job already exists"},
		{"POST", "/v1/jobs", `{"Job": {"ID": "web", ` + tiny + `}, "EnforceIndex": true, "JobModifyIndex": 2}`, 500, conflict},
		{"POST", "/v1/jobs", `{"Job": {"ID": "none", ` + tiny + `}, "EnforceIndex": true, "JobModifyIndex": 2}`, 500, "Enforcing job modify index 2: job does not exist"},
		{"POST", "/v1/jobs", `{"Job": {"ID": "bad", "Type": "nope", "Datacenters": ["dc1"]}}`, 500, "2 errors occurred:\n\t* Invalid job type: \"nope\"\n\t* Missing job task groups\n\n"},
		{"POST", "/v1/jobs", `{"ID": "bad"}`, 400, "Job must be specified"},
		{"POST", "/v1/jobs", `{"Job": null}`, 400, "Job must be specified"},
		{"POST", "/v1/jobs", `{"Job": {}}`, 400, "Job ID hasn't been provided"},
		{"POST", "/v1/jobs", "", 400, "Request body is empty"},
		{"POST", "/v1/jobs", `{"Job": {"ID": 3}}`, 400, "json: cannot unmarshal number into field Job.ID of type string"},
		{"POST", "/v1/jobs", `{"Job": {"ID": "bad", "TaskGroups": [{"Name": "g", "ShutdownDelay": "5s"}]}}`, 400, "json: cannot unmarshal string into field Job.TaskGroups[0].ShutdownDelay of type duration (integer nanoseconds)"},
		{"POST", "/v1/jobs", `{"Job": {"ID": "bad"}, "EvalPriority": 200}`, 400, "Eval priority must be between 1 and 100 inclusively"},
		{"POST", "/v1/jobs?namespace=nope", `{"Job": {"ID": "x", "Datacenters": ["*"], "Type": "batch", ` + tiny + `}}`, 500, "1 error occurred:\n\t* job \"x\" is in nonexistent namespace \"nope\"\n\n"},
		{"POST", "/v1/jobs", `{"Job": {"ID": "x", "Region": "mars", ` + tiny + `}}`, 500, "No path to region"},
		{"POST", "/v1/jobs", `{"Job": {"ID": "x", "Datacenters": ["*"], ` + tiny + `}, "Region": "mars"}`, 500, "No path to region"},
		{"PUT", "/v1/job/other", `{"Job": {"ID": "web", ` + tiny + `}}`, 400, "Job ID does not match name"},
		{"PUT", "/v1/job/other/plan", `{"Job": {"ID": "web", ` + tiny + `}}`, 400, "Job ID does not match name"},
		{"PUT", "/v1/job/web/plan", `{}`, 400, "Job must be specified"},

		{"POST", "/v1/jobs/parse", `{"JobHCL": "job \"x\" {\n  group \"g\" { bogus = 1 }\n}"}`, 400, `Failed to parse job: input.hcl:2,15-20: Unsupported argument; An argument named "bogus" is not expected here.`},
		{"POST", "/v1/jobs/parse", `{"JobHCL": ""}`, 400, "Job spec is empty"},

		{"GET", "/v1/jobs?filter=Nope%20%3D%3D%20%22x%22", "", 400, `failed to read result page: error finding value in datum: /Nope at part 0: couldn't find key: struct field with name "Nope"`},
		{"GET", "/v1/jobs?filter=Type%20%3D", "", 400, `failed to create result paginator: failed to read filter expression: 1:6 (5): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n]`},
		{"GET", "/v1/jobs?index=abc", "", 400, "Invalid index"},
		{"GET", "/v1/jobs?wait=abc&index=1", "", 400, "Invalid wait time"},
		{"GET", "/v1/jobs?stale=maybe", "", 400, "Expect `true` or `false` for `stale` query string parameter"},
		{"GET", "/v1/jobs?per_page=abc", "", 400, "Expect a number for `per_page` query string parameter"},
		{"GET", "/v1/jobs?meta=maybe", "", 500, `Failed to parse value of "meta" (maybe) as a bool: strconv.ParseBool: parsing "maybe": invalid syntax`},
		{"GET", "/v1/jobs?region=nope", "", 500, "No path to region"},
		{"DELETE", "/v1/jobs", "", 405, "Invalid method"},
		{"PATCH", "/v1/job/web", "{}", 405, "Invalid method"},

		{"POST", "/v1/job/nope/evaluate", `{"JobID": "nope"}`, 500, "job not found"},
		{"POST", "/v1/job/web/evaluate", `{"JobID": "nope"}`, 400, "JobID not same as job name"},
		{"GET", "/v1/job/nope", "", 404, "job not found"},
		{"GET", "/v1/job/nope/versions", "", 404, "job versions not found"},
		{"GET", "/v1/job/web/versions?diffs=true&diff_version=99", "", 500, "version 99 not found"},
		{"GET", "/v1/job/nope/allocations", "", 200, "[]"},
		{"GET", "/v1/job/nope/evaluations", "", 200, "[]"},
		{"GET", "/v1/job/nope/deployments", "", 200, "[]"},
		{"GET", "/v1/job/nope/deployment", "", 200, "null"},
		{"GET", "/v1/job/nope/summary", "", 404, "job not found"},
		{"GET", "/v1/job/web/submission?version=9", "", 404, "job source not found"},
		{"GET", "/v1/job/web/submission", "", 400, "Unable to parse job submission version parameter"},
		{"POST", "/v1/jobs/statuses", `{"Jobs": []}`, 400, "no jobs in request"},
		{"PUT", "/v1/jobs/statuses", `{"Jobs": []}`, 405, "Invalid method"},
		{"POST", "/v1/job/web/versions/none/tag", `{"Version": 77}`, 500, `job "web" version 77 not found`},
		{"POST", "/v1/job/web/versions/golden/tag", `{"Version": 0}`, 200, ""},
		{"DELETE", "/v1/job/web/versions/nope/tag", "", 500, `tag "nope" not found on job "web"`},
		{"POST", "/v1/job/web/tag", `{"Version": 1}`, 404, "invalid job tag endpoint"},
		{"POST", "/v1/job/web/revert", `{"JobID": "web", "JobVersion": 42}`, 500, `job "web" in namespace "default" at version 42 not found`},
		{"POST", "/v1/job/web/revert", `{"JobID": "web", "JobVersion": 0}`, 500, "can't revert to current version"},
		{"POST", "/v1/job/web/revert", `{"JobID": "web", "JobVersion": 1, "EnforcePriorVersion": 9}`, 500, "Current job has version 0; enforcing version 9"},
		{"POST", "/v1/job/web/revert", `{"JobID": "nope", "JobVersion": 0}`, 400, "Job ID does not match name"},
		{"POST", "/v1/job/web/stable", `{"JobID": "web", "JobVersion": 7, "Stable": true}`, 500, `job "web" version 7 not found`},
		{"POST", "/v1/job/web/scale", `{"Count": 9, "Target": {"Group": "x"}}`, 400, `task group "x" specified for scaling does not exist in job`},
		{"POST", "/v1/job/web/scale", `{"Count": -1, "Target": {"Group": "g"}}`, 400, "scaling action count can't be negative"},
		{"POST", "/v1/job/web/scale", `{"Count": 2}`, 400, "missing task group name for scaling action"},
		{"POST", "/v1/job/web/scale", `{"Count": 2, "Target": {"Job": "other", "Group": "g"}}`, 400, "Job ID does not match name"},
		{"POST", "/v1/job/web/scale", `{"Message": "` + strings.Repeat("x", 70_000) + `", "Target": {"Group": "g"}}`, 400, "message and meta of the scaling action have 70004 bytes, at most 65536 are allowed"},
		{"POST", "/v1/job/nope/scale", `{"Count": 2, "Target": {"Group": "web"}}`, 404, `job "nope" not found`},
		{"POST", "/v1/job/web/scale", `{"Count": 2, "Error": true, "Target": {"Group": "g"}}`, 400, "scaling action should not contain count if error is true"},
		{"POST", "/v1/job/web/scale", `{"Count": 2, "Target": {"Group": "g"}, "JobModifyIndex": 2}`, 500, conflict},
		{"POST", "/v1/job/web/scale", `{"Count": 50001, "Target": {"Group": "g"}}`, 500, "total count was 50001, cannot exceed job_max_count of 50000"},
		{"GET", "/v1/job/nope/scale", "", 404, "job not found"},
		{"GET", "/v1/scaling/policies", "", 200, "[]"},
		{"GET", "/v1/scaling/policy/" + unknown, "", 404, "policy not found"},
		{"GET", "/v1/scaling/policy/zzz", "", 500, "scaling_policy lookup failed: index error: UUID must be 36 characters"},
		{"POST", "/v1/job/web/dispatch", `{}`, 500, `Specified job "web" is not a parameterized job`},
		{"POST", "/v1/job/nope/dispatch", `{}`, 500, "parameterized job not found"},
		{"POST", "/v1/job/web/dispatch", `{"JobID": "other"}`, 400, "Job ID does not match name"},
		{"POST", "/v1/job/web/periodic/force", "", 500, "can't force launch non-periodic job"},
		{"POST", "/v1/job/nope/periodic/force", "", 500, "job not found"},
		{"GET", "/v1/job/nope/services", "", 404, "job not found"},
		{"GET", "/v1/job/web/services", "", 200, "[]"},
		{"GET", "/v1/job/nope/actions", "", 500, `Unknown job "nope"`},
		{"DELETE", "/v1/job/nope", "", 200, `{"EvalID":"","EvalCreateIndex":0,"JobModifyIndex":0,"VolumeEvalID":"","VolumeEvalIndex":0,"Index":0,"LastContact":0,"KnownLeader":false,"NextToken":""}`},
		{"DELETE", "/v1/job/nope?purge=maybe", "", 500, `Failed to parse value of "purge" (maybe) as a bool: strconv.ParseBool: parsing "maybe": invalid syntax`},
		{"DELETE", "/v1/job/nope?eval_priority=900", "", 400, "Eval priority must be between 1 and 100 inclusively"},

		{"PUT", "/v1/allocation/" + unknown + "/stop", "", 404, "allocation not found"},
		{"GET", "/v1/allocation/" + unknown, "", 404, "alloc not found"},
		{"GET", "/v1/allocation/zzz", "", 500, "alloc lookup failed: index error: UUID must be 36 characters"},
		{"GET", "/v1/allocation/" + alloc.ID + "/zzz", "", 404, "resource not found"},
		{"GET", "/v1/allocations?task_states=maybe", "", 500, `Failed to parse value of "task_states" (maybe) as a bool: strconv.ParseBool: parsing "maybe": invalid syntax`},
		{"GET", "/v1/evaluation/" + unknown, "", 404, "eval not found"},
		{"GET", "/v1/evaluation/zzz", "", 500, "eval lookup failed: index error: UUID must be 36 characters"},
		{"GET", "/v1/evaluations?job=web&filter=Status%20%3D%3D%20%22complete%22", "", 400, "Filter expression cannot be used with other filter parameters"},

		{"PUT", "/v1/system/gc", "", 200, ""},
		{"POST", "/v1/system/gc", "", 405, "Invalid method"},
		{"PUT", "/v1/system/reconcile/summaries", "", 200, ""},
		{"GET", "/v1/event/stream?topic=a:b:c", "", 400, "Invalid topic query: error parsing topics: Invalid key value pair for topic, topic: a:b:c"},
		{"GET", "/v1/event/stream?index=zz", "", 400, `Unable to parse index: strconv.Atoi: parsing "zz": invalid syntax`},
		{"GET", "/v1/client/allocation/" + alloc.ID + "/exec?task=t&command=%5B%22%2Fbin%2Ftrue%22%5D", "", 500, "websocket connection not found in context"},
		{"GET", "/v1/quotas", "", 501, "Nomad Enterprise only endpoint"},
		{"GET", "/v1/nope", "", 404, ""},
		{"GET", "/v1/jobs/", "", 404, ""},
	} {
		a := c.do(r.method, r.path, r.body)
		same := a.body == r.want || r.code == 200 && r.want == "" && a.body != "" && strings.HasSuffix(r.path, "/tag")
		if strings.HasSuffix(r.want, ".") && strings.HasPrefix(r.want, "No path") {
			same = strings.HasPrefix(a.body, r.want)
		}
		if a.code != r.code || !same {
			t.Errorf("%s %s\n got %d %q\nwant %d %q", r.method, r.path, a.code, a.body, r.code, r.want)
		}
		kind := a.header.Get("Content-Type")
		switch {
		case a.body == "" && kind != "":
			t.Errorf("%s %s: an empty body has type %q", r.method, r.path, kind)
		case a.code >= 400 && a.body != "" && kind != "text/plain; charset=utf-8":
			t.Errorf("%s %s: an error has type %q", r.method, r.path, kind)
		case a.code == 200 && a.body != "" && kind != "application/json":
			t.Errorf("%s %s: an answer has type %q", r.method, r.path, kind)
		}
	}
}
