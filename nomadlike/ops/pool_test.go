// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
	"github.com/nomadlike/nomadlike/nomadlike"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func TestNodePools(t *testing.T) {
	c := start(t)
	a := c.do("PUT", "/v1/node/pool/gpu", `{"Name": "gpu", "Description": "GPU nodes", "Meta": {"hw": "gpu"}, "NodeIdentityTTL": "12h"}`)
	if a.code != 200 || a.body != "" || a.header.Get("Content-Type") != "" || parse(a.header.Get("X-Nomad-Index")) == 0 {
		t.Fatalf("apply: %+v", a)
	}
	var pool, again api.NodePool
	read := c.get("/v1/node/pool/gpu", &pool)
	httpdtest.Shape(t, "pool", httpdtest.Recorded(t, "node-pool-read.json"), []byte(read.body), httpdtest.Rules{Open: []string{"Meta"}})
	if pool.NodeIdentityTTL != 12*time.Hour || read.header.Get("X-Nomad-Index") != a.header.Get("X-Nomad-Index") {
		t.Errorf("pool %+v at index %s", pool, read.header.Get("X-Nomad-Index"))
	}
	c.do("PUT", "/v1/node/pools", `{"Name": "gpu", "Description": "GPU nodes", "Meta": {"hw": "gpu"}, "NodeIdentityTTL": 43200000000000}`)
	c.get("/v1/node/pool/gpu", &again)
	if !slices.Equal(pool.Hash, again.Hash) || again.ModifyIndex <= pool.ModifyIndex || again.CreateIndex != pool.CreateIndex {
		t.Errorf("the same content again: %+v, was %+v", again, pool)
	}
	c.do("PUT", "/v1/node/pool/batch", `{}`)
	c.get("/v1/node/pool/batch", &again)
	if again.NodeIdentityTTL != 24*time.Hour || slices.Equal(pool.Hash, again.Hash) {
		t.Errorf("a pool of defaults: %+v", again)
	}
	name := func(p *api.NodePool) string { return p.Name }
	for path, want := range map[string]string{
		"/v1/node/pools?x":            "all batch default gpu",
		"/v1/node/pools?per_page=3":   "all batch default gpu",
		"/v1/node/pools?reverse=true": "gpu default batch all",
		"/v1/node/pools?prefix=g":     "gpu",
		"/v1/node/pools?filter=" + url.QueryEscape(`Meta.hw == "gpu"`): "gpu",
	} {
		if got := strings.Join(walk(c, path, name), " "); got != want {
			t.Errorf("%s lists %s, want %s", path, got, want)
		}
	}
	var all []*api.NodePool
	httpdtest.Shape(t, "pools", httpdtest.Recorded(t, "node-pools-list.json"), []byte(c.get("/v1/node/pools?prefix=a", &all).body), httpdtest.Rules{})

	// A node that names an unknown pool makes it.
	n := c.manual()
	node := n.describe()
	node.NodePool = "edge"
	if _, err := n.register(node, n.secret); err != nil {
		t.Fatal(err)
	}
	var nodes []*api.NodeListStub
	httpdtest.Shape(t, "nodes", httpdtest.Recorded(t, "node-pool-nodes.json"), []byte(c.get("/v1/node/pool/edge/nodes", &nodes).body),
		shapeRules.With(httpdtest.Rules{Null: []string{"**.LastDrain"}, Skip: []string{"**.Drivers"}}))
	if len(nodes) != 1 || nodes[0].ID != n.id {
		t.Errorf("nodes of the new pool: %+v", nodes)
	}
	if c.get("/v1/node/pool/all/nodes?os=true", &nodes); len(nodes) != 1 || nodes[0].Attributes["os.name"] != node.Attributes["os.name"] {
		t.Errorf("nodes of the pool all: %+v", nodes)
	}
	j := job("web", 1)
	j["NodePool"] = "gpu"
	c.namespaces("other")
	j["Namespace"] = "other"
	c.register(j)
	var jobs []*api.JobListStub
	if c.get("/v1/node/pool/gpu/jobs", &jobs); len(jobs) != 0 {
		t.Errorf("jobs of another namespace: %+v", jobs)
	}
	httpdtest.Shape(t, "jobs", httpdtest.Recorded(t, "node-pool-jobs.json"), []byte(c.get("/v1/node/pool/gpu/jobs?namespace=*", &jobs).body), shapeRules)
	if len(jobs) != 1 || jobs[0].ID != "web" || jobs[0].NodePool != "gpu" {
		t.Errorf("jobs of the pool: %+v", jobs)
	}
	for path, want := range map[string]string{
		"/v1/node/pool/gpu":   "1 error occurred:\n\t* node pool \"gpu\" has non-terminal jobs in regions: [global]\n\n",
		"/v1/node/pool/edge":  "1 error occurred:\n\t* node pool \"edge\" has nodes in regions: [global]\n\n",
		"/v1/namespace/other": "1 error occurred:\n\t* namespace \"other\" has non-terminal jobs in regions: [global]\n\n",
	} {
		if a := c.do("DELETE", path, ""); a.code != 500 || a.body != want {
			t.Errorf("DELETE %s: %d %q", path, a.code, a.body)
		}
	}
	c.do("DELETE", "/v1/job/web?namespace=other&purge=true", "")
	for _, path := range []string{"/v1/node/pool/gpu", "/v1/namespace/other"} {
		if a := c.do("DELETE", path, ""); a.code != 200 || a.body != "" || parse(a.header.Get("X-Nomad-Index")) == 0 {
			t.Errorf("DELETE %s: %+v", path, a)
		}
	}
	if a := c.do("GET", "/v1/node/pool/gpu", ""); a.code != 404 {
		t.Errorf("the deleted pool is %d %s", a.code, a.body)
	}
}

