// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// NamespaceUpsertRequest stores namespaces.
type NamespaceUpsertRequest struct{ Namespaces []*api.Namespace }

// NamespaceUpsert answers nothing.
var NamespaceUpsert = Define(60, "NamespaceUpsert", func(w *state.WriteTx, p *NamespaceUpsertRequest) (any, error) {
	for _, n := range p.Namespaces {
		if n != nil {
			state.Namespaces.Put(w, n)
		}
	}
	return nil, nil
})

// NamespaceDeleteRequest removes namespaces.
type NamespaceDeleteRequest struct{ Names []string }

// NamespaceDelete answers nothing; it removes all of the namespaces or, when one cannot go, none.
var NamespaceDelete = Define(61, "NamespaceDelete", func(w *state.WriteTx, p *NamespaceDeleteRequest) (any, error) {
	for _, name := range p.Names {
		switch {
		case name == api.DefaultNamespace:
			return nil, api.CodeErrorf(api.ClassInvalid, 500, "can not delete default namespace")
		case state.Namespaces.Get(w, name) == nil:
			return nil, api.CodeErrorf(api.ClassNotFound, 500, "namespace not found")
		}
		for j := range state.Jobs.Prefix(w, name, "") {
			if j.Status != api.JobStatusDead {
				return nil, api.CodeErrorf(api.ClassConflict, 500,
					"namespace %q has non-terminal jobs", name)
			}
		}
		state.Namespaces.Delete(w, name)
	}
	return nil, nil
})
