// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// walk reads a list page by page and returns what it saw of each object.
func walk[T any](c *cluster, path string, name func(T) string) []string {
	c.t.Helper()
	var seen []string
	token := ""
	for range 100 {
		var page []T
		a := c.get(path+"&next_token="+url.QueryEscape(token), &page)
		for _, o := range page {
			seen = append(seen, name(o))
		}
		if token = a.header.Get("X-Nomad-NextToken"); token == "" {
			return seen
		}
	}
	c.t.Fatalf("%s: the pages do not end", path)
	return nil
}

func (c *cluster) namespaces(names ...string) {
	c.t.Helper()
	for _, n := range names {
		if _, _, err := c.srv.Apply(c.ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: n}}})); err != nil {
			c.t.Fatal(err)
		}
	}
}

func TestPages(t *testing.T) {
	c := start(t)
	c.nodes(5)
	// Names that sort differently as text with a dot between.
	c.namespaces("a", "a-b", "a0")
	var want []string
	for _, ns := range []string{"a", "a-b", "a0"} {
		for _, id := range []string{"j", "j-1", "j.2", "k"} {
			j := job(id, 1)
			j["Namespace"] = ns
			c.register(j)
			want = append(want, ns+"/"+id)
		}
	}
	jobName := func(j *api.JobListStub) string { return j.Namespace + "/" + j.ID }
	for size := 1; size <= 13; size += 3 {
		if got := walk(c, fmt.Sprintf("/v1/jobs?namespace=*&per_page=%d", size), jobName); !slices.Equal(got, want) {
			t.Errorf("jobs by %d: %q, want %q", size, got, want)
		}
		back := slices.Clone(want)
		slices.Reverse(back)
		if got := walk(c, fmt.Sprintf("/v1/jobs?namespace=*&reverse=true&per_page=%d", size), jobName); !slices.Equal(got, back) {
			t.Errorf("jobs backwards by %d: %q, want %q", size, got, back)
		}
	}
	if got := walk(c, "/v1/jobs?namespace=a-b&prefix=j&per_page=1", jobName); !slices.Equal(got, []string{"a-b/j", "a-b/j-1", "a-b/j.2"}) {
		t.Errorf("jobs by prefix: %q", got)
	}
	if got := walk(c, "/v1/jobs?namespace=*&prefix=k&per_page=1", jobName); !slices.Equal(got, []string{"a/k", "a-b/k", "a0/k"}) {
		t.Errorf("jobs of all namespaces by prefix: %q", got)
	}
	if got := walk(c, "/v1/jobs?namespace=nope&per_page=1", jobName); len(got) != 0 {
		t.Errorf("jobs of an unknown namespace: %q", got)
	}
	if a := c.do("GET", "/v1/jobs?namespace=*&per_page=1", ""); a.header.Get("X-Nomad-NextToken") != "a.j-1" {
		t.Errorf("token of jobs is %q", a.header.Get("X-Nomad-NextToken"))
	}
	if a := c.do("GET", "/v1/jobs?namespace=*&per_page=-1", ""); a.body != "[]" {
		t.Errorf("a negative page is %s", a.body)
	}

	var evals []*api.Evaluation
	c.get("/v1/evaluations?namespace=*", &evals)
	var ids []string
	for _, v := range evals {
		ids = append(ids, v.ID)
	}
	if !slices.IsSortedFunc(evals, func(a, b *api.Evaluation) int { return int(a.CreateIndex) - int(b.CreateIndex) }) || len(ids) < 12 {
		t.Errorf("evaluations are not in the order of creation: %q", ids)
	}
	evalID := func(v *api.Evaluation) string { return v.ID }
	if got := walk(c, "/v1/evaluations?namespace=*&per_page=5", evalID); !slices.Equal(got, ids) {
		t.Errorf("evaluations: %q, want %q", got, ids)
	}
	if got := walk(c, "/v1/evaluations?namespace=*&per_page=2&filter="+url.QueryEscape(`JobID == "k"`), evalID); len(got) != 3 {
		t.Errorf("filtered evaluations: %q", got)
	}
	var first []*api.Evaluation
	a := c.get("/v1/evaluations?namespace=*&per_page=1", &first)
	if want := fmt.Sprintf("%d.%s", evals[1].CreateIndex, evals[1].ID); a.header.Get("X-Nomad-NextToken") != want {
		t.Errorf("token of evaluations is %q, want %q", a.header.Get("X-Nomad-NextToken"), want)
	}
	slices.Reverse(ids)
	if got := walk(c, "/v1/evaluations?namespace=*&per_page=5&reverse=true", evalID); !slices.Equal(got, ids) {
		t.Errorf("evaluations backwards: %q, want %q", got, ids)
	}
	prefix := ids[0][:2]
	byPrefix := walk(c, "/v1/evaluations?namespace=*&per_page=1&prefix="+strings.ToUpper(prefix), evalID)
	if !slices.Contains(byPrefix, ids[0]) || slices.ContainsFunc(byPrefix, func(id string) bool { return !strings.HasPrefix(id, prefix) }) {
		t.Errorf("evaluations by prefix %s: %q", prefix, byPrefix)
	}
	var count api.EvalCountResponse
	c.get("/v1/evaluations/count?namespace=a0", &count)
	if count.Count != 4 || !count.KnownLeader {
		t.Errorf("count is %+v", count)
	}

	allocID := func(a *api.AllocListStub) string { return a.ID }
	allocs := walk(c, "/v1/allocations?namespace=*&per_page=5", allocID)
	back := walk(c, "/v1/allocations?namespace=*&per_page=5&reverse=true", allocID)
	slices.Reverse(back)
	if len(allocs) != 12 || !slices.Equal(allocs, back) {
		t.Errorf("allocations: %q, backwards %q", allocs, back)
	}
	nodeID := func(n *api.NodeListStub) string { return n.ID }
	nodes := walk(c, "/v1/nodes?per_page=2", nodeID)
	if len(nodes) != 5 || !slices.IsSorted(nodes) {
		t.Errorf("nodes: %q", nodes)
	}
	if got := walk(c, "/v1/nodes?per_page=2&prefix="+nodes[2][:8], nodeID); !slices.Equal(got, nodes[2:3]) {
		t.Errorf("nodes by prefix: %q", got)
	}
}

