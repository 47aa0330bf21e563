// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// unavailable are parts of recorded objects that these jobs do not have: services, templates, deployments.
var unavailable = httpdtest.Rules{
	Null: []string{
		"**.Services", "**.Templates", "**.Scaling", "**.Actions", "**.Meta", "**.Networks", "**.Constraints", "**.DeploymentStatus", "**.VersionTag",
		"**.Artifacts", "**.Volumes", "**.VolumeMounts", "**.Update", "**.ReservedPorts", "**.DynamicPorts",
	},
	Optional: []string{"**.Services", "**.DeploymentStatus", "**.NetworkStatus", "**.AllocStates", "**.DesiredDescription", "**.AllocatedResources.Shared.Networks.[].*"},
}

// own starts a job of one allocation for a check and returns the allocation.
func (w *world) own(job *nomad.Job) *nomad.Allocation {
	w.Helper()
	w.submitted(job)
	alloc, _, err := w.client.Allocations().Info(w.running(*job.ID, 1)[0].ID, nil)
	w.ok(err)
	return alloc
}

func readAll(w *world, rc io.ReadCloser, err error) string {
	w.Helper()
	w.ok(err)
	defer rc.Close()
	data, err := io.ReadAll(rc)
	w.ok(err)
	return string(data)
}

var _ = conform(
	check{
		op: "Alloc.List",
		values: func(w *world) {
			list, meta, err := w.client.Allocations().List(&nomad.QueryOptions{Filter: `JobID == "web"`, Params: map[string]string{"resources": "true"}})
			w.ok(err)
			w.that(len(list) == 2 && list[0].AllocatedResources != nil && list[0].TaskStates["main"] != nil, "allocations are %+v", list)
			w.that(meta.LastIndex > 0, "meta is %+v", meta)
			page, meta, err := w.client.Allocations().List(&nomad.QueryOptions{PerPage: 1})
			w.ok(err)
			w.that(len(page) == 1 && meta.NextToken != "", "page %v, meta %+v", page, meta)
			byPrefix, _, err := w.client.Allocations().PrefixList(w.allocs[0].ID[:8])
			w.ok(err)
			w.that(slices.ContainsFunc(byPrefix, func(a *nomad.AllocationListStub) bool { return a.ID == w.allocs[0].ID }), "prefix found %v", byPrefix)
			w.shape("allocations-list.json", "GET", "/v1/allocations?resources=true&task_states=false&filter=JobID%20%3D%3D%20%22web%22", "", unavailable.With(httpdtest.Rules{Null: []string{"**.TaskStates"}}))
		},
		refusals: []refusal{
			{"GET", "/v1/allocations?prefix=abc", "", 500, "must be even length"},
			{"GET", "/v1/allocations?prefix=zz", "", 500, ""},
			{"GET", "/v1/allocations?resources=perhaps", "", 500, `Failed to parse value of "resources"`},
		},
	},
	check{
		op: "Alloc.Get",
		values: func(w *world) {
			a, meta, err := w.client.Allocations().Info(w.allocs[0].ID, nil)
			w.ok(err)
			w.that(a.JobID == w.web && a.Job != nil && a.ClientStatus == "running" && a.EvalID == w.eval && meta.LastIndex >= a.ModifyIndex, "allocation is %+v", a)
			w.that(len(a.AllocatedResources.Shared.Ports) == 1 && a.AllocatedResources.Shared.Ports[0].Label == "http", "ports are %+v", a.AllocatedResources.Shared.Ports)
			w.shape("allocation-read.json", "GET", "/v1/allocation/{alloc}", "", unavailable.With(httpdtest.Rules{
				Skip: []string{"Job.TaskGroups.[].Tasks", "Job.TaskGroups.[].Networks", "Metrics.ScoreMetaData", "Resources", "TaskResources", "Job.Constraints"},
			}))
		},
		refusals: []refusal{
			{"GET", "/v1/allocation/{absent}", "", 404, "alloc not found"},
			{"GET", "/v1/allocation/short", "", 500, "alloc lookup failed: index error: UUID must be 36 characters"},
			{"GET", "/v1/allocation/{alloc}/nothing", "", 404, "resource not found"},
		},
	},
	check{
		op: "Alloc.Stop",
		values: func(w *world) {
			a := w.own(sleeper("halt"))
			resp, err := w.client.Allocations().Stop(a, nil)
			w.ok(err)
			w.that(resp.EvalID != "", "answer is %+v", resp)
			w.eventually("a replacement runs", func() error {
				list, _, err := w.client.Jobs().Allocations("halt", false, nil)
				if err == nil && !slices.ContainsFunc(list, func(s *nomad.AllocationListStub) bool { return s.ID != a.ID && s.ClientStatus == "running" }) {
					err = fmt.Errorf("allocations are %+v", list)
				}
				return err
			})
		},
		refusals: []refusal{
			{"PUT", "/v1/allocation/{absent}/stop", "", 404, "allocation not found"},
			{"PUT", "/v1/allocation/{absent}/stop?no_shutdown_delay=perhaps", "", 500, `Failed to parse value of "no_shutdown_delay"`},
		},
	},
	check{
		op: "Alloc.Services",
		values: func(w *world) {
			list, _, err := w.client.Allocations().Services(w.allocs[0].ID, nil)
			w.ok(err)
			w.that(list != nil && len(list) == 0, "services are %v", list)
		},
		refusals: []refusal{{"GET", "/v1/allocation/{absent}/services", "", 404, "allocation not found"}},
	},
	check{
		op: "ClientAlloc.Checks",
		values: func(w *world) {
			checks, err := w.client.Allocations().Checks(w.allocs[0].ID, nil)
			w.ok(err)
			w.that(checks != nil && len(checks) == 0, "checks are %v", checks)
			_, text := w.do("GET", "/v1/allocation/{alloc}/checks", "")
			w.that(text == "{}", "checks are %s", text)
		},
		refusals: []refusal{{"GET", "/v1/client/allocation/{absent}/checks", "", 404, `Unknown allocation "{absent}"`}},
	},
	check{
		op: "ClientAlloc.Snapshot", // TestDataMovesBetweenNodes has a token that is good
		values: func(w *world) {
			resp, text := w.do("GET", "/v1/client/allocation/{alloc}/snapshot", "")
			w.that(resp.StatusCode == 403, "a snapshot without a token: status %d, %q", resp.StatusCode, text)
		},
		refusals: []refusal{{"GET", "/v1/client/allocation/{alloc}/snapshot", "", 403, "Permission denied"}},
	},
	check{
		op: "ClientAlloc.Stats",
		values: func(w *world) {
			st, err := w.client.Allocations().Stats(w.alloc(), nil)
			w.ok(err)
			w.that(st.Tasks["main"] != nil && st.Tasks["main"].ResourceUsage != nil && st.Timestamp > 0, "stats are %+v", st)
			w.shape("client-alloc-stats.json", "GET", "/v1/client/allocation/{alloc}/stats", "", httpdtest.Rules{
				Open: []string{"Tasks"}, Null: []string{"**.DeviceStats", "**.Measured", "**.Pids"}, Skip: []string{"**.Pids"},
			})
		},
		refusals: []refusal{{"GET", "/v1/client/allocation/{absent}/stats", "", 404, `Unknown allocation "{absent}"`}},
	},
	check{
		op: "ClientAlloc.Restart",
		values: func(w *world) {
			a := w.own(sleeper("again"))
			w.ok(w.client.Allocations().Restart(a, "main", nil))
			w.eventually("the task restarted", func() error {
				now, _, err := w.client.Allocations().Info(a.ID, nil)
				if err == nil && (now.TaskStates["main"].Restarts != 1 || now.TaskStates["main"].State != "running") {
					err = fmt.Errorf("task is %+v", now.TaskStates["main"])
				}
				return err
			})
		},
		refusals: []refusal{
			{"PUT", "/v1/client/allocation/{alloc}/restart", `{"TaskName":"main","AllTasks":true}`, 500, "task name cannot be set when restarting all tasks"},
			{"PUT", "/v1/client/allocation/{alloc}/restart", `{"TaskName":"nope"}`, 500, "Could not find task runner for task: nope"},
			{"PUT", "/v1/client/allocation/{absent}/restart", "", 404, `Unknown allocation "{absent}"`},
		},
	},
	check{
		op: "ClientAlloc.Signal",
		values: func(w *world) {
			a := w.own(shellJob("sig", "service", 1, `trap 'echo usr1' USR1; echo ready; while :; do sleep 0.1; done`))
			w.eventually("the trap is set", func() error {
				if got := w.logs(a, "main"); !strings.Contains(got, "ready") {
					return fmt.Errorf("the log is %q", got)
				}
				return nil
			})
			w.ok(w.client.Allocations().Signal(a, nil, "main", "SIGUSR1"))
			w.eventually("the signal arrived", func() error {
				if got := w.logs(a, "main"); !strings.Contains(got, "usr1") {
					return fmt.Errorf("the log is %q", got)
				}
				return nil
			})
		},
		refusals: []refusal{
			{"PUT", "/v1/client/allocation/{alloc}/signal", "", 400, "Failed to decode body: Request body is empty"},
			{"PUT", "/v1/client/allocation/{alloc}/signal", `{"Task":"nope","Signal":"SIGUSR1"}`, 500, ""},
			{"GET", "/v1/client/allocation/{alloc}/signal", "", 405, "Invalid method"},
		},
	},
	check{
		op: "ClientAlloc.GC",
		values: func(w *world) {
			job := shellJob("done", "batch", 1, "true")
			w.submitted(job)
			var id string
			w.eventually("the job is complete", func() error {
				list, _, err := w.client.Jobs().Allocations("done", false, nil)
				if err != nil || len(list) != 1 || list[0].ClientStatus != "complete" {
					return fmt.Errorf("allocations are %v %v", list, err)
				}
				id = list[0].ID
				return nil
			})
			w.eventually("the client lets it go", func() error { return w.client.Nodes().GcAlloc(id, nil) })
		},
		refusals: []refusal{
			{"PUT", "/v1/client/allocation/{alloc}/gc", "", 500, "No such allocation on client, or allocation not eligible for GC"},
			{"PUT", "/v1/client/allocation/{absent}/gc", "", 404, ""},
		},
	},
	check{
		op: "ClientAlloc.Pause",
		values: func(w *world) {
			w.refused(refusal{"PUT", "/v1/client/allocation/{alloc}/pause", `{"Task":"main","ScheduleState":"pause"}`, 500, "Enterprise only"})
		},
		refusals: []refusal{{"PUT", "/v1/client/allocation/{absent}/pause", `{}`, 404, ""}},
	},
	check{
		op: "ClientAlloc.PauseState",
		values: func(w *world) {
			w.refused(refusal{"GET", "/v1/client/allocation/{alloc}/pause?task=main", "", 500, "Enterprise only"})
		},
		refusals: []refusal{{"GET", "/v1/client/allocation/{absent}/pause", "", 404, ""}},
	},
	check{
		op: "ClientAlloc.Exec",
		values: func(w *world) {
			exec := func(stdin string, command ...string) (int, string, string) {
				w.Helper()
				ctx, cancel := context.WithTimeout(w.Context(), patience)
				defer cancel()
				var out, errs bytes.Buffer
				code, err := w.client.Allocations().Exec(ctx, w.alloc(), "main", false, command, strings.NewReader(stdin), &out, &errs, nil, nil)
				w.ok(err)
				return code, out.String(), errs.String()
			}
			code, out, errs := exec("", "/bin/sh", "-c", "echo out; echo err >&2; exit 3")
			w.that(code == 3 && out == "out\n" && errs == "err\n", "exit %d, output %q %q", code, out, errs)
			code, out, _ = exec("through stdin", "/bin/cat")
			w.that(code == 0 && out == "through stdin", "exit %d, output %q", code, out)
		},
		refusals: []refusal{{"GET", `/v1/client/allocation/{alloc}/exec?task=main&command=["true"]`, "", 500, "websocket connection not found in context"}},
	},
	check{
		op: "FS.List",
		values: func(w *world) {
			files, _, err := w.client.AllocFS().List(w.alloc(), "/", nil)
			w.ok(err)
			w.that(slices.ContainsFunc(files, func(f *nomad.AllocFileInfo) bool { return f.Name == "main" && f.IsDir }), "files are %v", files)
			w.shape("client-fs-ls.json", "GET", "/v1/client/fs/ls/{alloc}", "", httpdtest.Rules{Optional: []string{"**.ContentType"}})
		},
		refusals: []refusal{
			{"GET", "/v1/client/fs/ls/{alloc}?path=/absent", "", 404, ""},
			{"GET", "/v1/client/fs/ls/{alloc}?path=../../..", "", 500, "Path escapes the alloc directory"},
			{"GET", "/v1/client/fs/ls/{absent}", "", 404, `Unknown allocation "{absent}"`},
		},
	},
	check{
		op: "FS.Stat",
		values: func(w *world) {
			f, _, err := w.client.AllocFS().Stat(w.alloc(), "main/local/file", nil)
			w.ok(err)
			w.that(f.Name == "file" && f.Size == 5 && !f.IsDir, "file is %+v", f)
			w.shape("client-fs-stat.json", "GET", "/v1/client/fs/stat/{alloc}?path=main/local/file", "", httpdtest.Rules{})
		},
		refusals: []refusal{
			{"GET", "/v1/client/fs/stat/{alloc}", "", 400, "must provide a file name"},
			{"GET", "/v1/client/fs/stat/{alloc}?path=main/absent", "", 404, ""},
		},
	},
	check{
		op: "FS.Cat",
		values: func(w *world) {
			rc, err := w.client.AllocFS().Cat(w.alloc(), "main/local/file", nil)
			w.that(readAll(w, rc, err) == "data\n", "file differs")
			resp, text := w.do("GET", "/v1/client/fs/cat/{alloc}?path=main/absent", "")
			w.that(resp.StatusCode == 200 && strings.Contains(text, "no such file"), "missing file: %d %q", resp.StatusCode, text)
		},
		refusals: []refusal{
			{"GET", "/v1/client/fs/cat/{alloc}", "", 200, "must provide a file name"},
			{"GET", "/v1/client/fs/cat/{alloc}?path=main/secrets/x", "", 200, ""},
		},
	},
	check{
		op: "FS.ReadAt",
		values: func(w *world) {
			rc, err := w.client.AllocFS().ReadAt(w.alloc(), "main/local/file", 1, 2, nil)
			w.that(readAll(w, rc, err) == "at", "part differs")
		},
		refusals: []refusal{
			{"GET", "/v1/client/fs/readat/{alloc}?path=main/local/file", "", 200, "offset"},
			{"GET", "/v1/client/fs/readat/{alloc}?path=main/local/file&offset=-1", "", 200, ""},
		},
	},
	check{
		op: "FS.Stream",
		values: func(w *world) {
			_, text := w.do("GET", "/v1/client/fs/stream/{alloc}?path=main/local/file&offset=1&follow=false", "")
			f := decode[nomad.StreamFrame](w, text)
			w.that(string(f.Data) == "ata\n" && f.Offset == 5, "frame is %+v", f)
			stop := make(chan struct{})
			defer close(stop)
			frames, errs := w.client.AllocFS().Stream(w.alloc(), "main/local/file", "end", 3, stop, nil)
			select {
			case f := <-frames:
				w.that(string(f.Data) == "ta\n", "frame is %+v", f)
			case err := <-errs:
				w.Fatal(err)
			}
		},
		refusals: []refusal{
			{"GET", "/v1/client/fs/stream/{alloc}", "", 400, "must provide a file name"},
			{"GET", "/v1/client/fs/stream/{alloc}?path=main/absent", "", 400, ""},
			{"GET", "/v1/client/fs/stream/{alloc}?path=main/local/file&offset=x", "", 400, ""},
		},
	},
	check{
		op: "FS.Logs",
		values: func(w *world) {
			a := w.alloc()
			w.eventually("the log arrived", func() error {
				if got := w.logs(a, "main"); !strings.HasPrefix(got, "out ") {
					return fmt.Errorf("the log is %q", got)
				}
				return nil
			})
			resp, text := w.do("GET", "/v1/client/fs/logs/{alloc}?task=main&type=stderr&plain=true", "")
			w.that(text == "err\n" && strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain"), "log is %q, a %s", text, resp.Header.Get("Content-Type"))
			resp, text = w.do("GET", "/v1/client/fs/logs/{alloc}?task=main&type=stdout&origin=end&offset=2", "")
			f := decode[nomad.StreamFrame](w, text)
			w.that(len(f.Data) == 2 && f.File == "alloc/logs/main.stdout.0" && resp.Header.Get("Content-Type") == "application/json", "frame is %+v", f)
		},
		refusals: []refusal{
			{"GET", "/v1/client/fs/logs/{alloc}?type=stdout", "", 400, "must provide task name"},
			{"GET", "/v1/client/fs/logs/{alloc}?task=main", "", 400, "must provide log type (stdout/stderr)"},
			{"GET", "/v1/client/fs/logs/{alloc}?task=nope&type=stdout", "", 400, `unknown task name "nope"`},
			{"GET", "/v1/client/fs/nothing/{alloc}", "", 404, "Invalid method"},
		},
	},
	check{
		op: "Client.Stats",
		values: func(w *world) {
			st, err := w.client.Nodes().Stats(w.node, nil)
			w.ok(err)
			w.that(st.Memory.Total > 0 && len(st.CPU) > 0 && st.Uptime > 0, "stats are %+v", st)
			w.shape("client-stats.json", "GET", "/v1/client/stats?node_id={node}", "", httpdtest.Rules{Null: []string{"DeviceStats"}})
		},
		refusals: []refusal{{"GET", "/v1/client/stats?node_id={absent}", "", 404, ""}},
	},
	check{
		op: "Client.GC",
		values: func(w *world) {
			w.ok(w.client.Nodes().GC(w.node, nil))
			w.running(w.web, 2)
		},
		refusals: []refusal{{"PUT", "/v1/client/gc?node_id={absent}", "", 404, ""}},
	},
	check{
		op: "Client.Metadata",
		values: func(w *world) {
			m, err := w.client.Nodes().Meta().Read(w.node, nil)
			w.ok(err)
			w.that(m.Meta != nil && m.Static != nil, "metadata is %+v", m)
			w.shape("client-metadata.json", "GET", "/v1/client/metadata?node_id={node}", "", httpdtest.Rules{Open: []string{"Meta", "Dynamic", "Static"}, Null: []string{"**"}, Skip: []string{"Meta.*", "Dynamic.*", "Static.*"}})
		},
		refusals: []refusal{
			{"GET", "/v1/client/metadata?node_id={absent}", "", 404, ""},
			{"PUT", "/v1/client/metadata", `{"Meta":{"a":"b"}}`, 405, "Invalid method"},
		},
	},
	check{
		op: "Client.MetadataApply",
		values: func(w *world) {
			yes := "yes"
			m, err := w.client.Nodes().Meta().Apply(&nomad.NodeMetaApplyRequest{NodeID: w.node, Meta: map[string]*string{"conform": &yes}}, nil)
			w.ok(err)
			w.that(m.Meta["conform"] == "yes" && *m.Dynamic["conform"] == "yes", "metadata is %+v", m)
			w.eventually("the servers know", func() error {
				n, _, err := w.client.Nodes().Info(w.node, nil)
				if err == nil && n.Meta["conform"] != "yes" {
					err = errors.New("not yet")
				}
				return err
			})
			m, err = w.client.Nodes().Meta().Apply(&nomad.NodeMetaApplyRequest{NodeID: w.node, Meta: map[string]*string{"conform": nil}}, nil)
			w.ok(err)
			_, there := m.Meta["conform"]
			w.that(!there, "metadata is %+v", m)
		},
		refusals: []refusal{
			{"POST", "/v1/client/metadata", `{}`, 400, "missing required Meta object"},
			{"POST", "/v1/client/metadata", `{"Meta":{"":"x"}}`, 400, "metadata keys must not be empty"},
		},
	},
)
