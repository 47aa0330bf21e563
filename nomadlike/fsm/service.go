// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// ServicesUpsertRequest stores service registrations.
type ServicesUpsertRequest struct{ Services []*api.ServiceRegistration }

// ServicesUpsert answers nothing.
var ServicesUpsert = Define(90, "ServicesUpsert", func(w *state.WriteTx, p *ServicesUpsertRequest) (any, error) {
	for _, s := range p.Services {
		if s != nil {
			state.Services.Put(w, s)
		}
	}
	return nil, nil
})

// ServiceRef names a service registration.
type ServiceRef struct{ Namespace, ID string }

// ServicesDeleteRequest removes service registrations, one by one or all of a node.
type ServicesDeleteRequest struct {
	Services []ServiceRef
	// NodeID removes everything that the node registered.
	NodeID string
}

// ServicesDelete answers nothing; registrations that are gone already are passed over.
var ServicesDelete = Define(91, "ServicesDelete", func(w *state.WriteTx, p *ServicesDeleteRequest) (any, error) {
	for _, s := range p.Services {
		state.Services.Delete(w, s.Namespace, s.ID)
	}
	if p.NodeID != "" {
		for _, s := range collect(state.Services.By(w, state.ByNode, p.NodeID)) {
			state.Services.Delete(w, s.Namespace, s.ID)
		}
	}
	return nil, nil
})
