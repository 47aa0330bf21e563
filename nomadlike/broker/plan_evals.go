// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// newEval returns a pending evaluation of the job's newest version.
func newEval(job *api.Job, trigger string) *api.Evaluation {
	now := time.Now().UnixNano()
	return &api.Evaluation{
		ID: api.NewID(), Namespace: job.Namespace, Priority: job.PriorityOrDefault(), Type: job.Type,
		TriggeredBy: trigger, JobID: job.ID, JobModifyIndex: job.ModifyIndex,
		Status: api.EvalStatusPending, CreateTime: now, ModifyTime: now,
	}
}

// preemptionEvals returns an evaluation for each job that loses allocations to a plan, so that they are
// replaced.
func preemptionEvals(v view, evicted []*api.Allocation) []*api.Evaluation {
	var evals []*api.Evaluation
	seen := map[jobKey]bool{}
	for _, a := range evicted {
		key := jobKey{a.Namespace, a.JobID}
		if seen[key] {
			continue
		}
		seen[key] = true
		if job := v.Job(a.Namespace, a.JobID); job != nil {
			evals = append(evals, newEval(job, api.TriggerPreemption))
		}
	}
	return evals
}

// lostEvals returns an evaluation for each job of which a plan placed something on a node that is down,
// disconnected or gone in the view.
func lostEvals(v view, plans []*fsm.PlanCommit) []*api.Evaluation {
	var evals []*api.Evaluation
	seen := map[jobKey]bool{}
	for _, p := range plans {
		for nodeID, placed := range p.Result.NodeAllocation {
			node := v.Usage().NodeByID(nodeID)
			if node != nil && node.Status != api.NodeStatusDown && node.Status != api.NodeStatusDisconnected {
				continue
			}
			for _, a := range placed {
				key := jobKey{a.Namespace, a.JobID}
				job := v.Job(a.Namespace, a.JobID)
				if seen[key] || job == nil || a.TerminalStatus() || a.ClientStatus == api.AllocClientUnknown {
					continue
				}
				seen[key] = true
				e := newEval(job, api.TriggerNodeUpdate)
				e.NodeID = nodeID
				if node != nil {
					e.NodeModifyIndex = node.ModifyIndex
				}
				evals = append(evals, e)
			}
		}
	}
	return evals
}
