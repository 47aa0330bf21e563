// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/ops"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (c *cluster) search(path, text, kind string, v any) answer {
	c.t.Helper()
	key := "Prefix"
	if strings.Contains(path, "fuzzy") {
		key = "Text"
	}
	return c.put(path, object{key: text, "Context": kind}, v)
}

func TestSearchByPrefix(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.namespaces("rec-team")
	for i := range 22 {
		c.jobRow(&api.Job{Namespace: "rec-team", ID: fmt.Sprintf("rec-%02d", i), Type: api.JobTypeService})
	}
	c.register(job("rec-web", 1))
	alloc := c.running("rec-web", 1)[0]
	dep := c.deployment("rec-web", api.DeploymentRunning, nil)
	var resp api.SearchResponse
	a := c.search("/v1/search", "rec", "all", &resp)
	httpdtest.Shape(t, "search", httpdtest.Recorded(t, "search.json"), []byte(a.body), httpdtest.Rules{Skip: []string{"Matches.namespaces"}})
	if got := resp.Matches["jobs"]; !slices.Equal(got, []string{"rec-web"}) || resp.Truncations["jobs"] || !resp.KnownLeader || resp.Index == 0 {
		t.Errorf("jobs %v, %+v", got, resp)
	}
	if got := resp.Matches["namespaces"]; !slices.Equal(got, []string{"rec-team"}) {
		t.Errorf("namespaces %v", got)
	}
	resp = api.SearchResponse{}
	c.search("/v1/search?namespace=*", "rec", "jobs", &resp)
	if got := resp.Matches["jobs"]; len(got) != 20 || got[0] != "rec-web" || got[1] != "rec-00" || !resp.Truncations["jobs"] || len(resp.Matches) != 1 {
		t.Errorf("jobs of all namespaces: %v %v", got, resp.Truncations)
	}
	id := func(text string) string { return strings.ReplaceAll(text, "-", "") }
	for _, test := range []struct{ context, text, want string }{
		{"allocs", alloc.ID[:8], alloc.ID},
		{"allocs", alloc.ID[:9], alloc.ID}, // with the hyphen
		{"allocs", id(alloc.ID)[:11], alloc.ID},
		{"allocs", strings.ToUpper(alloc.ID), alloc.ID},
		{"allocs", alloc.ID + "0", ""},
		{"allocs", "-----", ""},
		{"evals", alloc.EvalID[:6], alloc.EvalID},
		{"nodes", alloc.NodeID[:6], alloc.NodeID},
		{"deployment", dep[:13], dep},
		{"node_pools", "def", "default"},
		{"plugins", "x", ""},
	} {
		resp = api.SearchResponse{}
		c.search("/v1/search", test.text, test.context, &resp)
		if got := strings.Join(resp.Matches[test.context], " "); got != test.want {
			t.Errorf("%s with %s: %q, want %q", test.context, test.text, got, test.want)
		}
	}
	resp = api.SearchResponse{}
	if c.search("/v1/search?namespace=rec-team", alloc.ID[:6], "allocs", &resp); len(resp.Matches["allocs"]) != 0 {
		t.Errorf("allocations of another namespace: %v", resp.Matches)
	}
}

// jobRow stores a job without evaluating it.
func (c *cluster) jobRow(j *api.Job) {
	c.apply(fsm.JobRegister.Encode(&fsm.JobRegisterRequest{Job: j}))
}