func TestFilters(t *testing.T) {
	c := start(t)
	c.nodes(1)
	for _, id := range []string{"one", "two"} {
		j := job(id, 1)
		if id == "one" {
			j["Meta"] = object{"owner": "team-a"}
			j["Priority"] = 70
		}
		c.register(j)
	}
	for expr, want := range map[string]int{
		`Meta.owner == "team-a" and Type == "service"`: 1,
		`Meta["owner"] == "team-b"`:                    0,
		`Meta is empty`:                                1,
		`"owner" in Meta`:                              1,
		`ID matches "^t"`:                              1,
		`Status != "nothing"`:                          2,
		`Priority == 70`:                               1,
		`not (ID == "one")`:                            1,
		`Datacenters contains "*"`:                     2,
	} {
		var jobs []*api.JobListStub
		c.get("/v1/jobs?filter="+url.QueryEscape(expr), &jobs)
		if len(jobs) != want {
			t.Errorf("%s selects %d jobs, want %d", expr, len(jobs), want)
		}
	}
	var nodes []*api.NodeListStub
	c.get("/v1/nodes?filter="+url.QueryEscape(`Attributes["kernel.name"] == "linux" and Status == "ready"`), &nodes)
	if len(nodes) != 1 {
		t.Errorf("filter selects %d nodes", len(nodes))
	}
	for _, path := range []string{"/v1/nodes", "/v1/node/pool/default/nodes"} {
		for expr, want := range map[string]int{`SecretID != ""`: 0, `SecretID matches "^[0-9a-f]"`: 0, `SecretID == "" and Drain == false`: 1, `Meta is empty`: 1} {
			c.get(path+"?filter="+url.QueryEscape(expr), &nodes)
			if len(nodes) != want {
				t.Errorf("%s of %s selects %d, want %d", expr, path, len(nodes), want)
			}
		}
	}
	var allocs []*api.AllocListStub
	c.get("/v1/allocations?filter="+url.QueryEscape(`Job.Priority == 70`), &allocs)
	if len(allocs) != 1 || allocs[0].JobID != "one" {
		t.Errorf("filter on the full allocation selects %v", allocs)
	}
}

