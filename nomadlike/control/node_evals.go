// SPDX-License-Identifier: MPL-2.0

package control

import (
	"slices"
	"strings"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// NodeEvals returns the evaluations that a change of a node's status or eligibility calls for: one for each
// service or batch job with allocations on the node that are not terminal, and one for each system job that
// wants the node. index is the node's modify index and now the time of the evaluations.
func NodeEvals(s *state.Snapshot, node *api.Node, index uint64, now time.Time) []*api.Evaluation {
	return nodeEvals(s, node, index, now, map[jobRef]bool{})
}

type jobRef struct{ namespace, id string }

// nodeEvals leaves out, and adds to, the jobs in seen.
func nodeEvals(s *state.Snapshot, node *api.Node, index uint64, now time.Time, seen map[jobRef]bool) []*api.Evaluation {
	var evals []*api.Evaluation
	add := func(namespace, id, kind string, priority int, jobIndex uint64) {
		ref := jobRef{namespace, id}
		if seen[ref] {
			return
		}
		seen[ref] = true
		evals = append(evals, &api.Evaluation{
			ID: api.NewID(), Namespace: namespace, Priority: priority, Type: kind,
			TriggeredBy: api.TriggerNodeUpdate, JobID: id, JobModifyIndex: jobIndex,
			NodeID: node.ID, NodeModifyIndex: index, Status: api.EvalStatusPending,
			CreateTime: now.UnixNano(), ModifyTime: now.UnixNano(),
		})
	}
	for a := range state.Allocs.By(s, state.ByNode, node.ID) {
		if a.TerminalStatus() {
			continue
		}
		job := state.Jobs.Get(s, a.Namespace, a.JobID)
		if job == nil {
			job = a.Job // purged: the evaluation stops what is left of it
		}
		if job == nil || job.Type == api.JobTypeSysBatch {
			continue
		}
		add(a.Namespace, a.JobID, job.Type, job.PriorityOrDefault(), job.ModifyIndex)
	}
	for job := range state.Jobs.All(s) {
		if job.Type == api.JobTypeSystem && !job.Stopped() && wantsNode(job, node) {
			add(job.Namespace, job.ID, job.Type, job.PriorityOrDefault(), job.ModifyIndex)
		}
	}
	return evals
}

// wantsNode reports whether a system job may want to run on the node. A datacenter with a wildcard counts
// as a match: the scheduler decides, and an evaluation too many changes nothing.
func wantsNode(job *api.Job, node *api.Node) bool {
	pool := job.NodePool
	if pool == "" {
		pool = api.NodePoolDefault
	}
	return node.InPool(pool) && slices.ContainsFunc(job.Datacenters, func(dc string) bool {
		return dc == node.Datacenter || strings.Contains(dc, "*")
	})
}
