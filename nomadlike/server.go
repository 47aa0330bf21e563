// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	autopilot "github.com/hashicorp/raft-autopilot"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/events"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/membership"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Server is one server of a cluster.
type Server struct {
	cfg    Config
	deps   Deps
	log    hclog.Logger
	store  *state.Store
	events *events.Broker
	// freshID is the server's ID unless its data directory has one.
	freshID string

	leadership chan bool
	// restored has room for one signal that the whole state was replaced.
	restored chan struct{}
	started  chan struct{}
	// leading is set while this server leads and has caught up.
	leading atomic.Bool
	// since is when Run was called.
	since time.Time

	mu struct {
		sync.Mutex
		members *membership.Membership
		raft    *raft.Raft
		machine *fsm.FSM
		pilot   *autopilot.Autopilot
		// snapshots are those that raft stores.
		snapshots raft.SnapshotStore
		id        raft.ServerID
		addr      raft.ServerAddress
	}
}

// New returns a server that has not started.
func New(cfg Config, deps Deps) (*Server, error) {
	cfg.EnsureDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("server configuration: %w", err)
	}
	if deps.RaftLayer == nil && deps.RaftTransport == nil {
		return nil, errors.New("server has no raft transport")
	}
	if deps.Logger == nil {
		deps.Logger = hclog.NewNullLogger()
	}
	s := &Server{
		cfg: cfg, deps: deps, log: deps.Logger.Named("server"), store: state.New(), freshID: api.NewID(),
		leadership: make(chan bool, 16), restored: make(chan struct{}, 1), started: make(chan struct{}),
	}
	s.store.OnRestore(func() {
		select {
		case s.restored <- struct{}{}:
		default:
		}
	})
	if cfg.EventBufferSize >= 0 {
		s.events = events.New(cfg.EventBufferSize)
		s.store.Subscribe(s.events.Publish)
		s.store.OnRestore(s.events.Reset)
	}
	return s, nil
}

// AddDuty adds a duty of the leader; it must be called before Run.
func (s *Server) AddDuty(d Duty) { s.deps.Duties = append(s.deps.Duties, d) }

// Store returns the server's state.
func (s *Server) Store() *state.Store { return s.store }

// Events returns the event stream, nil when it is switched off.
func (s *Server) Events() *events.Broker { return s.events }

// Started is closed when raft and the gossip run.
func (s *Server) Started() <-chan struct{} { return s.started }

