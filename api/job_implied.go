// SPDX-License-Identifier: MPL-2.0

package api

import (
	"slices"
	"strings"
)

// AddImpliedConstraints adds the constraints that follow from what a canonical job uses (jobspec.md
// 9.6). It changes nothing when called again.
func (j *Job) AddImpliedConstraints() {
	for _, g := range j.TaskGroups {
		n := implied{job: j, group: g}
		n.vault()
		n.signals()
		n.services()
		n.network()
		n.numa()
		n.secrets()
		n.identities()
		n.partition()
	}
}

// implied adds constraints to one group.
type implied struct {
	job   *Job
	group *TaskGroup
}

// add appends the constraint unless the group or the job has exactly it.
func (n implied) add(attribute, operator, value string) {
	n.group.Constraints = addConstraint(n.group.Constraints, n.job.Constraints, attribute, operator, value)
}

// addUnlessBound appends the constraint unless the group or the job has any on the attribute.
func (n implied) addUnlessBound(attribute, operator, value string) {
	bound := func(c *Constraint) bool { return c.LTarget == attribute }
	if !slices.ContainsFunc(n.group.Constraints, bound) && !slices.ContainsFunc(n.job.Constraints, bound) {
		n.add(attribute, operator, value)
	}
}

func addConstraint(list, outer []*Constraint, attribute, operator, value string) []*Constraint {
	want := Constraint{LTarget: attribute, Operand: operator, RTarget: value}
	same := func(c *Constraint) bool { return *c == want }
	if slices.ContainsFunc(list, same) || slices.ContainsFunc(outer, same) {
		return list
	}
	return append(list, &want)
}

func (n implied) vault() {
	for _, t := range n.group.Tasks {
		if t.Vault != nil {
			n.addUnlessBound(clusterAttribute("vault", t.Vault.Cluster), OpSemver, ">= 0.6.1")
		}
	}
}

// clusterAttribute names the version attribute of a Vault or Consul cluster.
func clusterAttribute(kind, cluster string) string {
	if cluster == "" || cluster == DefaultCluster {
		return "${attr." + kind + ".version}"
	}
	return "${attr." + kind + "." + cluster + ".version}"
}

// signals asks for a node that knows every signal the group may send.
func (n implied) signals() {
	var signals []string
	for _, t := range n.group.Tasks {
		if t.KillSignal != "" {
			signals = append(signals, t.KillSignal)
		}
		for _, tpl := range t.Templates {
			if tpl.ChangeMode == ChangeSignal && tpl.ChangeSignal != "" {
				signals = append(signals, tpl.ChangeSignal)
			}
		}
		if t.Vault != nil && t.Vault.ChangeMode == ChangeSignal && t.Vault.ChangeSignal != "" {
			signals = append(signals, t.Vault.ChangeSignal)
		}
	}
	if len(signals) == 0 {
		return
	}
	slices.Sort(signals)
	n.add("${attr.os.signals}", OpSetContains, strings.Join(slices.Compact(signals), ","))
}

func (n implied) services() {
	uses, checks, consul := false, false, false
	visit := func(s *Service) {
		if s.Provider == ProviderNomad {
			uses = true
			checks = checks || len(s.Checks) > 0
		}
	}
	for _, s := range n.group.Services {
		visit(s)
		consul = consul || s.Provider == ProviderConsul
	}
	for _, t := range n.group.Tasks {
		for _, s := range t.Services {
			visit(s)
		}
	}
	if uses {
		n.add("${attr.nomad.service_discovery}", "=", "true")
	}
	if checks {
		n.add("${attr.nomad.version}", OpSemver, ">= 1.4.0")
	}
	if consul {
		n.addUnlessBound(clusterAttribute("consul", groupCluster(n.group)), OpSemver, ">= 1.8.0")
	}
	for _, t := range n.group.Tasks {
		n.taskConsul(t)
	}
}

