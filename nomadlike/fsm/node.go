// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// maxNodeEvents is how many events a node keeps, the newest ones.
const maxNodeEvents = 10

// NodeRegisterRequest stores a node or a new fingerprint of it.
type NodeRegisterRequest struct {
	Node  *api.Node
	Evals []*api.Evaluation
	// Time is in unix nanoseconds.
	Time int64
	// KeepPools leaves a pool that does not exist to the authoritative region, from where it is copied; the
	// node stays initializing until then.
	KeepPools bool
}

// NodeRegister answers with the stored *api.Node. A pool that does not exist is created. What servers
// decide about a node (eligibility, drain, events, last drain) is kept when it registers again.
var NodeRegister = Define(40, "NodeRegister", nodeRegister)

func nodeRegister(w *state.WriteTx, p *NodeRegisterRequest) (any, error) {
	n := p.Node
	if n == nil || n.ID == "" {
		return nil, api.CodeErrorf(api.ClassInvalid, 500, "node is missing")
	}
	if n.NodePool == "" {
		n.NodePool = api.NodePoolDefault
	}
	if state.NodePools.Get(w, n.NodePool) == nil {
		if p.KeepPools {
			n.Status = api.NodeStatusInit
		} else {
			pool := &api.NodePool{Name: n.NodePool, NodeIdentityTTL: api.DefaultNodeIdentityTTL}
			pool.SetHash()
			state.NodePools.Put(w, pool)
		}
	}
	if old := state.Nodes.Get(w, n.ID); old != nil {
		n.SchedulingEligibility = old.SchedulingEligibility
		n.Drain, n.DrainStrategy, n.LastDrain = old.Drain, old.DrainStrategy, old.LastDrain
		n.LastMissedHeartbeatIndex, n.LastAllocUpdateIndex = old.LastMissedHeartbeatIndex, old.LastAllocUpdateIndex
		n.Events = appendEvents(old.Events, w.Index(), n.Events...)
		if old.TerminalStatus() && !n.TerminalStatus() {
			n.Events = appendEvents(n.Events, w.Index(), &api.NodeEvent{
				Message: "Node re-registered", Subsystem: "Cluster", Timestamp: at(p.Time),
			})
		}
	} else {
		if n.SchedulingEligibility == "" {
			n.SchedulingEligibility = api.NodeEligible
		}
		n.Events = appendEvents(nil, w.Index(), &api.NodeEvent{
			Message: "Node registered", Subsystem: "Cluster", Timestamp: at(p.Time),
		})
	}
	state.Nodes.Put(w, n)
	putNodeEvals(w, p.Evals)
	return n, nil
}

// NodeStatusUpdateRequest sets the status of a node.
type NodeStatusUpdateRequest struct {
	NodeID            string
	Status            string
	StatusDescription string
	// UpdatedAt is in unix seconds.
	UpdatedAt int64
	// Event is added to the node; nil for none.
	Event *api.NodeEvent
	Evals []*api.Evaluation
	// MissedHeartbeat notes the write as the node's last missed heartbeat.
	MissedHeartbeat bool
}

// NodeStatusUpdate answers with the stored *api.Node.
var NodeStatusUpdate = Define(41, "NodeStatusUpdate", nodeStatusUpdate)

func nodeStatusUpdate(w *state.WriteTx, p *NodeStatusUpdateRequest) (any, error) {
	old := state.Nodes.Get(w, p.NodeID)
	if old == nil {
		return nil, nodeNotFound()
	}
	n := *old
	n.Status, n.StatusDescription = p.Status, p.StatusDescription
	if p.UpdatedAt > 0 {
		n.StatusUpdatedAt = p.UpdatedAt
	}
	if p.Event != nil {
		n.Events = appendEvents(n.Events, w.Index(), p.Event)
	}
	if p.MissedHeartbeat {
		n.LastMissedHeartbeatIndex = w.Index()
	}
	state.Nodes.Put(w, &n)
	if n.Status == api.NodeStatusDown {
		dropNodeServices(w, n.ID)
	}
	putNodeEvals(w, p.Evals)
	return &n, nil
}

// putNodeEvals stores the evaluations that come with a change of a node, which is of this index.
func putNodeEvals(w *state.WriteTx, evals []*api.Evaluation) {
	for _, e := range evals {
		if e != nil {
			e.NodeModifyIndex = w.Index()
		}
	}
	putEvals(w, evals)
}

func nodeNotFound() error { return api.CodeErrorf(api.ClassNotFound, 500, "node not found") }

// NodeEligibilityRequest sets the scheduling eligibility of a node.
type NodeEligibilityRequest struct {
	NodeID      string
	Eligibility string
	// UpdatedAt is in unix seconds.
	UpdatedAt int64
	Event     *api.NodeEvent
	Evals     []*api.Evaluation
}

// NodeEligibility answers with the stored *api.Node.
var NodeEligibility = Define(42, "NodeEligibility", nodeEligibility)

func nodeEligibility(w *state.WriteTx, p *NodeEligibilityRequest) (any, error) {
	old := state.Nodes.Get(w, p.NodeID)
	if old == nil {
		return nil, nodeNotFound()
	}
	if old.DrainStrategy != nil && p.Eligibility == api.NodeEligible {
		return nil, api.CodeErrorf(api.ClassConflict, 500, "can not set node's scheduling eligibility to eligible while it is draining")
	}
	n := *old
	n.SchedulingEligibility = p.Eligibility
	if p.UpdatedAt > 0 {
		n.StatusUpdatedAt = p.UpdatedAt
	}
	if p.Event != nil {
		n.Events = appendEvents(n.Events, w.Index(), p.Event)
	}
	state.Nodes.Put(w, &n)
	putNodeEvals(w, p.Evals)
	return &n, nil
}

// NodeDeregisterRequest forgets nodes.
type NodeDeregisterRequest struct {
	NodeIDs []string
	Evals   []*api.Evaluation
}

// NodeDeregister answers nothing; nodes that are gone already are passed over.
var NodeDeregister = Define(43, "NodeDeregister", func(w *state.WriteTx, p *NodeDeregisterRequest) (any, error) {
	for _, id := range p.NodeIDs {
		state.Nodes.Delete(w, id)
		dropNodeServices(w, id)
	}
	putNodeEvals(w, p.Evals)
	return nil, nil
})

// NodeEventsRequest adds events to a node.
type NodeEventsRequest struct {
	NodeID string
	Events []*api.NodeEvent
}

// NodeEvents answers nothing.
var NodeEvents = Define(44, "NodeEvents", func(w *state.WriteTx, p *NodeEventsRequest) (any, error) {
	old := state.Nodes.Get(w, p.NodeID)
	if old == nil {
		return nil, nodeNotFound()
	}
	n := *old
	n.Events = appendEvents(n.Events, w.Index(), p.Events...)
	state.Nodes.Put(w, &n)
	return nil, nil
})

// appendEvents returns the newest events, in a slice of its own.
func appendEvents(old []*api.NodeEvent, index uint64, added ...*api.NodeEvent) []*api.NodeEvent {
	events := slices.Clone(old)
	for _, e := range added {
		if e == nil {
			continue
		}
		c := *e
		c.CreateIndex = index
		events = append(events, &c)
	}
	if len(events) > maxNodeEvents {
		events = slices.Clone(events[len(events)-maxNodeEvents:])
	}
	return events
}

func at(unixNano int64) *time.Time {
	if unixNano == 0 {
		return nil
	}
	t := time.Unix(0, unixNano).UTC()
	return &t
}
