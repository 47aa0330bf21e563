// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) nodePoolHandlers(set *opset.Set) {
	handleRead(e, set, api.NodePoolList, nodePoolList)
	handleRead(e, set, api.NodePoolGet, nodePoolGet)
	handleRead(e, set, api.NodePoolNodes, nodePoolNodes)
	handleRead(e, set, api.NodePoolJobs, nodePoolJobs)
	handleWrite(set, api.NodePoolApply, e.nodePoolApply)
	handleWrite(set, api.NodePoolDelete, e.nodePoolDelete)
}

func nodePoolList(tx *readTx, r *api.NodePoolListRequest) ([]*api.NodePool, error) {
	rows := state.NodePools.All(tx)
	if r.Prefix != "" {
		rows = state.NodePools.Prefix(tx, r.Prefix)
	}
	return list(tx, page[api.NodePool]{
		rows:  inOrder(tx, rows),
		token: func(p *api.NodePool) string { return p.Name },
	}, func(p *api.NodePool) *api.NodePool { return p })
}

func nodePoolGet(tx *readTx, r *api.NodePoolRequest) (*api.NodePool, error) {
	p := state.NodePools.Get(tx, r.Name)
	if p == nil {
		return nil, notFound("node pool not found")
	}
	return p, nil
}

// checkPool refuses what lists inside a pool do not take, and reports whether the pool exists.
func checkPool(tx *readTx, name string) (bool, error) {
	if tx.Options.Prefix != "" {
		return false, api.Errorf(api.ClassInvalid, "prefix argument not allowed")
	}
	if state.NodePools.Get(tx, name) == nil {
		tx.overrideIndex(0)
		return false, nil
	}
	return true, nil
}

func nodePoolNodes(tx *readTx, r *api.NodePoolNodesRequest) ([]*api.NodeListStub, error) {
	if ok, err := checkPool(tx, r.Name); !ok {
		return []*api.NodeListStub{}, err
	}
	rows := state.Nodes.All(tx)
	if r.Name != api.NodePoolAll {
		rows = state.Nodes.By(tx, state.ByPool, r.Name)
	}
	return list(tx, page[api.Node]{
		rows:  inOrder(tx, rows),
		token: func(n *api.Node) string { return n.ID },
		shown: publicNode,
	}, func(n *api.Node) *api.NodeListStub { return nodeStub(n, r.Resources, r.OS) })
}

func nodePoolJobs(tx *readTx, r *api.NodePoolJobsRequest) ([]*api.JobListStub, error) {
	if ok, err := checkPool(tx, r.Name); !ok {
		return []*api.JobListStub{}, err
	}
	state.JobSummaries.Index(tx)
	return list(tx, page[api.Job]{
		rows:      inOrder(tx, state.Jobs.By(tx, state.ByPool, r.Name)),
		token:     jobToken,
		namespace: func(j *api.Job) string { return j.Namespace },
		before:    jobBefore(tx.Options.Reverse),
	}, func(j *api.Job) *api.JobListStub {
		return jobStub(j, state.JobSummaries.Get(tx.Unrecorded(), j.Namespace, j.ID), r.Meta)
	})
}

func (e *Env) nodePoolApply(ctx context.Context, r *api.NodePoolApplyRequest) (api.Empty, error) {
	none := api.Empty{}
	p := r.Pool
	if p == nil {
		return none, api.Errorf(api.ClassInvalid, "missing node pool in the request body")
	}
	if p.Name == "" {
		p.Name = r.PathName
	}
	if r.PathName != "" && p.Name != r.PathName {
		return none, api.Errorf(api.ClassInvalid, "Node pool name does not match request path")
	}
	if err := p.Validate(); err != nil {
		return none, api.Errorf(api.ClassInvalid, "invalid node pool %q: %v", p.Name, err)
	}
	if p.BuiltIn() {
		return none, api.Errorf(api.ClassInvalid, "modifying node pool %q is not allowed", p.Name)
	}
	if p.NodeIdentityTTL == 0 {
		p.NodeIdentityTTL = api.DefaultNodeIdentityTTL
	}
	p.SetHash()
	_, index, err := e.Raft.Apply(ctx, fsm.NodePoolUpsert.Encode(&fsm.NodePoolUpsertRequest{Pools: []*api.NodePool{p}}))
	setIndex(ctx, index)
	return none, err
}

func (e *Env) nodePoolDelete(ctx context.Context, r *api.NodePoolDeleteRequest) (api.Empty, error) {
	none := api.Empty{}
	snap := e.Store.Snapshot()
	if state.NodePools.Get(snap, r.Name) == nil {
		return none, refused("node pool %s not found", r.Name)
	}
	problems := &jobProblems{}
	jobs, err := e.usedIn(ctx, func() bool {
		for j := range state.Jobs.By(snap, state.ByPool, r.Name) {
			if j.Status != api.JobStatusDead {
				return true
			}
		}
		return false
	}, func(ctx context.Context, region string) (bool, error) {
		jobs, _, err := api.NodePoolJobs.Call(ctx, e.Agents, &api.NodePoolJobsRequest{
			ReadOptions: probe(&r.RequestOptions, region, api.AllNamespaces, liveJobs), Name: r.Name,
		})
		return len(jobs) > 0, err
	})
	if err != nil {
		return none, err
	}
	if len(jobs) > 0 {
		problems.add("node pool %q has non-terminal jobs in regions: %v", r.Name, jobs)
	}
	nodes, err := e.usedIn(ctx, func() bool { return state.Nodes.Count(snap, state.ByPool, r.Name) > 0 },
		func(ctx context.Context, region string) (bool, error) {
			nodes, _, err := api.NodePoolNodes.Call(ctx, e.Agents, &api.NodePoolNodesRequest{
				ReadOptions: probe(&r.RequestOptions, region, "", ""), Name: r.Name,
			})
			return len(nodes) > 0, err
		})
	if err != nil {
		return none, err
	}
	if len(nodes) > 0 {
		problems.add("node pool %q has nodes in regions: %v", r.Name, nodes)
	}
	if err := problems.err(); err != nil {
		return none, err
	}
	_, index, err := e.Raft.Apply(ctx, fsm.NodePoolDelete.Encode(&fsm.NodePoolDeleteRequest{Names: []string{r.Name}}))
	setIndex(ctx, index)
	return none, err
}
