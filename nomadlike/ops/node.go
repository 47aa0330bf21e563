// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"crypto/subtle"
	"net"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) nodeHandlers(set *opset.Set) {
	handleRead(e, set, api.NodeList, nodeList)
	handleRead(e, set, api.NodeGet, nodeGet)
	handleRead(e, set, api.NodeAllocations, nodeAllocations)
	handleWrite(set, api.NodeEligibilitySet, e.nodeEligibility)
	handleWrite(set, api.NodeDrain, e.nodeDrain)
	handleWrite(set, api.NodePurge, e.nodePurge)
	handleWrite(set, api.NodeEvaluate, e.nodeEvaluate)
}

func nodeList(tx *readTx, r *api.NodeListRequest) ([]*api.NodeListStub, error) {
	if err := checkPrefix("node", r.Prefix); err != nil {
		return nil, err
	}
	rows := state.Nodes.All(tx)
	if r.Prefix != "" {
		rows = state.Nodes.Prefix(tx, uuidOf(r.Prefix))
	}
	return list(tx, page[api.Node]{
		rows:  inOrder(tx, rows),
		token: func(n *api.Node) string { return n.ID },
		shown: publicNode,
	}, func(n *api.Node) *api.NodeListStub { return nodeStub(n, r.Resources, r.OS) })
}

func nodeStub(n *api.Node, resources, os bool) *api.NodeListStub {
	s := &api.NodeListStub{
		Address: n.HTTPAddr, ID: n.ID, Datacenter: n.Datacenter, Name: n.Name, NodePool: n.NodePool, NodeClass: n.NodeClass,
		Drain: n.DrainStrategy != nil, SchedulingEligibility: n.SchedulingEligibility, Status: n.Status,
		StatusDescription: n.StatusDescription, Drivers: n.Drivers, HostVolumes: filled(n.HostVolumes), LastDrain: n.LastDrain,
		CreateIndex: n.CreateIndex, ModifyIndex: n.ModifyIndex, Version: n.Attributes["nomad.version"],
	}
	if host, _, err := net.SplitHostPort(n.HTTPAddr); err == nil {
		s.Address = host
	}
	if resources {
		s.NodeResources, s.ReservedResources = n.NodeResources, n.ReservedResources
	}
	if os {
		s.Attributes = map[string]string{"os.name": n.Attributes["os.name"]}
	}
	return s
}

func nodeGet(tx *readTx, r *api.NodeRequest) (*api.Node, error) {
	if err := checkID("node", r.NodeID); err != nil {
		return nil, err
	}
	n := state.Nodes.Get(tx, r.NodeID)
	if n == nil {
		return nil, notFound("node not found")
	}
	return publicNode(n), nil
}

// filled returns an empty map for none: readers see {} and not null.
func filled[M ~map[K]V, K comparable, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}

// publicNode returns the node without its secret.
func publicNode(n *api.Node) *api.Node {
	c := *n
	c.SecretID = ""
	c.Drain = c.DrainStrategy != nil
	c.Links, c.Meta, c.HostVolumes = filled(c.Links), filled(c.Meta), filled(c.HostVolumes)
	c.CSIControllerPlugins, c.CSINodePlugins = filled(c.CSIControllerPlugins), filled(c.CSINodePlugins)
	return &c
}

func nodeAllocations(tx *readTx, r *api.NodeRequest) ([]*api.Allocation, error) {
	if err := checkID("node", r.NodeID); err != nil {
		return nil, err
	}
	out := []*api.Allocation{}
	for a := range state.Allocs.By(tx, state.ByNode, r.NodeID) {
		out = append(out, fullAlloc(a))
	}
	sortCreated(out, func(a *api.Allocation) (uint64, string) { return a.CreateIndex, a.ID })
	return out, nil
}

