// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func TestServices(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	alloc := c.running("web", 1)[0]
	c.namespaces("other")
	var all []*api.ServiceRegistration
	for i := range 6 {
		all = append(all, &api.ServiceRegistration{
			ID: fmt.Sprintf("_nomad-task-%s-group-g-http-%d", alloc.ID, i), ServiceName: "http", Namespace: "default", NodeID: alloc.NodeID,
			Datacenter: "dc1", JobID: "web", AllocID: alloc.ID, Tags: []string{"a", string(rune('b' + i%2))}, Address: "10.0.0.1", Port: 8000 + i,
		})
	}
	all = append(all, &api.ServiceRegistration{ID: "x", ServiceName: "api", Namespace: "other", JobID: "api"})
	c.apply(fsm.ServicesUpsert.Encode(&fsm.ServicesUpsertRequest{Services: all}))

	var list []*api.ServiceListStub
	a := c.get("/v1/services", &list)
	httpdtest.Shape(t, "services", httpdtest.Recorded(t, "services-list.json"), []byte(a.body), httpdtest.Rules{})
	if a.body != `[{"Namespace":"default","Services":[{"ServiceName":"http","Tags":["a","b","c"]}]}]` {
		t.Errorf("services %s", a.body)
	}
	if a := c.get("/v1/services?namespace=*", &list); len(list) != 2 || list[1].Namespace != "other" || !strings.Contains(a.body, `{"ServiceName":"api","Tags":[]}`) {
		t.Errorf("services of all namespaces: %s", a.body)
	}
	var got []*api.ServiceRegistration
	a = c.get("/v1/service/http?filter=Tags%20contains%20%22b%22", &got)
	httpdtest.Shape(t, "service", httpdtest.Recorded(t, "service-read.json"), []byte(a.body), httpdtest.Rules{})
	if len(got) != 3 {
		t.Errorf("%d registrations with the tag, want 3", len(got))
	}
	ids := func(path string) []string {
		var got []*api.ServiceRegistration
		c.get(path, &got)
		var out []string
		for _, s := range got {
			out = append(out, s.Address+fmt.Sprint(s.Port))
		}
		return out
	}
	two := ids("/v1/service/http?choose=2%7Cclient-1")
	if len(two) != 2 || !slices.Equal(two, ids("/v1/service/http?choose=2%7Cclient-1")) || !slices.Equal(two[:1], ids("/v1/service/http?choose=1%7Cclient-1")) {
		t.Errorf("chosen %v", two)
	}
	if n := len(ids("/v1/service/http?choose=99%7Cclient-1")); n != 6 {
		t.Errorf("%d of 99 chosen, there are 6", n)
	}
	spread := map[string]int{}
	for i := range 60 {
		spread[ids(fmt.Sprintf("/v1/service/http?choose=1%%7Cclient-%d", i))[0]]++
	}
	if len(spread) < 5 {
		t.Errorf("60 clients chose %v", spread)
	}
	if walked := walk(c, "/v1/service/http?per_page=4", func(s *api.ServiceRegistration) string { return s.ID }); len(walked) != 6 {
		t.Errorf("pages %v", walked)
	}
	a = c.get("/v1/allocation/"+alloc.ID+"/services", &got)
	httpdtest.Shape(t, "allocation", httpdtest.Recorded(t, "allocation-services.json"), []byte(a.body), httpdtest.Rules{})
	if len(got) != 6 {
		t.Errorf("%d registrations of the allocation", len(got))
	}
	// Of one that is not there, a caller can wait for it.
	unknown := "/v1/allocation/00000000-0000-0000-0000-000000000000"
	if got, want := c.do("GET", unknown+"/services", "").header, c.do("GET", unknown, "").header; got.Get("X-Nomad-Index") != want.Get("X-Nomad-Index") {
		t.Errorf("the index without an allocation is %s, want that of the allocations, %s", got.Get("X-Nomad-Index"), want.Get("X-Nomad-Index"))
	}

	for path, code := range map[string]int{
		"/v1/service/other-name/" + all[0].ID:                500,
		"/v1/service/http/" + all[0].ID + "?namespace=other": 500,
	} {
		if a := c.do("DELETE", path, ""); a.code != code || a.body != "service registration not found" {
			t.Errorf("DELETE %s: %d %s", path, a.code, a.body)
		}
	}
	if a := c.do("DELETE", "/v1/service/http/"+all[0].ID, ""); a.code != 200 || a.body != "" || parse(a.header.Get("X-Nomad-Index")) == 0 {
		t.Errorf("delete: %+v", a)
	}
	if n := len(ids("/v1/service/http")); n != 5 {
		t.Errorf("%d registrations after a deletion", n)
	}
}

