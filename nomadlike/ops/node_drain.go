// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// nodeDrain starts, changes or cancels the drain of a node. The drainer does the rest.
func (e *Env) nodeDrain(ctx context.Context, r *api.NodeDrainRequest) (*api.NodeEligibilityResponse, error) {
	if r.PathID != "" {
		r.NodeID = r.PathID
	}
	if err := checkID("node", r.NodeID); err != nil {
		return nil, err
	}
	snap := e.Store.Snapshot()
	n := state.Nodes.Get(snap, r.NodeID)
	if n == nil {
		return nil, refused("node not found")
	}
	if r.DrainSpec != nil && r.MarkEligible {
		return nil, refused("a node that drains cannot be marked eligible: leave MarkEligible out, or DrainSpec to end the drain")
	}
	now := e.Now()
	req := &fsm.NodeDrainRequest{
		NodeID: n.ID, MarkEligible: r.MarkEligible, Meta: r.Meta, AccessorID: drainAccessor, UpdatedAt: now.Unix(),
	}
	changed := *n
	switch {
	case r.DrainSpec != nil:
		req.Strategy = drainStrategy(r.DrainSpec, now)
		req.Event = nodeEvent(api.NodeEventDrain, api.NodeEventDrainSet, now)
	default:
		if n.DrainStrategy != nil {
			req.Event = nodeEvent(api.NodeEventDrain, api.NodeEventDrainUnset, now)
		}
		changed.DrainStrategy, changed.Drain = nil, false
		if r.MarkEligible {
			changed.SchedulingEligibility = api.NodeEligible
			req.Evals = e.NodeEvals(snap, &changed, n.ModifyIndex, now)
		}
	}
	_, index, err := e.Raft.Apply(ctx, fsm.NodeDrain.Encode(req))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	resp := &api.NodeEligibilityResponse{NodeModifyIndex: index, EvalIDs: evalIDs(req.Evals)}
	if len(req.Evals) > 0 {
		resp.EvalCreateIndex = index
	}
	return resp, nil
}

// drainAccessor is who drains as long as there are no tokens.
const drainAccessor = "token:acls-disabled"

func drainStrategy(spec *api.DrainSpec, now time.Time) *api.DrainStrategy {
	now = now.UTC()
	s := &api.DrainStrategy{Deadline: spec.Deadline, IgnoreSystemJobs: spec.IgnoreSystemJobs, StartedAt: &now}
	if spec.Deadline > 0 {
		by := now.Add(spec.Deadline)
		s.ForceDeadline = &by
	}
	return s
}
