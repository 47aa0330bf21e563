// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// sleeper is a small service job that runs until it is stopped.
func sleeper(id string) *nomad.Job { return shellJob(id, "service", 1, "exec sleep 1000") }

// sleeperBody is the JSON of a register request for a job with the ID.
func sleeperBody(id string) string {
	return fmt.Sprintf(`{"Job":{"ID":%q,"Type":"service","Datacenters":["*"],"TaskGroups":[{"Name":"g","Tasks":[{"Name":"t","Driver":"raw_exec","Config":{"command":"/bin/true"}}]}]}}`, id)
}

// gone removes a job that a check registered.
func (w *world) gone(id string) {
	w.Helper()
	_, _, err := w.client.Jobs().Deregister(id, true, nil)
	w.ok(err)
}

// submitted registers a job for a check and removes it after the check.
func (w *world) submitted(job *nomad.Job) *nomad.JobRegisterResponse {
	w.Helper()
	resp, _, err := w.client.Jobs().Register(job, nil)
	w.ok(err)
	w.Cleanup(func() { w.gone(*job.ID) })
	return resp
}

// parameterised is a dispatch parent that demands the meta key "who".
func parameterised(id string) *nomad.Job {
	j := shellJob(id, "batch", 1, `cat "$NOMAD_TASK_DIR/in"; echo "for $NOMAD_META_who"`)
	j.ParameterizedJob = &nomad.ParameterizedJobConfig{Payload: "optional", MetaRequired: []string{"who"}}
	j.TaskGroups[0].Tasks[0].DispatchPayload = &nomad.DispatchPayloadConfig{File: "in"}
	return j
}

// periodic is a job that is due on the first of January only.
func periodic(id string) *nomad.Job {
	j := shellJob(id, "batch", 1, "true")
	spec := "0 0 1 1 *"
	j.Periodic = &nomad.PeriodicConfig{Spec: &spec}
	return j
}

// scalable is a service job with bounds on its count.
func scalable(id string) *nomad.Job {
	j := sleeper(id)
	lo, hi := int64(1), int64(3)
	j.TaskGroups[0].Scaling = &nomad.ScalingPolicy{Min: &lo, Max: &hi, Policy: map[string]any{"cooldown": "1m"}}
	return j
}

