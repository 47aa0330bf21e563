// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// These checks call the methods of the official client library that no other check needs: the forms with options, the
// lists by prefix, and what it puts together from several answers.
var _ = conform(
	check{op: "Job.Register", values: func(w *world) {
		j := sleeper("opts")
		j.Type = new("batch") // whose scaling no deployment holds up
		sub := &nomad.JobSubmission{Source: "job \"opts\" {}", Format: "hcl2", VariableFlags: map[string]string{"a": "b"}, Variables: "c = 1"}
		r, meta, err := w.client.Jobs().RegisterOpts(j, &nomad.RegisterOptions{EnforceIndex: true, EvalPriority: 70, Submission: sub, PolicyOverride: true}, nil)
		w.ok(err)
		w.Cleanup(func() { w.gone("opts") })
		ev, _, err := w.client.Evaluations().Info(r.EvalID, nil)
		w.ok(err)
		w.that(meta.LastIndex == r.JobModifyIndex && ev.Priority == 70 && ev.JobModifyIndex == r.JobModifyIndex, "answer is %+v, evaluation %+v", r, ev)
		got, _, err := w.client.Jobs().Submission("opts", 0, nil)
		w.ok(err)
		w.that(got.Source == sub.Source && got.Format == "hcl2" && got.VariableFlags["a"] == "b" && got.Variables == "c = 1", "submission is %+v", got)
		three := 3
		_, _, err = w.client.Jobs().ScaleWithRequest("opts", &nomad.ScalingRequest{Target: map[string]string{"Group": "g"}, Count: new(int64(3)), JobModifyIndex: r.JobModifyIndex}, nil)
		w.ok(err)
		j.TaskGroups[0].Tasks[0].Resources.CPU = &three
		j.TaskGroups[0].Tasks[0].Env = map[string]string{"A": "b"}
		_, _, err = w.client.Jobs().RegisterOpts(j, &nomad.RegisterOptions{PreserveCounts: true, PreserveResources: true}, nil)
		w.ok(err)
		now, _, err := w.client.Jobs().Info("opts", nil)
		w.ok(err)
		g := now.TaskGroups[0]
		w.that(*g.Count == 3 && *g.Tasks[0].Resources.CPU == 20 && g.Tasks[0].Env["A"] == "b", "group is %+v", g)
		// What was read can be planned and registered as it stands, without a change.
		plan, _, err := w.client.Jobs().PlanOpts(now, &nomad.PlanOptions{Diff: true}, nil)
		w.ok(err)
		w.that(plan.Diff.Type == "None" && plan.JobModifyIndex == *now.JobModifyIndex, "plan is %+v", plan)
		_, diffs, _, err := w.client.Jobs().VersionsOpts("opts", &nomad.VersionsOptions{Diffs: true, DiffVersion: new(uint64(0))}, nil)
		w.ok(err)
		w.that(len(diffs) == 3 && diffs[0].Type == "Edited" && diffs[2].Type == "None", "diffs are %+v", diffs)
		_, err = w.client.Jobs().TagVersionOpts("opts", "newest", &nomad.TagVersionRequest{Latest: true, Description: "d"}, nil)
		w.ok(err)
		tagged, _, err := w.client.Jobs().VersionByTag("opts", "newest", nil)
		w.ok(err)
		w.that(*tagged.Version == 2, "version is %d", *tagged.Version)
		evalID, _, err := w.client.Jobs().ForceEvaluate("opts", nil)
		w.ok(err)
		w.that(evalID != "", "no evaluation")
		evalID, _, err = w.client.Jobs().DeregisterOpts("opts", &nomad.DeregisterOptions{Global: true, EvalPriority: 90, NoShutdownDelay: true}, nil)
		w.ok(err)
		ev, _, err = w.client.Evaluations().Info(evalID, nil)
		w.ok(err)
		w.that(ev.Priority == 90 && ev.TriggeredBy == "job-deregister", "evaluation is %+v", ev)
	}},
	check{op: "Job.Parse", values: func(w *world) {
		job, err := w.client.Jobs().ParseHCLOpts(&nomad.JobsParseRequest{
			JobHCL:    "variable \"n\" {\n type = number\n}\njob \"p\" {\n group \"g\" {\n count = var.n\n task \"t\" {\n driver = \"raw_exec\"\n }\n }\n}",
			Variables: "n = 3",
		})
		w.ok(err)
		w.that(*job.TaskGroups[0].Count == 3 && job.Priority == nil, "job is %+v", job)
	}},
	check{op: "Job.Dispatch", values: func(w *world) {
		w.submitted(parameterised("once"))
		opts := &nomad.DispatchOptions{JobID: "once", Meta: map[string]string{"who": "x"}, Payload: []byte("y"), IdPrefixTemplate: "pre", Priority: 80}
		first, _, err := w.client.Jobs().DispatchOpts(opts, &nomad.WriteOptions{IdempotencyToken: "token"})
		w.ok(err)
		again, _, err := w.client.Jobs().DispatchOpts(opts, &nomad.WriteOptions{IdempotencyToken: "token"})
		w.ok(err)
		w.that(strings.HasPrefix(first.DispatchedJobID, "once/dispatch-pre-") && again.DispatchedJobID == first.DispatchedJobID && again.EvalID == "", "first %+v, again %+v", first, again)
		child, _, err := w.client.Jobs().Info(first.DispatchedJobID, nil)
		w.ok(err)
		w.that(*child.Priority == 80 && string(child.Payload) == "y" && *child.ParentID == "once", "child is %+v", child)
	}},
	check{op: "Node.List", values: func(w *world) {
		list, _, err := w.client.Nodes().PrefixListOpts(w.node[:8], &nomad.QueryOptions{Params: map[string]string{"resources": "true"}})
		w.ok(err)
		w.that(len(list) == 1 && list[0].ID == w.node && list[0].ReservedResources != nil, "nodes are %+v", list)
		list, _, err = w.client.Nodes().PrefixList(w.node)
		w.ok(err)
		w.that(len(list) == 1 && list[0].NodeResources == nil, "nodes are %+v", list)
		volumes, err := w.client.Nodes().CSIVolumes(w.node, nil)
		w.ok(err)
		w.that(len(volumes) == 0, "volumes are %+v", volumes)
	}},
	check{op: "Node.Drain", values: func(w *world) {
		resp, err := w.client.Nodes().UpdateDrain(w.node, &nomad.DrainSpec{Deadline: -1}, false, nil)
		w.ok(err)
		ctx, cancel := context.WithTimeout(w.Context(), patience)
		defer cancel()
		var last string
		for m := range w.client.Nodes().MonitorDrain(ctx, w.node, resp.NodeModifyIndex, false) {
			last = m.Message
		}
		w.that(last == "Drain complete for node "+w.node, "the last message is %q", last)
		_, err = w.client.Nodes().UpdateDrain(w.node, nil, true, nil)
		w.ok(err)
		w.allocs = w.running(w.web, 2)
	}},
	check{op: "NodePool.List", values: func(w *world) {
		list, _, err := w.client.NodePools().PrefixList("def", nil)
		w.ok(err)
		w.that(len(list) == 1 && list[0].Name == "default", "pools are %+v", list)
	}},
	check{op: "Namespace.List", values: func(w *world) {
		list, _, err := w.client.Namespaces().PrefixList("def", nil)
		w.ok(err)
		w.that(len(list) == 1 && list[0].Name == "default", "namespaces are %+v", list)
	}},
	check{op: "Eval.List", values: func(w *world) {
		list, _, err := w.client.Evaluations().PrefixList(w.eval[:8])
		w.ok(err)
		w.that(slices.ContainsFunc(list, func(e *nomad.Evaluation) bool { return e.ID == w.eval }), "evaluations are %+v", list)
	}},
	check{op: "Status.Leader", values: func(w *world) {
		here, err := w.client.Status().Leader()
		w.ok(err)
		named, err := w.client.Status().RegionLeader("global")
		w.ok(err)
		w.that(here == named, "leaders are %q and %q", here, named)
		_, err = w.client.Status().RegionLeader("absent")
		w.that(err != nil && strings.Contains(err.Error(), "No path to region"), "absent region: %v", err)
	}},
	check{op: "Agent.Self", values: func(w *world) {
		name, err := w.client.Agent().NodeName()
		w.ok(err)
		dc, err := w.client.Agent().Datacenter()
		w.ok(err)
		region, err := w.client.Agent().Region()
		w.ok(err)
		w.that(strings.HasSuffix(name, ".global") && dc == "dc1" && region == "global", "agent is %q in %q of %q", name, dc, region)
		m, err := w.client.Agent().MembersOpts(&nomad.QueryOptions{AllowStale: true})
		w.ok(err)
		w.that(len(m.Members) == 1 && m.Members[0].Name == name, "members are %+v", m)
		w.ok(w.client.Agent().ForceLeaveWithOptions("absent.global", nomad.ForceLeaveOpts{Prune: true}))
	}},
	check{op: "Agent.Profile", values: func(w *world) {
		m, err := w.client.Agent().Members()
		w.ok(err)
		cpu, err := w.client.Agent().CPUProfile(nomad.PprofOptions{Seconds: 1, ServerID: m.Members[0].Name}, nil)
		w.ok(err)
		trace, err := w.client.Agent().Trace(nomad.PprofOptions{Seconds: 1, NodeID: w.node}, nil)
		w.ok(err)
		w.that(bytes.HasPrefix(cpu, []byte{0x1f, 0x8b}) && bytes.HasPrefix(trace, []byte("go 1.")), "profile starts with %.10q, trace with %.10q", cpu, trace)
	}},
	check{op: "Agent.Metrics", values: func(w *world) {
		text, err := w.client.Operator().Metrics(&nomad.QueryOptions{Params: map[string]string{"format": "prometheus"}})
		w.ok(err)
		w.that(bytes.Contains(text, []byte("# TYPE nomad_")), "metrics are %.200s", text)
	}},
	check{op: "ClientAlloc.Restart", values: func(w *world) {
		j := sleeper("both")
		first := nomad.NewTask("first", "raw_exec").SetConfig("command", "/bin/true").SetLifecycle(&nomad.TaskLifecycle{Hook: "prestart"})
		j.TaskGroups[0].AddTask(first)
		a := w.own(j)
		both := func(what string, right func(first, main *nomad.TaskState) bool) {
			w.eventually(what, func() error {
				now, _, err := w.client.Allocations().Info(a.ID, nil)
				if err == nil && !right(now.TaskStates["first"], now.TaskStates["main"]) {
					err = fmt.Errorf("first is %+v, main %+v", now.TaskStates["first"], now.TaskStates["main"])
				}
				return err
			})
		}
		both("the main task runs", func(_, main *nomad.TaskState) bool { return main.State == "running" })
		w.ok(w.client.Allocations().RestartAllTasks(a, nil))
		both("both tasks ran again", func(first, main *nomad.TaskState) bool { return first.Restarts == 1 && main.Restarts == 1 })
	}},
	check{op: "Volume.List", values: func(w *world) {
		csi, _, err := w.client.CSIVolumes().List(nil)
		w.ok(err)
		host, _, err := w.client.HostVolumes().List(nil, nil)
		w.ok(err)
		claims, _, err := w.client.TaskGroupHostVolumeClaims().List(nil, nil)
		w.ok(err)
		w.that(len(csi)+len(host)+len(claims) == 0, "volumes are %v, %v, claims %v", csi, host, claims)
	}},
	check{op: "Operator.LicenseGet", values: func(w *world) {
		_, _, err := w.client.Operator().LicenseGet(nil)
		w.that(err != nil && err.Error() == "Nomad Enterprise only endpoint", "licence: %v", err)
		_, err = w.client.Operator().LicensePut("x", nil)
		w.that(err != nil && strings.Contains(err.Error(), "501"), "licence: %v", err)
	}},
	check{op: "Operator.RaftTransfer", values: func(w *world) {
		c, err := w.client.Operator().RaftGetConfiguration(nil)
		w.ok(err)
		w.ok(w.client.Operator().RaftTransferLeadershipByID(c.Servers[0].ID, nil))
		w.ok(w.client.Operator().RaftTransferLeadershipByAddress(c.Servers[0].Address, nil))
		err = w.client.Operator().RaftRemovePeerByID("absent", nil)
		w.that(err != nil && strings.Contains(err.Error(), `id "absent" was not found in the Raft configuration`), "removed: %v", err)
	}},
	check{op: "Search.Prefix", values: func(w *world) {
		var out struct{ Matches map[string][]string }
		_, err := w.client.Raw().Write("/v1/search", map[string]string{"Prefix": "web", "Context": "jobs"}, &out, nil)
		w.ok(err)
		w.that(slices.Contains(out.Matches["jobs"], w.web), "matches are %v", out)
		var regions []string
		_, err = w.client.Raw().Query("/v1/regions", &regions, nil)
		w.ok(err)
		rc, err := w.client.Raw().Response("/v1/regions", nil)
		w.that(len(regions) == 1 && readAll(w, rc, err) == `["global"]`, "regions are %v", regions)
		var gone map[string]any
		_, err = w.client.Raw().Delete("/v1/job/absent", &gone, nil)
		w.ok(err)
		w.that(gone["EvalID"] == "", "answer is %v", gone)
		req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.addr+"/v1/status/leader", nil)
		w.ok(err)
		resp, err := w.client.Raw().Do(req)
		w.ok(err)
		defer resp.Body.Close()
		w.that(resp.StatusCode == http.StatusOK, "status is %d", resp.StatusCode)
	}},
)
