// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/run"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/membership/membershiptest"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// cluster is several servers in one bubble, with their networks in memory and their data on disk.
type cluster struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	gossip *membershiptest.Network
	wires  map[string]*raft.InmemTransport
	peers  map[string]*peer

	mu sync.Mutex
	// running are the peers by address, for the goroutines of servers.
	running map[string]*peer
}

// peer is a running server.
type peer struct {
	*Server
	name, addr string
	cancel     context.CancelFunc
	ended      chan error
	// terms counts how often it began to lead.
	mu    sync.Mutex
	terms int
}

// patience is how long, in virtual time, a test waits for anything.
const patience = 5 * time.Minute

// newCluster starts servers that bootstrap together.
func newCluster(t *testing.T, names ...string) *cluster {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &cluster{
		t: t, ctx: ctx, dir: t.TempDir(), gossip: membershiptest.New(),
		wires: map[string]*raft.InmemTransport{}, peers: map[string]*peer{}, running: map[string]*peer{},
	}
	t.Cleanup(func() {
		cancel()
		for name, p := range c.peers {
			if err := <-p.ended; err != nil {
				t.Errorf("server %s: %v", name, err)
			}
		}
		settle()
	})
	for _, name := range names {
		c.start(name, len(names))
	}
	return c
}

// settle lets the probes of gossip run into their timeouts: the bubble wants to see all goroutines end.
func settle() { _ = run.Sleep(context.Background(), time.Minute) }

// start starts a server, new or again, and makes it join the others.
func (c *cluster) start(name string, expect int) *peer {
	c.t.Helper()
	ip := fmt.Sprintf("10.0.0.%d", name[0]-'a'+1)
	p := &peer{name: name, addr: ip + ":4647", ended: make(chan error, 1)}
	_, wire := raft.NewInmemTransport(raft.ServerAddress(p.addr))
	for addr, other := range c.wires {
		if addr != p.addr {
			wire.Connect(raft.ServerAddress(addr), other)
			other.Connect(raft.ServerAddress(p.addr), wire)
		}
	}
	c.wires[p.addr] = wire
	var err error
	p.Server, err = New(Config{
		Name: name, DataDir: filepath.Join(c.dir, name), BootstrapExpect: expect, RPCAdvertise: p.addr, SerfBind: ip + ":4648",
		RaftSettings: RaftSettings{SnapshotThreshold: 60, SnapshotInterval: 5 * time.Second, TrailingLogs: 20},
	}, Deps{RaftTransport: wire, GossipTransport: c.gossip.Transport(ip + ":4648"), PeersOf: c.peersOf, StatsOf: c.statsOf})
	if err != nil {
		c.t.Fatal(err)
	}
	p.AddDuty(Duty{Name: "count", Run: func(ctx context.Context) error {
		p.mu.Lock()
		p.terms++
		p.mu.Unlock()
		<-ctx.Done()
		return nil
	}})
	ctx, cancel := context.WithCancel(c.ctx)
	p.cancel = cancel
	go func() { p.ended <- p.Run(ctx) }()
	select {
	case <-p.Started():
	case err := <-p.ended:
		c.t.Fatalf("server %s: %v", name, err)
	}
	for _, other := range c.peers {
		if _, err := p.Join([]string{other.cfg.SerfBind}); err != nil {
			c.t.Errorf("server %s: %v", name, err)
		}
		break
	}
	c.peers[name] = p
	c.mu.Lock()
	c.running[p.addr] = p
	c.mu.Unlock()
	return p
}

func (c *cluster) peersOf(_ context.Context, addr string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.running[addr]; p != nil {
		return p.PeerAddresses(), nil
	}
	return nil, fmt.Errorf("no server at %s", addr)
}

func (c *cluster) statsOf(_ context.Context, addr string) (*api.RaftStats, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.running[addr]; p != nil {
		return p.RaftStats()
	}
	return nil, fmt.Errorf("no server at %s", addr)
}

