// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/membership"
)

// peersPause is how long peers go without being compared to the servers of the region although no change was told.
const peersPause = 10 * time.Second

// peersDuty keeps raft's peers in step with the servers of the region. Gossip does not tell of every change: a server
// that comes back while word still goes round that it was made to leave counts as leaving first, and then as alive
// without an event.
func (s *Server) peersDuty(ctx context.Context) error {
	members := s.Members()
	for {
		pause := peersPause
		if err := s.reconcilePeers(); err != nil {
			s.log.Warn("could not bring the raft peers up to date, trying again", "error", err)
			pause = dutyPause
		}
		select {
		case <-members.Changed():
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rejoinLoop has gossip say anew that this server is there while it hears of no leader. Others may take it for one that was made
// to leave, as it is after a partition, and when that word does not reach this server it cannot refute it: nothing else
// would make it count as alive there again, and a raft peer.
func (s *Server) rejoinLoop(ctx context.Context, members *membership.Membership) error {
	for {
		if err := run.Sleep(ctx, peersPause); err != nil {
			return err
		}
		if addr, self := s.Leader(); addr != "" || self {
			continue
		}
		if err := members.Rejoin(); err != nil {
			s.log.Debug("could not tell the other servers anew of this one", "error", err)
		}
	}
}

// reconcilePeers adds servers that are alive and removes those that left or were dropped by gossip. A new server has no
// vote until the autopilot promotes it; what to do with dead ones is the autopilot's business, too: it removes them every
// 10 s and when a server is added, so that one that is only restarted usually finds its place kept.
func (s *Server) reconcilePeers() error {
	defer s.measure(time.Now(), "leader", "reconcile")
	r, err := s.raft()
	if err != nil {
		return err
	}
	f := r.GetConfiguration()
	if err := f.Error(); err != nil {
		return err
	}
	byID := map[raft.ServerID]raft.Server{}
	for _, p := range f.Configuration().Servers {
		byID[p.ID] = p
	}
	pilot := s.pilot()
	var errs []error
	servers := s.Members().Servers(s.cfg.Region)
	for _, m := range servers {
		start := time.Now()
		peer, known := byID[raft.ServerID(m.ID)]
		twin := twinOf(m, peer.Address, servers)
		switch {
		case twin != nil:
			if m.Alive {
				s.log.Error("two servers have the same ID, and only one of them is a raft peer; stop the other one and start it with an empty data directory",
					"id", m.ID, "peer", twin.Name, "other", m.Name, "address", m.RPCAddr)
			}
		case m.Alive && (!known || peer.Address != raft.ServerAddress(m.RPCAddr)):
			errs = append(errs, s.addPeer(pilot, m))
		case m.Left && known && len(byID) > 1: // the last one stays, for raft cannot be without
			s.log.Info("removing raft peer that left", "name", m.Name, "address", m.RPCAddr)
			errs = append(errs, pilot.RemoveServer(peer.ID))
		}
		s.measure(start, "leader", "reconcileMember")
	}
	for _, m := range s.Members().Forgotten(s.cfg.Region) {
		if peer, known := byID[raft.ServerID(m.ID)]; known && len(byID) > 1 && twinOf(m, peer.Address, servers) == nil {
			s.log.Info("removing raft peer that gossip has dropped", "name", m.Name, "address", m.RPCAddr)
			errs = append(errs, pilot.RemoveServer(peer.ID))
		}
	}
	return errors.Join(errs...)
}

// twinOf returns the server that has the ID of m and is alive at the address of the raft peer with that ID, nil when m is it
// or there is none: a data directory that was copied has its server twice.
func twinOf(m *membership.Server, peer raft.ServerAddress, servers []*membership.Server) *membership.Server {
	for _, other := range servers {
		if other.ID == m.ID && other.Name != m.Name && other.Alive && raft.ServerAddress(other.RPCAddr) == peer && m.RPCAddr != other.RPCAddr {
			return other
		}
	}
	return nil
}

func (s *Server) addPeer(pilot *autopilot.Autopilot, m *membership.Server) error {
	s.log.Info("adding raft peer", "name", m.Name, "address", m.RPCAddr)
	return pilot.AddServer(&autopilot.Server{
		ID: raft.ServerID(m.ID), Name: m.Name, Address: raft.ServerAddress(m.RPCAddr), NodeStatus: autopilot.NodeAlive,
		Version: m.Build, RaftVersion: m.RaftVersion, NodeType: autopilot.NodeVoter,
	})
}

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

// RemovePeer takes a server out of raft's peers. One that is alive comes back when peersPause has passed or
// gossip tells of a server.
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
