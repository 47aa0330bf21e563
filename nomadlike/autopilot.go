// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// newAutopilot returns what promotes new servers and removes dead ones while this server leads.
func (s *Server) newAutopilot(r *raft.Raft) *autopilot.Autopilot {
	return autopilot.New(r, &pilot{s}, autopilot.WithLogger(s.log))
}

func (s *Server) pilot() *autopilot.Autopilot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.pilot
}

// autopilotDuty runs the autopilot until ctx ends.
func (s *Server) autopilotDuty(ctx context.Context) error {
	p := s.pilot()
	p.Start(ctx)
	<-ctx.Done()
	<-p.Stop()
	return ctx.Err()
}

// Health tells how the autopilot sees the servers. Only the leader knows.
func (s *Server) Health() (*api.OperatorHealthReply, error) {
	r, err := s.raft()
	if err != nil {
		return nil, err
	}
	reply := &api.OperatorHealthReply{Voters: []string{}, Servers: []*api.ServerHealth{}}
	st := s.pilot().GetState()
	if st == nil || r.State() != raft.Leader {
		return reply, nil
	}
	reply.Healthy, reply.FailureTolerance, reply.Leader = st.Healthy && len(st.Servers) > 0, st.FailureTolerance, string(st.Leader)
	for _, id := range st.Voters {
		reply.Voters = append(reply.Voters, string(id))
	}
	for _, srv := range st.Servers {
		since := srv.Health.StableSince.UTC().Truncate(time.Second)
		reply.Servers = append(reply.Servers, &api.ServerHealth{
			ID: string(srv.Server.ID), Name: srv.Server.Name, Address: string(srv.Server.Address), Version: srv.Server.Version,
			SerfStatus: string(srv.Server.NodeStatus), Leader: srv.State == autopilot.RaftLeader, Voter: srv.HasVotingRights(),
			Healthy: srv.Health.Healthy, LastContact: srv.Stats.LastContact.String(),
			LastTerm: srv.Stats.LastTerm, LastIndex: srv.Stats.LastIndex, StableSince: &since,
		})
	}
	slices.SortFunc(reply.Servers, func(a, b *api.ServerHealth) int {
		return strings.Compare(a.Name+a.ID, b.Name+b.ID)
	})
	return reply, nil
}

// RaftStats tells how far this server's raft log is.
func (s *Server) RaftStats() (*api.RaftStats, error) {
	r, err := s.raft()
	if err != nil {
		return nil, err
	}
	term, err := strconv.ParseUint(r.Stats()["last_log_term"], 10, 64)
	if err != nil {
		return nil, err
	}
	return &api.RaftStats{LastContact: s.LastContact(), LastTerm: term, LastIndex: r.LastIndex()}, nil
}

// pilot is the server as the autopilot sees it.
type pilot struct{ s *Server }

// AutopilotConfig returns the stored configuration.
func (p *pilot) AutopilotConfig() *autopilot.Config {
	c := state.AutopilotConfig.Current(p.s.store.Snapshot())
	contact, stable := c.Thresholds()
	return &autopilot.Config{
		CleanupDeadServers: c.CleanupDeadServers, LastContactThreshold: contact, MaxTrailingLogs: c.MaxTrailingLogs,
		MinQuorum: uint(max(c.MinQuorum, 0)), ServerStabilizationTime: stable,
	}
}

// NotifyState takes a new view of the servers' health.
func (p *pilot) NotifyState(st *autopilot.State) {
	if m := p.s.deps.Metrics; m != nil {
		healthy := float32(0)
		if st.Healthy {
			healthy = 1
		}
		m.SetGauge([]string{"nomad", "autopilot", "healthy"}, healthy)
		m.SetGauge([]string{"nomad", "autopilot", "failure_tolerance"}, float32(st.FailureTolerance))
	}
}

// FetchServerStats asks all servers at once; one that does not answer in time is left out.
func (p *pilot) FetchServerStats(ctx context.Context, servers map[raft.ServerID]*autopilot.Server) map[raft.ServerID]*autopilot.ServerStats {
	self := raft.ServerAddress(p.s.cfg.RPCAdvertise)
	var mu sync.Mutex
	out := map[raft.ServerID]*autopilot.ServerStats{}
	var wg sync.WaitGroup
	for id, srv := range servers {
		wg.Go(func() {
			var st *api.RaftStats
			var err error
			switch {
			case srv.Address == self:
				st, err = p.s.RaftStats()
			case p.s.deps.StatsOf == nil:
				return
			default:
				st, err = p.s.deps.StatsOf(ctx, string(srv.Address))
			}
			if err != nil {
				p.s.log.Debug("server does not tell of its raft log", "name", srv.Name, "error", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[id] = &autopilot.ServerStats{LastContact: st.LastContact, LastTerm: st.LastTerm, LastIndex: st.LastIndex}
		})
	}
	wg.Wait()
	return out
}

// KnownServers returns the servers of the region that gossip knows.
func (p *pilot) KnownServers() map[raft.ServerID]*autopilot.Server {
	out := map[raft.ServerID]*autopilot.Server{}
	for _, m := range p.s.Members().Servers(p.s.cfg.Region) {
		srv := &autopilot.Server{
			ID: raft.ServerID(m.ID), Name: m.Name, Address: raft.ServerAddress(m.RPCAddr), Version: m.Build,
			RaftVersion: m.RaftVersion, NodeStatus: autopilot.NodeUnknown, NodeType: autopilot.NodeVoter,
		}
		switch m.Status {
		case "alive":
			srv.NodeStatus = autopilot.NodeAlive
		case "failed":
			srv.NodeStatus = autopilot.NodeFailed
		case "leaving", "left":
			srv.NodeStatus = autopilot.NodeLeft
		}
		// A server that came back with an empty directory has a new ID under the old name; the member of the old
		// one may still be known for a while.
		out[srv.ID] = srv
	}
	return out
}

// RemoveFailedServer makes a dead server count as left, upon which it is removed from raft.
func (p *pilot) RemoveFailedServer(srv *autopilot.Server) {
	p.s.log.Warn("removing dead server", "name", srv.Name, "address", srv.Address)
	go func() { // ends when gossip has taken note
		if err := p.s.Members().ForceLeave(srv.Name, false); err != nil {
			p.s.log.Error("could not remove a dead server", "name", srv.Name, "error", err)
		}
	}()
}