// kill stops a server without a word to the others.
func (c *cluster) kill(name string) {
	c.t.Helper()
	p := c.peers[name]
	delete(c.peers, name)
	delete(c.wires, p.addr)
	c.mu.Lock()
	delete(c.running, p.addr)
	c.mu.Unlock()
	p.cancel()
	if err := <-p.ended; err != nil {
		c.t.Errorf("server %s: %v", name, err)
	}
}

// until waits, in virtual time, until something is so.
func (c *cluster) until(what string, is func() bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	for !is() {
		if run.Sleep(ctx, 50*time.Millisecond) != nil {
			c.t.Fatalf("waited %s for: %s", patience, what)
		}
	}
}

// pass lets time pass.
func (c *cluster) pass(d time.Duration) { _ = run.Sleep(c.ctx, d) } // ends early only with the test

// leader waits for a leader that all running servers follow.
func (c *cluster) leader() *peer {
	c.t.Helper()
	var leader *peer
	c.until("a leader", func() bool {
		leader = nil
		addrs := map[string]bool{}
		for _, p := range c.peers {
			addr, self := p.Leader()
			addrs[addr] = true
			if self {
				leader = p
			}
		}
		return leader != nil && len(addrs) == 1
	})
	return leader
}

// begun returns how often the server began to lead.
func (p *peer) begun() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.terms
}

func (p *peer) write(ctx context.Context, name string) error {
	_, _, err := p.Apply(ctx, fsm.NamespaceUpsert.Encode(&fsm.NamespaceUpsertRequest{Namespaces: []*api.Namespace{{Name: name}}}))
	return err
}

func (c *cluster) write(prefix string, n int) {
	c.t.Helper()
	leader := c.leader()
	for i := range n {
		if err := leader.write(c.ctx, fmt.Sprintf("%s-%d", prefix, i)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// agree waits until all servers have applied everything and checks that their states are the same bytes.
func (c *cluster) agree() {
	c.t.Helper()
	leader := c.leader()
	if err := leader.Barrier(c.ctx); err != nil {
		c.t.Fatal(err)
	}
	index := leader.Store().Index()
	c.until("everybody to catch up", func() bool {
		for _, p := range c.peers {
			if p.Store().Index() < index {
				return false
			}
		}
		return true
	})
	var want bytes.Buffer
	if err := leader.Store().Snapshot().Save(&want); err != nil {
		c.t.Fatal(err)
	}
	for name, p := range c.peers {
		var got bytes.Buffer
		if err := p.Store().Snapshot().Save(&got); err != nil {
			c.t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			c.t.Errorf("server %s has another state than the leader %s", name, leader.name)
		}
	}
}

func (c *cluster) has(p *peer, prefix string, n int) {
	c.t.Helper()
	for i := range n {
		if name := fmt.Sprintf("%s-%d", prefix, i); state.Namespaces.Get(p.Store().Snapshot(), name) == nil {
			c.t.Errorf("server %s lost %s", p.name, name)
		}
	}
}

func stat(t *testing.T, p *peer, name string) int {
	t.Helper()
	n, err := strconv.Atoi(p.Stats()["raft"][name])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestClusterForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		leader := c.leader()
		c.write("x", 10)
		c.agree()
		for name, p := range c.peers {
			if got := p.PeerAddresses(); len(got) != 3 {
				t.Errorf("server %s: peers %v", name, got)
			}
			if got := p.Regions(); !slices.Equal(got, []string{"global"}) {
				t.Errorf("server %s: regions %v", name, got)
			}
			if got := p.Peers(); len(got) != 2 || slices.Contains(got, p.addr) {
				t.Errorf("server %s: others %v", name, got)
			}
			addr, self := p.Leader()
			if addr != leader.addr || self != (p == leader) {
				t.Errorf("server %s: leader %s %v, want %s", name, addr, self, leader.addr)
			}
			conf, err := p.Configuration()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range conf.Servers {
				if !s.Voter || s.Leader != (s.Address == leader.addr) || s.Node == "(unknown)" {
					t.Errorf("server %s: %+v", name, s)
				}
			}
			if self {
				if p.LastContact() != 0 {
					t.Errorf("the leader heard from itself %s ago", p.LastContact())
				}
				if err := p.VerifyLeader(c.ctx); err != nil {
					t.Error(err)
				}
				continue
			}
			if p.LastContact() > time.Second {
				t.Errorf("server %s heard from the leader %s ago", name, p.LastContact())
			}
			err = p.write(c.ctx, "refused")
			if !api.IsClass(err, api.ClassNoLeader) {
				t.Errorf("write on a follower: %v", err)
			}
		}
	})
}

// TestClusterLosesLeader kills the leader: another one takes over with everything that was acknowledged,
// and the killed one catches up when it is back.
func TestClusterLosesLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 20)
		old := c.leader()
		c.kill(old.name)
		lost := time.Now()
		next := c.leader()
		t.Logf("%s leads after %s of virtual time", next.name, time.Since(lost))
		c.has(next, "x", 20)
		c.write("y", 20)
		back := c.start(old.name, 3)
		c.agree()
		c.has(back, "x", 20)
		c.has(back, "y", 20)
		next.mu.Lock()
		defer next.mu.Unlock()
		if next.terms != 1 {
			t.Errorf("the duties of %s started %d times", next.name, next.terms)
		}
	})
}