func TestDeleteEvaluations(t *testing.T) {
	c := start(t)
	c.nodes(1)
	live := c.register(job("web", 1))
	c.running("web", 1)
	var evals []*api.Evaluation
	for i := range 4500 {
		evals = append(evals, &api.Evaluation{ID: api.NewID(), Namespace: "default", JobID: fmt.Sprintf("j%d", i%3), Type: api.JobTypeBatch, Status: api.EvalStatusComplete})
	}
	c.apply(fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals}))
	del := func(body object) (answer, api.EvalDeleteResponse) {
		var resp api.EvalDeleteResponse
		a := c.do("DELETE", "/v1/evaluations", encode(t, body))
		if a.code == 200 {
			unmarshal(t, a.body, &resp)
		}
		return a, resp
	}
	if a, _ := del(object{"EvalIDs": []string{evals[0].ID}}); a.code != 500 || a.body != "eval broker is enabled; eval broker must be paused to delete evals" {
		t.Errorf("with the broker at work: %d %s", a.code, a.body)
	}
	c.apply(fsm.SchedulerConfigSet.Encode(&fsm.SchedulerConfigSetRequest{Config: &api.SchedulerConfiguration{SchedulerAlgorithm: "binpack", PauseEvalBroker: true}}))
	for _, r := range []struct {
		body object
		code int
		want string
	}{
		{object{"EvalIDs": []string{api.NewID()}}, 500, "eval not found"},
		{object{"EvalIDs": []string{"x"}}, 500, "eval lookup failed: index error: UUID must be 36 characters"},
		{object{"EvalIDs": []string{evals[0].ID, live.EvalID}}, 500, "eval " + live.EvalID + " is not safe to delete: allocations of it run and its job lives"},
		{object{"Filter": "Nope == 1"}, 400, `failed to read result page: error finding value in datum: /Nope at part 0: couldn't find key: struct field with name "Nope"`},
	} {
		if a, _ := del(r.body); a.code != r.code || a.body != r.want {
			t.Errorf("%v: %d %q, want %d %q", r.body, a.code, a.body, r.code, r.want)
		}
	}
	if n := state.Evals.Len(c.srv.Store().Snapshot()); n < 4501 {
		t.Fatalf("refused deletions left %d evaluations", n)
	}
	a, resp := del(object{"EvalIDs": []string{evals[0].ID, evals[0].ID, evals[1].ID}})
	if resp.Count != 2 || a.header.Get("X-Nomad-Index") != index(resp.Index) {
		t.Errorf("by ID: %+v %s", resp, a.body)
	}
	before := c.srv.Store().Snapshot().Index()
	if _, resp := del(object{"Filter": `JobID == "j2" or JobID == "web"`}); resp.Count != 1500 {
		t.Errorf("by filter %d were deleted, want 1500", resp.Count)
	}
	if _, resp := del(object{"Filter": `Type == "batch"`}); resp.Count != 2998 || resp.Index != before+3 {
		t.Errorf("by filter %d were deleted up to index %d, want 2998 in two entries after %d", resp.Count, resp.Index, before+1)
	}
	if state.Evals.Get(c.srv.Store().Snapshot(), live.EvalID) == nil {
		t.Error("the evaluation of a running allocation is gone")
	}
	if a, resp := del(object{"Filter": `Type == "batch"`}); resp.Count != 0 || a.code != 200 {
		t.Errorf("nothing left: %d %+v", a.code, resp)
	}
}

func TestNodeEvaluate(t *testing.T) {
	c := start(t)
	node := c.nodes(1)[0]
	a := c.do("PUT", "/v1/node/"+node.ID+"/evaluate", "")
	if a.code != 200 || a.header.Get("X-Nomad-Index") != "0" || !strings.Contains(a.body, `"EvalIDs":null,"EvalCreateIndex":0`) {
		t.Errorf("an idle node: %+v", a)
	}
	c.register(job("web", 1))
	c.running("web", 1)
	a = c.do("PUT", "/v1/node/"+node.ID+"/evaluate", "")
	httpdtest.Shape(t, "evaluate", httpdtest.Recorded(t, "node-evaluate.json"), []byte(a.body), httpdtest.Rules{})
	var resp api.NodeUpdateResponse
	unmarshal(t, a.body, &resp)
	if len(resp.EvalIDs) != 1 || resp.EvalCreateIndex != resp.Index || resp.NodeModifyIndex != 0 || resp.NumNodes != 1 || resp.LeaderRPCAddr == "" || resp.KnownLeader {
		t.Errorf("answer %+v", resp)
	}
	if ev := c.done(resp.EvalIDs[0]); ev.TriggeredBy != api.TriggerNodeUpdate || ev.NodeID != node.ID {
		t.Errorf("evaluation %+v", ev)
	}
}

