// SPDX-License-Identifier: MPL-2.0

package state

import (
	"maps"

	"github.com/nomadlike/nomadlike/api"
)

// JobSummaries counts the allocations of each job by group and client status, keyed by namespace and
// job ID. Only neighbour rules write it: it appears with the job, follows its allocations and
// evaluations, and goes with it. Allocations that are collected after their end stay counted.
var JobSummaries = newTable(schema[api.JobSummary]{
	name:     "job_summaries",
	key:      func(s *api.JobSummary) Key { return StringKey(s.Namespace, s.JobID) },
	modified: func(s *api.JobSummary) uint64 { return s.ModifyIndex },
	stamp: func(s, old *api.JobSummary, index uint64) {
		s.CreateIndex, s.ModifyIndex = index, index
		if old != nil {
			s.CreateIndex = old.CreateIndex
		}
	},
})

// summarize makes sure that the job has a summary with an entry for each group.
func summarize(w *WriteTx, j *api.Job) {
	old := JobSummaries.Get(w, j.Namespace, j.ID)
	s := &api.JobSummary{JobID: j.ID, Namespace: j.Namespace, Children: &api.JobChildrenSummary{}}
	if old != nil {
		*s = *old
	}
	missing := false
	for _, g := range j.TaskGroups {
		if _, ok := s.Summary[g.Name]; ok {
			continue
		}
		if !missing {
			missing = true
			s.Summary = maps.Clone(s.Summary)
			if s.Summary == nil {
				s.Summary = map[string]api.TaskGroupSummary{}
			}
		}
		s.Summary[g.Name] = api.TaskGroupSummary{}
	}
	if missing || old == nil {
		JobSummaries.Put(w, s)
	}
}

// ReconcileSummaries counts the summaries of all jobs anew from their allocations and children.
func ReconcileSummaries(w *WriteTx) {
	for j := range Jobs.All(w) {
		old := JobSummaries.Get(w, j.Namespace, j.ID)
		s := &api.JobSummary{
			JobID: j.ID, Namespace: j.Namespace,
			Summary: map[string]api.TaskGroupSummary{}, Children: &api.JobChildrenSummary{},
		}
		for _, g := range j.TaskGroups {
			s.Summary[g.Name] = api.TaskGroupSummary{}
		}
		if old != nil {
			for name, g := range old.Summary {
				s.Summary[name] = api.TaskGroupSummary{Queued: g.Queued}
			}
		}
		for a := range Allocs.By(w, ByJob, j.Namespace, j.ID) {
			if !ofJob(a, j) {
				continue
			}
			g := s.Summary[a.TaskGroup]
			addStatus(&g, a.ClientStatus, 1)
			s.Summary[a.TaskGroup] = g
		}
		for child := range Jobs.By(w, ByParent, j.Namespace, j.ID) {
			addChild(s.Children, child.Status, 1)
		}
		if old == nil || !maps.Equal(old.Summary, s.Summary) || old.Children == nil || *old.Children != *s.Children {
			JobSummaries.Put(w, s)
		}
	}
}

// ofJob reports whether the allocation belongs to the job, and not to a purged one of the same ID.
func ofJob(a *api.Allocation, j *api.Job) bool {
	return a.Job == nil || a.Job.CreateIndex == j.CreateIndex
}

func addStatus(g *api.TaskGroupSummary, status string, n int) {
	switch status {
	case api.AllocClientPending:
		g.Starting += n
	case api.AllocClientRunning:
		g.Running += n
	case api.AllocClientComplete:
		g.Complete += n
	case api.AllocClientFailed:
		g.Failed += n
	case api.AllocClientLost:
		g.Lost += n
	case api.AllocClientUnknown:
		g.Unknown += n
	}
}

func addChild(c *api.JobChildrenSummary, status string, n int64) {
	switch status {
	case api.JobStatusPending:
		c.Pending += n
	case api.JobStatusRunning:
		c.Running += n
	case api.JobStatusDead:
		c.Dead += n
	}
}
