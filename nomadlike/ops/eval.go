// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

func (e *Env) evalHandlers(set *opset.Set) {
	handleRead(e, set, api.EvalList, evalList)
	handleRead(e, set, api.EvalCount, evalCount)
	handleRead(e, set, api.EvalGet, e.evalGet)
	handleRead(e, set, api.EvalAllocations, evalAllocations)
	handleWrite(set, api.EvalDelete, e.evalDelete)
}

func evalList(tx *readTx, r *api.EvalListRequest) ([]*api.Evaluation, error) {
	if r.Filter != "" && (r.Status != "" || r.JobFilter != "") {
		return nil, api.Errorf(api.ClassInvalid, "Filter expression cannot be used with other filter parameters")
	}
	if err := checkPrefix("eval", r.Prefix); err != nil {
		return nil, err
	}
	p := evalPage(tx, r.Prefix)
	p.keep = func(v *api.Evaluation) bool {
		return (r.Status == "" || v.Status == r.Status) && (r.JobFilter == "" || v.JobID == r.JobFilter)
	}
	return list(tx, p, func(v *api.Evaluation) *api.Evaluation { return v })
}

func evalPage(tx *readTx, prefix string) page[api.Evaluation] {
	p := page[api.Evaluation]{
		token:     func(v *api.Evaluation) string { return createdToken(v.CreateIndex, v.ID) },
		namespace: func(v *api.Evaluation) string { return v.Namespace },
	}
	if prefix != "" {
		p.rows = inOrder(tx, state.Evals.Prefix(tx, uuidOf(prefix)))
		p.token = func(v *api.Evaluation) string { return v.ID }
		return p
	}
	index, id := splitCreated(tx.Options.NextToken)
	p.rows = state.Evals.Created(tx, index, id, tx.Options.Reverse)
	p.before = func(*api.Evaluation, string) bool { return false }
	return p
}

func evalCount(tx *readTx, r *api.EvalCountRequest) (*api.EvalCountResponse, error) {
	if err := checkPrefix("eval", r.Prefix); err != nil {
		return nil, err
	}
	tx.Options.PerPage, tx.Options.NextToken = 0, ""
	rows, err := list(tx, evalPage(tx, r.Prefix), func(*api.Evaluation) struct{} { return struct{}{} })
	return &api.EvalCountResponse{Count: len(rows)}, err
}

func (e *Env) evalGet(tx *readTx, r *api.EvalRequest) (*api.Evaluation, error) {
	if err := checkID("eval", r.EvalID); err != nil {
		return nil, err
	}
	v := state.Evals.Get(tx, r.EvalID)
	if v == nil {
		return nil, notFound("eval not found")
	}
	if r.Explain {
		v = e.explained(v)
	}
	if !r.Related {
		return v, nil
	}
	c := *v
	c.RelatedEvals = relatedEvals(tx, v)
	return &c, nil
}

// relatedEvals walks the links of an evaluation and returns stubs of what it reaches.
func relatedEvals(tx *readTx, start *api.Evaluation) []*api.EvaluationStub {
	seen := map[string]bool{start.ID: true}
	queue := []*api.Evaluation{start}
	var out []*api.EvaluationStub
	for len(queue) > 0 {
		v := queue[0]
		queue = queue[1:]
		for _, id := range []string{v.NextEval, v.PreviousEval, v.BlockedEval} {
			if id == "" || seen[id] {
				continue
			}
			seen[id] = true
			if linked := state.Evals.Get(tx, id); linked != nil {
				queue = append(queue, linked)
				out = append(out, evalStub(linked))
			}
		}
	}
	return out
}

func evalStub(v *api.Evaluation) *api.EvaluationStub {
	return &api.EvaluationStub{
		ID: v.ID, Namespace: v.Namespace, Priority: v.Priority, Type: v.Type, TriggeredBy: v.TriggeredBy, JobID: v.JobID,
		NodeID: v.NodeID, DeploymentID: v.DeploymentID, Status: v.Status, StatusDescription: v.StatusDescription,
		WaitUntil: v.WaitUntil, NextEval: v.NextEval, PreviousEval: v.PreviousEval, BlockedEval: v.BlockedEval,
		CreateIndex: v.CreateIndex, ModifyIndex: v.ModifyIndex, CreateTime: v.CreateTime, ModifyTime: v.ModifyTime,
	}
}

func evalAllocations(tx *readTx, r *api.EvalRequest) ([]*api.AllocListStub, error) {
	if err := checkID("eval", r.EvalID); err != nil {
		return nil, err
	}
	out := []*api.AllocListStub{}
	for a := range state.Allocs.By(tx, state.ByEval, r.EvalID) {
		out = append(out, allocStub(a, false, true))
	}
	sortCreated(out, func(a *api.AllocListStub) (uint64, string) { return a.CreateIndex, a.ID })
	return out, nil
}
