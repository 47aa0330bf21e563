// SPDX-License-Identifier: MPL-2.0

package taskenv

import (
	"bufio"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nomadlike/nomadlike/api"
)

var rewrite = flag.Bool("rewrite", false, "write the expected output anew")

func testNode() *api.Node {
	return &api.Node{
		ID: "8dc93a18-8ca9-3fd5-1f8a-05641a351069", Name: "node-1", Datacenter: "dc1", NodeClass: "big", NodePool: "default",
		CgroupParent: "nomad.slice",
		Attributes:   map[string]string{"kernel.name": "linux", "unique.network.ip-address": "10.0.0.7"},
		Meta:         map[string]string{"rack": "r1", "a-b": "dash"},
	}
}

func testAlloc() *api.Allocation {
	return &api.Allocation{
		ID: "b4176635-bd7f-3b9c-47d2-f2d8a714cc74", Namespace: "prod", Name: "shop.web[3]", JobID: "shop", TaskGroup: "web",
		Job: &api.Job{
			ID: "shop", Name: "The shop", Region: "global",
			Meta: map[string]string{"owner": "team-a", "level": "job"},
			TaskGroups: []*api.TaskGroup{{
				Name: "web", Meta: map[string]string{"level": "group", "my-key": "x y"},
				Tasks: []*api.Task{testTask()},
			}},
		},
		AllocatedResources: &api.AllocatedResources{
			Tasks: map[string]*api.AllocatedTaskResources{
				"server": {
					Cpu:    api.AllocatedCpuResources{CpuShares: 500, ReservedCores: []uint16{7, 2, 1, 3}},
					Memory: api.AllocatedMemoryResources{MemoryMB: 256, MemoryMaxMB: 512},
				},
				"other": {Networks: []*api.NetworkResource{{IP: "10.0.0.7", DynamicPorts: []*api.Port{{Label: "db", Value: 21000, To: 5432}}}}},
			},
			Shared: api.AllocatedSharedResources{Ports: []*api.AllocatedPortMapping{
				{Label: "http", Value: 26590, To: 8080, HostIP: "10.0.0.7"},
				{Label: "my-port", Value: 26591, HostIP: "fd00::7"},
				{Label: "same", Value: 26592, To: -1, HostIP: "10.0.0.7"},
			}},
		},
	}
}

func testTask() *api.Task {
	return &api.Task{
		Name: "server", Driver: "raw_exec",
		Meta: map[string]string{"level": "task", "where": "${node.datacenter}"},
		Env: map[string]string{
			"PLAIN": "1", "PORT": "${NOMAD_PORT_http}", "HOST": "${attr.unique.network.ip-address}:${NOMAD_HOST_PORT_http}",
			"RACK": "${meta.rack}${meta.a-b}", "UNKNOWN": "${meta.nope}-${nope}", "INDEXED": `${env["X"]}`, "SPACED": "${ NOMAD_DC }",
			"META": "${NOMAD_META_level}/${NOMAD_META_OWNER}", "NOMAD_DC": "overridden", "HOME": "/job", "some-name": "kept",
			"HALF": "a ${NOMAD_DC", "EMPTY": "${}", "REGION": "${node.region}",
		},
	}
}

func input() *Input {
	return &Input{
		Node: testNode(), Region: "global", Alloc: testAlloc(), Task: testTask(),
		Dirs: Dirs{Alloc: "/a/alloc", Task: "/a/server/local", Secrets: "/a/server/secrets"},
		Host: map[string]string{"PATH": "/bin", "HOME": "/root", "NOMAD_REGION": "not from the host"},
	}
}

func TestEnvironmentGoldens(t *testing.T) {
	dispatched := input()
	dispatched.Alloc.Job.Dispatched = true
	dispatched.Alloc.Job.ParentID = "shop-template"
	dispatched.Alloc.Job.ParameterizedJob = &api.ParameterizedJob{MetaOptional: []string{"level", "color"}}

	isolated := input()
	isolated.Host = nil
	isolated.Dirs = Dirs{Alloc: "/alloc", Task: "/local", Secrets: "/secrets"}
	isolated.Network = &api.AllocNetworkStatus{InterfaceName: "eth0", Address: "172.26.64.2"}
	isolated.DriverPorts = map[string]int{"http": 80}
	isolated.Hooks = map[string]string{"PLAIN": "hook", "GPU": "0"}
	isolated.Templates = map[string]string{"PLAIN": "template"}

	legacy := input()
	legacy.Task.Name = "other"
	legacy.Task.Env = nil
	legacy.Host = nil

	mesh := input()
	mesh.Host, mesh.Task.Env = nil, nil
	mesh.Alloc.Job.TaskGroups[0].Services = []*api.Service{{Connect: &api.Connect{SidecarService: &api.SidecarService{
		Proxy: &api.ConsulProxy{Upstreams: []*api.ConsulUpstream{{DestinationName: "count-api", LocalBindPort: 8090}}},
	}}}}

	for name, in := range map[string]*Input{
		"host": input(), "dispatched": dispatched, "isolated": isolated, "legacy": legacy, "mesh": mesh,
	} {
		t.Run(name, func(t *testing.T) {
			got := render(Build(in).Map())
			file := filepath.Join("testdata", name+".env")
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			diff(t, got, string(want))
		})
	}
}