// TestServiceSync: a client has the registrations of its allocations as it says, and no others.
func TestServiceSync(t *testing.T) {
	c := start(t)
	n := c.manual()
	if _, err := n.register(n.describe(), n.secret); err != nil {
		t.Fatal(err)
	}
	if _, err := n.beat(api.NodeStatusReady); err != nil {
		t.Fatal(err)
	}
	c.register(job("web", 1))
	var alloc *api.Allocation
	c.until("an allocation is placed", func(tx *state.Tx) bool {
		for a := range state.Allocs.By(tx, state.ByNode, n.id) {
			alloc = a
		}
		return alloc != nil
	})
	sync := func(secret string, partial bool, names ...string) error {
		set := &api.AllocServiceSet{AllocID: alloc.ID, Partial: partial}
		for _, name := range names {
			set.Services = append(set.Services, &api.ServiceRegistration{ID: api.ServiceIDPrefix + alloc.ID + "-group-g-" + name + "-http", ServiceName: name, Namespace: "stolen", Port: 80})
		}
		_, _, err := api.ServiceSync.Call(c.ctx, c.caller, &api.ServiceSyncRequest{NodeID: n.id, SecretID: secret, Allocs: []*api.AllocServiceSet{set, {AllocID: api.NewID()}}})
		return err
	}
	want := func(when, names string) {
		t.Helper()
		var got []string
		for s := range state.Services.By(c.srv.Store().Snapshot(), state.ByNode, n.id) {
			if s.Namespace != "default" || s.JobID != "web" || s.AllocID != alloc.ID {
				t.Errorf("registration %+v is not the allocation's", s)
			}
			got = append(got, s.ServiceName)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != names {
			t.Errorf("%s: services %v, want %q", when, got, names)
		}
	}
	for _, step := range []struct {
		when    string
		partial bool
		names   []string
		want    string
	}{
		{"first", false, []string{"a", "b"}, "a b"},
		{"found again", true, []string{"c"}, "a b c"},
		{"fewer", false, []string{"b"}, "b"},
	} {
		if err := sync(n.secret, step.partial, step.names...); err != nil {
			t.Fatal(err)
		}
		want(step.when, step.want)
	}
	before := c.srv.Store().Snapshot().Index()
	if err := sync(n.secret, false, "b"); err != nil || c.srv.Store().Snapshot().Index() != before {
		t.Errorf("telling the same again: %v, index %d, was %d", err, c.srv.Store().Snapshot().Index(), before)
	}
	if err := sync("wrong", false); !api.IsClass(err, api.ClassDenied) {
		t.Errorf("a wrong secret: %v", err)
	}
	_, _, err := api.ServiceSync.Call(c.ctx, c.caller, &api.ServiceSyncRequest{NodeID: n.id, SecretID: n.secret, Allocs: []*api.AllocServiceSet{
		{AllocID: alloc.ID, Services: []*api.ServiceRegistration{{ID: "_nomad-task-other-group-g-x-http", ServiceName: "x"}}},
	}})
	if !api.IsClass(err, api.ClassInvalid) {
		t.Errorf("a registration of another allocation: %v", err)
	}
	if _, err := n.beat(api.NodeStatusDown); err != nil {
		t.Fatal(err)
	}
	want("node down", "")
	if _, err := n.beat(api.NodeStatusReady); err != nil {
		t.Fatal(err)
	}
	if err := sync(n.secret, false, "b"); err != nil {
		t.Fatal(err)
	}
	report := &api.AllocUpdateRequest{NodeID: n.id, SecretID: n.secret, Allocs: []*api.Allocation{{ID: alloc.ID, ClientStatus: api.AllocClientComplete}}}
	if _, _, err := api.AllocUpdate.Call(c.ctx, c.caller, report); err != nil {
		t.Fatal(err)
	}
	want("ended", "")
	if err := sync(n.secret, false, "b"); err != nil {
		t.Fatal(err)
	}
	want("late registration", "")
}
