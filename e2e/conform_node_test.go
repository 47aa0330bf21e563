// SPDX-License-Identifier: MPL-2.0

package e2e

import (
	"errors"
	"fmt"
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/hashicorp/nomad/api/contexts"

	"github.com/nomadlike/nomadlike/internal/httpd/httpdtest"
)

// nodeRules leave out what depends on the host: devices, drivers, host networks, cores, which tasks have of their own
// only with control groups.
var nodeRules = httpdtest.Rules{
	Null:     []string{"**.Meta", "**.HostVolumes", "**.HostNetworks", "**.CSIControllerPlugins", "**.CSINodePlugins", "**.Links", "**.Devices", "**.GCVolumePlugins", "**.Networks", "**.ReservableCpuCores"},
	Optional: []string{"**.NodeNetworks.[].*", "**.Resources.*", "**.IdentitySigningKeyID"},
	Skip:     []string{"**.NUMA", "**.Cgroup", "**.NodeResources.Processors", "**.NodeResources.NodeNetworks", "**.Processors", "**.Events.[].Details"},
}

var _ = conform(
	check{
		op: "Node.List",
		values: func(w *world) {
			list, _, err := w.client.Nodes().List(&nomad.QueryOptions{Params: map[string]string{"resources": "true", "os": "true"}})
			w.ok(err)
			w.that(len(list) == 1 && list[0].ID == w.node && list[0].Status == "ready" && list[0].NodeResources != nil && list[0].Drivers["raw_exec"].Healthy, "nodes are %+v", list)
			w.shape("nodes-list.json", "GET", "/v1/nodes?resources=true&os=true", "", nodeRules)
		},
		refusals: []refusal{
			{"GET", "/v1/nodes?prefix=abc", "", 500, "must be even length"},
			{"GET", "/v1/nodes?os=perhaps", "", 500, `Failed to parse value of "os"`},
		},
	},
	check{
		op: "Node.Get",
		values: func(w *world) {
			n, meta, err := w.client.Nodes().Info(w.node, nil)
			w.ok(err)
			w.that(n.ID == w.node && n.NodePool == "default" && n.SchedulingEligibility == "eligible" && meta.LastIndex == n.ModifyIndex, "node is %+v", n)
			w.that(n.NodeResources.Memory.MemoryMB > 0 && n.HTTPAddr != "", "node is %+v", n)
			w.shape("node-read.json", "GET", "/v1/node/{node}", "", nodeRules)
		},
		refusals: []refusal{
			{"GET", "/v1/node/{absent}", "", 404, "node not found"},
			{"GET", "/v1/node/short", "", 500, "node lookup failed: index error: UUID must be 36 characters"},
		},
	},
	check{
		op: "Node.Allocations",
		values: func(w *world) {
			list, _, err := w.client.Nodes().Allocations(w.node, nil)
			w.ok(err)
			w.that(slices.ContainsFunc(list, func(a *nomad.Allocation) bool { return a.ID == w.allocs[0].ID && a.Job != nil }), "allocations are %v", list)
		},
		refusals: []refusal{{"GET", "/v1/node/short/allocations", "", 500, "UUID must be 36 characters"}},
	},
	check{
		op: "Node.Evaluate",
		values: func(w *world) {
			_, _, err := w.client.Nodes().ForceEvaluate(w.node, nil)
			w.ok(err)
			w.shape("node-evaluate.json", "PUT", "/v1/node/{node}/evaluate", "", httpdtest.Rules{Null: []string{"EvalIDs", "Servers"}})
		},
		refusals: []refusal{
			{"PUT", "/v1/node/{absent}/evaluate", "", 500, "node not found"},
			{"GET", "/v1/node/{node}/evaluate", "", 405, "Invalid method"},
		},
	},
	check{
		op: "Node.Eligibility",
		values: func(w *world) {
			_, err := w.client.Nodes().ToggleEligibility(w.node, false, nil)
			w.ok(err)
			n, _, err := w.client.Nodes().Info(w.node, nil)
			w.ok(err)
			w.that(n.SchedulingEligibility == "ineligible", "node is %s", n.SchedulingEligibility)
			_, text := w.do("PUT", "/v1/node/{node}/eligibility", `{"Eligibility":"ineligible"}`)
			same := decode[nomad.NodeEligibilityUpdateResponse](w, text)
			w.that(same.NodeModifyIndex == 0, "same value again: %+v", same)
			_, err = w.client.Nodes().ToggleEligibility(w.node, true, nil)
			w.ok(err)
			w.shape("node-eligibility.json", "POST", "/v1/node/{node}/eligibility", `{"Eligibility":"eligible"}`, httpdtest.Rules{Null: []string{"EvalIDs"}})
		},
		refusals: []refusal{
			{"PUT", "/v1/node/{node}/eligibility", `{"Eligibility":"x"}`, 500, `invalid scheduling eligibility "x"`},
			{"PUT", "/v1/node/{absent}/eligibility", `{"Eligibility":"eligible"}`, 500, "node not found"},
		},
	},
	check{
		op: "Node.Drain",
		values: func(w *world) {
			resp, err := w.client.Nodes().UpdateDrainOpts(w.node, &nomad.DrainOptions{
				DrainSpec: &nomad.DrainSpec{Deadline: time.Hour, IgnoreSystemJobs: true}, Meta: map[string]string{"reason": "upgrade"},
			}, nil)
			w.ok(err)
			n, _, err := w.client.Nodes().Info(w.node, nil)
			w.ok(err)
			w.that(resp.NodeModifyIndex > 0 && n.SchedulingEligibility == "ineligible" && n.LastDrain != nil, "node is %+v", n)
			w.that(n.LastDrain.Meta["reason"] == "upgrade" && !n.LastDrain.StartedAt.IsZero(), "last drain is %+v", n.LastDrain)
			_, err = w.client.Nodes().UpdateDrainOpts(w.node, &nomad.DrainOptions{MarkEligible: true}, nil)
			w.ok(err)
			w.eventually("the node takes allocations again", func() error {
				n, _, err := w.client.Nodes().Info(w.node, nil)
				if err == nil && (n.SchedulingEligibility != "eligible" || n.DrainStrategy != nil) {
					err = errors.New(n.SchedulingEligibility)
				}
				return err
			})
			w.shape("node-drain-disable.json", "POST", "/v1/node/{node}/drain", `{"DrainSpec":null,"MarkEligible":true}`, httpdtest.Rules{Null: []string{"EvalIDs"}})
			w.allocs = w.running(w.web, 2)
		},
		refusals: []refusal{
			{"PUT", "/v1/node/{node}/drain", `{"DrainSpec":{"Deadline":"1h"}}`, 400, "cannot unmarshal string"},
			{"PUT", "/v1/node/{node}/drain", `{"DrainSpec":{"Deadline":1},"MarkEligible":true}`, 500, "cannot be marked eligible"},
			{"PUT", "/v1/node/{absent}/drain", `{"DrainSpec":null}`, 500, "node not found"},
		},
	},
	check{
		op: "Node.Purge",
		values: func(w *world) {
			// The client registers again when it hears that it is unknown.
			_, _, err := w.client.Nodes().Purge(w.node, nil)
			w.ok(err)
			w.eventually("the node is back", func() error {
				n, _, err := w.client.Nodes().Info(w.node, nil)
				if err == nil && n.Status != "ready" {
					err = errors.New(n.Status)
				}
				return err
			})
			w.allocs = w.running(w.web, 2)
		},
		refusals: []refusal{{"PUT", "/v1/node/{absent}/purge", "", 500, "node not found"}},
	},
	check{
		op: "NodePool.Apply",
		values: func(w *world) {
			_, err := w.client.NodePools().Register(&nomad.NodePool{Name: "gpu", Description: "GPU nodes", Meta: map[string]string{"hw": "gpu"}}, nil)
			w.ok(err)
			defer func() { _, err := w.client.NodePools().Delete("gpu", nil); w.ok(err) }()
			p, _, err := w.client.NodePools().Info("gpu", nil)
			w.ok(err)
			w.that(p.Name == "gpu" && p.Description == "GPU nodes" && p.Meta["hw"] == "gpu", "pool is %+v", p)
			w.shape("node-pool-read.json", "GET", "/v1/node/pool/gpu", "", httpdtest.Rules{Open: []string{"Meta"}, Null: []string{"SchedulerConfiguration"}})
			over := true
			p.SchedulerConfiguration = &nomad.NodePoolSchedulerConfiguration{SchedulerAlgorithm: nomad.SchedulerAlgorithmSpread, MemoryOversubscriptionEnabled: &over}
			_, err = w.client.NodePools().Register(p, nil)
			w.ok(err)
			p, _, err = w.client.NodePools().Info("gpu", nil)
			w.ok(err)
			s := p.SchedulerConfiguration
			w.that(s != nil && s.SchedulerAlgorithm == nomad.SchedulerAlgorithmSpread && s.MemoryOversubscriptionEnabled != nil && *s.MemoryOversubscriptionEnabled, "scheduler configuration is %+v", s)
		},
		refusals: []refusal{
			{"PUT", "/v1/node/pools", `{"Name":"default"}`, 400, `modifying node pool "default" is not allowed`},
			{"PUT", "/v1/node/pools", `{"Name":"bad name"}`, 400, `invalid node pool "bad name"`},
			{"PUT", "/v1/node/pools", `{"Name":"p","SchedulerConfiguration":{"SchedulerAlgorithm":"best"}}`, 400, "invalid scheduler algorithm: best"},
			{"PUT", "/v1/node/pool/a", `{"Name":"b"}`, 400, ""},
			{"PUT", "/v1/node/pools", ``, 400, "Request body is empty"},
		},
	},
	check{
		op: "NodePool.List",
		values: func(w *world) {
			list, _, err := w.client.NodePools().List(nil)
			w.ok(err)
			w.that(len(list) >= 2 && list[0].Name == "all" && list[1].Name == "default", "pools are %+v", list)
			w.shape("node-pools-list.json", "GET", "/v1/node/pools", "", httpdtest.Rules{Null: []string{"**.Meta", "**.SchedulerConfiguration"}})
		},
		refusals: []refusal{{"DELETE", "/v1/node/pools", "", 405, "Invalid method"}},
	},
	check{
		op: "NodePool.Get",
		values: func(w *world) {
			p, _, err := w.client.NodePools().Info("default", nil)
			w.ok(err)
			w.that(p.Name == "default", "pool is %+v", p)
		},
		refusals: []refusal{{"GET", "/v1/node/pool/absent", "", 404, "node pool not found"}},
	},
	check{
		op: "NodePool.Delete",
		values: func(w *world) {
			_, err := w.client.NodePools().Register(&nomad.NodePool{Name: "brief"}, nil)
			w.ok(err)
			_, err = w.client.NodePools().Delete("brief", nil)
			w.ok(err)
			_, _, err = w.client.NodePools().Info("brief", nil)
			w.that(err != nil, "the pool is still there")
		},
		refusals: []refusal{
			{"DELETE", "/v1/node/pool/default", "", 500, ""},
			{"DELETE", "/v1/node/pool/absent", "", 500, "node pool absent not found"},
		},
	},
	check{
		op: "NodePool.Nodes",
		values: func(w *world) {
			list, _, err := w.client.NodePools().ListNodes("all", nil)
			w.ok(err)
			w.that(len(list) == 1 && list[0].ID == w.node, "nodes are %+v", list)
			none, _, err := w.client.NodePools().ListNodes("absent", nil)
			w.ok(err)
			w.that(len(none) == 0, "nodes are %+v", none)
		},
		refusals: []refusal{{"GET", "/v1/node/pool/default/nodes?prefix=ab", "", 400, "prefix argument not allowed"}},
	},
	check{
		op: "NodePool.Jobs",
		values: func(w *world) {
			list, _, err := w.client.NodePools().ListJobs("default", nil)
			w.ok(err)
			w.that(slices.ContainsFunc(list, func(j *nomad.JobListStub) bool { return j.ID == w.web }), "jobs are %+v", list)
		},
		refusals: []refusal{{"GET", "/v1/node/pool/default/jobs?prefix=ab", "", 400, "prefix argument not allowed"}},
	},
	check{
		op: "Namespace.Apply",
		values: func(w *world) {
			_, err := w.client.Namespaces().Register(&nomad.Namespace{Name: "team-a", Description: "Team A", Meta: map[string]string{"owner": "a"}, Capabilities: &nomad.NamespaceCapabilities{DisabledTaskDrivers: []string{"raw_exec"}}}, nil)
			w.ok(err)
			defer func() { _, err := w.client.Namespaces().Delete("team-a", nil); w.ok(err) }()
			ns, _, err := w.client.Namespaces().Info("team-a", nil)
			w.ok(err)
			w.that(ns.Description == "Team A" && ns.Capabilities.DisabledTaskDrivers[0] == "raw_exec", "namespace is %+v", ns)
			w.shape("namespace-read.json", "GET", "/v1/namespace/team-a", "", httpdtest.Rules{Open: []string{"Meta"}, Null: []string{"**.*ConfigurationX", "**.OptionalExtraClaims", "**.RequiredExtraClaims", "**.EnabledTaskDrivers", "**.EnabledNetworkModes", "**.DisabledNetworkModes"}})
			w.refused(refusal{"PUT", "/v1/jobs?namespace=team-a", sleeperBody("barred"), 500, `used task driver "raw_exec" is not allowed in namespace "team-a"`})
		},
		refusals: []refusal{
			{"PUT", "/v1/namespace", `{"Name":"bad name!"}`, 500, `Invalid namespace "bad name!"`},
			{"PUT", "/v1/namespace/a", `{"Name":"b"}`, 400, "Namespace name does not match request path"},
			{"PUT", "/v1/namespace", ``, 400, "Request body is empty"},
		},
	},
	check{
		op: "Namespace.List",
		values: func(w *world) {
			list, _, err := w.client.Namespaces().List(nil)
			w.ok(err)
			w.that(slices.ContainsFunc(list, func(n *nomad.Namespace) bool { return n.Name == "default" }), "namespaces are %+v", list)
			w.shape("namespaces-list.json", "GET", "/v1/namespaces?prefix=default", "", httpdtest.Rules{})
		},
		refusals: []refusal{{"DELETE", "/v1/namespaces", "", 405, "Invalid method"}},
	},
	check{
		op: "Namespace.Get",
		values: func(w *world) {
			ns, _, err := w.client.Namespaces().Info("default", nil)
			w.ok(err)
			w.that(ns.Name == "default", "namespace is %+v", ns)
		},
		refusals: []refusal{{"GET", "/v1/namespace/absent", "", 404, "Namespace not found"}},
	},
	check{
		op: "Namespace.Delete",
		values: func(w *world) {
			_, err := w.client.Namespaces().Register(&nomad.Namespace{Name: "busy"}, nil)
			w.ok(err)
			job := sleeper("inside")
			ns := "busy"
			job.Namespace = &ns
			_, _, err = w.client.Jobs().Register(job, &nomad.WriteOptions{Namespace: ns})
			w.ok(err)
			w.refused(refusal{"DELETE", "/v1/namespace/busy", "", 500, `namespace "busy" has non-terminal`})
			_, _, err = w.client.Jobs().Deregister("inside", true, &nomad.WriteOptions{Namespace: ns})
			w.ok(err)
			w.eventually("the namespace can go", func() error { _, err := w.client.Namespaces().Delete("busy", nil); return err })
		},
		refusals: []refusal{
			{"DELETE", "/v1/namespace/default", "", 500, "can not delete default namespace"},
			{"DELETE", "/v1/namespace/absent", "", 500, "namespace not found"},
		},
	},
	check{
		op: "Deployment.List",
		values: func(w *world) {
			_, meta, err := w.client.Deployments().List(nil)
			w.ok(err)
			w.that(meta.LastIndex > 0, "meta is %+v", meta)
		},
		refusals: []refusal{{"GET", "/v1/deployments?prefix=abc", "", 500, "must be even length"}},
	},
	check{
		op: "Deployment.Get",
		values: func(w *world) {
			list, _, err := w.client.Deployments().List(nil)
			w.ok(err)
			for _, d := range list {
				got, _, err := w.client.Deployments().Info(d.ID, nil)
				w.ok(err)
				w.that(got.JobID == d.JobID, "deployment is %+v", got)
			}
		},
		refusals: []refusal{
			{"GET", "/v1/deployment/{absent}", "", 404, "deployment not found"},
			{"GET", "/v1/deployment/short", "", 500, "UUID must be 36 characters"},
		},
	},
	check{
		op: "Deployment.Allocations",
		values: func(w *world) {
			list, _, err := w.client.Deployments().Allocations(absentID, nil)
			w.ok(err)
			w.that(len(list) == 0, "allocations are %v", list)
		},
		refusals: []refusal{{"GET", "/v1/deployment/allocations/short", "", 500, "UUID must be 36 characters"}},
	},
	noDeployment("Deployment.Fail", "fail", ``),
	noDeployment("Deployment.Pause", "pause", `{"DeploymentID":"{absent}","Pause":true}`),
	noDeployment("Deployment.Promote", "promote", `{"DeploymentID":"{absent}","All":true}`),
	noDeployment("Deployment.Unblock", "unblock", `{"DeploymentID":"{absent}"}`),
	noDeployment("Deployment.AllocHealth", "allocation-health", `{"DeploymentID":"{absent}","HealthyAllocationIDs":["{alloc}"]}`),
	check{
		op: "Service.List",
		values: func(w *world) {
			_, text := w.do("GET", "/v1/services", "")
			w.that(text == "[]", "services are %s", text)
		},
		refusals: []refusal{{"PUT", "/v1/services", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Service.Get",
		values: func(w *world) {
			list, _, err := w.client.Services().Get("absent", nil)
			w.ok(err)
			w.that(list != nil && len(list) == 0, "services are %v", list)
		},
		refusals: []refusal{{"GET", "/v1/service/x?choose=many", "", 400, "failed to choose services: Parameter for choose must be in form '<number>|<key>'"}},
	},
	check{
		op: "Service.Delete",
		values: func(w *world) {
			_, err := w.client.Services().Delete("x", "y", nil)
			w.that(err != nil, "deleted nothing")
		},
		refusals: []refusal{{"DELETE", "/v1/service/x/y", "", 500, "service registration not found"}},
	},
	check{
		op: "Volume.List",
		values: func(w *world) {
			for _, path := range []string{"/v1/volumes", "/v1/volumes?type=host", "/v1/volumes?type=csi"} {
				_, text := w.do("GET", path, "")
				w.that(text == "[]", "%s: %s", path, text)
			}
		},
		refusals: []refusal{{"GET", "/v1/volumes?type=x", "", 404, "resource not found"}},
	},
	check{
		op: "HostVolume.Get",
		values: func(w *world) {
			_, _, err := w.client.HostVolumes().Get(absentID, nil)
			w.that(err != nil, "there is a volume")
		},
		refusals: []refusal{{"GET", "/v1/volume/host/{absent}", "", 404, ""}},
	},
	check{
		op: "HostVolume.Claims",
		values: func(w *world) {
			_, text := w.do("GET", "/v1/volumes/claims", "")
			w.that(text == "[]", "claims are %s", text)
		},
		refusals: []refusal{{"GET", "/v1/volumes/claims?per_page=x", "", 400, "Expect a number"}},
	},
	check{
		op: "Plugin.List",
		values: func(w *world) {
			list, _, err := w.client.CSIPlugins().List(nil)
			w.ok(err)
			w.that(len(list) == 0, "plugins are %v", list)
		},
		refusals: []refusal{{"PUT", "/v1/plugins", "{}", 405, "Invalid method"}},
	},
	check{
		op: "Search.Prefix",
		values: func(w *world) {
			resp, _, err := w.client.Search().PrefixSearch("we", contexts.All, nil)
			w.ok(err)
			w.that(slices.Contains(resp.Matches[contexts.Jobs], w.web) && !resp.Truncations[contexts.Jobs], "matches are %+v", resp)
			resp, _, err = w.client.Search().PrefixSearch(w.allocs[0].ID[:7], contexts.Allocs, nil)
			w.ok(err)
			w.that(slices.Contains(resp.Matches[contexts.Allocs], w.allocs[0].ID), "matches are %+v", resp)
			w.shape("search.json", "POST", "/v1/search", `{"Prefix":"we","Context":"all"}`, httpdtest.Rules{Null: []string{"Matches.*"}, Optional: []string{"Matches.*", "Truncations.*"}})
		},
		refusals: []refusal{
			{"POST", "/v1/search", `{"Prefix":"x","Context":"x"}`, 500, `context must be one of`},
			{"POST", "/v1/search", ``, 400, "Request body is empty"},
			{"GET", "/v1/search", ``, 405, "Invalid method"},
		},
	},
	check{
		op: "Search.Fuzzy",
		values: func(w *world) {
			resp, _, err := w.client.Search().FuzzySearch("eb", contexts.All, nil)
			w.ok(err)
			found := slices.ContainsFunc(resp.Matches[contexts.Jobs], func(m nomad.FuzzyMatch) bool { return m.ID == w.web && fmt.Sprint(m.Scope) == "[default web]" })
			w.that(found, "matches are %+v", resp)
			w.shape("search-fuzzy.json", "POST", "/v1/search/fuzzy", `{"Text":"web","Context":"all"}`, httpdtest.Rules{Optional: []string{"Matches.*", "Truncations.*"}})
		},
		refusals: []refusal{
			{"POST", "/v1/search/fuzzy", `{"Text":"x","Context":"all"}`, 500, ""},
			{"POST", "/v1/search/fuzzy", `{"Text":"xyz","Context":"x"}`, 500, ""},
		},
	},
)

// noDeployment checks a write to a deployment that is not there; deployments that are there come with the checks of
// the job lifecycle.
func noDeployment(op, verb, body string) check {
	return check{
		op: op,
		values: func(w *world) {
			w.refused(refusal{"PUT", "/v1/deployment/" + verb + "/{absent}", body, 500, "deployment not found"})
		},
		refusals: []refusal{{"GET", "/v1/deployment/" + verb + "/{absent}", "", 405, "Invalid method"}},
	}
}
