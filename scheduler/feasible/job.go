// SPDX-License-Identifier: MPL-2.0

package feasible

import (
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/scheduler/usage"
)

// Job holds what is equal for all groups of a job in one pass: the nodes in its datacenters and pool and
// the verdicts of its own constraints. It is not safe for concurrent use.
type Job struct {
	snapshot *usage.Snapshot
	job      *api.Job
	cache    *Cache

	conditions    []*Condition
	escaped       bool
	memo          []verdict
	distinctHosts bool
	properties    []DistinctProperty

	// datacenters and pools tell by index whether the job may use it.
	datacenters, pools []bool
	// outside marks the classes of nodes that datacenters or pool exclude.
	outside []bool

	candidates []int32
	inPool     int
	available  map[string]int
}

// NewJob looks at every node once for datacenters, pool and readiness.
func NewJob(s *usage.Snapshot, job *api.Job, cache *Cache) *Job {
	j := &Job{
		snapshot:      s,
		job:           job,
		cache:         cache,
		conditions:    compile(job.Constraints, cache),
		memo:          make([]verdict, len(s.Classes())),
		distinctHosts: distinctHosts(job.Constraints),
		properties:    distinctProperties(job.Constraints, true),
		datacenters:   make([]bool, len(s.Datacenters())),
		pools:         make([]bool, len(s.Pools())),
		outside:       make([]bool, len(s.Classes())),
		available:     map[string]int{},
	}
	j.escaped = escapes(j.conditions)
	for i, name := range s.Datacenters() {
		j.datacenters[i] = len(job.Datacenters) == 0 || matchesAny(job.Datacenters, name)
	}
	for i, name := range s.Pools() {
		j.pools[i] = job.NodePool == api.NodePoolAll || poolName(job.NodePool) == poolName(name)
	}
	j.collect()
	return j
}

func poolName(name string) string {
	if name == "" {
		return api.NodePoolDefault
	}
	return name
}

func (j *Job) collect() {
	s := j.snapshot
	perDatacenter := make([]int, len(j.datacenters))
	for ord := range s.Len() {
		if s.Node(ord) == nil {
			continue
		}
		inPool, inDatacenter := j.pools[s.Pool(ord)], j.datacenters[s.Datacenter(ord)]
		if !inPool || !inDatacenter {
			j.outside[s.Class(ord)] = true
		}
		if !s.Ready(ord) || !inPool {
			continue
		}
		j.inPool++
		if inDatacenter {
			perDatacenter[s.Datacenter(ord)]++
			j.candidates = append(j.candidates, int32(ord))
		}
	}
	for dc, n := range perDatacenter {
		if n > 0 {
			j.available[s.Datacenters()[dc]] = n
		}
	}
}

// Candidates returns the ordinals of the ready nodes in the job's datacenters and pool, ascending.
// Callers must not change it.
func (j *Job) Candidates() []int32 { return j.candidates }

// InPool returns the number of ready nodes in the job's pool.
func (j *Job) InPool() int { return j.inPool }

// Available returns the number of candidates per datacenter. Callers must not change it.
func (j *Job) Available() map[string]int { return j.available }

// Allows reports whether the node is in the job's datacenters and pool, ready or not.
func (j *Job) Allows(ord int) bool {
	return j.snapshot.Node(ord) != nil && j.pools[j.snapshot.Pool(ord)] && j.datacenters[j.snapshot.Datacenter(ord)]
}

// Group compiles the group's part.
func (j *Job) Group(tg *api.TaskGroup) *Group { return newGroup(j, tg) }

// constraint returns the text of the first job constraint that the node does not satisfy, or "".
func (j *Job) constraint(ord int) string {
	if len(j.conditions) == 0 {
		return ""
	}
	class := j.snapshot.Class(ord)
	if j.escaped || j.snapshot.Classes()[class] == "" {
		return j.evaluate(j.snapshot.Node(ord))
	}
	v := &j.memo[class]
	if !v.known {
		v.known, v.reason = true, j.evaluate(j.snapshot.Node(ord))
	}
	return v.reason
}

func (j *Job) evaluate(node *api.Node) string {
	for _, c := range j.conditions {
		if !c.Holds(node) {
			return c.text
		}
	}
	return ""
}

func matchesAny(globs []string, name string) bool {
	for _, g := range globs {
		if matchGlob(g, name) {
			return true
		}
	}
	return false
}

// matchGlob matches text against a pattern in which "*" stands for any text.
func matchGlob(pattern, text string) bool {
	prefix, rest, isGlob := strings.Cut(pattern, "*")
	if !isGlob {
		return pattern == text
	}
	if !strings.HasPrefix(text, prefix) {
		return false
	}
	text = text[len(prefix):]
	for {
		part, more, again := strings.Cut(rest, "*")
		if !again {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text, rest = text[at+len(part):], more
	}
}
