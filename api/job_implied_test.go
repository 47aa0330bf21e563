// SPDX-License-Identifier: MPL-2.0

package api

import (
	"slices"
	"testing"
)

func TestImpliedConstraints(t *testing.T) {
	cni := []string{
		"${attr.plugins.cni.version.bridge} semver >= 0.4.0", "${attr.plugins.cni.version.firewall} semver >= 0.4.0",
		"${attr.plugins.cni.version.host-local} semver >= 0.4.0", "${attr.plugins.cni.version.loopback} semver >= 0.4.0",
		"${attr.plugins.cni.version.portmap} semver >= 0.4.0",
	}
	for _, test := range []struct {
		name string
		edit func(j *Job, g *TaskGroup, t *Task)
		want []string
		task []string
	}{
		{name: "nothing", edit: func(*Job, *TaskGroup, *Task) {}},
		{
			name: "vault", edit: func(_ *Job, _ *TaskGroup, t *Task) { t.Vault = &Vault{} },
			want: []string{"${attr.vault.version} semver >= 0.6.1"},
		},
		{
			name: "vault with a bound of its own", edit: func(_ *Job, g *TaskGroup, t *Task) {
				t.Vault = &Vault{}
				g.Constraints = []*Constraint{{LTarget: "${attr.vault.version}", Operand: "version", RTarget: "> 1"}}
			},
			want: []string{"${attr.vault.version} version > 1"},
		},
		{
			name: "signals", edit: func(_ *Job, g *TaskGroup, t *Task) {
				t.KillSignal = "SIGUSR1"
				t.Templates = []*Template{{ChangeMode: "signal"}, {ChangeMode: "restart", ChangeSignal: "SIGINT"}}
				t.Vault = &Vault{ChangeMode: "signal", ChangeSignal: "SIGUSR1"}
				g.Constraints = []*Constraint{{LTarget: "${attr.vault.version}", Operand: OpIsSet}}
			},
			want: []string{"${attr.vault.version} is_set ", "${attr.os.signals} set_contains SIGHUP,SIGUSR1"},
		},
		{
			name: "nomad service", edit: func(_ *Job, g *TaskGroup, _ *Task) { g.Services = []*Service{{Provider: "nomad"}} },
			want: []string{"${attr.nomad.service_discovery} = true"},
		},
		{
			name: "nomad task service with check", edit: func(_ *Job, _ *TaskGroup, t *Task) {
				t.Services = []*Service{{Provider: "nomad", Checks: []*ServiceCheck{{}}}}
			},
			want: []string{"${attr.nomad.service_discovery} = true", "${attr.nomad.version} semver >= 1.4.0"},
		},
		{
			name: "consul group service", edit: func(_ *Job, g *TaskGroup, _ *Task) { g.Services = []*Service{{}} },
			want: []string{"${attr.consul.version} semver >= 1.8.0"},
		},
		{
			name: "consul task service", edit: func(_ *Job, _ *TaskGroup, t *Task) { t.Services = []*Service{{}} },
			task: []string{"${attr.consul.version} semver >= 1.8.0"},
		},
		{name: "bridge", edit: func(_ *Job, g *TaskGroup, _ *Task) { g.Networks = []*NetworkResource{{Mode: "bridge"}} }, want: cni},
		{
			name: "transparent proxy", edit: func(_ *Job, g *TaskGroup, _ *Task) {
				g.Services = []*Service{{Provider: "x", Connect: &Connect{SidecarService: &SidecarService{Proxy: &ConsulProxy{TransparentProxy: &TransparentProxy{}}}}}}
			},
			want: []string{"${attr.plugins.cni.version.consul-cni} semver >= 1.4.2", "${attr.nomad.version} semver >= 1.8.0-dev"},
		},
		{
			name: "numa", edit: func(_ *Job, _ *TaskGroup, t *Task) { t.Resources.NUMA = &NUMA{Affinity: "prefer"} },
			want: []string{"${attr.nomad.version} semver >= 1.6.3-dev", "${attr.kernel.name} = linux"},
		},
		{name: "numa none", edit: func(_ *Job, _ *TaskGroup, t *Task) { t.Resources.NUMA = &NUMA{} }},
		{
			name: "secrets", edit: func(_ *Job, _ *TaskGroup, t *Task) { t.Secrets = []*Secret{{Provider: "aws"}, {Provider: "aws"}} },
			want: []string{"${attr.plugins.secrets.aws.version} is_set "},
		},
		{
			name: "identity", edit: func(_ *Job, _ *TaskGroup, t *Task) { t.Identities = []*WorkloadIdentity{{Name: "aws"}} },
			want: []string{"${attr.nomad.version} semver >= 1.7.0-a"},
		},
		{
			name: "the job already asks for it", edit: func(j *Job, _ *TaskGroup, t *Task) {
				t.Identities = []*WorkloadIdentity{{Name: "aws"}}
				j.Constraints = []*Constraint{{LTarget: "${attr.nomad.version}", Operand: "semver", RTarget: ">= 1.7.0-a"}}
			},
		},
		{
			name: "partition", edit: func(_ *Job, g *TaskGroup, _ *Task) { g.Consul = &Consul{Partition: "p"} },
			want: []string{"${attr.consul.partition} = p"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			job := &Job{ID: "j", TaskGroups: []*TaskGroup{{Name: "g", Tasks: []*Task{{Name: "t", Resources: &Resources{}}}}}}
			group, task := job.TaskGroups[0], job.TaskGroups[0].Tasks[0]
			test.edit(job, group, task)
			job.Canonicalize()
			job.AddImpliedConstraints()
			if got := constraintTexts(group.Constraints); !slices.Equal(got, test.want) {
				t.Errorf("group: got %q, want %q", got, test.want)
			}
			if got := constraintTexts(task.Constraints); !slices.Equal(got, test.task) {
				t.Errorf("task: got %q, want %q", got, test.task)
			}
		})
	}
}

func constraintTexts(list []*Constraint) []string {
	var texts []string
	for _, c := range list {
		texts = append(texts, c.LTarget+" "+c.Operand+" "+c.RTarget)
	}
	return texts
}