// TestClusterSnapshot brings a server back after the log it needs is gone, and a new one into the cluster.
func TestClusterSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 10)
		leader := c.leader()
		away := "a"
		if leader.name == "a" {
			away = "b"
		}
		c.kill(away)
		c.write("y", 200)
		leader = c.leader()
		c.until("the log to be cut", func() bool { return stat(t, leader, "last_snapshot_index") > 150 })
		back := c.start(away, 3)
		c.agree()
		c.has(back, "y", 200)
		if stat(t, back, "last_snapshot_index") < 150 {
			t.Error("the server caught up without a snapshot")
		}

		fresh := c.start("d", 0)
		c.until("the new server to be a peer", func() bool { return len(c.leader().PeerAddresses()) == 4 })
		c.agree()
		c.has(fresh, "x", 10)
		c.has(fresh, "y", 200)

		// It goes on from what it has on disk.
		c.kill("d")
		fresh = c.start("d", 0)
		c.agree()
		c.has(fresh, "y", 200)
	})
}

// TestClusterKills kills random servers, leaders most of the time, while clients write: nothing that was
// acknowledged is lost, and all servers agree in the end.
func TestClusterKills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
		c.leader()
		var mu sync.Mutex // of acked, next and c.peers
		var acked []string
		next := 0
		ctx, stop := context.WithCancel(c.ctx)
		var writers sync.WaitGroup
		for range 5 {
			writers.Go(func() {
				for ctx.Err() == nil {
					mu.Lock()
					next++
					name := fmt.Sprintf("n-%d", next)
					var leader *peer
					for _, p := range c.peers {
						if _, self := p.Leader(); self {
							leader = p
						}
					}
					mu.Unlock()
					if leader != nil && leader.write(ctx, name) == nil {
						mu.Lock()
						acked = append(acked, name)
						mu.Unlock()
					}
					_ = run.Sleep(ctx, 100*time.Millisecond) // the loop looks at ctx
				}
			})
		}
		for range 8 {
			c.pass(time.Duration(r.IntN(3000)) * time.Millisecond)
			mu.Lock()
			names := []string{"a", "b", "c"}
			victim := names[r.IntN(3)]
			for name, p := range c.peers {
				if _, self := p.Leader(); self && r.IntN(4) > 0 {
					victim = name
				}
			}
			p := c.peers[victim]
			delete(c.peers, victim)
			mu.Unlock()
			c.mu.Lock()
			delete(c.running, p.addr)
			c.mu.Unlock()
			p.cancel()
			if err := <-p.ended; err != nil {
				t.Errorf("server %s: %v", victim, err)
			}
			c.pass(time.Duration(r.IntN(6000)) * time.Millisecond)
			mu.Lock()
			delete(c.wires, p.addr)
			c.start(victim, 3)
			mu.Unlock()
			c.leader()
		}
		stop()
		writers.Wait()
		c.agree()
		if len(acked) < 500 {
			t.Errorf("only %d writes were acknowledged", len(acked))
		}
		for name, p := range c.peers {
			for _, ns := range acked {
				if state.Namespaces.Get(p.Store().Snapshot(), ns) == nil {
					t.Errorf("server %s lost %s, which was acknowledged", name, ns)
				}
			}
		}
		t.Logf("%d writes acknowledged", len(acked))
	})
}