func (e *Env) nodeEligibility(ctx context.Context, r *api.NodeEligibilityRequest) (*api.NodeEligibilityResponse, error) {
	if r.PathID != "" {
		r.NodeID = r.PathID
	}
	if err := checkID("node", r.NodeID); err != nil {
		return nil, err
	}
	if r.Eligibility != api.NodeEligible && r.Eligibility != api.NodeIneligible {
		return nil, refused("invalid scheduling eligibility %q", r.Eligibility)
	}
	snap := e.Store.Snapshot()
	n := state.Nodes.Get(snap, r.NodeID)
	if n != nil && n.SchedulingEligibility == r.Eligibility {
		var err error
		if snap, err = e.settled(ctx); err != nil {
			return nil, err
		}
		n = state.Nodes.Get(snap, r.NodeID)
	}
	switch {
	case n == nil:
		return nil, refused("node not found")
	case n.DrainStrategy != nil && r.Eligibility == api.NodeEligible:
		return nil, refused("can not set node's scheduling eligibility to eligible while it is draining")
	case n.SchedulingEligibility == r.Eligibility:
		setIndex(ctx, 0)
		return &api.NodeEligibilityResponse{}, nil
	}
	now := e.Now()
	changed := *n
	changed.SchedulingEligibility = r.Eligibility
	var evals []*api.Evaluation
	if r.Eligibility == api.NodeEligible {
		evals = e.NodeEvals(snap, &changed, n.ModifyIndex, now)
	}
	_, index, err := e.Raft.Apply(ctx, fsm.NodeEligibility.Encode(&fsm.NodeEligibilityRequest{
		NodeID: n.ID, Eligibility: r.Eligibility, UpdatedAt: now.Unix(), Evals: evals,
		Event: nodeEvent("Cluster", "Node marked as "+eligibilityText(r.Eligibility), now),
	}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	resp := &api.NodeEligibilityResponse{EvalIDs: evalIDs(evals)}
	if len(evals) > 0 {
		// Compat: only a change that creates evaluations tells the node's index.
		resp.NodeModifyIndex, resp.EvalCreateIndex = index, index
	}
	return resp, nil
}

func eligibilityText(v string) string {
	if v == api.NodeEligible {
		return "eligible for scheduling"
	}
	return "ineligible for scheduling"
}

func nodeEvent(subsystem, message string, now time.Time) *api.NodeEvent {
	now = now.UTC().Truncate(time.Second)
	return &api.NodeEvent{Message: message, Subsystem: subsystem, Timestamp: &now}
}

func evalIDs(evals []*api.Evaluation) []string {
	var ids []string
	for _, v := range evals {
		ids = append(ids, v.ID)
	}
	return ids
}

func (e *Env) nodePurge(ctx context.Context, r *api.NodeWriteRequest) (*api.NodeUpdateResponse, error) {
	if err := checkID("node", r.NodeID); err != nil {
		return nil, err
	}
	snap := e.Store.Snapshot()
	n := state.Nodes.Get(snap, r.NodeID)
	if n == nil {
		return nil, refused("node not found")
	}
	gone := *n
	gone.Status = api.NodeStatusDown
	evals := e.NodeEvals(snap, &gone, n.ModifyIndex, e.Now())
	_, index, err := e.Raft.Apply(ctx, fsm.NodeDeregister.Encode(&fsm.NodeDeregisterRequest{NodeIDs: []string{n.ID}, Evals: evals}))
	if err != nil {
		return nil, err
	}
	e.Heartbeats.Forget(n.ID)
	setIndex(ctx, index)
	resp := e.nodeUpdate(n, evals, index)
	resp.NodeModifyIndex = index
	return resp, nil
}

// nodeEvaluate creates the evaluations that a change of the node would call for.
func (e *Env) nodeEvaluate(ctx context.Context, r *api.NodeWriteRequest) (*api.NodeUpdateResponse, error) {
	if err := checkID("node", r.NodeID); err != nil {
		return nil, err
	}
	snap := e.Store.Snapshot()
	n := state.Nodes.Get(snap, r.NodeID)
	if n == nil {
		return nil, refused("node not found")
	}
	evals := e.NodeEvals(snap, n, n.ModifyIndex, e.Now())
	if len(evals) == 0 {
		setIndex(ctx, 0)
		return e.nodeUpdate(n, nil, 0), nil
	}
	_, index, err := e.Raft.Apply(ctx, fsm.EvalsUpsert.Encode(&fsm.EvalsUpsertRequest{Evals: evals}))
	if err != nil {
		return nil, err
	}
	setIndex(ctx, index)
	return e.nodeUpdate(n, evals, index), nil
}

// nodeUpdate answers a change of a node that created evaluations at an index.
func (e *Env) nodeUpdate(n *api.Node, evals []*api.Evaluation, index uint64) *api.NodeUpdateResponse {
	leader, _ := e.Raft.Leader()
	resp := &api.NodeUpdateResponse{
		EvalIDs: evalIDs(evals), LeaderRPCAddr: leader, NumNodes: state.Nodes.Len(e.Store.Snapshot()),
		SchedulingEligibility: n.SchedulingEligibility, Servers: []*api.NodeServerInfo{},
	}
	if len(evals) > 0 {
		resp.EvalCreateIndex = index
	}
	for _, m := range e.Members.Members() {
		if m.Tags["region"] != e.Region || m.Status != "alive" {
			continue
		}
		resp.Servers = append(resp.Servers, &api.NodeServerInfo{
			RPCAdvertiseAddr: net.JoinHostPort(m.Tags["rpc_addr"], m.Tags["port"]), Datacenter: m.Tags["dc"],
		})
	}
	return resp
}

// verifyNode compares a node's secret in constant time.
func (e *Env) verifyNode(snap *state.Snapshot, nodeID, secret string) (*api.Node, error) {
	n := state.Nodes.Get(snap, nodeID)
	if n == nil {
		return nil, notFound("node not found")
	}
	if subtle.ConstantTimeCompare([]byte(n.SecretID), []byte(secret)) != 1 {
		return nil, api.Errorf(api.ClassDenied, "Permission denied")
	}
	return n, nil
}

// VerifyNode says whether the secret is the node's.
func (e *Env) VerifyNode(nodeID, secret string) error {
	_, err := e.verifyNode(e.Store.Snapshot(), nodeID, secret)
	return err
}
