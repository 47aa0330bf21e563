// SPDX-License-Identifier: MPL-2.0

package state

import (
	"maps"
	"slices"

	"github.com/nomadlike/nomadlike/api"
)

// jobRules collects what a transaction means for the summaries and statuses of jobs, so that a plan of a
// thousand allocations changes each job once, when it commits.
type jobRules struct {
	byJob map[jobRef]*jobDelta
	queue []*jobDelta
	last  *jobDelta
}

type jobRef struct{ namespace, id string }

type jobDelta struct {
	jobRef
	queued   bool
	groups   map[string]*api.TaskGroupSummary
	waiting  map[string]int
	children api.JobChildrenSummary
}

// mark makes the commit look at the job.
func (r *jobRules) mark(namespace, id string) *jobDelta {
	ref := jobRef{namespace, id}
	d := r.last
	if d == nil || d.jobRef != ref {
		d = r.byJob[ref]
	}
	if d == nil {
		d = &jobDelta{jobRef: ref}
		if r.byJob == nil {
			r.byJob = map[jobRef]*jobDelta{}
		}
		r.byJob[ref] = d
	}
	r.last = d
	if !d.queued {
		d.queued = true
		r.queue = append(r.queue, d)
	}
	return d
}

func (d *jobDelta) group(name string) *api.TaskGroupSummary {
	g := d.groups[name]
	if g == nil {
		g = &api.TaskGroupSummary{}
		if d.groups == nil {
			d.groups = map[string]*api.TaskGroupSummary{}
		}
		d.groups[name] = g
	}
	return g
}

// alloc counts the change of an allocation; old or row is nil for a new or deleted one.
func (d *jobDelta) alloc(old, row *api.Allocation) {
	switch {
	case row == nil:
		if !old.ClientTerminalStatus() {
			addStatus(d.group(old.TaskGroup), old.ClientStatus, -1)
		}
	case old == nil:
		g := d.group(row.TaskGroup)
		addStatus(g, row.ClientStatus, 1)
		g.Queued--
	case old.ClientStatus != row.ClientStatus:
		g := d.group(row.TaskGroup)
		addStatus(g, old.ClientStatus, -1)
		addStatus(g, row.ClientStatus, 1)
	}
}

// eval takes over the number of placements that an evaluation left waiting.
func (d *jobDelta) eval(queued map[string]int) {
	if queued != nil {
		d.waiting = queued
	}
}

func (d *jobDelta) child(was, is string) {
	addChild(&d.children, was, -1)
	addChild(&d.children, is, 1)
}

// flush writes the summaries and statuses that changed. A child's status may bring its parent in.
func (r *jobRules) flush(w *WriteTx) {
	for i := 0; i < len(r.queue); i++ {
		d := r.queue[i]
		d.queued = false
		j := Jobs.Get(w, d.namespace, d.id)
		if j != nil {
			d.summary(w, j)
			if status := statusOf(w, j); status != j.Status {
				c := *j
				c.Status = status
				Jobs.Put(w, &c)
			}
		}
		d.groups, d.waiting, d.children = nil, nil, api.JobChildrenSummary{}
	}
	r.queue = nil
}

func (d *jobDelta) summary(w *WriteTx, j *api.Job) {
	old := JobSummaries.Get(w, d.namespace, d.id)
	if old == nil {
		return
	}
	unwanted := unwantedGroups(old, j)
	if len(d.groups) == 0 && d.waiting == nil && unwanted == nil && d.children == (api.JobChildrenSummary{}) {
		return
	}
	s := *old
	s.Summary = maps.Clone(old.Summary)
	if s.Summary == nil {
		s.Summary = map[string]api.TaskGroupSummary{}
	}
	for name, delta := range d.groups {
		g := s.Summary[name]
		g.Queued = max(0, g.Queued+delta.Queued)
		g.Complete = max(0, g.Complete+delta.Complete)
		g.Failed = max(0, g.Failed+delta.Failed)
		g.Running = max(0, g.Running+delta.Running)
		g.Starting = max(0, g.Starting+delta.Starting)
		g.Lost = max(0, g.Lost+delta.Lost)
		g.Unknown = max(0, g.Unknown+delta.Unknown)
		s.Summary[name] = g
	}
	for name, n := range d.waiting {
		if g, ok := s.Summary[name]; ok {
			g.Queued = n
			s.Summary[name] = g
		}
	}
	for _, name := range unwanted {
		g := s.Summary[name]
		g.Queued = 0
		s.Summary[name] = g
	}
	if d.children != (api.JobChildrenSummary{}) {
		c := api.JobChildrenSummary{}
		if old.Children != nil {
			c = *old.Children
		}
		c.Pending = max(0, c.Pending+d.children.Pending)
		c.Running = max(0, c.Running+d.children.Running)
		c.Dead = max(0, c.Dead+d.children.Dead)
		s.Children = &c
	}
	if maps.Equal(s.Summary, old.Summary) && (s.Children == old.Children || old.Children != nil && *s.Children == *old.Children) {
		return
	}
	JobSummaries.Put(w, &s)
}

// unwantedGroups names the groups with queued placements that the job does not want any more: all of them
// when it is stopped, else those that it no longer has.
func unwantedGroups(s *api.JobSummary, j *api.Job) []string {
	var names []string
	for name, g := range s.Summary {
		if g.Queued == 0 {
			continue
		}
		if j.Stop || !slices.ContainsFunc(j.TaskGroups, func(g *api.TaskGroup) bool { return g.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}