// Run runs the server until ctx ends or it cannot go on, and returns when everything has stopped.
func (s *Server) Run(ctx context.Context) (err error) {
	s.since = time.Now()
	st, err := s.openStorage()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()

	members, err := s.newMembership(st.id)
	if err != nil {
		return err
	}
	if err := members.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, members.Stop()) }()

	machine := fsm.New(s.store, s.log, st.source)
	transport := newKicker(s.raftTransport(), s.log)
	r, err := s.newRaft(st, &measured{FSM: machine, sink: s.deps.Metrics}, transport)
	if err != nil {
		return errors.Join(err, transport.Close())
	}
	defer func() {
		close(st.stop)
		err = errors.Join(err, r.Shutdown().Error())
	}()

	s.mu.Lock()
	s.mu.members, s.mu.raft, s.mu.machine = members, r, machine
	s.mu.pilot, s.mu.snapshots = s.newAutopilot(r), st.snapshots
	s.mu.id, s.mu.addr = raft.ServerID(st.id), transport.LocalAddr()
	s.mu.Unlock()
	if err := s.start(st, transport); err != nil {
		return err
	}
	close(s.started)

	g := run.New(ctx)
	g.Go("leadership", s.leadershipLoop)
	g.Go("bootstrap", func(ctx context.Context) error { return s.bootstrapLoop(ctx, members) })
	g.Go("rejoin", func(ctx context.Context) error { return s.rejoinLoop(ctx, members) })
	g.Go("stats", func(ctx context.Context) error { return s.publishStats(ctx, st.file) })
	g.Go("state machine", func(ctx context.Context) error {
		select {
		case <-machine.Failed():
			return machine.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return g.Wait()
}

// raftTransport returns the given transport or one over the given layer.
func (s *Server) raftTransport() RaftTransport {
	if s.deps.RaftTransport != nil {
		return s.deps.RaftTransport
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: s.deps.RaftLayer, MaxPool: 3, Timeout: 10 * time.Second, MaxRPCsInFlight: 128,
		Logger: s.log.Named("raft.net"), MsgpackUseNewTimeFormat: true,
	})
}

func (s *Server) newMembership(id string) (*membership.Membership, error) {
	rpcHost, rpcPort, err := hostPort(s.cfg.RPCAdvertise)
	if err != nil {
		return nil, err
	}
	bindHost, bindPort, err := hostPort(s.cfg.SerfBind)
	if err != nil {
		return nil, err
	}
	c := membership.Config{
		Name: s.cfg.Name, ID: id, Region: s.cfg.Region, Datacenter: s.cfg.Datacenter,
		Build: s.cfg.Build, Revision: s.cfg.Revision, RPCHost: rpcHost, RPCPort: rpcPort,
		BindHost: bindHost, BindPort: bindPort, MoreHosts: s.cfg.SerfMoreHosts, BootstrapExpect: s.cfg.BootstrapExpect,
		RejoinAfterLeave: s.cfg.RejoinAfterLeave, EncryptKey: s.cfg.EncryptKey,
		Transport: s.deps.GossipTransport, Logger: s.log,
	}
	if s.cfg.SerfAdvertise != "" {
		if c.AdvertiseHost, c.AdvertisePort, err = hostPort(s.cfg.SerfAdvertise); err != nil {
			return nil, err
		}
	}
	if s.cfg.DataDir != "" {
		c.Dir = filepath.Join(s.cfg.DataDir, "serf")
	}
	return membership.New(c), nil
}

// raft returns the raft that Run made; an error before that.
func (s *Server) raft() (*raft.Raft, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.raft == nil {
		return nil, api.Errorf(api.ClassUnavailable, "server is starting")
	}
	return s.mu.raft, nil
}

// Members returns the server's part in the gossip, nil before it started.
func (s *Server) Members() *membership.Membership {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.members
}

// Leader returns the RPC address of the leader, "" when there is none or it has not caught up yet, and
// whether it is this server.
func (s *Server) Leader() (addr string, self bool) {
	r, err := s.raft()
	if err != nil {
		return "", false
	}
	leader, id := r.LeaderWithID()
	s.mu.Lock()
	self = id == s.mu.id
	s.mu.Unlock()
	if self && !s.leading.Load() {
		return "", false
	}
	return string(leader), self
}

// LastContact returns how long ago this server heard from the leader, 0 on the leader.
func (s *Server) LastContact() time.Duration {
	r, err := s.raft()
	if err != nil || r.State() == raft.Leader {
		return 0
	}
	last := r.LastContact()
	if last.IsZero() {
		return time.Since(s.since)
	}
	return time.Since(last)
}

// PeerAddresses returns the RPC addresses of the raft peers, this server included.
func (s *Server) PeerAddresses() []string {
	peers := []string{}
	r, err := s.raft()
	if err != nil {
		return peers
	}
	f := r.GetConfiguration()
	if f.Error() != nil {
		return peers
	}
	for _, p := range f.Configuration().Servers {
		peers = append(peers, string(p.Address))
	}
	return peers
}

// Configuration returns the raft peers with their roles (http-api.md 15).
func (s *Server) Configuration() (*api.RaftConfiguration, error) {
	r, err := s.raft()
	if err != nil {
		return nil, err
	}
	f := r.GetConfiguration()
	if err := f.Error(); err != nil {
		return nil, fmt.Errorf("read raft configuration: %w", err)
	}
	names := map[string]string{}
	for _, m := range s.Members().Servers("") {
		names[m.ID] = m.Name
	}
	leader, _ := r.LeaderWithID()
	c := &api.RaftConfiguration{Index: f.Index(), Servers: []*api.RaftServer{}}
	for _, p := range f.Configuration().Servers {
		name, ok := names[string(p.ID)]
		if !ok {
			name = "(unknown)"
		}
		c.Servers = append(c.Servers, &api.RaftServer{
			ID: string(p.ID), Node: name, Address: string(p.Address), Leader: p.Address == leader,
			Voter: p.Suffrage == raft.Voter, RaftProtocol: "3",
		})
	}
	return c, nil
}

// Peers returns the RPC addresses of the other living servers of the region.
func (s *Server) Peers() []string { return s.servers(s.cfg.Region, false) }

// ServerAddresses returns the RPC addresses of the living servers of the region, this one included.
func (s *Server) ServerAddresses() []string { return s.servers(s.cfg.Region, true) }

// RegionServers returns the RPC addresses of the living servers of a region.
func (s *Server) RegionServers(region string) []string { return s.servers(region, true) }

func (s *Server) servers(region string, self bool) []string {
	m := s.Members()
	if m == nil {
		return nil
	}
	var addrs []string
	for _, server := range m.Servers(region) {
		if server.Alive && (self || server.RPCAddr != s.cfg.RPCAdvertise) {
			addrs = append(addrs, server.RPCAddr)
		}
	}
	return addrs
}

// FindServer returns the RPC address of the server with the ID or member name, "" when there is none, and whether it
// is this one. A name without a region is one of this region.
func (s *Server) FindServer(idOrName string) (addr string, self bool) {
	m := s.Members()
	if m == nil {
		return "", false
	}
	for _, server := range m.Servers("") {
		if server.ID == idOrName || server.Name == idOrName || server.Name == idOrName+"."+s.cfg.Region {
			return server.RPCAddr, server.Name == s.ServerName()
		}
	}
	return "", false
}

// Regions returns the names of the known regions, sorted.
func (s *Server) Regions() []string {
	if m := s.Members(); m != nil {
		return m.Regions()
	}
	return []string{s.cfg.Region}
}

// ServerName returns the gossip name of this server.
func (s *Server) ServerName() string { return s.cfg.Name + "." + s.cfg.Region }

// NodeOf returns the node of an allocation, "" when it is unknown.
func (s *Server) NodeOf(allocID string) string {
	if a := state.Allocs.Get(s.store.Snapshot(), allocID); a != nil {
		return a.NodeID
	}
	return ""
}

// NodeKnown reports whether a node is registered.
func (s *Server) NodeKnown(nodeID string) bool {
	return state.Nodes.Get(s.store.Snapshot(), nodeID) != nil
}

// Join contacts servers by their gossip addresses and returns how many answered.
func (s *Server) Join(addrs []string) (int, error) {
	m := s.Members()
	if m == nil {
		return 0, api.Errorf(api.ClassUnavailable, "server is starting")
	}
	return m.Join(addrs)
}

// Stats returns numbers for the agent's self description, by section.
func (s *Server) Stats() map[string]map[string]string {
	addr, self := s.Leader()
	stats := map[string]map[string]string{"nomad": {
		"server": "true", "leader": strconv.FormatBool(self), "leader_addr": addr,
		"bootstrap":     strconv.FormatBool(s.cfg.BootstrapExpect == 1),
		"known_regions": strconv.Itoa(len(s.Regions())),
	}}
	if r, err := s.raft(); err == nil {
		stats["raft"] = r.Stats()
		stats["raft"]["logstore_backend"] = "boltdb" // what raft_logstore may name
	}
	if m := s.Members(); m != nil {
		stats["serf"] = m.Stats()
	}
	return stats
}
