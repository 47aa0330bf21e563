// SPDX-License-Identifier: MPL-2.0

package control

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	metrics "github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// JobMetrics tells how many jobs of each status there are and how many allocations of each group are in which state.
// It tells, too, what the allocations want that found no node, as the contract has it for blocked evaluations. Compat: the
// sum of the cluster has no labels of classes and data centers, since what found no node is of none.
// These are several for each group of each job, so they are made when they are asked for, and by the leader alone.
type JobMetrics struct {
	store *state.Store
	// undispatched leaves out the jobs that were dispatched from another.
	undispatched bool
	// sent is where they go unasked; nil where nobody is sent any.
	sent    *metrics.Metrics
	leading atomic.Bool
}

// NewJobMetrics returns the gauges; without dispatched, jobs that were dispatched from another have none.
func NewJobMetrics(store *state.Store, dispatched bool, sent *metrics.Metrics) *JobMetrics {
	return &JobMetrics{store: store, undispatched: !dispatched, sent: sent}
}

// Run is the duty of the leader until ctx ends.
func (m *JobMetrics) Run(ctx context.Context) error {
	m.leading.Store(true)
	defer m.leading.Store(false)
	return every(ctx, statsEvery, func(context.Context) {
		if m.sent != nil {
			m.Write(m.sent)
		}
	})
}

// Write sets the gauges; those of servers that do not lead have none.
func (m *JobMetrics) Write(sink *metrics.Metrics) {
	if !m.leading.Load() {
		return
	}
	snap := m.store.Snapshot()
	jobs := map[string]int{api.JobStatusPending: 0, api.JobStatusRunning: 0, api.JobStatusDead: 0}
	var waits waiting
	for j := range state.Jobs.All(snap) {
		jobs[j.Status]++
		s := state.JobSummaries.Get(snap, j.Namespace, j.ID)
		if s == nil {
			continue
		}
		waits.add(j, s)
		if j.Dispatched && m.undispatched {
			continue
		}
		labels := jobLabels(j)
		var own waiting
		if own.add(j, s); own != (waiting{}) {
			own.write(sink, labels[:2], "blocked_evals", "job")
		}
		for group, n := range s.Summary {
			writeGroup(sink, &n, slices.Concat(labels, []metrics.Label{{Name: "task_group", Value: group}}))
		}
	}
	for status, n := range jobs {
		sink.SetGauge([]string{"nomad", "job_status", status}, float32(n))
	}
	waits.write(sink, nil, "blocked_evals")
}

// waiting is what allocations want that found no node.
type waiting struct{ cpu, memory int }

func (w *waiting) add(j *api.Job, s *api.JobSummary) {
	for _, g := range j.TaskGroups {
		n := s.Summary[g.Name].Queued
		if n <= 0 {
			continue
		}
		for _, t := range g.Tasks {
			if t.Resources != nil {
				w.cpu += n * t.Resources.CPUOrDefault()
				w.memory += n * t.Resources.MemoryMBOrDefault()
			}
		}
	}
}

func (w *waiting) write(sink *metrics.Metrics, labels []metrics.Label, key ...string) {
	for name, n := range map[string]int{"cpu": w.cpu, "memory": w.memory} {
		sink.SetGaugeWithLabels(slices.Concat([]string{"nomad"}, key, []string{name}), float32(n), slices.Clone(labels))
	}
}

func writeGroup(sink *metrics.Metrics, s *api.TaskGroupSummary, labels []metrics.Label) {
	labels = slices.Clip(labels) // sinks keep them, and the library appends the host
	for state, n := range map[string]int{
		"queued": s.Queued, "complete": s.Complete, "failed": s.Failed, "running": s.Running, "starting": s.Starting, "lost": s.Lost, "unknown": s.Unknown,
	} {
		sink.SetGaugeWithLabels([]string{"nomad", "job_summary", state}, float32(n), labels)
	}
}

// jobLabels name the job, and of a child its parent and what tells it from its siblings.
func jobLabels(j *api.Job) []metrics.Label {
	labels := []metrics.Label{{Name: "job", Value: j.ID}, {Name: "namespace", Value: j.Namespace}}
	if j.ParentID == "" {
		return labels
	}
	labels = append(labels, metrics.Label{Name: "parent_id", Value: j.ParentID})
	kind, id, _ := strings.Cut(strings.TrimPrefix(j.ID, j.ParentID+"/"), "-")
	if kind == "dispatch" || kind == "periodic" {
		labels = append(labels, metrics.Label{Name: kind + "_id", Value: id})
	}
	return labels
}
