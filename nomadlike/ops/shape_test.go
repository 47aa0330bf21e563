// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// recordedJob is a recorded request without the blocks that this version refuses (api/unsupported.go), for
// the driver of simulated nodes.
func recordedJob(t *testing.T, file string) object {
	t.Helper()
	var req object
	if err := json.Unmarshal(httpdtest.Recorded(t, file), &req); err != nil {
		t.Fatal(err)
	}
	group := req["Job"].(object)["TaskGroups"].([]any)[0].(object)
	group["Services"] = nil
	task := group["Tasks"].([]any)[0].(object)
	task["Templates"], task["Driver"] = nil, "mock_driver"
	return req
}

// shapeRules are the differences that are meant: what this version refuses or leaves to later issues, and
// what simulated nodes do not have.
var shapeRules = httpdtest.Rules{
	Open: []string{
		"**.Attributes", "**.Meta", "**.Drivers", "**.ClassEligibility", "**.TaskStates", "**.Env",
		"**.ConstraintFiltered", "**.NodesAvailable",
	},
	Skip: []string{"**.Tasks.[].Config"},
	Null: []string{
		// refused blocks
		"**.Services", "**.Templates",
		// no deployments
		"**.DeploymentStatus",
		// the reference shows a scaling block as edited when only its indexes differ
		"**.TaskGroups.[].Objects",
		// simulated tasks have no events
		"**.Events",
	},
	Optional: []string{
		"**.DeploymentID", "**.DeploymentStatus", "**.SigningKeyID", "**.NetworkStatus",
		// objects that leave zero fields out
		"**.Networks.[].*", "**.SnapshotIndex",
	},
}

func TestShapes(t *testing.T) {
	c := start(t)
	c.nodes(1)
	shape := func(file, method, path string, in any) answer {
		t.Helper()
		body := ""
		if in != nil {
			b, err := json.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			body = string(b)
		}
		a := c.do(method, path, body)
		if a.code != 200 {
			t.Errorf("%s %s: %d %s", method, path, a.code, a.body)
			return a
		}
		httpdtest.Shape(t, method+" "+path+" against "+file, httpdtest.Recorded(t, file), []byte(a.body), shapeRules)
		return a
	}
	shape("job-plan-new.json", "POST", "/v1/job/rec-web/plan", recordedJob(t, "job-plan-new.request.json"))
	var reg api.JobRegisterResponse
	a := shape("jobs-register.json", "POST", "/v1/jobs", recordedJob(t, "jobs-register.request.json"))
	if err := json.Unmarshal([]byte(a.body), &reg); err != nil {
		t.Fatal(err)
	}
	c.done(reg.EvalID)
	alloc := c.running("rec-web", 1)[0]
	for _, r := range [][2]string{
		{"job-read.json", "/v1/job/rec-web"},
		{"jobs-list.json", "/v1/jobs"},
		{"jobs-list-meta-filter.json", "/v1/jobs?meta=true"},
		{"job-summary.json", "/v1/job/rec-web/summary"},
		{"job-allocations.json", "/v1/job/rec-web/allocations"},
		{"job-evaluations.json", "/v1/job/rec-web/evaluations"},
		{"job-submission.json", "/v1/job/rec-web/submission?version=0"},
		{"evaluation-read.json", "/v1/evaluation/" + reg.EvalID},
		{"evaluation-allocations.json", "/v1/evaluation/" + reg.EvalID + "/allocations"},
		{"evaluations-list.json", "/v1/evaluations"},
		{"evaluations-count.json", "/v1/evaluations/count"},
		{"allocation-read.json", "/v1/allocation/" + alloc.ID},
		{"allocations-list.json", "/v1/allocations?resources=true&task_states=false"},
		{"node-read.json", "/v1/node/" + alloc.NodeID},
		{"nodes-list.json", "/v1/nodes?resources=true&os=true"},
		{"node-allocations.json", "/v1/node/" + alloc.NodeID + "/allocations"},
		{"status-leader.json", "/v1/status/leader"},
		{"status-peers.json", "/v1/status/peers"},
		{"regions.json", "/v1/regions"},
		{"agent-members.json", "/v1/agent/members"},
	} {
		shape(r[0], "GET", r[1], nil)
	}
	shape("job-plan-update.json", "POST", "/v1/job/rec-web/plan", recordedJob(t, "job-plan-update.request.json"))
	shape("job-plan-infeasible.json", "POST", "/v1/job/rec-web/plan", recordedJob(t, "job-plan-infeasible.request.json"))
	shape("job-update.json", "PUT", "/v1/job/rec-web", recordedJob(t, "job-update.request.json"))
	shape("job-versions-diff.json", "GET", "/v1/job/rec-web/versions?diffs=true", nil)
	shape("job-evaluate.json", "POST", "/v1/job/rec-web/evaluate", object{"JobID": "rec-web"})
	shape("validate-job.json", "POST", "/v1/validate/job", recordedJob(t, "validate-job.request.json"))
	shape("validate-job-invalid.json", "POST", "/v1/validate/job", recordedJob(t, "validate-job-invalid.request.json"))
	shape("node-eligibility.json", "PUT", "/v1/node/"+alloc.NodeID+"/eligibility", object{"Eligibility": "ineligible"})
	shape("allocation-stop.json", "PUT", "/v1/allocation/"+alloc.ID+"/stop", nil)
	shape("job-deregister.json", "DELETE", "/v1/job/rec-web", nil)
	shape("job-deregister-purge.json", "DELETE", "/v1/job/rec-web?purge=true", nil)
}

// TestParseIsExact: parsing has no state, so its answers equal the recordings.
func TestParseIsExact(t *testing.T) {
	c := start(t)
	for _, name := range []string{"jobs-parse", "jobs-parse-canonicalize"} {
		a := c.do("POST", "/v1/jobs/parse", string(httpdtest.Recorded(t, name+".request.json")))
		if a.code != 200 {
			t.Fatalf("%s: %d %s", name, a.code, a.body)
		}
		var want, got any
		if err := json.Unmarshal(httpdtest.Recorded(t, name+".json"), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			for _, d := range httpdtest.Differences(httpdtest.Recorded(t, name+".json"), []byte(a.body), httpdtest.Rules{}) {
				t.Log(d)
			}
			t.Errorf("%s: %s", name, a.body)
		}
	}
}