func TestHeaders(t *testing.T) {
	c := start(t)
	c.nodes(1)
	reg := c.register(job("web", 1))
	c.running("web", 1)
	read := func(a answer) (string, string, string) {
		return a.header.Get("X-Nomad-Index"), a.header.Get("X-Nomad-KnownLeader"), a.header.Get("X-Nomad-LastContact")
	}
	for _, path := range []string{
		"/v1/jobs", "/v1/job/web", "/v1/job/web/versions", "/v1/nodes", "/v1/allocations", "/v1/evaluations", "/v1/evaluation/" + reg.EvalID,
		"/v1/job/nope", "/v1/job/nope/allocations",
	} {
		a := c.do("GET", path, "")
		if i, known, contact := read(a); i == "" || i == "0" || known != "true" || contact != "0" {
			t.Errorf("GET %s: index %q, leader %q, contact %q", path, i, known, contact)
		}
	}
	for _, path := range []string{"/v1/status/leader", "/v1/status/peers", "/v1/regions", "/v1/agent/members"} {
		if i, known, contact := read(c.do("GET", path, "")); i+known+contact != "" {
			t.Errorf("GET %s has index headers", path)
		}
	}
	if i, known, contact := read(c.put("/v1/validate/job", object{"Job": job("x", 1)}, nil)); i+known+contact != "" {
		t.Error("validation has index headers")
	}
	var stored api.Job
	a := c.get("/v1/job/web", &stored)
	if got := a.header.Get("X-Nomad-Index"); got != index(stored.ModifyIndex) {
		t.Errorf("the index of a job is %s, want its modify index %d", got, stored.ModifyIndex)
	}
	a = c.put("/v1/jobs", object{"Job": job("web", 2)}, reg)
	if i, known, contact := read(a); i != index(reg.JobModifyIndex) || known+contact != "" {
		t.Errorf("a write has index %q, leader %q, contact %q, want %d only", i, known, contact, reg.JobModifyIndex)
	}
	if reg.KnownLeader || reg.Index != reg.EvalCreateIndex {
		t.Errorf("answer of a write is %+v", reg)
	}
	a = c.put("/v1/job/web/plan", object{"Job": job("web", 2)}, nil)
	if i := a.header.Get("X-Nomad-Index"); i != index(reg.JobModifyIndex) {
		t.Errorf("the index of a plan is %s, want the job's %d", i, reg.JobModifyIndex)
	}
	a = c.put("/v1/job/new/plan", object{"Job": job("new", 2)}, nil)
	if i := a.header.Get("X-Nomad-Index"); i != "0" {
		t.Errorf("the index of a plan of a new job is %s", i)
	}
}

func TestBlocking(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	c.running("web", 1)

	// The present index waits, at most as long as asked, and answers 200 with the same data.
	a := c.do("GET", "/v1/job/web", "")
	now := a.header.Get("X-Nomad-Index")
	if b := c.do("GET", "/v1/job/web?wait=1ms&index="+now, ""); b.code != 200 || b.body != a.body || b.header.Get("X-Nomad-Index") != now {
		t.Errorf("after the wait: %d, index %s, want %s", b.code, b.header.Get("X-Nomad-Index"), now)
	}
	// An older index answers at once, and so does a missing one.
	for _, i := range []string{"1", "0"} {
		if b := c.do("GET", "/v1/job/web?index="+i, ""); b.body != a.body {
			t.Errorf("index %s: %s", i, b.body)
		}
	}
	for _, w := range []struct {
		path   string
		change func()
	}{
		{"/v1/job/web", func() { c.put("/v1/jobs", object{"Job": job("web", 2)}, nil) }},
		{"/v1/jobs", func() { c.put("/v1/jobs", object{"Job": job("other", 1)}, nil) }},
		{"/v1/job/web/allocations", func() { c.put("/v1/jobs", object{"Job": job("web", 3)}, nil) }},
		{"/v1/job/web/summary", func() { c.put("/v1/jobs", object{"Job": job("web", 4)}, nil) }},
		{"/v1/evaluations", func() { c.put("/v1/job/web/evaluate", object{}, nil) }},
		{"/v1/job/later", func() { c.put("/v1/jobs", object{"Job": job("later", 1)}, nil) }},
	} {
		c.settle()
		now := c.do("GET", w.path, "").header.Get("X-Nomad-Index")
		got := make(chan answer, 1)
		go func() { got <- c.do("GET", w.path+"?index="+now, "") }()
		w.change()
		b := <-got
		if b.code != 200 || parse(b.header.Get("X-Nomad-Index")) <= parse(now) {
			t.Errorf("%s: woken with %d, index %s after %s", w.path, b.code, b.header.Get("X-Nomad-Index"), now)
		}
	}
}

// settle waits until no evaluation is under way and no allocation starts.
func (c *cluster) settle() {
	c.t.Helper()
	c.until("everything settles", func(tx *state.Tx) bool {
		for v := range state.Evals.All(tx) {
			if !v.TerminalStatus() && v.Status != api.EvalStatusBlocked {
				return false
			}
		}
		for a := range state.Allocs.All(tx) {
			if a.ClientStatus == api.AllocClientPending || a.DesiredStatus != api.AllocDesiredRun && !a.ClientTerminalStatus() {
				return false
			}
		}
		return true
	})
}
