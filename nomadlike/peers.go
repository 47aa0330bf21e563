// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
)

// await returns what a future of raft comes to, unless ctx ends first.
func (s *Server) await(ctx context.Context, f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- s.raftError(f.Error()) }() // ends when raft knows
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// RemovePeer takes a server out of raft's peers. One that is alive comes back when gossip next tells of it.
func (s *Server) RemovePeer(ctx context.Context, id string) error {
	r, err := s.raft()
	if err != nil {
		return err
	}
	s.log.Warn("removing raft peer on request", "id", id)
	if err := s.await(ctx, r.RemoveServer(raft.ServerID(id), 0, enqueueTimeout)); err != nil {
		return fmt.Errorf("remove raft peer %s: %w", id, err)
	}
	return nil
}

// TransferLeadership makes another server the leader and returns when it has taken over or cannot.
func (s *Server) TransferLeadership(ctx context.Context, to api.RaftPeer) error {
	r, err := s.raft()
	if err != nil {
		return err
	}
	s.log.Info("handing leadership over on request", "id", to.ID, "address", to.Address)
	f := r.LeadershipTransferToServer(raft.ServerID(to.ID), raft.ServerAddress(to.Address))
	if err := s.await(ctx, f); err != nil {
		return fmt.Errorf("hand leadership over to %s: %w", to.Address, err)
	}
	return nil
}
