// SPDX-License-Identifier: MPL-2.0

package membership

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"

	"github.com/nomadlike/nomadlike/api"
)

// Config of a Membership.
type Config struct {
	// Name is the node name; the member name is "<node>.<region>".
	Name       string
	ID         string
	Region     string
	Datacenter string
	Build      string
	Revision   string
	// RPCHost and RPCPort are the advertised RPC address.
	RPCHost string
	RPCPort int
	// BindHost and BindPort are where gossip listens; port 0 picks a free one.
	BindHost string
	BindPort int
	// MoreHosts are further addresses that gossip listens on, at the same port.
	MoreHosts []string
	// AdvertiseHost and AdvertisePort are told to others; empty means what is bound.
	AdvertiseHost   string
	AdvertisePort   int
	BootstrapExpect int
	// Dir holds the gossip snapshot and key ring; empty keeps nothing.
	Dir              string
	RejoinAfterLeave bool
	// EncryptKey is the gossip key, 16, 24 or 32 bytes; nil leaves gossip in the clear. A stored key ring wins.
	EncryptKey []byte
	// Transport replaces the network, for tests.
	Transport memberlist.Transport
	Logger    hclog.Logger
}

// Membership is this server's part in the gossip.
type Membership struct {
	cfg Config
	log hclog.Logger
	// changed has room for one signal.
	changed chan struct{}

	mu struct {
		sync.Mutex
		serf *serf.Serf
		// forgotten are servers that gossip dropped, by their IDs.
		forgotten map[string]*Server
	}
}

// New returns a membership that has not started.
func New(cfg Config) *Membership {
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	return &Membership{cfg: cfg, log: cfg.Logger.Named("serf"), changed: make(chan struct{}, 1)}
}

// ServerName returns the member name of this server.
func (m *Membership) ServerName() string { return m.cfg.Name + "." + m.cfg.Region }

// Changed receives a value when servers came, went or changed since the last one.
func (m *Membership) Changed() <-chan struct{} { return m.changed }

// Start binds the gossip port and makes this server a member.
func (m *Membership) Start() error {
	events := make(chan serf.Event, 256)
	c, err := m.serfConfig(events)
	if err != nil {
		return err
	}
	s, err := serf.Create(c)
	if err != nil {
		return fmt.Errorf("start gossip on %s:%d (addresses.serf, ports.serf): %w", m.cfg.BindHost, m.cfg.BindPort, err)
	}
	m.mu.Lock()
	m.mu.serf = s
	m.mu.Unlock()
	go m.pump(s, events) // ends with serf
	return nil
}

func (m *Membership) serfConfig(events chan<- serf.Event) (*serf.Config, error) {
	c := serf.DefaultConfig()
	c.Init()
	c.NodeName = m.ServerName()
	c.Tags = m.cfg.tags()
	c.EventCh = events
	c.RejoinAfterLeave = m.cfg.RejoinAfterLeave
	c.LeavePropagateDelay = time.Second
	c.EnableNameConflictResolution = false
	c.Merge = &mergeDelegate{}
	c.MsgpackUseNewTimeFormat = true
	c.Logger = m.log.StandardLogger(&hclog.StandardLoggerOptions{InferLevels: true})
	ml := c.MemberlistConfig
	ml.Logger = c.Logger
	ml.BindAddr, ml.BindPort = m.cfg.BindHost, m.cfg.BindPort
	ml.AdvertiseAddr, ml.AdvertisePort = m.cfg.AdvertiseHost, m.cfg.AdvertisePort
	if ml.AdvertisePort == 0 {
		ml.AdvertisePort = ml.BindPort
	}
	if ml.Transport = m.cfg.Transport; ml.Transport == nil && len(m.cfg.MoreHosts) > 0 {
		t, err := memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: append([]string{ml.BindAddr}, m.cfg.MoreHosts...), BindPort: ml.BindPort, Logger: ml.Logger,
		})
		if err != nil {
			return nil, fmt.Errorf("start gossip (addresses.serf, ports.serf): %w", err)
		}
		ml.Transport = t
	}
	ml.MsgpackUseNewTimeFormat = true
	ml.DeadNodeReclaimTime = 30 * time.Second
	if m.cfg.Dir != "" {
		if err := os.MkdirAll(m.cfg.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("make gossip directory: %w", err)
		}
		c.SnapshotPath = filepath.Join(m.cfg.Dir, "snapshot")
	}
	return c, m.keyring(c)
}

// keyring sets the gossip keys: those stored, else the configured one.
func (m *Membership) keyring(c *serf.Config) error {
	key := m.cfg.EncryptKey
	if m.cfg.Dir != "" {
		path := filepath.Join(filepath.Dir(m.cfg.Dir), "serf.keyring")
		keys, err := loadKeyring(path)
		if err != nil {
			return err
		}
		switch {
		case len(keys) > 0:
			if key != nil && !slices.ContainsFunc(keys, func(k []byte) bool { return string(k) == string(key) }) {
				m.log.Warn("the configured gossip key is ignored, a stored key ring exists", "path", path)
			}
			ring, err := memberlist.NewKeyring(keys, keys[0])
			if err != nil {
				return fmt.Errorf("gossip key ring %s: %w", path, err)
			}
			c.MemberlistConfig.Keyring, c.KeyringFile = ring, path
			return nil
		case key != nil:
			if err := storeKeyring(path, key); err != nil {
				return err
			}
			c.KeyringFile = path
		}
	}
	if key == nil {
		return nil
	}
	ring, err := memberlist.NewKeyring(nil, key)
	if err != nil {
		return fmt.Errorf("gossip key (encrypt): %w", err)
	}
	c.MemberlistConfig.Keyring = ring
	return nil
}

