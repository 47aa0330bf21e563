// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"maps"
	"slices"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/typeinfo"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// ScalingNote is a scaling event of a group.
type ScalingNote struct {
	Group string
	Event *api.ScalingEvent
}

// put adds the event to those of the job.
func (n *ScalingNote) put(w *state.WriteTx, namespace, jobID string) {
	if n == nil || n.Event == nil {
		return
	}
	row := &api.JobScalingEvents{Namespace: namespace, JobID: jobID, Groups: map[string][]*api.ScalingEvent{}}
	if old := state.ScalingEvents.Get(w, namespace, jobID); old != nil {
		maps.Copy(row.Groups, old.Groups)
	}
	n.Event.CreateIndex = w.Index()
	events := append([]*api.ScalingEvent{n.Event}, row.Groups[n.Group]...)
	row.Groups[n.Group] = slices.Clip(events[:min(len(events), api.MaxScalingEvents)])
	state.ScalingEvents.Put(w, row)
}

// ScalingEventRequest notes a scaling event that makes no new version of the job.
type ScalingEventRequest struct {
	Namespace string
	JobID     string
	Note      *ScalingNote
	// Eval is nil when the event changes nothing.
	Eval *api.Evaluation
}

// ScalingEventNote answers nothing.
var ScalingEventNote = Define(7, "ScalingEventNote", func(w *state.WriteTx, p *ScalingEventRequest) (any, error) {
	j := state.Jobs.Get(w, p.Namespace, p.JobID)
	if j == nil {
		return nil, api.Errorf(api.ClassNotFound, "job %q not found", p.JobID)
	}
	p.Note.put(w, p.Namespace, p.JobID)
	if p.Eval != nil {
		p.Eval.JobModifyIndex = j.JobModifyIndex
		state.Evals.Put(w, p.Eval)
	}
	return nil, nil
})

// settlePolicies sets the indexes of the job's scaling policies. A group that had a policy keeps its ID.
func settlePolicies(old, j *api.Job, index uint64) {
	for _, g := range j.TaskGroups {
		if g == nil || g.Scaling == nil {
			continue
		}
		p := g.Scaling
		p.CreateIndex, p.ModifyIndex = index, index
		was := old.LookupTaskGroup(g.Name)
		if was == nil || was.Scaling == nil || was.Scaling.ID == "" {
			continue
		}
		p.ID = was.Scaling.ID
		if old.Stop { // it was gone meanwhile
			continue
		}
		p.CreateIndex, p.ModifyIndex = was.Scaling.CreateIndex, was.Scaling.ModifyIndex
		if !typeinfo.Equal(p, was.Scaling) {
			p.ModifyIndex = index
		}
	}
}