// TestClusterPartition cuts the leader off: it stops to lead and its writes are not acknowledged, and the
// others go on.
func TestClusterPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 5)
		old := c.leader()
		wire := c.wires[old.addr]
		wire.DisconnectAll()
		for addr, other := range c.wires {
			if addr != old.addr {
				other.Disconnect(raft.ServerAddress(old.addr))
			}
		}
		c.gossip.Cut(old.cfg.SerfBind, true)
		lost := make(chan error, 1)
		go func() { lost <- old.write(c.ctx, "lost") }()
		if err := <-lost; err == nil {
			t.Error("a write without a majority was acknowledged")
		} else if !api.IsClass(err, api.ClassUnknown) && !api.IsClass(err, api.ClassNoLeader) {
			t.Errorf("write without a majority: %v", err)
		}
		if _, self := old.Leader(); self {
			t.Error("the server that was cut off still leads")
		}
		if err := old.VerifyLeader(c.ctx); err == nil {
			t.Error("the server that was cut off says that it leads")
		}
		delete(c.peers, old.name)
		c.write("y", 5)
		c.peers[old.name] = old
		for addr, other := range c.wires {
			if addr != old.addr {
				wire.Connect(raft.ServerAddress(addr), other)
				other.Connect(raft.ServerAddress(old.addr), wire)
			}
		}
		c.gossip.Cut(old.cfg.SerfBind, false)
		c.agree()
		c.has(old, "y", 5)
		if state.Namespaces.Get(old.Store().Snapshot(), "lost") != nil {
			t.Error("the write that was not acknowledged is there")
		}
	})
}

// TestClusterLeave lets the leader go on purpose: it hands over and is no peer any more.
func TestClusterLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 5)
		old := c.leader()
		ctx, cancel := context.WithTimeout(c.ctx, patience)
		defer cancel()
		if err := old.Leave(ctx); err != nil {
			t.Fatal(err)
		}
		c.kill(old.name)
		c.until("the peer to be removed", func() bool { return len(c.leader().PeerAddresses()) == 2 })
		c.write("y", 5)
		c.agree()
		for _, m := range c.leader().Members().Members() {
			if m.Name == old.ServerName() && m.Status != "left" {
				t.Errorf("member that left is %s", m.Status)
			}
		}
	})
}

// TestClusterTakesBack: a server that was forced out and forgotten while it was down is a voter again when it comes back
// soon, although the word that it left goes round still.
func TestClusterTakesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 5)
		gone := c.follower().name
		member := c.peers[gone].ServerName()
		c.kill(gone)
		c.until("the failure to be seen", func() bool {
			for _, m := range c.leader().Members().Members() {
				if m.Name == member {
					return m.Status == "failed"
				}
			}
			return false
		})
		if err := c.leader().Members().ForceLeave(member, true); err != nil {
			t.Fatal(err)
		}
		c.until("the peer to be removed", func() bool { return len(c.leader().PeerAddresses()) == 2 })
		c.start(gone, 3)
		c.until("the peer to be added", func() bool { return len(c.leader().PeerAddresses()) == 3 })
		c.write("y", 5)
		c.agree()
	})
}

