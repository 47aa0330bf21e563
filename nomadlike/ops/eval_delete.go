// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"slices"

	"github.com/hashicorp/go-bexpr"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// evalDeleteBatch is the most evaluations that one raft entry deletes.
const evalDeleteBatch = 2000

// evalDelete deletes evaluations by ID or by filter. By ID one that is needed refuses all; a filter passes those
// over.
func (e *Env) evalDelete(ctx context.Context, r *api.EvalDeleteRequest) (*api.EvalDeleteResponse, error) {
	switch {
	case len(r.EvalIDs) == 0 && r.Filter == "":
		return nil, api.Errorf(api.ClassInvalid, "evals must be deleted by either ID or filter")
	case len(r.EvalIDs) > 0 && r.Filter != "":
		return nil, api.Errorf(api.ClassInvalid, "evals cannot be deleted by both ID and filter")
	}
	snap := e.Store.Snapshot()
	if !state.SchedulerConfig.Current(snap).PauseEvalBroker {
		return nil, refused("eval broker is enabled; eval broker must be paused to delete evals")
	}
	ids, err := evalsByID(snap, r.EvalIDs)
	if r.Filter != "" {
		ids, err = evalsByFilter(snap, r.Filter)
	}
	if err != nil {
		return nil, err
	}
	resp := &api.EvalDeleteResponse{}
	setIndex(ctx, snap.Index())
	for batch := range slices.Chunk(ids, evalDeleteBatch) {
		_, index, err := e.Raft.Apply(ctx, fsm.EvalsDelete.Encode(&fsm.EvalsDeleteRequest{EvalIDs: batch}))
		if err != nil {
			return nil, err
		}
		setIndex(ctx, index)
		resp.Count += len(batch)
	}
	return resp, nil
}

func evalsByID(s *state.Snapshot, ids []string) ([]string, error) {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range ids {
		if err := checkID("eval", id); err != nil {
			return nil, err
		}
		v := state.Evals.Get(s, id)
		switch {
		case v == nil:
			return nil, refused("eval not found")
		case evalNeeded(s, v):
			return nil, refused("eval %s is not safe to delete: allocations of it run and its job lives", id)
		}
	}
	return ids, nil
}

func evalsByFilter(s *state.Snapshot, filter string) ([]string, error) {
	match, err := bexpr.CreateEvaluator(filter)
	if err != nil {
		return nil, api.Errorf(api.ClassInvalid, "failed to read filter expression: %v", err)
	}
	var ids []string
	for v := range state.Evals.All(s) {
		ok, err := match.Evaluate(v)
		if err != nil {
			return nil, api.Errorf(api.ClassInvalid, "failed to read result page: %v", err)
		}
		if ok && !evalNeeded(s, v) {
			ids = append(ids, v.ID)
		}
	}
	return ids, nil
}

// evalNeeded reports whether an evaluation has allocations that run of a job that lives: it tells why they are
// where they are.
func evalNeeded(s *state.Snapshot, v *api.Evaluation) bool {
	if state.Allocs.Live(s, state.ByEval, v.ID) == 0 {
		return false
	}
	job := state.Jobs.Get(s, v.Namespace, v.JobID)
	return job != nil && !job.Stopped()
}