// TestUnknownNodePool: validation knows as well as registration that the pool of a job is not there.
func TestUnknownNodePool(t *testing.T) {
	c := start(t)
	j := job("x", 1)
	j["NodePool"] = "studio"
	const want = `job "x" is in nonexistent node pool "studio"`
	var valid api.JobValidateResponse
	c.put("/v1/validate/job", object{"Job": j}, &valid)
	if len(valid.ValidationErrors) != 1 || !strings.Contains(valid.ValidationErrors[0], want) {
		t.Errorf("validation finds %q", valid.ValidationErrors)
	}
	if a := c.do("PUT", "/v1/jobs", encode(t, object{"Job": j})); a.code != 500 || !strings.Contains(a.body, want) {
		t.Errorf("registration is %d %s", a.code, a.body)
	}
}

// TestNodePoolScheduler: the scheduler configuration of a pool holds for its jobs, in what is placed and in what
// registration, plan and validation warn of.
func TestNodePoolScheduler(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.manualIn("edge")
	most := func(id, pool string) object {
		j := job(id, 1)
		j["NodePool"] = pool
		j["TaskGroups"].([]any)[0].(object)["Tasks"].([]any)[0].(object)["Resources"].(object)["MemoryMaxMB"] = 128
		return j
	}
	check := func(id, pool string, want bool) {
		t.Helper()
		const note = "Memory oversubscription is not enabled"
		j := most(id, pool)
		var valid api.JobValidateResponse
		c.put("/v1/validate/job", object{"Job": j}, &valid)
		var plan api.JobPlanResponse
		c.put("/v1/job/"+id+"/plan", object{"Job": j}, &plan)
		resp := c.register(j)
		for what, warnings := range map[string]string{"validation": valid.Warnings, "plan": plan.Warnings, "registration": resp.Warnings} {
			if strings.Contains(warnings, note) == want {
				t.Errorf("%s of %s in pool %s warns of %q", what, id, pool, warnings)
			}
		}
		placed := 0
		for a := range state.Allocs.By(c.srv.Store().Snapshot(), state.ByJob, "default", id) {
			placed++
			if got := a.AllocatedResources.Tasks["t"].Memory.MemoryMaxMB; want != (got == 128) {
				t.Errorf("%s in pool %s has memory_max %d", id, pool, got)
			}
		}
		if placed != 1 {
			t.Errorf("%s in pool %s has %d allocations", id, pool, placed)
		}
	}
	check("plain", "default", false)
	check("plain-edge", "edge", false)

	var before, after api.NodePool
	c.get("/v1/node/pool/edge", &before)
	c.do("PUT", "/v1/node/pool/edge", `{"SchedulerConfiguration": {"SchedulerAlgorithm": "spread", "MemoryOversubscriptionEnabled": true}}`)
	read := c.get("/v1/node/pool/edge", &after)
	if s := after.SchedulerConfiguration; s == nil || s.SchedulerAlgorithm != "spread" || !api.Val(s.MemoryOversubscriptionEnabled) || slices.Equal(before.Hash, after.Hash) {
		t.Errorf("stored %s", read.body)
	}
	check("pool-edge", "edge", true)
	check("pool-plain", "default", false)
	check("pool-all", "all", false)

	c.do("PUT", "/v1/operator/scheduler/configuration", `{"MemoryOversubscriptionEnabled": true}`)
	c.do("PUT", "/v1/node/pool/edge", `{"SchedulerConfiguration": {"MemoryOversubscriptionEnabled": false}}`)
	check("cluster-plain", "default", true)
	check("cluster-edge", "edge", false)
	check("cluster-all", "all", true)
	c.do("PUT", "/v1/node/pool/edge", `{"SchedulerConfiguration": {"SchedulerAlgorithm": "spread"}}`)
	check("unset-edge", "edge", true)
}

