// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// NodePoolUpsertRequest stores node pools.
type NodePoolUpsertRequest struct{ Pools []*api.NodePool }

// NodePoolUpsert answers nothing; it refuses to change the built-in pools.
var NodePoolUpsert = Define(50, "NodePoolUpsert", func(w *state.WriteTx, p *NodePoolUpsertRequest) (any, error) {
	for _, pool := range p.Pools {
		if pool == nil {
			continue
		}
		if pool.BuiltIn() {
			return nil, api.CodeErrorf(api.ClassInvalid, 400, "modifying node pool %q is not allowed", pool.Name)
		}
		state.NodePools.Put(w, pool)
	}
	return nil, nil
})

// NodePoolDeleteRequest removes node pools.
type NodePoolDeleteRequest struct{ Names []string }

// NodePoolDelete answers nothing; it removes all of the pools or, when one cannot go, none.
var NodePoolDelete = Define(51, "NodePoolDelete", func(w *state.WriteTx, p *NodePoolDeleteRequest) (any, error) {
	for _, name := range p.Names {
		switch {
		case (&api.NodePool{Name: name}).BuiltIn():
			return nil, api.CodeErrorf(api.ClassInvalid, 500, "deleting node pool %q is not allowed", name)
		case state.NodePools.Get(w, name) == nil:
			return nil, api.CodeErrorf(api.ClassNotFound, 500, "node pool %s not found", name)
		case state.Nodes.Count(w, state.ByPool, name) > 0:
			return nil, api.CodeErrorf(api.ClassConflict, 500, "node pool %q has nodes", name)
		}
		for j := range state.Jobs.By(w, state.ByPool, name) {
			if !j.Stopped() {
				return nil, api.CodeErrorf(api.ClassConflict, 500, "node pool %q has non-terminal jobs", name)
			}
		}
		state.NodePools.Delete(w, name)
	}
	return nil, nil
})
