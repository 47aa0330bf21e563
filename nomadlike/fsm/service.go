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
		dropNodeServices(w, p.NodeID)
	}
	return nil, nil
})

// ServicesSyncRequest changes what clients have registered.
type ServicesSyncRequest struct {
	Upsert []*api.ServiceRegistration
	Delete []ServiceRef
}

// ServicesSync answers nothing. What belongs to an allocation that has ended or is gone is not stored: the
// report of its end may have overtaken the registration.
var ServicesSync = Define(92, "ServicesSync", func(w *state.WriteTx, p *ServicesSyncRequest) (any, error) {
	for _, s := range p.Delete {
		state.Services.Delete(w, s.Namespace, s.ID)
	}
	for _, s := range p.Upsert {
		if s == nil {
			continue
		}
		if a := state.Allocs.Get(w, s.AllocID); a != nil && !a.ClientTerminalStatus() {
			state.Services.Put(w, s)
		}
	}
	return nil, nil
})

// dropServices removes what an allocation that has ended or is gone had registered.
func dropServices(w *state.WriteTx, allocID string) {
	for _, s := range collect(state.Services.By(w, state.ByAlloc, allocID)) {
		state.Services.Delete(w, s.Namespace, s.ID)
	}
}

// dropNodeServices removes everything that a node had registered.
func dropNodeServices(w *state.WriteTx, nodeID string) {
	for _, s := range collect(state.Services.By(w, state.ByNode, nodeID)) {
		state.Services.Delete(w, s.Namespace, s.ID)
	}
}