func TestNamespaces(t *testing.T) {
	c := start(t)
	a := c.do("PUT", "/v1/namespace/team-a", `{"Name": "team-a", "Description": "Team A", "Meta": {"owner": "a"}, "Capabilities": {"DisabledTaskDrivers": ["raw_exec"]}}`)
	if a.code != 200 || a.body != "" {
		t.Fatalf("apply: %+v", a)
	}
	var ns api.Namespace
	httpdtest.Shape(t, "namespace", httpdtest.Recorded(t, "namespace-read.json"), []byte(c.get("/v1/namespace/team-a", &ns).body), httpdtest.Rules{Open: []string{"Meta"}})
	if ns.Description != "Team A" || len(ns.Hash) != 32 || index(ns.ModifyIndex) != a.header.Get("X-Nomad-Index") {
		t.Errorf("namespace %+v", ns)
	}
	var list []*api.Namespace
	read := c.get("/v1/namespaces?prefix=d", &list)
	httpdtest.Shape(t, "namespaces", httpdtest.Recorded(t, "namespaces-list.json"), []byte(read.body), httpdtest.Rules{})
	if len(list) != 1 || read.header.Get("X-Nomad-Index") != index(ns.ModifyIndex) {
		t.Errorf("%d namespaces at index %s", len(list), read.header.Get("X-Nomad-Index"))
	}
	// Validation knows the namespace's rules too, without state it cannot.
	for driver, want := range map[string]string{"raw_exec": `used task driver "raw_exec" is not allowed in namespace "team-a"`, "mock_driver": ""} {
		j := job("web", 1)
		j["TaskGroups"].([]any)[0].(object)["Tasks"].([]any)[0].(object)["Driver"] = driver
		j["TaskGroups"].([]any)[0].(object)["Tasks"].([]any)[0].(object)["Config"] = object{"command": "x"}
		var resp api.JobValidateResponse
		c.put("/v1/validate/job?namespace=team-a", object{"Job": j}, &resp)
		if got := strings.Join(resp.ValidationErrors, ";"); got != want {
			t.Errorf("validation of a job with driver %s: %q, want %q", driver, got, want)
		}
	}
}

// regions is the membership of a cluster of several regions.
type regions struct {
	*nomadlike.Server
	names []string
}

func (r regions) Members() []*api.Member { return r.Server.Members().Members() }
func (r regions) Regions() []string      { return r.names }