func TestSearchFuzzy(t *testing.T) {
	c := start(t)
	c.nodes(1)
	web := job("rec-web", 1)
	web["TaskGroups"].([]any)[0].(object)["Name"] = "Web"
	c.register(web)
	alloc := c.running("rec-web", 1)[0]
	task := func(name, driver, key, value string) *api.Task {
		return &api.Task{Name: name, Driver: driver, Config: map[string]any{key: value}}
	}
	c.namespaces("shop")
	c.jobRow(&api.Job{Namespace: "shop", ID: "store", Name: "webstore", Type: api.JobTypeService, TaskGroups: []*api.TaskGroup{{
		Name: "front", Services: []*api.Service{{Name: "store-web"}}, Tasks: []*api.Task{
			task("a", "docker", "image", "nginx:web"), task("web-cmd", "exec", "command", "/bin/websrv"), task("c", "java", "class", "org.Web"),
			{Name: "d", Driver: "raw_exec", Services: []*api.Service{{Name: "d-web"}}},
		},
	}}})
	var resp api.FuzzySearchResponse
	a := c.search("/v1/search/fuzzy", "web", "all", &resp)
	httpdtest.Shape(t, "fuzzy", httpdtest.Recorded(t, "search-fuzzy.json"), []byte(a.body), httpdtest.Rules{Optional: []string{"Matches.services"}})
	describe := func(kind string) string {
		var out []string
		for _, m := range resp.Matches[kind] {
			out = append(out, m.ID+" in "+strings.Join(m.Scope, "/"))
		}
		return strings.Join(out, "; ")
	}
	for kind, want := range map[string]string{
		"jobs": "rec-web in default/rec-web", "groups": "Web in default/rec-web", "allocs": "rec-web.Web[0] in default/" + alloc.ID, "tasks": "",
	} {
		if got := describe(kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	resp = api.FuzzySearchResponse{}
	c.search("/v1/search/fuzzy?namespace=*", "WEB", "jobs", &resp)
	for kind, want := range map[string]string{
		"jobs": "webstore in shop/store; rec-web in default/rec-web", "groups": "Web in default/rec-web",
		"services": "d-web in shop/store/front/d; store-web in shop/store/front", "tasks": "web-cmd in shop/store/front",
		"images": "nginx:web in shop/store/front/a", "commands": "/bin/websrv in shop/store/front/web-cmd", "classes": "org.Web in shop/store/front/c",
	} {
		if got := describe(kind); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	resp = api.FuzzySearchResponse{}
	if c.search("/v1/search/fuzzy", alloc.EvalID[:4], "evals", &resp); describe("evals") != alloc.EvalID+" in " {
		t.Errorf("evaluations: %q", describe("evals"))
	}
	c.env.Search = ops.SearchLimits{Query: 1, Results: 2, MinTerm: 1}
	resp = api.FuzzySearchResponse{}
	c.search("/v1/search/fuzzy?namespace=*", "e", "jobs", &resp)
	if !resp.Truncations["jobs"] || len(resp.Matches["jobs"]) != 1 {
		t.Errorf("limits: %s %v", a.body, resp.Truncations)
	}
	for kind, found := range resp.Matches {
		if len(found) > 2 {
			t.Errorf("%d %s, the limit is 2", len(found), kind)
		}
	}
	c.env.Search.Disabled = true
	if a := c.do("POST", "/v1/search/fuzzy", `{"Text": "web", "Context": "all"}`); a.code != 500 || a.body != "fuzzy search is not enabled" {
		t.Errorf("switched off: %d %s", a.code, a.body)
	}
}

// BenchmarkSearch looks into 100,000 jobs.
func BenchmarkSearch(b *testing.B) {
	store := state.New()
	for batch := range uint64(1000) {
		w := store.Begin(10+batch, "JobRegister")
		for i := range 100 {
			id := fmt.Sprintf("job-%06d", batch*100+uint64(i))
			state.Jobs.Put(w, &api.Job{
				Namespace: "default", ID: id, Name: id, Type: api.JobTypeService,
				TaskGroups: []*api.TaskGroup{{Name: "group", Tasks: []*api.Task{{Name: "server", Driver: "docker", Config: map[string]any{"image": "registry.example.com/app:1.2.3"}}}}},
			})
		}
		w.Commit()
	}
	env := &ops.Env{Region: "global", Store: store}
	d := ops.NewDispatcher(ops.Config{Region: "global", Server: &fakeServer{leader: "x", self: true}, ServerOps: env.Handlers()})
	for _, text := range []string{"job-0", "job-099999", "absent"} {
		b.Run("prefix/"+text, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := api.Search.Call(context.Background(), d, &api.SearchRequest{Text: text, Context: "all"}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("fuzzy/"+text, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := api.SearchFuzzy.Call(context.Background(), d, &api.FuzzySearchRequest{Text: text, Context: "all"}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
