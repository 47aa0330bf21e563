// SPDX-License-Identifier: MPL-2.0

package api

import (
	"reflect"
	"testing"
	"time"

	"github.com/nomadlike/nomadlike/internal/typeinfo"
)

// changeJob returns a canonical job with a bit of everything that updates look at.
func changeJob() *Job {
	job := &Job{
		ID: "j", Meta: map[string]string{"a": "job"},
		TaskGroups: []*TaskGroup{{
			Name: "g", Meta: map[string]string{"b": "group"},
			Networks: []*NetworkResource{{DynamicPorts: []*Port{{Label: "http", To: 80}, {Label: "admin"}}}},
			Services: []*Service{{Name: "mesh", PortLabel: "http", Connect: &Connect{Native: true}}, {Name: "plain"}},
			Tasks:    []*Task{{Name: "t", Driver: "raw_exec", Config: map[string]any{"command": "x"}}, {Name: "u", Driver: "raw_exec"}},
		}},
	}
	job.Canonicalize()
	return job
}

func TestGroupNeedsDestructiveUpdate(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(j *Job, g *TaskGroup, t *Task)
		want bool
	}{
		{"nothing", func(*Job, *TaskGroup, *Task) {}, false},
		{"count", func(_ *Job, g *TaskGroup, _ *Task) { *g.Count = 5 }, false},
		{"priority", func(j *Job, _ *TaskGroup, _ *Task) { *j.Priority = 70 }, false},
		{"constraint", func(_ *Job, g *TaskGroup, _ *Task) { g.Constraints = []*Constraint{{LTarget: "a"}} }, false},
		{"service tags", func(_ *Job, g *TaskGroup, _ *Task) { g.Services[1].Tags = []string{"x"} }, false},
		{"service removed", func(_ *Job, g *TaskGroup, _ *Task) { g.Services = g.Services[:1] }, false},
		{"kill timeout", func(_ *Job, _ *TaskGroup, t *Task) { *t.KillTimeout = time.Hour }, false},
		{"kill signal", func(_ *Job, _ *TaskGroup, t *Task) { t.KillSignal = "SIGTERM" }, false},
		{"restart attempts", func(_ *Job, g *TaskGroup, t *Task) { *g.RestartPolicy.Attempts = 9; *t.RestartPolicy.Attempts = 9 }, false},
		{"log size", func(_ *Job, _ *TaskGroup, t *Task) { *t.LogConfig.MaxFiles = 3 }, false},
		{"lifecycle", func(_ *Job, _ *TaskGroup, t *Task) { t.Lifecycle = &Lifecycle{Hook: "prestart"} }, false},
		{"leader", func(_ *Job, _ *TaskGroup, t *Task) { t.Leader = true }, false},
		{"max run duration", func(_ *Job, g *TaskGroup, _ *Task) { g.MaxRunDuration = new(time.Hour) }, false},
		{"update", func(_ *Job, g *TaskGroup, _ *Task) { *g.Update.MaxParallel = 3 }, false},
		{"order of tasks", func(_ *Job, g *TaskGroup, _ *Task) { g.Tasks[0], g.Tasks[1] = g.Tasks[1], g.Tasks[0] }, false},
		{"order of ports", func(_ *Job, g *TaskGroup, _ *Task) {
			p := g.Networks[0].DynamicPorts
			p[0], p[1] = p[1], p[0]
		}, false},
		{"meta moved from job to group", func(j *Job, g *TaskGroup, _ *Task) { j.Meta = nil; g.Meta["a"] = "job" }, false},
		{"same number of another type", func(_ *Job, _ *TaskGroup, t *Task) { t.Config = map[string]any{"command": "x"} }, false},

		{"meta", func(j *Job, _ *TaskGroup, _ *Task) { j.Meta["a"] = "other" }, true},
		{"task added", func(_ *Job, g *TaskGroup, _ *Task) { g.Tasks = append(g.Tasks, &Task{Name: "v"}) }, true},
		{"task renamed", func(_ *Job, _ *TaskGroup, t *Task) { t.Name = "other" }, true},
		{"driver", func(_ *Job, _ *TaskGroup, t *Task) { t.Driver = "exec" }, true},
		{"user", func(_ *Job, _ *TaskGroup, t *Task) { t.User = "nobody" }, true},
		{"config", func(_ *Job, _ *TaskGroup, t *Task) { t.Config["command"] = "y" }, true},
		{"env", func(_ *Job, _ *TaskGroup, t *Task) { t.Env = map[string]string{"A": "1"} }, true},
		{"artifact", func(_ *Job, _ *TaskGroup, t *Task) { t.Artifacts = []*Artifact{{}} }, true},
		{"template", func(_ *Job, _ *TaskGroup, t *Task) { t.Templates = []*Template{{}} }, true},
		{"vault", func(_ *Job, _ *TaskGroup, t *Task) { t.Vault = &Vault{} }, true},
		{"secret", func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{}} }, true},
		{"volume mount", func(_ *Job, _ *TaskGroup, t *Task) { t.VolumeMounts = []*VolumeMount{{}} }, true},
		{"csi plugin", func(_ *Job, _ *TaskGroup, t *Task) { t.CSIPluginConfig = &CSIPluginConfig{} }, true},
		{"cpu", func(_ *Job, _ *TaskGroup, t *Task) { *t.Resources.CPU = 7 }, true},
		{"cores", func(_ *Job, _ *TaskGroup, t *Task) { t.Resources.Cores = 7 }, true},
		{"memory", func(_ *Job, _ *TaskGroup, t *Task) { *t.Resources.MemoryMB = 7 }, true},
		{"memory_max", func(_ *Job, _ *TaskGroup, t *Task) { t.Resources.MemoryMaxMB = 7 }, true},
		{"device", func(_ *Job, _ *TaskGroup, t *Task) { t.Resources.Devices = []*RequestedDevice{{}} }, true},
		{"task network", func(_ *Job, _ *TaskGroup, t *Task) { t.Resources.Networks = []*NetworkResource{{}} }, true},
		{"logs disabled", func(_ *Job, _ *TaskGroup, t *Task) { t.LogConfig.Disabled = true }, true},
		{"render templates", func(_ *Job, g *TaskGroup, _ *Task) { *g.RestartPolicy.RenderTemplates = true }, true},
		{"default identity", func(_ *Job, _ *TaskGroup, t *Task) { t.Identity.Env = true }, true},
		{"identities", func(_ *Job, _ *TaskGroup, t *Task) { t.Identities = []*WorkloadIdentity{{}} }, true},
		{"disk", func(_ *Job, g *TaskGroup, _ *Task) { *g.EphemeralDisk.SizeMB = 7 }, true},
		{"network mode", func(_ *Job, g *TaskGroup, _ *Task) { g.Networks[0].Mode = "none" }, true},
		{"dns", func(_ *Job, g *TaskGroup, _ *Task) { g.Networks[0].DNS = &DNSConfig{} }, true},
		{"port made static", func(_ *Job, g *TaskGroup, _ *Task) {
			n := g.Networks[0]
			n.ReservedPorts, n.DynamicPorts = []*Port{{Label: "http", To: 80, Value: 80, HostNetwork: "default"}}, n.DynamicPorts[1:]
		}, true},
		{"port to", func(_ *Job, g *TaskGroup, _ *Task) { g.Networks[0].DynamicPorts[0].To = 81 }, true},
		{"network removed", func(_ *Job, g *TaskGroup, _ *Task) { g.Networks = nil }, true},
		{"consul namespace", func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{Namespace: "x"} }, true},
		{"consul cluster", func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{Cluster: "x"} }, true},
		{"empty consul", func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{} }, false},
		{"default consul", func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{Cluster: "default"} }, false},
		{"volume", func(_ *Job, g *TaskGroup, _ *Task) { g.Volumes = map[string]*VolumeRequest{"v": {}} }, true},
		{"mesh port", func(_ *Job, g *TaskGroup, _ *Task) { g.Services[0].PortLabel = "admin" }, true},
		{"mesh settings", func(_ *Job, g *TaskGroup, _ *Task) { g.Services[0].Connect.Native = false }, true},
		{"mesh left", func(_ *Job, g *TaskGroup, _ *Task) { g.Services[0].Connect = nil }, true},
		{"group removed", func(j *Job, _ *TaskGroup, _ *Task) { j.TaskGroups = nil }, true},
	} {
		job := changeJob()
		test.edit(job, job.TaskGroups[0], job.TaskGroups[0].Tasks[0])
		if got := GroupNeedsDestructiveUpdate(changeJob(), job, "g"); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

// TestChangeTagsAreComplete fails when a field of a type that decides about updates has no change tag: a
// new field must say what changing it means.
func TestChangeTagsAreComplete(t *testing.T) {
	for _, v := range []any{TaskGroup{}, Task{}, Resources{}, NetworkResource{}, RestartPolicy{}, LogConfig{}} {
		for _, f := range typeinfo.Of(reflect.TypeOf(v)).Fields {
			switch f.Tag.Get("change") {
			case "inplace", "destructive", "within", "-":
			default:
				t.Errorf("%T.%s has no change tag", v, f.Name)
			}
		}
	}
}
