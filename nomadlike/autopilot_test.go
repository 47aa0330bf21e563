// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
)

// configure stores an autopilot configuration that differs from the default.
func (c *cluster) configure(change func(*api.AutopilotConfiguration)) {
	c.t.Helper()
	conf := api.DefaultAutopilotConfiguration()
	change(conf)
	if err := conf.Validate(); err != nil {
		c.t.Fatal(err)
	}
	_, _, err := c.leader().Apply(c.ctx, fsm.AutopilotConfigSet.Encode(&fsm.AutopilotConfigSetRequest{Config: conf}))
	if err != nil {
		c.t.Fatal(err)
	}
}

// peerOf returns how raft sees a server, nil when it is no peer.
func (c *cluster) peerOf(name string) *api.RaftServer {
	c.t.Helper()
	conf, err := c.leader().Configuration()
	if err != nil {
		c.t.Fatal(err)
	}
	for _, s := range conf.Servers {
		if s.Node == name+".global" {
			return s
		}
	}
	return nil
}

func (c *cluster) follower() *peer {
	c.t.Helper()
	leader := c.leader()
	for _, name := range []string{"a", "b", "c"} {
		if p := c.peers[name]; p != nil && p != leader {
			return p
		}
	}
	c.t.Fatal("no follower")
	return nil
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		var h *api.OperatorHealthReply
		c.until("everybody to be healthy", func() bool {
			var err error
			if h, err = c.leader().Health(); err != nil {
				t.Fatal(err)
			}
			return h.Healthy
		})
		if h.FailureTolerance != 1 || len(h.Voters) != 3 || len(h.Servers) != 3 || h.HTTPStatus() != 200 {
			t.Errorf("%+v", h)
		}
		for _, s := range h.Servers {
			if !s.Healthy || !s.Voter || s.SerfStatus != "alive" || s.Leader != (s.ID == h.Leader) || s.LastTerm == 0 || s.LastIndex == 0 || s.StableSince.IsZero() {
				t.Errorf("%+v", s)
			}
		}
		c.configure(func(conf *api.AutopilotConfiguration) { conf.CleanupDeadServers = false })
		gone := c.follower()
		c.kill(gone.name)
		c.until("the loss to be noticed", func() bool {
			h, _ = c.leader().Health()
			return !h.Healthy && slices.ContainsFunc(h.Servers, func(s *api.ServerHealth) bool { return s.SerfStatus == "failed" && !s.Healthy })
		})
		if h.FailureTolerance != 0 || h.HTTPStatus() != 429 {
			t.Errorf("%+v", h)
		}
	})
}

// TestPromotion adds a server: it has no vote before it was healthy for the stabilization time.
func TestPromotion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.configure(func(conf *api.AutopilotConfiguration) { conf.ServerStabilizationTime = "40s" })
		c.leader()
		c.pass(time.Minute) // a leader that has just begun knows no history and promotes at once
		began := time.Now()
		c.start("d", 0)
		c.until("the server to be a peer", func() bool { return c.peerOf("d") != nil })
		if c.peerOf("d").Voter {
			t.Error("a new server has a vote at once")
		}
		c.until("the server to be promoted", func() bool { return c.peerOf("d").Voter })
		if took := time.Since(began); took < 40*time.Second || took > 2*time.Minute {
			t.Errorf("promoted after %s", took)
		}
	})
}

// TestCleanup kills servers for good: the autopilot removes them, but never so many that fewer than min_quorum stay.
func TestCleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		c.configure(func(conf *api.AutopilotConfiguration) { conf.MinQuorum = 3 })
		gone := c.follower()
		c.kill(gone.name)
		c.pass(3 * time.Minute)
		if c.peerOf(gone.name) == nil {
			t.Error("a dead server was removed although min_quorum forbids it")
		}
		c.configure(func(conf *api.AutopilotConfiguration) {})
		c.until("the dead server to be removed", func() bool { return c.peerOf(gone.name) == nil })
		if peers := c.leader().PeerAddresses(); len(peers) != 2 {
			t.Errorf("peers %v", peers)
		}
		if len(c.leader().Members().Servers("global")) != 3 {
			t.Error("gossip forgot a member that only left")
		}
	})
}

// TestShortAbsence kills a server that gossip soon takes for failed: it is not removed at that moment, but when the
// autopilot next looks, so that one that is restarted keeps its place. The autopilot may happen to look just then, though
// not every time.
func TestShortAbsence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		for range 4 {
			gone := c.follower()
			c.kill(gone.name)
			c.until("gossip to notice", func() bool {
				return slices.ContainsFunc(c.leader().Members().Members(), func(m *api.Member) bool {
					return m.Name == gone.ServerName() && m.Status == "failed"
				})
			})
			c.pass(100 * time.Millisecond)
			kept := c.peerOf(gone.name) != nil
			c.start(gone.name, 0)
			c.agree()
			if kept {
				return
			}
		}
		t.Error("a server that fails is removed at once")
	})
}

func TestTransferAndRemoval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, "a", "b", "c")
		to := c.follower()
		peer := c.peerOf(to.name)
		if err := c.leader().TransferLeadership(c.ctx, api.RaftPeer{ID: peer.ID, Address: peer.Address}); err != nil {
			t.Fatal(err)
		}
		c.until("the follower to lead", func() bool { return c.leader() == to })
		if err := to.TransferLeadership(c.ctx, api.RaftPeer{ID: "nobody", Address: "10.9.9.9:1"}); err == nil {
			t.Error("leadership went to nobody")
		}
		c.configure(func(conf *api.AutopilotConfiguration) { conf.CleanupDeadServers = false })
		gone := c.follower()
		id := c.peerOf(gone.name).ID
		c.kill(gone.name)
		if err := c.leader().RemovePeer(c.ctx, id); err != nil {
			t.Fatal(err)
		}
		if c.peerOf(gone.name) != nil {
			t.Error("the peer is still there")
		}
	})
}