func render(vars map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, "%s=%s\n", k, vars[k])
	}
	return b.String()
}

func diff(t *testing.T, got, want string) {
	t.Helper()
	lines := func(s string) map[string]bool {
		m := map[string]bool{}
		for sc := bufio.NewScanner(strings.NewReader(s)); sc.Scan(); {
			m[sc.Text()] = true
		}
		return m
	}
	g, w := lines(got), lines(want)
	for l := range w {
		if !g[l] {
			t.Errorf("missing %s", l)
		}
	}
	for l := range g {
		if !w[l] {
			t.Errorf("unexpected %s", l)
		}
	}
}

func TestReplaceLeavesWhatItDoesNotKnow(t *testing.T) {
	e := Build(input())
	for in, want := range map[string]string{
		"":                                "",
		"no reference":                    "no reference",
		"$NOMAD_DC":                       "$NOMAD_DC",
		"${NOMAD_TASK_NAME}":              "server",
		"a${NOMAD_TASK_NAME}b${nope}c":    "aserverb${nope}c",
		"${${NOMAD_TASK_NAME}}":           "${server}",
		"$${NOMAD_TASK_NAME}":             "$server",
		"${attr.kernel.name}":             "linux",
		"${node.attr.kernel.name}":        "${node.attr.kernel.name}",
		"${NOMAD_TASK_NAME":               "${NOMAD_TASK_NAME",
		"${a b}${NOMAD_TASK_NAME}":        "${a b}server",
		"${node.unique.name}/${meta.a-b}": "node-1/dash",
		"${NOMAD_PORT_my-port}":           "26591",
		"${NOMAD_PORT_my_port}":           "26591",
		"${NOMAD_PORT_no-port}":           "${NOMAD_PORT_no-port}",
	} {
		if got := e.Replace(in); got != want {
			t.Errorf("Replace(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEnvIsNotShared(t *testing.T) {
	e := Build(input())
	e.Map()["PLAIN"] = "changed"
	e.Node()["attr.kernel.name"] = "changed"
	if v, _ := e.Get("PLAIN"); v != "1" {
		t.Errorf("a caller changed the environment to %q", v)
	}
	if got := e.Replace("${attr.kernel.name}"); got != "linux" {
		t.Errorf("a caller changed a node value to %q", got)
	}
}

func TestCpuset(t *testing.T) {
	for want, cores := range map[string][]uint16{
		"": nil, "4": {4}, "0-1": {1, 0}, "1-3,7": {7, 3, 1, 2}, "0,2,4": {4, 2, 0}, "5": {5, 5},
	} {
		if got := Cpuset(cores); got != want {
			t.Errorf("Cpuset(%v) = %q, want %q", cores, got, want)
		}
	}
}

func TestHostEnvHasNoSecretsOfTheAgent(t *testing.T) {
	got := filterEnv([]string{"PATH=/bin", "VAULT_TOKEN=s", "=C:=x", "bad", "EQ=a=b", "NOTIFY_SOCKET=/x"}, DefaultDenylist)
	want := map[string]string{"PATH": "/bin", "EQ": "a=b"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := filterEnv([]string{"PATH=/bin", "VAULT_TOKEN=s"}, []string{"PATH"}); !maps.Equal(got, map[string]string{"VAULT_TOKEN": "s"}) {
		t.Errorf("an own denylist does not replace the default one: %v", got)
	}
}

func FuzzReplace(f *testing.F) {
	e := Build(input())
	f.Add("${NOMAD_DC} ${x")
	f.Add("${${}}$$")
	f.Fuzz(func(t *testing.T, s string) {
		out := e.Replace(s)
		if !strings.Contains(s, "${") && out != s {
			t.Errorf("Replace(%q) = %q changed text without a reference", s, out)
		}
	})
}
