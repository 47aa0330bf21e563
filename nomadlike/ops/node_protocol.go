// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"crypto/subtle"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
	"github.com/nomadlike/nomadlike/scheduler/feasible"
)

// clientSideHandlers serve the clients of the cluster.
func (e *Env) clientSideHandlers(set *opset.Set) {
	handleWrite(set, api.NodeRegister, e.nodeRegister)
	handleWrite(set, api.NodeHeartbeat, e.nodeHeartbeat)
	handleWrite(set, api.NodeEvents, e.nodeEvents)
	handleRead(e, set, api.NodeAllocsWatch, e.nodeAllocsWatch)
	handleRead(e, set, api.AllocFetch, e.allocFetch)
	e.updates = newUpdateBatch(e)
	handleWrite(set, api.AllocUpdate, e.allocUpdate)
	handleWrite(set, api.ServiceSync, e.serviceSync)
	handleRead(e, set, api.AllocMigration, e.allocMigration)
}

var poolName = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,128}$`)

func (e *Env) nodeRegister(ctx context.Context, r *api.NodeRegisterRequest) (*api.NodeHeartbeatResponse, error) {
	n := r.Node
	if n == nil {
		return nil, api.Errorf(api.ClassInvalid, "missing node for client registration")
	}
	if err := checkID("node", n.ID); err != nil {
		return nil, err
	}
	if n.NodePool == "" {
		n.NodePool = api.NodePoolDefault
	}
	switch {
	case r.SecretID == "":
		return nil, api.Errorf(api.ClassInvalid, "missing node secret ID for client registration")
	case n.Name == "" || n.Datacenter == "":
		return nil, api.Errorf(api.ClassInvalid, "missing name or datacenter for client registration")
	case n.NodePool == api.NodePoolAll || !poolName.MatchString(n.NodePool):
		return nil, api.Errorf(api.ClassInvalid, "node is not allowed to register in node pool %q", n.NodePool)
	}
	snap := e.Store.Snapshot()
	old := state.Nodes.Get(snap, n.ID)
	if old != nil && subtle.ConstantTimeCompare([]byte(old.SecretID), []byte(r.SecretID)) != 1 {
		return nil, api.Errorf(api.ClassDenied, "node secret ID does not match; the node ID %s belongs to another client", n.ID)
	}
	now := e.Now()
	node := *n
	node.SecretID = r.SecretID
	node.StatusUpdatedAt = now.Unix()
	node.ComputedClass = feasible.ComputeClass(&node)
	if node.Status == "" {
		node.Status = api.NodeStatusInit
	}
	if node.SchedulingEligibility == "" {
		node.SchedulingEligibility = api.NodeEligible
	}
	node.Events = nil // the state machine writes them
	if old != nil {
		node.SchedulingEligibility, node.DrainStrategy, node.LastDrain = old.SchedulingEligibility, old.DrainStrategy, old.LastDrain
	}
	if e.poolMissing(snap, node.NodePool) || node.Status == api.NodeStatusReady && isUnsynced(old) {
		node.Status = api.NodeStatusInit
	}
	var evals []*api.Evaluation
	if changesPlacement(old, &node) {
		evals = e.NodeEvals(snap, &node, node.ModifyIndex, now)
	} else if old != nil && node.Ready() && becomesAnother(old, &node) {
		// Nothing of a system job waits for a node that suits it.
		evals = slices.DeleteFunc(e.NodeEvals(snap, &node, node.ModifyIndex, now), func(e *api.Evaluation) bool { return e.Type != api.JobTypeSystem })
	}
	_, index, err := e.Raft.Apply(ctx, fsm.NodeRegister.Encode(&fsm.NodeRegisterRequest{
		Node: &node, Evals: evals, Time: now.Truncate(time.Second).UnixNano(), KeepPools: e.copies(),
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.NodeHeartbeatResponse{TTL: e.Heartbeats.Reset(n.ID), EvalIDs: evalIDs(evals), Servers: e.ServerAddrs()}, nil
}

// copies reports whether this region copies its node pools from another.
func (e *Env) copies() bool { return e.Authoritative != "" && e.Authoritative != e.Region }

// poolMissing reports whether a node must wait for its pool to be copied from the authoritative region
// (scheduler.md 10.1).
func (e *Env) poolMissing(s *state.Snapshot, pool string) bool {
	return e.copies() && state.NodePools.Get(s, pool) == nil
}

// becomesAnother reports whether a node may suit other jobs than before: what constraints look at has changed, or its
// drivers or host volumes.
func becomesAnother(old, node *api.Node) bool {
	sameDriver := func(a, b *api.DriverInfo) bool {
		return a == b || a != nil && b != nil && a.Detected == b.Detected && a.Healthy == b.Healthy
	}
	sameVolume := func(a, b *api.NodeHostVolume) bool { return a == b || a != nil && b != nil && *a == *b }
	return old.ComputedClass != node.ComputedClass || old.Name != node.Name ||
		!maps.EqualFunc(old.Drivers, node.Drivers, sameDriver) || !maps.EqualFunc(old.HostVolumes, node.HostVolumes, sameVolume)
}

// changesPlacement reports whether the jobs of the node must be looked at again (scheduler.md 10.1).
func changesPlacement(old, node *api.Node) bool {
	if old == nil {
		return node.Status == api.NodeStatusReady
	}
	if old.Status == node.Status {
		return false
	}
	return node.Status == api.NodeStatusReady || node.Status == api.NodeStatusDown ||
		node.Status == api.NodeStatusDisconnected || old.Status == api.NodeStatusDisconnected
}

func (e *Env) nodeHeartbeat(ctx context.Context, r *api.NodeHeartbeatRequest) (*api.NodeHeartbeatResponse, error) {
	snap := e.Store.Snapshot()
	n, err := e.verifyNode(snap, r.NodeID, r.SecretID)
	if err != nil {
		return nil, err
	}
	resp := &api.NodeHeartbeatResponse{Servers: e.ServerAddrs()}
	status := r.Status
	if status == "" {
		status = api.NodeStatusReady
	}
	switch status {
	case api.NodeStatusInit, api.NodeStatusReady, api.NodeStatusDown:
	default:
		return nil, api.Errorf(api.ClassInvalid, "invalid node status %q", status)
	}
	if status == api.NodeStatusReady && (e.poolMissing(snap, n.NodePool) || isUnsynced(n)) {
		status = api.NodeStatusInit
	}
	if status != n.Status {
		now := e.Now()
		changed := *n
		changed.Status = status
		var evals []*api.Evaluation
		if changesPlacement(n, &changed) {
			evals = e.NodeEvals(snap, &changed, n.ModifyIndex, now)
		}
		req := &fsm.NodeStatusUpdateRequest{NodeID: n.ID, Status: status, UpdatedAt: now.Unix(), Evals: evals}
		if n.Status == api.NodeStatusDown && status != api.NodeStatusDown {
			req.Event = nodeEvent("Heartbeat", "Node reregistered by heartbeat", now)
		}
		_, index, err := e.Raft.Apply(ctx, fsm.NodeStatusUpdate.Encode(req))
		if err != nil {
			return nil, err
		}
		setIndex(ctx, index)
		resp.EvalIDs = evalIDs(evals)
	}
	if status == api.NodeStatusDown {
		e.Heartbeats.Forget(n.ID)
		return resp, nil
	}
	resp.TTL, resp.Status = e.Heartbeats.Reset(n.ID), status
	return resp, nil
}

// isUnsynced reports whether the node was down and has not told since what became of its allocations: until it
// does it takes no new ones (scheduler.md 10.1).
//
// Compat: a disconnected node is ready again at once; its allocations are unknown until it tells of them.
func isUnsynced(n *api.Node) bool {
	return n != nil && (n.Status == api.NodeStatusDown || n.Status == api.NodeStatusInit) && n.LastMissedHeartbeatIndex > n.LastAllocUpdateIndex
}

func (e *Env) nodeEvents(ctx context.Context, r *api.NodeEventsRequest) (*api.WriteMeta, error) {
	if _, err := e.verifyNode(e.Store.Snapshot(), r.NodeID, r.SecretID); err != nil {
		return nil, err
	}
	_, index, err := e.Raft.Apply(ctx, fsm.NodeEvents.Encode(&fsm.NodeEventsRequest{NodeID: r.NodeID, Events: r.Events}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return &api.WriteMeta{}, nil
}

func (e *Env) nodeAllocsWatch(tx *readTx, r *api.NodeAllocsRequest) (*api.NodeAllocsResponse, error) {
	if _, err := e.verifyNode(tx.Unrecorded(), r.NodeID, r.SecretID); err != nil {
		return nil, err
	}
	restored, known := state.Cluster.RestoreTime(tx), r.Known
	if r.Restored > 0 && restored != r.Restored {
		known, tx.blocking = 0, false // indexes of another state mean nothing
	}
	rows, newest := state.Allocs.Newest(tx, state.ByNode, r.NodeID)
	if known > 0 && rows == known && newest <= r.MinIndex {
		tx.overrideIndex(r.MinIndex) // only what the client reported itself has changed
		return &api.NodeAllocsResponse{Partial: true, Restored: restored}, nil
	}
	resp := &api.NodeAllocsResponse{Allocs: map[string]uint64{}, Restored: restored}
	old := 0
	for a := range state.Allocs.By(tx, state.ByNode, r.NodeID) {
		if a.CreateIndex <= r.MinIndex {
			old++
		}
		if known == 0 || a.AllocModifyIndex > r.MinIndex {
			resp.Allocs[a.ID] = a.AllocModifyIndex
		}
	}
	if resp.Partial = known > 0 && old == known; resp.Partial || known == 0 {
		return resp, nil
	}
	for a := range state.Allocs.By(tx, state.ByNode, r.NodeID) { // some that the client knows are gone
		resp.Allocs[a.ID] = a.AllocModifyIndex
	}
	return resp, nil
}

func (e *Env) allocFetch(tx *readTx, r *api.AllocFetchRequest) (*api.AllocFetchResponse, error) {
	if _, err := e.verifyNode(tx.Unrecorded(), r.NodeID, r.SecretID); err != nil {
		return nil, err
	}
	out := []*api.Allocation{}
	for _, id := range r.AllocIDs {
		if a := state.Allocs.Get(tx.Unrecorded(), id); a != nil && a.NodeID == r.NodeID {
			out = append(out, a)
		}
	}
	tx.overrideIndex(tx.Unrecorded().Index())
	return api.PackAllocs(out), nil
}