func groupCluster(g *TaskGroup) string {
	if g.Consul == nil {
		return ""
	}
	return g.Consul.Cluster
}

// taskConsul adds the constraint of a task's Consul services to the task.
func (n implied) taskConsul(t *Task) {
	consul := func(s *Service) bool { return s.Provider == ProviderConsul }
	if !slices.ContainsFunc(t.Services, consul) {
		return
	}
	attribute := clusterAttribute("consul", groupCluster(n.group))
	if t.Consul != nil {
		attribute = clusterAttribute("consul", t.Consul.Cluster)
	}
	bound := func(c *Constraint) bool { return c.LTarget == attribute }
	for _, list := range [][]*Constraint{t.Constraints, n.group.Constraints, n.job.Constraints} {
		if slices.ContainsFunc(list, bound) {
			return
		}
	}
	t.Constraints = addConstraint(t.Constraints, nil, attribute, OpSemver, ">= 1.8.0")
}

// BridgePluginVersion is what a network of mode bridge asks of each of its CNI plugins.
const BridgePluginVersion = ">= 0.4.0"

// What stands around the name of a CNI plugin in the attribute of its version.
const (
	bridgePluginPrefix = "${attr.plugins.cni.version."
	bridgePluginEnd    = "}"
)

// BridgePlugin returns the CNI plugin that a constraint, written as "attribute operator value", asks for as networks of
// mode bridge imply it.
func BridgePlugin(constraint string) (plugin string, ok bool) {
	rest, ok := strings.CutPrefix(constraint, bridgePluginPrefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, bridgePluginEnd+" "+OpSemver+" "+BridgePluginVersion)
}

func (n implied) network() {
	for _, network := range n.group.Networks {
		if network.Mode != NetworkModeBridge {
			continue
		}
		for _, plugin := range []string{"bridge", "firewall", "host-local", "loopback", "portmap"} {
			n.addUnlessBound(bridgePluginPrefix+plugin+bridgePluginEnd, OpSemver, BridgePluginVersion)
		}
	}
	for _, s := range n.group.Services {
		if c := s.Connect; c != nil && c.SidecarService != nil && c.SidecarService.Proxy != nil &&
			c.SidecarService.Proxy.TransparentProxy != nil {
			n.addUnlessBound("${attr.plugins.cni.version.consul-cni}", OpSemver, ">= 1.4.2")
			n.add("${attr.nomad.version}", OpSemver, ">= 1.8.0-dev")
		}
	}
}

func (n implied) numa() {
	for _, t := range n.group.Tasks {
		if r := t.Resources; r != nil && r.NUMA != nil && r.NUMA.Affinity != "" && r.NUMA.Affinity != "none" {
			n.add("${attr.nomad.version}", OpSemver, ">= 1.6.3-dev")
			n.add("${attr.kernel.name}", "=", "linux")
		}
	}
}

func (n implied) secrets() {
	for _, t := range n.group.Tasks {
		for _, s := range t.Secrets {
			n.addUnlessBound("${attr.plugins.secrets."+s.Provider+".version}", OpIsSet, "")
		}
	}
}

func (n implied) identities() {
	serviceIdentity := func(s *Service) bool { return s.Identity != nil }
	extra := slices.ContainsFunc(n.group.Services, serviceIdentity)
	for _, t := range n.group.Tasks {
		extra = extra || len(t.Identities) > 0 || slices.ContainsFunc(t.Services, serviceIdentity)
	}
	if extra {
		n.add("${attr.nomad.version}", OpSemver, ">= 1.7.0-a")
	}
}

func (n implied) partition() {
	if c := n.group.Consul; c != nil && c.Partition != "" {
		n.add("${attr.consul.partition}", "=", c.Partition)
	}
	for _, t := range n.group.Tasks {
		if t.Consul != nil && t.Consul.Partition != "" {
			n.add("${attr.consul.partition}", "=", t.Consul.Partition)
		}
	}
}
