// SPDX-License-Identifier: MPL-2.0

package api

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func unsupportedPaths(j *Job) []string {
	var paths []string
	for _, e := range j.Unsupported() {
		paths = append(paths, e.Path)
	}
	return paths
}

func plainJob(edit func(j *Job, g *TaskGroup, t *Task)) *Job {
	task := &Task{Name: "t", Driver: "raw_exec", Config: map[string]any{"command": "x"}}
	group := &TaskGroup{Name: "g", Tasks: []*Task{task}}
	job := &Job{ID: "j", TaskGroups: []*TaskGroup{group}}
	if edit != nil {
		edit(job, group, task)
	}
	job.Canonicalize()
	return job
}

// TestSupported lists what must not be refused.
func TestSupported(t *testing.T) {
	job := plainJob(func(j *Job, g *TaskGroup, t *Task) {
		j.Constraints = []*Constraint{{LTarget: "${attr.kernel.name}", RTarget: "linux"}}
		j.Affinities = []*Affinity{{LTarget: "${attr.kernel.name}", RTarget: "linux"}}
		j.Spreads = []*Spread{{Attribute: "${node.datacenter}"}}
		j.UI = &JobUI{Description: "x"}
		j.Update = &UpdateStrategy{MaxParallel: new(3)}
		j.Meta = map[string]string{"a": "b"}
		g.Networks = []*NetworkResource{{Mode: "host", DynamicPorts: []*Port{{Label: "http"}}, ReservedPorts: []*Port{{Label: "dns", Value: 53}}}}
		g.MaxRunDuration, g.ShutdownDelay = new(time.Hour), new(time.Second)
		g.Services = []*Service{{Provider: ProviderNomad, PortLabel: "http", Checks: []*ServiceCheck{{Type: "tcp"}}}}
		g.Volumes = map[string]*VolumeRequest{"v": {Type: VolumeTypeHost, Source: "x", PerAlloc: true}}
		t.VolumeMounts = []*VolumeMount{{Volume: "v", Destination: "/v"}}
		t.Services = []*Service{{Name: "x", Provider: ProviderNomad}}
		g.Consul = &Consul{} // older clients send it with every group
		g.EphemeralDisk = &EphemeralDisk{Sticky: true, Migrate: true}
		g.Disconnect = &Disconnect{LostAfter: time.Minute, Replace: new(false)}
		g.Update = &UpdateStrategy{AutoRevert: new(true), Canary: new(1), AutoPromote: new(true)}
		t.Lifecycle, t.Leader, t.User = &Lifecycle{Hook: "prestart", Sidecar: true}, true, "nobody"
		t.Env, t.KillSignal = map[string]string{"A": "b"}, "SIGINT"
		t.LogConfig = &LogConfig{Disabled: true}
		t.Resources = &Resources{Cores: 2, MemoryMaxMB: 500}
	})
	job.AddImpliedConstraints()
	if got := unsupportedPaths(job); got != nil {
		t.Errorf("refused: %q", got)
	}
	for _, jobType := range []string{JobTypeBatch, JobTypeSystem, JobTypeSysBatch} {
		if got := unsupportedPaths(plainJob(func(j *Job, _ *TaskGroup, _ *Task) { j.Type = jobType })); got != nil {
			t.Errorf("%s refused: %q", jobType, got)
		}
	}
}

// TestUnsupported uses every line of the table once: a line whose predicate never holds is a mistake.
func TestUnsupported(t *testing.T) {
	uses := map[string]func(j *Job, g *TaskGroup, t *Task){
		"job.multiregion":      func(j *Job, _ *TaskGroup, _ *Task) { j.Multiregion = &Multiregion{} },
		"job.consul_namespace": func(j *Job, _ *TaskGroup, _ *Task) { j.ConsulNamespace = "x" },
		"job.vault_namespace":  func(j *Job, _ *TaskGroup, _ *Task) { j.VaultNamespace = "x" },

		"G.service.provider": func(_ *Job, g *TaskGroup, _ *Task) { g.Services = []*Service{{}} },
		"G.service.connect": func(_ *Job, g *TaskGroup, _ *Task) {
			g.Services = []*Service{{Provider: ProviderNomad, Connect: &Connect{SidecarService: &SidecarService{}}}}
		},
		"G.consul":        func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{Namespace: "x"} },
		"G.volume.type":   func(_ *Job, g *TaskGroup, _ *Task) { g.Volumes = map[string]*VolumeRequest{"v": {Type: "csi"}} },
		"G.volume.sticky": func(_ *Job, g *TaskGroup, _ *Task) { g.Volumes = map[string]*VolumeRequest{"v": {Sticky: true}} },

		"T.service.provider": func(_ *Job, _ *TaskGroup, t *Task) { t.Services = []*Service{{}} },
		"T.service.connect": func(_ *Job, _ *TaskGroup, t *Task) {
			t.Services = []*Service{{Provider: ProviderNomad, Connect: &Connect{Native: true}}}
		},
		"T.vault":      func(_ *Job, _ *TaskGroup, t *Task) { t.Vault = &Vault{} },
		"T.consul":     func(_ *Job, _ *TaskGroup, t *Task) { t.Consul = &Consul{} },
		"T.secret":     func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{}} },
		"T.csi_plugin": func(_ *Job, _ *TaskGroup, t *Task) { t.CSIPluginConfig = &CSIPluginConfig{} },
		"T.identity":   func(_ *Job, _ *TaskGroup, t *Task) { t.Identity = &WorkloadIdentity{Env: true} },
		"T.schedule":   func(_ *Job, _ *TaskGroup, t *Task) { t.Schedule = &Schedule{} },
		"T.kind":       func(_ *Job, _ *TaskGroup, t *Task) { t.Kind = "connect-proxy:x" },
		"T.resources.numa.devices": func(_ *Job, _ *TaskGroup, t *Task) {
			t.Resources = &Resources{NUMA: &NUMA{Affinity: "prefer", Devices: []string{"gpu"}}}
		},
	}
	names := strings.NewReplacer("G.", `job.group["g"].`, "T.", `job.group["g"].task["t"].`)
	for name, edit := range uses {
		want := []string{names.Replace(name)}
		if got := unsupportedPaths(plainJob(edit)); !slices.Equal(got, want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
	lines := len(unsupported.job) + len(unsupported.group) + len(unsupported.task)
	if len(uses) != lines {
		t.Errorf("the table has %d lines, %d are tested", lines, len(uses))
	}
	extra := plainJob(func(_ *Job, _ *TaskGroup, t *Task) { t.Identities = []*WorkloadIdentity{{Name: "aws"}} })
	if got := extra.Unsupported(); len(got) != 1 || got[0].Error() != `job.group["g"].task["t"].identity: not supported yet` {
		t.Errorf("got %v", got)
	}
}