// TestClusterTakesBackTheDeaf: a server that was forced out and could not hear of it, which it would have denied, is a voter
// again.
func TestClusterTakesBackTheDeaf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 5)
		deaf := c.follower()
		status := func() string {
			for _, m := range c.leader().Members().Members() {
				if m.Name == deaf.ServerName() {
					return m.Status
				}
			}
			return ""
		}
		c.gossip.Cut(deaf.cfg.SerfBind, true)
		if err := c.leader().Members().ForceLeave(deaf.ServerName(), false); err != nil {
			t.Fatal(err)
		}
		c.pass(2 * time.Second) // the word goes round no longer
		c.gossip.Cut(deaf.cfg.SerfBind, false)
		if got := status(); got != "leaving" {
			t.Fatalf("the server that was forced out is %s", got)
		}
		if err := c.leader().RemovePeer(c.ctx, deaf.ID()); err != nil {
			t.Fatal(err)
		}
		c.until("the peer to be added", func() bool { return len(c.leader().PeerAddresses()) == 3 })
		if got := status(); got != "alive" {
			t.Errorf("the server that is there is %s", got)
		}
		c.write("y", 5)
		c.agree()
	})
}

// TestClusterOfTwins starts a server with a copy of the data directory of another: it does not take the other's place among
// the raft peers, and the other stays one when it leaves.
func TestClusterOfTwins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.write("x", 5)
		first := c.follower()
		c.kill(first.name)
		if err := os.CopyFS(filepath.Join(c.dir, "d"), os.DirFS(filepath.Join(c.dir, first.name))); err != nil {
			t.Fatal(err)
		}
		first = c.start(first.name, 3)
		leader := c.leader() // the twin follows none
		second := c.start("d", 0)
		c.until("the twin to be seen", func() bool { return len(leader.Members().Servers("")) == 4 })
		check := func(when string) {
			for range 30 {
				c.pass(time.Second)
				if got := leader.PeerAddresses(); len(got) != 3 || !slices.Contains(got, first.addr) {
					t.Fatalf("%s the peers are %v", when, got)
				}
			}
		}
		check("with a twin")
		ctx, cancel := context.WithTimeout(c.ctx, patience)
		defer cancel()
		if err := second.Members().Leave(ctx); err != nil {
			t.Fatal(err)
		}
		c.kill("d")
		check("after the twin has left")
		c.write("y", 5)
		c.agree()
	})
}

// TestClusterWaits: servers that expect three do not start a cluster of two.
func TestClusterWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.start("a", 3)
		c.start("b", 3)
		c.pass(time.Minute)
		for name, p := range c.peers {
			if addr, _ := p.Leader(); addr != "" || len(p.PeerAddresses()) != 0 {
				t.Errorf("server %s: leader %q, peers %v", name, addr, p.PeerAddresses())
			}
			if err := p.write(c.ctx, "refused"); !api.IsClass(err, api.ClassNoLeader) {
				t.Errorf("write without a leader: %v", err)
			}
		}
		c.start("c", 3)
		c.write("x", 1)
		c.agree()
	})
}

// TestDutyIsKept: a duty that fails or panics is started again, and ends with leadership.
func TestDutyIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, wire := raft.NewInmemTransport("10.0.0.1:4647")
		s, err := New(Config{Name: "a", BootstrapExpect: 1, RPCAdvertise: "10.0.0.1:4647", SerfBind: "10.0.0.1:4648"},
			Deps{RaftTransport: wire, GossipTransport: c.gossip.Transport("10.0.0.1:4648")})
		if err != nil {
			t.Fatal(err)
		}
		runs := 0
		ended := false
		s.AddDuty(Duty{Name: "bad", Run: func(ctx context.Context) error {
			switch runs++; runs {
			case 1:
				return fmt.Errorf("failed")
			case 2:
				panic("broken")
			case 3:
				return nil
			}
			<-ctx.Done()
			ended = true
			return nil
		}})
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		c.pass(time.Minute)
		cancel()
		if err := <-done; err != nil || !ended {
			t.Errorf("ended %v, error %v", ended, err)
		}
		if runs != 4 {
			t.Errorf("the duty ran %d times", runs)
		}
	})
}
