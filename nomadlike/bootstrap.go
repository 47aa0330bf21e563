// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/membership"
)

// bootstrapPoll is how often a server that waits for others looks again; gossip wakes it earlier.
const bootstrapPoll = time.Second

// start bootstraps a cluster of one, and makes a server that is alone lead at once.
func (s *Server) start(st *storage, transport *kicker) error {
	r, err := s.raft()
	if err != nil {
		return err
	}
	has, err := raft.HasExistingState(st.logs, st.stable, st.snapshots)
	if err != nil {
		return fmt.Errorf("read raft state in %s: %w", st.source, err)
	}
	id := raft.ServerID(st.id)
	if !has && s.cfg.BootstrapExpect == 1 {
		err := r.BootstrapCluster(raft.Configuration{Servers: []raft.Server{{
			Suffrage: raft.Voter, ID: id, Address: transport.LocalAddr(),
		}}}).Error()
		if err != nil {
			return fmt.Errorf("bootstrap raft: %w", err)
		}
	}
	f := r.GetConfiguration()
	if err := f.Error(); err != nil {
		return fmt.Errorf("read raft configuration: %w", err)
	}
	if err := s.checkID(st.id, f.Configuration().Servers); err != nil {
		return err
	}
	if peers := f.Configuration().Servers; len(peers) == 1 && peers[0].ID == id && peers[0].Suffrage == raft.Voter {
		transport.kick(id)
	}
	return nil
}

// bootstrapLoop starts a new cluster once as many servers as expected know each other.
func (s *Server) bootstrapLoop(ctx context.Context, members *membership.Membership) error {
	for s.cfg.BootstrapExpect > 1 {
		done, err := s.tryBootstrap(ctx, members)
		if err != nil {
			s.log.Warn("could not bootstrap the cluster, trying again", "error", err)
		}
		if done {
			return nil
		}
		if err := run.Sleep(ctx, bootstrapPoll); err != nil {
			return err
		}
	}
	return nil
}

// tryBootstrap reports whether the server is part of a cluster, which it may just have started.
func (s *Server) tryBootstrap(ctx context.Context, members *membership.Membership) (bool, error) {
	r, err := s.raft()
	if err != nil {
		return false, err
	}
	if len(s.PeerAddresses()) > 0 {
		return true, nil
	}
	var servers []raft.Server
	for _, m := range members.Servers(s.cfg.Region) {
		switch {
		case !m.Alive:
			continue
		case m.Expect == 0:
			continue // joins whatever there is
		case m.Expect != s.cfg.BootstrapExpect:
			return false, fmt.Errorf("server %s has bootstrap_expect %d, this one has %d", m.Name, m.Expect, s.cfg.BootstrapExpect)
		}
		servers = append(servers, raft.Server{
			Suffrage: raft.Voter, ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.RPCAddr),
		})
	}
	if len(servers) < s.cfg.BootstrapExpect {
		return false, nil
	}
	if s.deps.PeersOf != nil {
		for _, addr := range s.Peers() {
			peers, err := s.deps.PeersOf(ctx, addr)
			if err != nil {
				return false, fmt.Errorf("ask %s for its raft peers: %w", addr, err)
			}
			if len(peers) > 0 {
				s.log.Info("a cluster exists already, waiting to be added to it", "address", addr)
				return true, nil
			}
		}
	}
	s.log.Info("bootstrapping a new cluster", "servers", len(servers))
	err = r.BootstrapCluster(raft.Configuration{Servers: servers}).Error()
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return false, fmt.Errorf("bootstrap raft: %w", err)
	}
	return true, nil
}