func (m *Membership) pump(s *serf.Serf, events <-chan serf.Event) {
	for {
		select {
		case e := <-events:
			if me, ok := e.(serf.MemberEvent); ok {
				for _, member := range me.Members {
					m.log.Info("server "+verb(me.Type), "name", member.Name, "address", member.Addr.String())
				}
				m.remember(me)
				m.signal()
			}
		case <-s.ShutdownCh():
			return
		}
	}
}

// remember keeps which servers were dropped, until they are back.
func (m *Membership) remember(e serf.MemberEvent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, sm := range e.Members {
		server, ok := parse(sm)
		switch {
		case !ok:
		case e.Type == serf.EventMemberReap:
			if m.mu.forgotten == nil {
				m.mu.forgotten = map[string]*Server{}
			}
			m.mu.forgotten[server.ID] = server
		default:
			delete(m.mu.forgotten, server.ID)
		}
	}
}

// Forgotten returns the servers of a region that gossip dropped while this server ran, since they were gone for long or
// somebody asked for it, and that did not come back.
func (m *Membership) Forgotten(region string) []*Server {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []*Server
	for _, s := range m.mu.forgotten {
		if s.Region == region {
			out = append(out, s)
		}
	}
	return out
}

func verb(t serf.EventType) string {
	switch t {
	case serf.EventMemberJoin:
		return "joined"
	case serf.EventMemberLeave:
		return "left"
	case serf.EventMemberFailed:
		return "failed"
	case serf.EventMemberReap:
		return "was reaped"
	default:
		return "changed"
	}
}

func (m *Membership) signal() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *Membership) serf() *serf.Serf {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.serf
}

// Members returns every known member, this server included, sorted by name.
func (m *Membership) Members() []*api.Member {
	s := m.serf()
	if s == nil {
		return nil
	}
	var members []*api.Member
	for _, sm := range s.Members() {
		members = append(members, member(sm))
	}
	slices.SortFunc(members, func(a, b *api.Member) int { return strings.Compare(a.Name, b.Name) })
	return members
}

// Local returns this server's own member.
func (m *Membership) Local() *api.Member {
	s := m.serf()
	if s == nil {
		return &api.Member{}
	}
	return member(s.LocalMember())
}

// Servers returns the servers of a region, of every region for "", sorted by name.
func (m *Membership) Servers(region string) []*Server {
	s := m.serf()
	if s == nil {
		return nil
	}
	var servers []*Server
	for _, sm := range s.Members() {
		if server, ok := parse(sm); ok && (region == "" || server.Region == region) {
			servers = append(servers, server)
		}
	}
	slices.SortFunc(servers, func(a, b *Server) int { return strings.Compare(a.Name, b.Name) })
	return servers
}

// Regions returns the names of the known regions, sorted.
func (m *Membership) Regions() []string {
	regions := []string{m.cfg.Region}
	for _, s := range m.Servers("") {
		if !slices.Contains(regions, s.Region) {
			regions = append(regions, s.Region)
		}
	}
	slices.Sort(regions)
	return regions
}

var errNotStarted = errors.New("gossip has not started")

// Join contacts members by their gossip addresses and returns how many answered.
func (m *Membership) Join(addrs []string) (int, error) {
	s := m.serf()
	if s == nil {
		return 0, errNotStarted
	}
	return s.Join(addrs, true) // its errors name the addresses
}

// Rejoin tells the members of this region, and they the others, anew that this one is there.
func (m *Membership) Rejoin() error {
	s := m.serf()
	if s == nil {
		return errNotStarted
	}
	var addrs []string
	for _, sm := range s.Members() {
		if server, ok := parse(sm); ok && server.Alive && server.Region == m.cfg.Region && server.Name != m.ServerName() {
			addrs = append(addrs, net.JoinHostPort(sm.Addr.String(), strconv.Itoa(int(sm.Port))))
		}
	}
	if len(addrs) == 0 {
		return nil
	}
	_, err := s.Join(addrs, true)
	return err
}

// ForceLeave makes a failed member count as left; prune also forgets it.
func (m *Membership) ForceLeave(name string, prune bool) error {
	s := m.serf()
	if s == nil {
		return errNotStarted
	}
	if !slices.ContainsFunc(s.Members(), func(sm serf.Member) bool { return sm.Name == name }) {
		return api.Errorf(api.ClassNotFound, "no member is named %q", name)
	}
	if prune {
		return s.RemoveFailedNodePrune(name)
	}
	return s.RemoveFailedNode(name)
}

// Leave tells the others that this server goes on purpose.
func (m *Membership) Leave(ctx context.Context) error {
	s := m.serf()
	if s == nil {
		return nil
	}
	done := make(chan error, 1)
	go func() { done <- s.Leave() }() // ends with its own timeouts
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Stop ends the gossip without a word to the others, who will see a failure unless Leave was called.
func (m *Membership) Stop() error {
	s := m.serf()
	if s == nil {
		return nil
	}
	return s.Shutdown()
}

// Stats returns numbers about the gossip for the agent's self description.
func (m *Membership) Stats() map[string]string {
	s := m.serf()
	if s == nil {
		return map[string]string{}
	}
	return s.Stats()
}
