// SPDX-License-Identifier: MPL-2.0

package taskenv

import (
	"maps"
	"slices"
	"strings"

	"github.com/nomadlike/nomadlike/api"
)

// Dirs are the directories of a task as the task itself sees them.
type Dirs struct {
	Alloc, Task, Secrets string
}

// Input is everything the environment of a task is made from.
type Input struct {
	Node   *api.Node
	Region string
	Alloc  *api.Allocation
	// Task may be nil for values at the level of the group.
	Task *api.Task
	Dirs Dirs
	// Host is the environment inherited from the agent, already filtered; nil for drivers that give
	// tasks an image of their own.
	Host map[string]string
	// Hooks are variables of task hooks; they win over the job's. Templates win over those.
	Hooks, Templates map[string]string
	// DriverPorts replaces NOMAD_PORT_<label> once a driver has said how it maps ports.
	DriverPorts map[string]int
	// Network is the address inside the allocation's network namespace, nil in host mode.
	Network *api.AllocNetworkStatus
}

// Env is the environment of one task, immutable once built.
type Env struct {
	vars map[string]string
	// node holds the interpolation targets that are no variables: node.*, attr.* and meta.*.
	node map[string]string
}

// Build makes the environment. Later sources win, in the order of runtime.md 1.5.
func Build(in *Input) *Env {
	e := &Env{vars: make(map[string]string, 48), node: nodeValues(in.Node, in.Region)}
	builtins(in, e.vars)
	meta(in, e)
	for k, v := range in.Host {
		if _, taken := e.vars[k]; !taken {
			e.vars[k] = v
		}
	}
	if in.Task != nil {
		// Every value sees the variables so far but no other entry of the block, whose order is random.
		replaced := make(map[string]string, len(in.Task.Env))
		for k, v := range in.Task.Env {
			replaced[k] = e.Replace(v)
		}
		maps.Copy(e.vars, replaced)
	}
	maps.Copy(e.vars, in.Hooks)
	maps.Copy(e.vars, in.Templates)
	return e
}

// Map returns a copy of the variables.
func (e *Env) Map() map[string]string { return maps.Clone(e.vars) }

// All returns the variables and the node values together, which is what templates see as their environment.
func (e *Env) All() map[string]string {
	all := e.Node()
	maps.Copy(all, e.vars)
	return all
}

// Get returns one variable.
func (e *Env) Get(name string) (string, bool) {
	v, ok := e.vars[name]
	return v, ok
}

// Node returns a copy of the node values: "node.unique.id", "attr.<name>", "meta.<name>" and so on.
func (e *Env) Node() map[string]string { return maps.Clone(e.node) }

// meta adds two variables for each merged meta key, the deepest level winning.
func meta(in *Input, e *Env) {
	merged := map[string]string{}
	job := in.Alloc.Job
	if job != nil {
		if job.Dispatched && job.ParameterizedJob != nil {
			for _, k := range job.ParameterizedJob.MetaOptional {
				merged[k] = ""
			}
		}
		maps.Copy(merged, job.Meta)
	}
	if g := in.Alloc.Group(); g != nil {
		maps.Copy(merged, g.Meta)
	}
	if in.Task != nil {
		maps.Copy(merged, in.Task.Meta)
	}
	replaced := make(map[string]string, 2*len(merged))
	keys := slices.Sorted(maps.Keys(merged))
	for _, k := range keys {
		replaced[clean("NOMAD_META_"+strings.ToUpper(e.Replace(k)))] = e.Replace(merged[k])
	}
	for _, k := range keys {
		// The spelling of the job file wins where it meets the upper-cased form of another key.
		replaced[clean("NOMAD_META_"+e.Replace(k))] = e.Replace(merged[k])
	}
	maps.Copy(e.vars, replaced)
}

func nodeValues(n *api.Node, region string) map[string]string {
	if n == nil {
		return map[string]string{}
	}
	v := make(map[string]string, len(n.Attributes)+len(n.Meta)+6)
	for k, val := range n.Attributes {
		v["attr."+k] = val
	}
	for k, val := range n.Meta {
		v["meta."+k] = val
	}
	v["node.unique.id"] = n.ID
	v["node.unique.name"] = n.Name
	v["node.datacenter"] = n.Datacenter
	v["node.class"] = n.NodeClass
	v["node.pool"] = n.NodePool
	v["node.region"] = region
	return v
}

// cleanedPrefixes are the names that are made safe for shells; all others keep what the job file says.
var cleanedPrefixes = []string{"NOMAD_ADDR_", "NOMAD_IP_", "NOMAD_PORT_", "NOMAD_HOST_PORT_", "NOMAD_META_"}

// clean replaces every byte but letters, digits, "_" and "." by "_" in names with a cleaned prefix.
func clean(name string) string {
	cleaned := false
	for _, p := range cleanedPrefixes {
		if strings.HasPrefix(name, p) {
			cleaned = true
			break
		}
	}
	if !cleaned {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (c < '0' || c > '9') && c != '_' && c != '.' {
			b[i] = '_'
		}
	}
	return string(b)
}
