// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
)

func (e *Env) operatorHandlers(set *opset.Set) {
	opset.Handle(set, api.RaftConfigurationGet, func(context.Context, *api.OperatorReadRequest) (*api.RaftConfiguration, error) {
		return e.Raft.Configuration()
	})
	handleWrite(set, api.RaftPeerRemove, e.raftPeerRemove)
	handleWrite(set, api.RaftTransfer, e.raftTransfer)
}

func (e *Env) raftPeerRemove(ctx context.Context, r *api.RaftPeerRemoveRequest) (api.Empty, error) {
	if r.ID == "" {
		return api.Empty{}, api.Errorf(api.ClassInvalid, "Must specify the peer's ID to remove")
	}
	if _, err := e.raftPeer(api.RaftPeer{ID: r.ID}); err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, e.Raft.RemovePeer(ctx, r.ID)
}

// raftPeer returns the raft peer with the ID, the address, or both.
func (e *Env) raftPeer(want api.RaftPeer) (*api.RaftServer, error) {
	c, err := e.Raft.Configuration()
	if err != nil {
		return nil, err
	}
	for _, s := range c.Servers {
		if (want.ID == "" || s.ID == want.ID) && (want.Address == "" || s.Address == want.Address) {
			return s, nil
		}
	}
	switch {
	case want.Address == "":
		return nil, refused("id %q was not found in the Raft configuration", want.ID)
	case want.ID == "":
		return nil, refused("address %q was not found in the Raft configuration", want.Address)
	}
	return nil, refused("id %q with address %q was not found in the Raft configuration", want.ID, want.Address)
}

func (e *Env) raftTransfer(ctx context.Context, r *api.RaftTransferRequest) (*api.RaftTransferResponse, error) {
	if r.ID == "" && r.Address == "" {
		return nil, api.Errorf(api.ClassInvalid, "must specify id or address")
	}
	to, err := e.raftPeer(api.RaftPeer{ID: r.ID, Address: r.Address})
	if err != nil {
		return nil, err
	}
	from := api.RaftPeer{}
	c, err := e.Raft.Configuration()
	if err != nil {
		return nil, err
	}
	for _, s := range c.Servers {
		if s.Leader {
			from = api.RaftPeer{ID: s.ID, Address: s.Address}
		}
	}
	resp := &api.RaftTransferResponse{From: from, To: api.RaftPeer{ID: to.ID, Address: to.Address}}
	switch {
	case to.Leader:
		resp.Noop = true
		return resp, nil
	case !to.Voter:
		return nil, refused("server %s is no voter yet; leadership can only go to a voter", to.ID)
	}
	if err := e.Raft.TransferLeadership(ctx, resp.To); err != nil {
		return nil, err
	}
	return resp, nil
}
