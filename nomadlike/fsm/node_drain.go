// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// NodeDrainRequest starts, changes or ends the drain of a node.
type NodeDrainRequest struct {
	NodeID string
	// Strategy is nil to end the drain.
	Strategy *api.DrainStrategy
	// MarkEligible lets a node whose drain ends take allocations again.
	MarkEligible bool
	// Complete says that the drain came to its end, and was not cancelled; it then changes nothing unless
	// the node is draining.
	Complete   bool
	AccessorID string
	Meta       map[string]string
	// UpdatedAt is in unix seconds.
	UpdatedAt int64
	Event     *api.NodeEvent
	Evals     []*api.Evaluation
}

// NodeDrain answers with the stored *api.Node. A drain that is changed keeps the time of its start. A node
// that drains, or has done so, is ineligible until somebody says otherwise.
var NodeDrain = Define(45, "NodeDrain", nodeDrain)

func nodeDrain(w *state.WriteTx, p *NodeDrainRequest) (any, error) {
	old := state.Nodes.Get(w, p.NodeID)
	if old == nil {
		return nil, nodeNotFound()
	}
	if p.Complete && old.DrainStrategy == nil {
		return old, nil
	}
	n := *old
	now := time.Unix(p.UpdatedAt, 0).UTC()
	n.LastDrain = lastDrain(old, p, now)
	n.DrainStrategy, n.Drain = nil, false
	switch {
	case p.Strategy != nil:
		s := *p.Strategy
		if old.DrainStrategy != nil {
			s.StartedAt = old.DrainStrategy.StartedAt
		}
		n.DrainStrategy, n.Drain = &s, true
		n.SchedulingEligibility = api.NodeIneligible
	case p.MarkEligible:
		n.SchedulingEligibility = api.NodeEligible
	}
	n.StatusUpdatedAt = p.UpdatedAt
	if p.Event != nil {
		n.Events = appendEvents(n.Events, w.Index(), p.Event)
	}
	state.Nodes.Put(w, &n)
	putNodeEvals(w, p.Evals)
	return &n, nil
}

// lastDrain returns the record of the drain after the change.
func lastDrain(old *api.Node, p *NodeDrainRequest, now time.Time) *api.DrainMetadata {
	if p.Strategy == nil && old.DrainStrategy == nil {
		return old.LastDrain // there was none to end
	}
	record := api.DrainMetadata{StartedAt: &now}
	if old.DrainStrategy != nil && old.LastDrain != nil {
		record = *old.LastDrain
	}
	record.UpdatedAt = &now
	if p.AccessorID != "" {
		record.AccessorID = p.AccessorID
	}
	if p.Meta != nil || p.Strategy != nil {
		record.Meta = p.Meta
	}
	switch {
	case p.Strategy != nil:
		record.Status = api.DrainStatusDraining
	case p.Complete:
		record.Status = api.DrainStatusComplete
	default:
		record.Status = api.DrainStatusCanceled
	}
	return &record
}
