// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// storeTogether stores jobs in one write, so that they share their modify index.
func (c *cluster) storeTogether(jobs ...*api.Job) {
	c.t.Helper()
	var entries [][]byte
	for _, j := range jobs {
		j.Canonicalize()
		entries = append(entries, fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j}))
	}
	if _, _, err := c.srv.Apply(c.ctx, fsm.Batch.Encode(&fsm.BatchRequest{Entries: entries})); err != nil {
		c.t.Fatal(err)
	}
}

func statusID(s *api.JobStatus) string { return s.ID }

func TestStatuses(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 2))
	c.running("web", 2)
	c.settle()
	var all []*api.JobStatus
	a := c.get("/v1/jobs/statuses", &all)
	if len(all) != 1 || all[0].ID != "web" || all[0].GroupCountSum != 2 || all[0].GroupCounts["g"] != 2 || len(all[0].Allocs) != 2 || all[0].Allocs[0].Group != "g" ||
		all[0].ChildStatuses != nil || all[0].Status != "running" {
		t.Fatalf("statuses %s", a.body)
	}
	httpdtest.Shape(t, "statuses", httpdtest.Recorded(t, "jobs-statuses.json"), []byte(a.body), httpdtest.Rules{Skip: []string{"**.GroupCounts"}, Null: []string{"**.Healthy", "**.LatestDeployment"}})
	var highest uint64
	snap := c.srv.Store().Snapshot()
	for alloc := range state.Allocs.By(snap, state.ByJob, "default", "web") {
		highest = max(highest, alloc.ModifyIndex)
	}
	for d := range state.Deployments.By(snap, state.ByJob, "default", "web") {
		highest = max(highest, d.ModifyIndex)
	}
	highest = max(highest, c.stored("web").ModifyIndex)
	of := c.do("POST", "/v1/jobs/statuses", `{"Jobs":[{"ID":"web"},{"ID":"nope","Namespace":"default"},{"ID":"web","Namespace":"default"}]}`)
	var some []*api.JobStatus
	unmarshal(t, of.body, &some)
	if len(some) != 1 || some[0].ID != "web" {
		t.Errorf("statuses of one job: %d %s", of.code, of.body)
	}
	one := c.do("POST", "/v1/jobs/statuses", `{"Jobs":[{"ID":"web"}]}`)
	if got := parse(one.header.Get("X-Nomad-Index")); got != highest {
		t.Errorf("index %d, want %d, the highest of the job's rows", got, highest)
	}
}

func TestStatusPages(t *testing.T) {
	c := start(t)
	c.namespaces("other")
	for i := range 3 {
		mk := func(id, ns, parent string) *api.Job {
			return &api.Job{ID: id, Namespace: ns, ParentID: parent, Type: "batch", TaskGroups: []*api.TaskGroup{{Name: "g", Tasks: []*api.Task{{Name: "t", Driver: "mock_driver"}}}}}
		}
		c.storeTogether(mk(fmt.Sprintf("a%d", i), "default", ""), mk(fmt.Sprintf("b%d", i), "default", ""), mk(fmt.Sprintf("b.%d", i), "other", ""),
			mk(fmt.Sprintf("a%d/periodic-1", i), "default", fmt.Sprintf("a%d", i)))
	}
	want := []string{"a2", "b2", "b.2", "a1", "b1", "b.1", "a0", "b0", "b.0"}
	for size := 1; size < 11; size += 2 {
		if got := walk(c, fmt.Sprintf("/v1/jobs/statuses?namespace=*&per_page=%d", size), statusID); !slices.Equal(got, want) {
			t.Errorf("by %d: %q, want %q", size, got, want)
		}
	}
	back := []string{"a0", "b0", "b.0", "a1", "b1", "b.1", "a2", "b2", "b.2"}
	if got := walk(c, "/v1/jobs/statuses?namespace=*&per_page=2&reverse=true", statusID); !slices.Equal(got, back) {
		t.Errorf("backwards: %q, want %q", got, back)
	}
	if got := walk(c, "/v1/jobs/statuses?per_page=2&prefix=b", statusID); !slices.Equal(got, []string{"b2", "b1", "b0"}) {
		t.Errorf("by prefix: %q", got)
	}
	if got := walk(c, "/v1/jobs/statuses?include_children=true&filter="+url.QueryEscape(`ParentID == "a1"`), statusID); !slices.Equal(got, []string{"a1/periodic-1"}) {
		t.Errorf("children: %q", got)
	}
	for path, want := range map[string]int{
		"?filter=" + url.QueryEscape(`Nope == "x"`): 500, "?filter=" + url.QueryEscape(`ID =`): 500, "?next_token=abc": 500,
		"?include_children=maybe": 500, "?per_page=x": 400, "?per_page=-1": 200,
	} {
		if a := c.do("GET", "/v1/jobs/statuses"+path, ""); a.code != want {
			t.Errorf("statuses%s: %d %s", path, a.code, a.body)
		}
	}
}

// TestStatusesWake: a blocked caller wakes for the job's rows and for nothing else.
func TestStatusesWake(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	c.running("web", 1)
	c.settle()
	req := &api.JobStatusesOfRequest{Jobs: []api.NamespacedID{{ID: "web"}}}
	_, meta, err := api.JobStatuses.Call(c.ctx, c.caller, &api.JobStatusesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, meta, err = api.JobStatusesOf.Call(c.ctx, c.caller, req)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		rows []*api.JobStatus
		err  error
	}
	woke := make(chan result, 1)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	go func() {
		again := &api.JobStatusesOfRequest{Jobs: req.Jobs}
		again.MinIndex = meta.Index
		rows, _, err := api.JobStatusesOf.Call(ctx, c.caller, again)
		woke <- result{rows, err}
	}()
	c.register(job("other", 0))
	select {
	case r := <-woke:
		t.Fatalf("another job woke the caller: %+v", r)
	default:
	}
	alloc := c.running("web", 1)[0]
	if a := c.do("PUT", "/v1/allocation/"+alloc.ID+"/stop", ""); a.code != 200 {
		t.Fatalf("stop: %s", a.body)
	}
	if r := <-woke; r.err != nil || len(r.rows) != 1 {
		t.Errorf("woke with %+v", r)
	}
}

func TestActionList(t *testing.T) {
	c := start(t)
	withActions := func(id string, actions ...*api.Action) *api.Job {
		return &api.Job{ID: id, Namespace: "default", TaskGroups: []*api.TaskGroup{{Name: "g", Tasks: []*api.Task{{Name: "t", Driver: "mock_driver", Actions: actions}}}}}
	}
	c.storeTogether(withActions("plain"), withActions("web", &api.Action{Name: "hello", Command: "/bin/echo", Args: []string{"hi"}}, &api.Action{Name: "bye", Command: "/bin/true"}))
	if a := c.do("GET", "/v1/job/plain/actions", ""); a.body != "[]" || a.header.Get("X-Nomad-Index") != "0" || a.header.Get("X-Nomad-KnownLeader") != "false" {
		t.Errorf("actions %s %v", a.body, a.header)
	}
	a := c.do("GET", "/v1/job/web/actions", "")
	httpdtest.Shape(t, "actions", httpdtest.Recorded(t, "job-actions.json"), []byte(a.body), httpdtest.Rules{Null: []string{"**.Args"}})
	var got []*api.JobAction
	unmarshal(t, a.body, &got)
	if len(got) != 2 || got[0].Name != "hello" || got[0].TaskName != "t" || got[0].TaskGroupName != "g" || got[1].Command != "/bin/true" {
		t.Errorf("actions %s", a.body)
	}
}