// elsewhere answers what deletions ask of other regions.
type elsewhere struct {
	used bool
	err  error
	asks []string
}

func (e *elsewhere) Call(_ context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	o := req.Options()
	e.asks = append(e.asks, o.Region+" "+op.Name+" "+o.Namespace+" "+o.AuthToken)
	if e.used {
		switch r := resp.(type) {
		case *[]*api.JobListStub:
			*r = []*api.JobListStub{{}}
		case *[]*api.NodeListStub:
			*r = []*api.NodeListStub{{}}
		case *[]*api.AllocListStub:
			*r = []*api.AllocListStub{{}}
		}
	}
	return &api.Meta{}, e.err
}

func (e *elsewhere) Open(context.Context, *api.OpInfo, api.Request) (api.Stream, error) {
	return nil, errors.New("no streams")
}

// TestInUseInAnotherRegion: what all regions share is deleted only when no region uses it.
func TestInUseInAnotherRegion(t *testing.T) {
	c := start(t)
	far := &elsewhere{used: true}
	c.env.Members, c.env.Agents = regions{c.srv, []string{"europe", "global"}}, far
	c.namespaces("team")
	c.apply(fsm.NodePoolUpsert.Encode(&fsm.NodePoolUpsertRequest{Pools: []*api.NodePool{{Name: "gpu"}}}))
	del := func(path string) answer { return c.do("DELETE", path, "", "X-Nomad-Token", "secret") }
	if a := del("/v1/namespace/team"); a.code != 500 || a.body != "2 errors occurred:\n\t* namespace \"team\" has non-terminal jobs in regions: [europe]\n\t* namespace \"team\" has non-terminal allocations in regions: [europe]\n\n" {
		t.Errorf("namespace: %d %q", a.code, a.body)
	}
	if a := del("/v1/node/pool/gpu"); a.code != 500 || a.body != "2 errors occurred:\n\t* node pool \"gpu\" has non-terminal jobs in regions: [europe]\n\t* node pool \"gpu\" has nodes in regions: [europe]\n\n" {
		t.Errorf("node pool: %d %q", a.code, a.body)
	}
	want := "europe Job.List team secret;europe Alloc.List team secret;europe NodePool.Jobs * secret;europe NodePool.Nodes  secret"
	if got := strings.Join(far.asks, ";"); got != want {
		t.Errorf("asked %s, want %s", got, want)
	}
	far.used, far.err = false, api.Errorf(api.ClassInternal, "No path to region")
	if a := del("/v1/namespace/team"); a.code != 500 || !strings.HasSuffix(a.body, "No path to region") {
		t.Errorf("namespace with a region out of reach: %d %q", a.code, a.body)
	}
	far.err = nil
	for _, path := range []string{"/v1/namespace/team", "/v1/node/pool/gpu"} {
		if a := del(path); a.code != 200 {
			t.Errorf("%s: %d %q", path, a.code, a.body)
		}
	}
	if s := c.srv.Store().Snapshot(); state.Namespaces.Get(s, "team") != nil || state.NodePools.Get(s, "gpu") != nil {
		t.Error("the objects are still there")
	}
}

// TestPoolOfAnotherRegion: in a region that copies its pools, a node waits for a pool that it does not know.
func TestPoolOfAnotherRegion(t *testing.T) {
	c := start(t)
	c.env.Authoritative = "europe"
	n := c.manualIn("edge")
	if got := n.stored(); got.Status != api.NodeStatusInit || state.NodePools.Get(c.srv.Store().Snapshot(), "edge") != nil {
		t.Errorf("the node is %s before its pool was copied", got.Status)
	}
	c.apply(fsm.NodePoolUpsert.Encode(&fsm.NodePoolUpsertRequest{Pools: []*api.NodePool{{Name: "edge"}}}))
	if _, err := n.beat(api.NodeStatusReady); err != nil {
		t.Fatal(err)
	}
	if got := n.stored(); got.Status != api.NodeStatusReady {
		t.Errorf("the node is %s after its pool was copied", got.Status)
	}
}
