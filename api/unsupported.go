// SPDX-License-Identifier: MPL-2.0

package api

import "slices"

// unsupported lists the settings of a job that parse but that no code acts on. Registration, plan and
// validation refuse a job that uses one, by name; nothing else decides this. Making a setting work
// removes its line. The names are those of the job file, the predicates take canonical jobs.
var unsupported = struct {
	job   []refusal[Job]
	group []refusal[TaskGroup]
	task  []refusal[Task]
}{
	job: []refusal[Job]{
		{"multiregion", func(j *Job) bool { return j.Multiregion != nil }},
		{"consul_namespace", func(j *Job) bool { return j.ConsulNamespace != "" }},
		{"vault_namespace", func(j *Job) bool { return j.VaultNamespace != "" }},
	},
	group: []refusal[TaskGroup]{
		{"service.provider", func(g *TaskGroup) bool { return anyConsul(g.Services) }},
		{"service.connect", func(g *TaskGroup) bool { return anyConnect(g.Services) }},
		{"consul", func(g *TaskGroup) bool { return g.Consul.isUsed() }},
		{"volume.type", func(g *TaskGroup) bool {
			return anyVolume(g, func(v *VolumeRequest) bool { return v.Type == VolumeTypeCSI })
		}},
		{"volume.sticky", func(g *TaskGroup) bool { return anyVolume(g, func(v *VolumeRequest) bool { return v.Sticky }) }},
	},
	task: []refusal[Task]{
		{"service.provider", func(t *Task) bool { return anyConsul(t.Services) }},
		{"service.connect", func(t *Task) bool { return anyConnect(t.Services) }},
		{"vault", func(t *Task) bool { return t.Vault != nil }},
		{"consul", func(t *Task) bool { return t.Consul != nil }},
		{"secret", func(t *Task) bool { return len(t.Secrets) > 0 }},
		{"csi_plugin", func(t *Task) bool { return t.CSIPluginConfig != nil }},
		{"identity", func(t *Task) bool { return len(t.Identities) > 0 || t.Identity.isUsed() }},
		{"schedule", func(t *Task) bool { return t.Schedule != nil }},
		{"kind", func(t *Task) bool { return t.Kind != "" }},
		{"resources.numa.devices", func(t *Task) bool {
			return t.Resources != nil && t.Resources.NUMA.isUsed() && len(t.Resources.NUMA.Devices) > 0
		}},
	},
}

// refusal is one line of the table: what the job file calls the setting, and whether a job uses it.
type refusal[T any] struct {
	name string
	uses func(*T) bool
}

// UnsupportedSettings returns the names of the settings that are refused, by where they stand: "job", "group"
// and "task".
func UnsupportedSettings() map[string][]string {
	return map[string][]string{
		"job": namesOf(unsupported.job), "group": namesOf(unsupported.group), "task": namesOf(unsupported.task),
	}
}

func namesOf[T any](table []refusal[T]) []string {
	var names []string
	for _, r := range table {
		names = append(names, r.name)
	}
	return names
}

// Unsupported returns every setting of the canonical job that no code acts on, each with its path.
func (j *Job) Unsupported() []FieldError {
	var found []FieldError
	root := fieldPath("job")
	found = refuse(found, root, j, unsupported.job)
	for _, g := range j.TaskGroups {
		at := root.block("group", g.Name)
		found = refuse(found, at, g, unsupported.group)
		for _, t := range g.Tasks {
			found = refuse(found, at.block("task", t.Name), t, unsupported.task)
		}
	}
	return found
}

func refuse[T any](found []FieldError, at fieldPath, v *T, table []refusal[T]) []FieldError {
	for _, r := range table {
		if r.uses(v) {
			message := "not supported yet"
			if more, ok := refusalTexts[r.name]; ok {
				message = more
			}
			found = append(found, FieldError{Path: string(at.field(r.name)), Message: message})
		}
	}
	return found
}

// refusalTexts say more of settings of which only some values are refused.
var refusalTexts = map[string]string{
	"service.provider": `"consul", which is the default, is not supported yet; set provider = "nomad"`,
	"service.connect":  "the Consul service mesh is not supported yet; remove the block",
	"volume.type":      `"csi" is not supported yet; use type = "host" with a host_volume of the client's configuration`,
}

func anyVolume(g *TaskGroup, is func(*VolumeRequest) bool) bool {
	for _, v := range g.Volumes {
		if v != nil && is(v) {
			return true
		}
	}
	return false
}

func anyConsul(services []*Service) bool {
	return slices.ContainsFunc(services, func(s *Service) bool { return s != nil && s.Provider == ProviderConsul })
}

func anyConnect(services []*Service) bool {
	return slices.ContainsFunc(services, func(s *Service) bool { return s != nil && s.Connect != nil })
}

// isUsed reports whether the block of a group asks for more than the default cluster: clients of servers from 1.0
// to 1.3 send it with every group, empty.
func (c *Consul) isUsed() bool { return c.asked() != Consul{Cluster: DefaultCluster} }

// isUsed reports whether the default identity asks for more than to exist.
func (w *WorkloadIdentity) isUsed() bool {
	return w != nil && (w.Env || w.File || w.Filepath != "" || w.ChangeMode != "" || w.ServiceName != "" || len(w.ExtraClaims) > 0)
}

func (n *NUMA) isUsed() bool { return n != nil && n.Affinity != "" && n.Affinity != "none" }
