// SPDX-License-Identifier: MPL-2.0

package ops_test

import (
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

// TestObjectErrors checks the recorded error rows (errors.md) of nodes, pools, namespaces, deployments, services,
// volumes, searches and evaluations.
func TestObjectErrors(t *testing.T) {
	c := start(t)
	c.nodes(1)
	c.register(job("web", 1))
	c.running("web", 1)
	live := c.deployment("web", api.DeploymentRunning, nil)
	ended := c.deployment("web", api.DeploymentFailed, nil)
	unknown := "00000000-0000-0000-0000-000000000000"
	if a := c.do("PUT", "/v1/namespace", `{"Name": "team-a", "Capabilities": {"DisabledTaskDrivers": ["raw_exec", "exec"], "EnabledNetworkModes": ["bridge"]}}`); a.code != 200 || a.body != "" || a.header.Get("Content-Type") != "" {
		t.Fatalf("namespace: %+v", a)
	}
	task := func(drivers ...string) string {
		text := `"Datacenters": ["*"], "Type": "batch", "TaskGroups": [{"Name": "g", "Networks": [{}], "Tasks": [`
		for i, d := range drivers {
			if i > 0 {
				text += ","
			}
			text += `{"Name": "` + d + `", "Driver": "` + d + `", "Config": {"command": "/bin/true"}}`
		}
		return text + "]}]"
	}
	refused := "2 errors occurred:\n\t* used task drivers [\"raw_exec\" \"exec\"] are not allowed in namespace \"team-a\"\n\t* used group network mode \"host\" is not allowed in namespace \"team-a\"\n\n"
	long := make([]byte, 257)
	for i := range long {
		long[i] = 'x'
	}
	for _, r := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"PUT", "/v1/node/" + unknown + "/evaluate", "", 500, "node not found"},
		{"PUT", "/v1/node/xyz/evaluate", "", 500, "node lookup failed: index error: UUID must be 36 characters"},

		{"GET", "/v1/node/pool/nope", "", 404, "node pool not found"},
		{"GET", "/v1/node/pool/nope/nodes", "", 200, "[]"},
		{"GET", "/v1/node/pool/nope/jobs", "", 200, "[]"},
		{"GET", "/v1/node/pool/default/nodes?prefix=a", "", 400, "prefix argument not allowed"},
		{"GET", "/v1/node/pool/default/jobs?prefix=a", "", 400, "prefix argument not allowed"},
		{"PUT", "/v1/node/pool/default", `{"Name": "default"}`, 400, `modifying node pool "default" is not allowed`},
		{"PUT", "/v1/node/pools", `{"Name": "bad name"}`, 400, "invalid node pool \"bad name\": 1 error occurred:\n\t* invalid name \"bad name\", must match regex ^[a-zA-Z0-9-_]{1,128}$\n\n"},
		{"PUT", "/v1/node/pools", `{"Name": "p", "Description": "` + string(long) + `"}`, 400, "invalid node pool \"p\": 1 error occurred:\n\t* description longer than 256\n\n"},
		{"PUT", "/v1/node/pools", `{"Name": "p", "SchedulerConfiguration": {"SchedulerAlgorithm": "best"}}`, 400, "invalid node pool \"p\": 1 error occurred:\n\t* invalid scheduler algorithm: best\n\n"},
		{"PUT", "/v1/node/pool/a", `{"Name": "b"}`, 400, "Node pool name does not match request path"},
		{"PUT", "/v1/node/pool/a", "", 400, "Request body is empty"},
		{"PUT", "/v1/node/pool/a", "null", 400, "missing node pool in the request body"},
		{"DELETE", "/v1/node/pool/default", "", 500, "2 errors occurred:\n\t* node pool \"default\" has non-terminal jobs in regions: [global]\n\t* node pool \"default\" has nodes in regions: [global]\n\n"},
		{"DELETE", "/v1/node/pool/all", "", 500, `deleting node pool "all" is not allowed`},
		{"DELETE", "/v1/node/pool/nope", "", 500, "node pool nope not found"},

		{"GET", "/v1/namespace/nope", "", 404, "Namespace not found"},
		{"PUT", "/v1/namespace", `{"Name": "bad name!"}`, 500, "Invalid namespace \"bad name!\": 1 error occurred:\n\t* invalid name \"bad name!\". Must match regex ^[a-zA-Z0-9-]{1,128}$\n\n"},
		{"PUT", "/v1/namespace", `{"Name": "a", "Quota": "q"}`, 500, "Invalid namespace \"a\": 1 error occurred:\n\t* quota of namespaces is a feature of the Enterprise edition and is not served\n\n"},
		{"PUT", "/v1/namespace/team-a", `{"Name": "other"}`, 400, "Namespace name does not match request path"},
		{"DELETE", "/v1/namespace/default", "", 500, "can not delete default namespace"},
		{"DELETE", "/v1/namespace/nope", "", 500, "namespace not found"},
		{"POST", "/v1/jobs?namespace=team-a", `{"Job": {"ID": "x", ` + task("raw_exec", "exec") + `}}`, 500, refused},
		{"PUT", "/v1/job/x/plan?namespace=team-a", `{"Job": {"ID": "x", ` + task("raw_exec", "exec") + `}}`, 500, refused},

		{"PUT", "/v1/deployment/promote/" + live, `{"DeploymentID": "x", "All": true}`, 400, "Deployment ID does not match"},
		{"PUT", "/v1/deployment/promote/" + live, `{"DeploymentID": "` + live + `", "All": true}`, 500, "no canaries to promote"},
		{"PUT", "/v1/deployment/pause/" + live, "", 400, "Request body is empty"},
		{"PUT", "/v1/deployment/allocation-health/" + live, `{"DeploymentID": "` + live + `"}`, 500, "must specify at least one healthy/unhealthy allocation ID"},
		{"PUT", "/v1/deployment/allocation-health/" + live, `{"DeploymentID": "` + live + `", "HealthyAllocationIDs": ["` + unknown + `"]}`, 500, `unknown alloc "` + unknown + `"`},
		{"PUT", "/v1/deployment/unblock/" + live, `{"DeploymentID": "` + live + `"}`, 500, "can't unblock running deployment; only one that waits for another region is blocked"},
		{"PUT", "/v1/deployment/promote/" + ended, `{"DeploymentID": "` + ended + `", "All": true}`, 500, "can't promote terminal deployment"},
		{"PUT", "/v1/deployment/fail/" + ended, "", 500, "can't fail terminal deployment"},
		{"PUT", "/v1/deployment/pause/" + ended, `{"DeploymentID": "` + ended + `", "Pause": true}`, 500, "can't pause terminal deployment"},
		{"PUT", "/v1/deployment/pause/" + ended, `{"DeploymentID": "` + ended + `"}`, 500, "can't resume terminal deployment"},
		{"PUT", "/v1/deployment/unblock/" + ended, `{"DeploymentID": "` + ended + `"}`, 500, "can't unblock terminal deployment"},
		{"PUT", "/v1/deployment/fail/" + unknown, "", 500, "deployment not found"},
		{"GET", "/v1/deployment/" + unknown, "", 404, "deployment not found"},
		{"GET", "/v1/deployment/zz", "", 500, "deployment lookup failed: index error: UUID must be 36 characters"},
		{"GET", "/v1/deployments?prefix=abc", "", 500, "deployment lookup failed: index error: Input (without hyphens) must be even length"},
		{"GET", "/v1/deployment/allocations/" + unknown, "", 200, "[]"},

		{"GET", "/v1/services", "", 200, "[]"},
		{"GET", "/v1/service/nope", "", 200, "[]"},
		{"GET", "/v1/service/web?choose=zzz", "", 400, "failed to choose services: Parameter for choose must be in form '<number>|<key>'"},
		{"GET", "/v1/service/web?choose=0%7Ck", "", 400, "failed to choose services: Parameter for choose must be in form '<number>|<key>'"},
		{"DELETE", "/v1/service/web/nope", "", 500, "service registration not found"},
		{"DELETE", "/v1/service/web", "", 405, "Invalid method"},
		{"GET", "/v1/allocation/" + unknown + "/services", "", 404, "allocation not found"},

		{"GET", "/v1/volumes", "", 200, "[]"},
		{"GET", "/v1/volumes?type=host", "", 200, "[]"},
		{"GET", "/v1/volumes?type=csi", "", 200, "[]"},
		{"GET", "/v1/volumes?type=zzz", "", 404, "resource not found"},
		{"GET", "/v1/volumes?type=csi&filter=Type%20%3D", "", 400, `failed to create result paginator: failed to read filter expression: 1:6 (5): no match found, expected: "!=", "==", "contains", "in", "is", "matches", "not" or [ \t\r\n]`},
		{"GET", "/v1/volumes/claims", "", 200, "[]"},
		{"GET", "/v1/volume/host/" + unknown, "", 404, "volume not found"},
		{"GET", "/v1/plugins", "", 200, "[]"},
		{"GET", "/v1/plugins?type=csi", "", 200, "[]"},
		{"GET", "/v1/plugins?type=zzz", "", 200, ""},

		{"POST", "/v1/search", `{"Prefix": "rec", "Context": "zzz"}`, 500, `context must be one of [allocs jobs nodes node_pools evals deployment plugins volumes scaling_policy vars namespaces host_volumes] or 'all' for all contexts; got "zzz"`},
		{"GET", "/v1/search", "", 405, "Invalid method"},
		{"POST", "/v1/search/fuzzy", `{"Text": "w", "Context": "all"}`, 500, "fuzzy search query must be at least 2 characters, got 1"},

		{"DELETE", "/v1/evaluations", `{}`, 400, "evals must be deleted by either ID or filter"},
		{"DELETE", "/v1/evaluations", `{"EvalIDs": ["` + unknown + `"], "Filter": "x"}`, 400, "evals cannot be deleted by both ID and filter"},
		{"DELETE", "/v1/evaluations", `{"EvalIDs": ["` + unknown + `"]}`, 500, "eval broker is enabled; eval broker must be paused to delete evals"},
	} {
		a := c.do(r.method, r.path, r.body)
		if a.code != r.code || a.body != r.want {
			t.Errorf("%s %s %s\n got %d %q\nwant %d %q", r.method, r.path, r.body, a.code, a.body, r.code, r.want)
		}
		kind := a.header.Get("Content-Type")
		switch {
		case a.body == "" && kind != "":
			t.Errorf("%s %s: an empty body has type %q", r.method, r.path, kind)
		case a.code >= 400 && a.body != "" && kind != "text/plain; charset=utf-8":
			t.Errorf("%s %s: an error has type %q", r.method, r.path, kind)
		}
	}
	if a := c.do("GET", "/v1/node/pool/nope/nodes", ""); a.header.Get("X-Nomad-Index") != "0" {
		t.Errorf("nodes of an unknown pool have index %q", a.header.Get("X-Nomad-Index"))
	}
}