var _ = conform(
	check{
		op: "Job.List",
		values: func(w *world) {
			list, meta, err := w.client.Jobs().ListOptions(&nomad.JobListOptions{Fields: &nomad.JobListFields{Meta: true}}, &nomad.QueryOptions{Prefix: "we"})
			w.ok(err)
			w.that(len(list) == 1 && list[0].ID == w.web && list[0].Status == "running" && list[0].JobSummary.Summary["g"].Running == 2, "jobs are %+v", list)
			w.that(meta.LastIndex > 0 && meta.KnownLeader, "meta is %+v", meta)
			all, _, err := w.client.Jobs().List(&nomad.QueryOptions{Namespace: "*", Filter: `Type == "service"`})
			w.ok(err)
			w.that(slices.ContainsFunc(all, func(j *nomad.JobListStub) bool { return j.ID == w.web }), "jobs are %+v", all)
			w.shape("jobs-list.json", "GET", "/v1/jobs?prefix=web", "", httpdtest.Rules{Null: []string{"**.Meta"}})
		},
		refusals: []refusal{
			{"GET", "/v1/jobs?meta=perhaps", "", 500, `Failed to parse value of "meta" (perhaps) as a bool`},
			{"GET", "/v1/jobs?filter=Absent==1", "", 400, "failed to read result page"},
			{"DELETE", "/v1/jobs", "", 405, "Invalid method"},
		},
	},
	check{
		op: "Job.Register",
		values: func(w *world) {
			first := w.submitted(sleeper("reg"))
			w.that(first.EvalID != "" && first.JobModifyIndex > 0 && first.Warnings == "", "answer is %+v", first)
			again, _, err := w.client.Jobs().Register(sleeper("reg"), nil)
			w.ok(err)
			w.that(again.JobModifyIndex == first.JobModifyIndex && again.EvalID != first.EvalID, "unchanged job: %+v after %+v", again, first)
			_, _, err = w.client.Jobs().EnforceRegister(sleeper("reg"), 1, nil)
			w.that(err != nil && strings.Contains(err.Error(), "conflicting job modify index"), "enforced index: %v", err)
			changed := sleeper("reg")
			changed.SetMeta("k", "v")
			next, _, err := w.client.Jobs().EnforceRegister(changed, first.JobModifyIndex, nil)
			w.ok(err)
			w.that(next.JobModifyIndex > first.JobModifyIndex, "changed job: %+v", next)
		},
		refusals: []refusal{
			{"PUT", "/v1/jobs", "", 400, "Request body is empty"},
			{"PUT", "/v1/jobs", `{"Job":`, 400, ""},
			{"PUT", "/v1/jobs", `{}`, 400, "Job must be specified"},
			{"PUT", "/v1/jobs", `{"Job":{}}`, 400, "Job ID hasn't been provided"},
			{"PUT", "/v1/job/other", sleeperBody("mine"), 400, "Job ID does not match name"},
			{"PUT", "/v1/jobs", strings.Replace(sleeperBody("x"), `{"Job"`, `{"EvalPriority":101,"Job"`, 1), 400, "Eval priority must be between 1 and 100 inclusively"},
			{"PUT", "/v1/jobs", strings.Replace(sleeperBody("x"), `{"Job"`, `{"EnforceIndex":true,"JobModifyIndex":7,"Job"`, 1), 500, "Enforcing job modify index 7: job does not exist"},
			{"PUT", "/v1/jobs", `{"Job":{"ID":"x","Type":"service","Datacenters":["*"]}}`, 500, "Missing job task groups"},
			{"PUT", "/v1/jobs?namespace=nope", sleeperBody("x"), 500, `job "x" is in nonexistent namespace "nope"`},
			{"PUT", "/v1/jobs?region=nowhere", sleeperBody("x"), 500, "No path to region"},
		},
	},
	check{
		op: "Job.Parse",
		values: func(w *world) {
			job, err := w.client.Jobs().ParseHCL("job \"p\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n }\n }\n }", true)
			w.ok(err)
			w.that(*job.ID == "p" && *job.TaskGroups[0].Count == 1 && *job.Priority == 50, "job is %+v", job)
		},
		refusals: []refusal{
			{"PUT", "/v1/jobs/parse", `{"JobHCL":""}`, 400, "Job spec is empty"},
			{"PUT", "/v1/jobs/parse", `{"JobHCL":"job \"p\" {"}`, 400, "Failed to parse job: input.hcl:1"},
		},
	},
	check{
		op: "Job.Validate",
		values: func(w *world) {
			good, _, err := w.client.Jobs().Validate(sleeper("v"), nil)
			w.ok(err)
			w.that(good.Error == "" && len(good.ValidationErrors) == 0 && good.DriverConfigValidated, "answer is %+v", good)
			bad, _, err := w.client.Jobs().Validate(nomad.NewServiceJob("v", "v", "global", 50), nil)
			w.ok(err)
			w.that(strings.Contains(bad.Error, "Missing job task groups") && len(bad.ValidationErrors) > 0, "answer is %+v", bad)
		},
		refusals: []refusal{{"PUT", "/v1/validate/job", `{}`, 400, "Job must be specified"}},
	},
	check{
		op: "Job.Get",
		values: func(w *world) {
			job, meta, err := w.client.Jobs().Info(w.web, nil)
			w.ok(err)
			w.that(*job.ID == w.web && *job.Status == "running" && *job.Version == 0 && *job.TaskGroups[0].Count == 2, "job is %+v", job)
			w.that(meta.LastIndex == *job.ModifyIndex, "index is %d, the job's %d", meta.LastIndex, *job.ModifyIndex)
			slash := sleeper("a/b")
			w.submitted(slash)
			got, _, err := w.client.Jobs().Info("a/b", nil)
			w.ok(err)
			w.that(*got.ID == "a/b", "job is %q", *got.ID)
		},
		refusals: []refusal{
			{"GET", "/v1/job/absent", "", 404, "job not found"},
			{"GET", "/v1/job/{job}?namespace=other", "", 404, "job not found"},
			{"PATCH", "/v1/job/{job}", "", 405, "Invalid method"},
		},
	},
	check{
		op: "Job.Deregister",
		values: func(w *world) {
			w.submitted(sleeper("bye"))
			eval, _, err := w.client.Jobs().Deregister("bye", false, nil)
			w.ok(err)
			w.that(eval != "", "no evaluation")
			job, _, err := w.client.Jobs().Info("bye", nil)
			w.ok(err)
			w.that(*job.Stop, "job is not stopped")
			none, meta, err := w.client.Jobs().Deregister("absent", false, nil)
			w.ok(err)
			w.that(none == "" && meta.LastIndex == 0, "unknown job: %q %+v", none, meta)
		},
		refusals: []refusal{
			{"DELETE", "/v1/job/absent?eval_priority=101", "", 400, ""},
			{"DELETE", "/v1/job/absent?purge=perhaps", "", 500, `Failed to parse value of "purge"`},
		},
	},
	check{
		op: "Job.Plan",
		values: func(w *world) {
			plan, _, err := w.client.Jobs().Plan(sleeper("planned"), true, nil)
			w.ok(err)
			w.that(plan.Diff.Type == "Added" && plan.JobModifyIndex == 0 && plan.Annotations.DesiredTGUpdates["g"].Place == 1, "plan is %+v", plan)
			_, _, err = w.client.Jobs().Info("planned", nil)
			w.that(err != nil, "the plan registered the job")
		},
		refusals: []refusal{
			{"PUT", "/v1/job/x/plan", `{}`, 400, "Job must be specified"},
			{"PUT", "/v1/job/x/plan", sleeperBody("y"), 400, ""},
		},
	},
	check{
		op: "Job.Evaluate",
		values: func(w *world) {
			eval, _, err := w.client.Jobs().EvaluateWithOpts(w.web, nomad.EvalOptions{}, nil)
			w.ok(err)
			ev, _, err := w.client.Evaluations().Info(eval, nil)
			w.ok(err)
			w.that(ev.JobID == w.web && ev.TriggeredBy == "job-register", "evaluation is %+v", ev)
		},
		refusals: []refusal{
			{"PUT", "/v1/job/absent/evaluate", "", 500, "job not found"},
			{"PUT", "/v1/job/{job}/evaluate", `{"JobID":"other"}`, 400, "JobID not same as job name"},
		},
	},
	check{
		op: "Job.Versions",
		values: func(w *world) {
			w.submitted(sleeper("ver"))
			next := sleeper("ver")
			next.SetMeta("k", "v")
			w.submitted(next)
			versions, diffs, _, err := w.client.Jobs().Versions("ver", true, nil)
			w.ok(err)
			w.that(len(versions) == 2 && *versions[0].Version == 1 && len(diffs) == 1 && diffs[0].Type == "Edited", "versions %d, diffs %+v", len(versions), diffs)
			w.shape("job-versions-diff.json", "GET", "/v1/job/ver/versions?diffs=true", "", httpdtest.Rules{
				Null: []string{"**.Diffs.[].Fields", "**.Diffs.[].Objects", "**.Diffs.[].TaskGroups", "**.Services", "**.Scaling", "**.Actions", "**.Templates", "**.VersionTag", "**.Networks", "**.Meta", "**.Constraints", "**.Env"},
				Skip: []string{"Diffs"},
			})
		},
		refusals: []refusal{
			{"GET", "/v1/job/absent/versions", "", 404, "job versions not found"},
			{"GET", "/v1/job/{job}/versions?diffs=true&diff_version=99", "", 500, "version 99 not found"},
			{"GET", "/v1/job/{job}/versions?diffs=true&diff_tag=nope", "", 500, "nope"},
		},
	},
	check{
		op: "Job.Tag",
		values: func(w *world) {
			w.submitted(sleeper("tagged"))
			_, err := w.client.Jobs().TagVersion("tagged", 0, "golden", "known good", nil)
			w.ok(err)
			job, _, err := w.client.Jobs().VersionByTag("tagged", "golden", nil)
			w.ok(err)
			w.that(job.VersionTag != nil && job.VersionTag.Description == "known good" && job.VersionTag.TaggedTime > 0, "tag is %+v", job.VersionTag)
			w.shape("job-version-tag.json", "POST", "/v1/job/tagged/versions/other/tag", `{"Version":0,"Description":"d"}`, httpdtest.Rules{})
		},
		refusals: []refusal{
			{"POST", "/v1/job/{job}/versions/t/tag", `{"Version":77}`, 500, `job "web" version 77 not found`},
			{"POST", "/v1/job/{job}/tag", `{}`, 404, "invalid job tag endpoint"},
		},
	},
	check{
		op: "Job.Untag",
		values: func(w *world) {
			w.submitted(sleeper("untagged"))
			_, err := w.client.Jobs().TagVersion("untagged", 0, "golden", "", nil)
			w.ok(err)
			_, err = w.client.Jobs().UntagVersion("untagged", "golden", nil)
			w.ok(err)
			job, _, err := w.client.Jobs().Info("untagged", nil)
			w.ok(err)
			w.that(job.VersionTag == nil, "tag is %+v", job.VersionTag)
		},
		refusals: []refusal{{"DELETE", "/v1/job/{job}/versions/nope/tag", "", 500, `tag "nope" not found on job "web"`}},
	},
	check{
		op: "Job.Submission",
		values: func(w *world) {
			job := sleeper("source")
			_, _, err := w.client.Jobs().RegisterOpts(job, &nomad.RegisterOptions{Submission: &nomad.JobSubmission{
				Source: "job {}", Format: "hcl2", VariableFlags: map[string]string{"a": "b"}, Variables: "c = 1",
			}}, nil)
			w.ok(err)
			defer w.gone("source")
			sub, _, err := w.client.Jobs().Submission("source", 0, nil)
			w.ok(err)
			w.that(sub.Source == "job {}" && sub.Format == "hcl2" && sub.VariableFlags["a"] == "b" && sub.Variables == "c = 1", "submission is %+v", sub)
		},
		refusals: []refusal{
			{"GET", "/v1/job/{job}/submission", "", 400, ""},
			{"GET", "/v1/job/{job}/submission?version=x", "", 400, ""},
			{"GET", "/v1/job/{job}/submission?version=9", "", 404, "job source not found"},
		},
	},
	check{
		op: "Job.Revert",
		values: func(w *world) {
			w.submitted(sleeper("back"))
			next := sleeper("back")
			next.SetMeta("k", "v")
			w.submitted(next)
			resp, _, err := w.client.Jobs().Revert("back", 0, nil, nil, "", "")
			w.ok(err)
			job, _, err := w.client.Jobs().Info("back", nil)
			w.ok(err)
			w.that(resp.EvalID != "" && *job.Version == 2 && job.Meta["k"] == "", "answer %+v, job version %d meta %v", resp, *job.Version, job.Meta)
			prior := uint64(9)
			_, _, err = w.client.Jobs().Revert("back", 1, &prior, nil, "", "")
			w.that(err != nil && strings.Contains(err.Error(), "Current job has version 2; enforcing version 9"), "enforced version: %v", err)
		},
		refusals: []refusal{
			{"PUT", "/v1/job/{job}/revert", `{"JobID":"{job}","JobVersion":0}`, 500, "can't revert to current version"},
			{"PUT", "/v1/job/{job}/revert", `{"JobID":"other","JobVersion":0}`, 400, ""},
			{"PUT", "/v1/job/absent/revert", `{"JobID":"absent","JobVersion":0}`, 500, "not found"},
		},
	},
	check{
		op: "Job.Stable",
		values: func(w *world) {
			w.submitted(sleeper("stable"))
			_, _, err := w.client.Jobs().Stable("stable", 0, true, nil)
			w.ok(err)
			job, _, err := w.client.Jobs().Info("stable", nil)
			w.ok(err)
			w.that(*job.Stable, "job is not stable")
			w.shape("job-stable.json", "POST", "/v1/job/stable/stable", `{"JobID":"stable","JobVersion":0,"Stable":false}`, httpdtest.Rules{})
		},
		refusals: []refusal{
			{"PUT", "/v1/job/{job}/stable", `{"JobID":"{job}","JobVersion":99,"Stable":true}`, 500, "not found"},
			{"PUT", "/v1/job/{job}/stable", `{"JobID":"other","JobVersion":0,"Stable":true}`, 400, ""},
		},
	},
	check{
		op: "Job.Summary",
		values: func(w *world) {
			sum, _, err := w.client.Jobs().Summary(w.web, nil)
			w.ok(err)
			w.that(sum.Summary["g"].Running == 2, "summary is %+v", sum)
			w.shape("job-summary.json", "GET", "/v1/job/{job}/summary", "", httpdtest.Rules{Null: []string{"Children"}})
		},
		refusals: []refusal{{"GET", "/v1/job/absent/summary", "", 404, "job not found"}},
	},
	check{
		op: "Job.Allocations",
		values: func(w *world) {
			list, _, err := w.client.Jobs().Allocations(w.web, true, nil)
			w.ok(err)
			w.that(len(list) == 2 && list[0].TaskStates["main"].State == "running", "allocations are %+v", list)
			none, _, err := w.client.Jobs().Allocations("absent", false, nil)
			w.ok(err)
			w.that(len(none) == 0, "allocations of nothing are %v", none)
		},
		refusals: []refusal{{"GET", "/v1/job/{job}/allocations?all=perhaps", "", 500, `Failed to parse value of "all"`}},
	},
	check{
		op: "Job.Evaluations",
		values: func(w *world) {
			list, _, err := w.client.Jobs().Evaluations(w.web, nil)
			w.ok(err)
			w.that(slices.ContainsFunc(list, func(e *nomad.Evaluation) bool { return e.ID == w.eval }), "evaluations are %v", list)
		},
		refusals: []refusal{{"PUT", "/v1/job/{job}/evaluations", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Job.Deployments",
		values: func(w *world) {
			list, _, err := w.client.Jobs().Deployments(w.web, true, nil)
			w.ok(err)
			for _, d := range list {
				w.that(d.JobID == w.web, "deployment is %+v", d)
			}
		},
		refusals: []refusal{{"GET", "/v1/job/{job}/deployments?all=perhaps", "", 500, `Failed to parse value of "all"`}},
	},
	check{
		op: "Job.LatestDeployment",
		values: func(w *world) {
			resp, text := w.do("GET", "/v1/job/absent/deployment", "")
			w.that(resp.StatusCode == 200 && text == "null", "%d %s", resp.StatusCode, text)
			_, _, err := w.client.Jobs().LatestDeployment(w.web, nil)
			w.ok(err)
		},
		refusals: []refusal{{"PUT", "/v1/job/{job}/deployment", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Job.Statuses",
		values: func(w *world) {
			_, text := w.do("GET", "/v1/jobs/statuses", "")
			list := decode[[]map[string]any](w, text)
			i := slices.IndexFunc(list, func(j map[string]any) bool { return j["ID"] == w.web })
			w.that(i >= 0 && len(list[i]["Allocs"].([]any)) == 2 && list[i]["GroupCountSum"] == 2.0 && list[i]["ChildStatuses"] == nil, "statuses are %s", text)
			w.shape("jobs-statuses.json", "GET", "/v1/jobs/statuses", "", httpdtest.Rules{Skip: []string{"**.GroupCounts"}, Null: []string{"**.LatestDeployment", "**.ChildStatuses", "**.DeploymentStatus", "**.Healthy"}})
		},
		refusals: []refusal{
			{"GET", "/v1/jobs/statuses?include_children=perhaps", "", 500, "Failed to parse value of"},
			{"PUT", "/v1/jobs/statuses", "{}", 405, "Invalid method"},
		},
	},
	check{
		op: "Job.StatusesOf",
		values: func(w *world) {
			_, text := w.do("POST", "/v1/jobs/statuses", `{"Jobs":[{"ID":"{job}","Namespace":"default"},{"ID":"absent"}]}`)
			list := decode[[]map[string]any](w, text)
			w.that(len(list) == 1 && list[0]["ID"] == w.web && list[0]["Status"] == "running", "statuses are %s", text)
		},
		refusals: []refusal{
			{"POST", "/v1/jobs/statuses", `{"Jobs":[]}`, 400, "no jobs in request"},
			{"POST", "/v1/jobs/statuses", `{"Jobs":7}`, 400, ""},
		},
	},
	check{
		op: "Job.Services",
		values: func(w *world) {
			list, _, err := w.client.Jobs().Services(w.web, nil)
			w.ok(err)
			w.that(list != nil && len(list) == 0, "services are %v", list)
		},
		refusals: []refusal{{"GET", "/v1/job/absent/services", "", 404, ""}},
	},
	check{
		op: "Job.Scale",
		values: func(w *world) {
			w.submitted(scalable("scaled"))
			w.running("scaled", 1)
			w.eventually("no deployment is active", func() error {
				d, _, err := w.client.Jobs().LatestDeployment("scaled", nil)
				if err == nil && d != nil && d.Status == "running" {
					err = fmt.Errorf("deployment is %s", d.Status)
				}
				return err
			})
			n := 2
			resp, _, err := w.client.Jobs().Scale("scaled", "g", &n, "up", false, map[string]any{"k": 1}, nil)
			w.ok(err)
			w.that(resp.EvalID != "", "answer is %+v", resp)
			w.running("scaled", 2)
			_, _, err = w.client.Jobs().Scale("scaled", "g", nil, "metrics unavailable", true, nil, nil)
			w.ok(err)
			st, _, err := w.client.Jobs().ScaleStatus("scaled", nil)
			w.ok(err)
			ev := st.TaskGroups["g"].Events
			w.that(len(ev) == 2 && ev[0].Error && ev[1].Message == "up" && *ev[1].Count == 2 && ev[1].PreviousCount == 1, "events are %+v", ev)
		},
		refusals: []refusal{
			{"PUT", "/v1/job/{job}/scale", `{"Count":1}`, 400, "missing task group name for scaling action"},
			{"PUT", "/v1/job/absent/scale", `{"Count":1,"Target":{"Group":"g"}}`, 404, `job "absent" not found`},
			{"PUT", "/v1/job/{job}/scale", `{"Count":1,"Target":{"Group":"nope"}}`, 400, ""},
			{"PUT", "/v1/job/{job}/scale", `{"Count":1,"Error":true,"Target":{"Group":"g"}}`, 400, ""},
			{"PUT", "/v1/job/{job}/scale", `{"Count":-1,"Target":{"Group":"g"}}`, 400, ""},
		},
	},
	check{
		op: "Job.ScaleStatus",
		values: func(w *world) {
			st, _, err := w.client.Jobs().ScaleStatus(w.web, nil)
			w.ok(err)
			w.that(st.JobID == w.web && st.TaskGroups["g"].Desired == 2 && st.TaskGroups["g"].Running == 2, "status is %+v", st)
			w.shape("job-scale-status.json", "GET", "/v1/job/{job}/scale", "", httpdtest.Rules{Open: []string{"TaskGroups"}, Null: []string{"**.Events"}})
		},
		refusals: []refusal{{"GET", "/v1/job/absent/scale", "", 404, "job not found"}},
	},
	check{
		op: "Scaling.ListPolicies",
		values: func(w *world) {
			w.submitted(scalable("policed"))
			list, _, err := w.client.Scaling().ListPolicies(&nomad.QueryOptions{Params: map[string]string{"job": "policed"}})
			w.ok(err)
			w.that(len(list) == 1 && list[0].Enabled && list[0].Type == "horizontal" && list[0].Target["Group"] == "g", "policies are %+v", list)
			w.shape("scaling-policies.json", "GET", "/v1/scaling/policies?job=policed", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"PUT", "/v1/scaling/policies", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Scaling.GetPolicy",
		values: func(w *world) {
			w.submitted(scalable("policy"))
			list, _, err := w.client.Scaling().ListPolicies(&nomad.QueryOptions{Params: map[string]string{"job": "policy"}})
			w.ok(err)
			p, _, err := w.client.Scaling().GetPolicy(list[0].ID, nil)
			w.ok(err)
			w.that(*p.Min == 1 && *p.Max == 3 && p.Policy["cooldown"] == "1m" && p.Target["Job"] == "policy", "policy is %+v", p)
			w.shape("scaling-policy.json", "GET", "/v1/scaling/policy/"+list[0].ID, "", httpdtest.Rules{Open: []string{"Policy"}, Skip: []string{"Policy.*"}})
		},
		refusals: []refusal{{"GET", "/v1/scaling/policy/{absent}", "", 404, "policy not found"}},
	},
	check{
		op: "Job.Dispatch",
		values: func(w *world) {
			w.submitted(parameterised("param"))
			resp, _, err := w.client.Jobs().Dispatch("param", map[string]string{"who": "me"}, []byte("hello\n"), "", nil)
			w.ok(err)
			w.that(strings.HasPrefix(resp.DispatchedJobID, "param/dispatch-") && resp.EvalID != "", "answer is %+v", resp)
			var out string
			w.eventually("the child wrote its payload", func() error {
				allocs, _, err := w.client.Jobs().Allocations(resp.DispatchedJobID, false, nil)
				if err != nil || len(allocs) == 0 || allocs[0].ClientStatus != "complete" {
					return fmt.Errorf("allocations are %v %v", allocs, err)
				}
				full, _, err := w.client.Allocations().Info(allocs[0].ID, nil)
				if err != nil {
					return err
				}
				if out = w.logs(full, "main"); out != "hello\nfor me\n" {
					return fmt.Errorf("the child wrote %q", out)
				}
				return nil
			})
			_, text := w.do("PUT", "/v1/job/param/dispatch?idempotency_token=t1", `{"Meta":{"who":"x"}}`)
			one := decode[nomad.JobDispatchResponse](w, text)
			_, text = w.do("PUT", "/v1/job/param/dispatch?idempotency_token=t1", `{"Meta":{"who":"x"}}`)
			two := decode[nomad.JobDispatchResponse](w, text)
			w.that(one.DispatchedJobID == two.DispatchedJobID && two.EvalID == "", "same token: %+v then %+v", one, two)
		},
		refusals: []refusal{
			{"PUT", "/v1/job/absent/dispatch", `{}`, 500, "parameterized job not found"},
			{"PUT", "/v1/job/{job}/dispatch", `{}`, 500, `Specified job "web" is not a parameterized job`},
		},
	},
	check{
		op: "Job.DispatchPayload",
		values: func(w *world) {
			job := parameterised("raw")
			job.ParameterizedJob.MetaRequired = nil
			w.submitted(job)
			resp, text := w.do("PUT", "/v1/job/raw/dispatch/payload", "plain bytes")
			w.that(resp.StatusCode == 200, "%d %s", resp.StatusCode, text)
			child, _, err := w.client.Jobs().Info(decode[nomad.JobDispatchResponse](w, text).DispatchedJobID, nil)
			w.ok(err)
			w.that(string(child.Payload) == "plain bytes" && *child.ParentID == "raw" && child.Dispatched, "child is %+v", child)
		},
		refusals: []refusal{
			{"PUT", "/v1/job/absent/dispatch/payload", "x", 500, "parameterized job not found"},
			{"PUT", "/v1/job/{job}/dispatch/payload", strings.Repeat("x", 17<<10), 500, ""},
		},
	},
	check{
		op: "Job.PeriodicForce",
		values: func(w *world) {
			job := periodic("cron")
			resp, _, err := w.client.Jobs().Register(job, nil)
			w.ok(err)
			defer w.gone("cron")
			w.that(resp.EvalID == "", "a periodic job got evaluation %s", resp.EvalID)
			eval, _, err := w.client.Jobs().PeriodicForce("cron", nil)
			w.ok(err)
			w.that(eval != "", "no evaluation")
			children, _, err := w.client.Jobs().PrefixList("cron/periodic-")
			w.ok(err)
			w.that(len(children) == 1 && children[0].ParentID == "cron", "children are %+v", children)
			w.shape("job-periodic-force.json", "POST", "/v1/job/cron/periodic/force", "", httpdtest.Rules{})
		},
		refusals: []refusal{
			{"PUT", "/v1/job/absent/periodic/force", "", 500, ""},
			{"PUT", "/v1/job/{job}/periodic/force", "", 500, ""},
		},
	},
	check{
		op: "Job.Actions",
		values: func(w *world) {
			job := sleeper("acts")
			job.TaskGroups[0].Tasks[0].Actions = []*nomad.Action{{Name: "hi", Command: "/bin/echo", Args: []string{"there"}}}
			w.submitted(job)
			resp, text := w.do("GET", "/v1/job/acts/actions", "")
			list := decode[[]map[string]any](w, text)
			w.that(len(list) == 1 && list[0]["Name"] == "hi" && list[0]["TaskName"] == "main" && list[0]["TaskGroupName"] == "g", "actions are %s", text)
			w.that(resp.Header.Get("X-Nomad-Index") == "0", "index is %q", resp.Header.Get("X-Nomad-Index"))
			w.shape("job-actions.json", "GET", "/v1/job/acts/actions", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"GET", "/v1/job/absent/actions", "", 500, `Unknown job "absent"`}},
	},
	check{
		op: "Job.Action",
		values: func(w *world) {
			job := sleeper("act")
			job.TaskGroups[0].Tasks[0].Actions = []*nomad.Action{{Name: "hi", Command: "/bin/echo", Args: []string{"there"}}}
			w.submitted(job)
			alloc, _, err := w.client.Allocations().Info(w.running("act", 1)[0].ID, nil)
			w.ok(err)
			ctx, cancel := context.WithTimeout(w.Context(), patience)
			defer cancel()
			var out bytes.Buffer
			code, err := w.client.Jobs().ActionExec(ctx, alloc, "act", "main", false, nil, "hi", strings.NewReader(""), &out, io.Discard, nil, nil)
			w.ok(err)
			w.that(code == 0 && out.String() == "there\n", "exit %d, output %q", code, out.String())
		},
		refusals: []refusal{{"GET", "/v1/job/{job}/action?task=main&action=hi&allocID={alloc}", "", 500, "websocket connection not found in context"}},
	},
	check{
		op: "Job.Placement",
		values: func(w *world) {
			job := sleeper("nowhere")
			job.Constraints = []*nomad.Constraint{nomad.NewConstraint("${attr.kernel.name}", "=", "plan9")}
			w.submitted(job)
			resp, text := w.do("GET", "/v1/placement/nowhere", "")
			w.that(resp.StatusCode == 200 && strings.Contains(text, "plan9"), "%d %s", resp.StatusCode, text)
		},
		refusals: []refusal{{"GET", "/v1/placement/absent", "", 404, "job not found"}},
	},
	check{
		op: "Event.Stream",
		values: func(w *world) {
			ctx, cancel := context.WithTimeout(w.Context(), patience)
			defer cancel()
			batches, err := w.client.EventStream().Stream(ctx, map[nomad.Topic][]string{nomad.TopicJob: {"watched"}}, 0, nil)
			w.ok(err)
			w.submitted(sleeper("watched"))
			for b := range batches {
				w.ok(b.Err)
				for _, e := range b.Events {
					job, err := e.Job()
					w.ok(err)
					w.that(e.Key == "watched" && *job.ID == "watched" && e.Type == "JobRegistered", "event is %+v", e)
					return
				}
			}
			w.Error("no event came")
		},
		refusals: []refusal{
			{"GET", "/v1/event/stream?topic=a:b:c", "", 400, "Invalid topic query"},
			{"GET", "/v1/event/stream?index=x", "", 400, "Unable to parse index"},
		},
	},
)
