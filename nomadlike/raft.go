// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Raft timing at multiplier 1: a lost leader is noticed after one to two heartbeat timeouts.
const (
	heartbeatTimeout = 500 * time.Millisecond
	electionTimeout  = 500 * time.Millisecond
	leaseTimeout     = 250 * time.Millisecond

	// logCacheSize and logCacheBytes bound the newest entries that followers are served from memory.
	logCacheSize  = 512
	logCacheBytes = 32 << 20
	// maxAppend is how many entries share one disk write and one message.
	maxAppend = 256
	// retainSnapshots is how many snapshot files are kept.
	retainSnapshots = 2
)

// raftConfig returns raft's configuration.
func (s *Server) raftConfig(id string) *raft.Config {
	n := time.Duration(s.cfg.RaftMultiplier)
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(id)
	c.Logger = s.log.Named("raft")
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = n*heartbeatTimeout, n*electionTimeout, n*leaseTimeout
	c.MaxAppendEntries = maxAppend
	c.BatchApplyCh = true
	c.SnapshotThreshold, c.SnapshotInterval, c.TrailingLogs = s.cfg.SnapshotThreshold, s.cfg.SnapshotInterval, s.cfg.TrailingLogs
	c.NotifyCh = s.leadership
	c.NoLegacyTelemetry = true
	return c
}

// ReloadRaft changes settings of raft while the server runs.
func (s *Server) ReloadRaft(settings RaftSettings) error {
	settings.ensureDefaults()
	r, err := s.raft()
	if err != nil {
		return err
	}
	n := time.Duration(settings.RaftMultiplier)
	c := r.ReloadableConfig()
	c.HeartbeatTimeout, c.ElectionTimeout = n*heartbeatTimeout, n*electionTimeout
	c.SnapshotThreshold, c.SnapshotInterval, c.TrailingLogs = settings.SnapshotThreshold, settings.SnapshotInterval, settings.TrailingLogs
	return r.ReloadConfig(c)
}

// kicker is a transport that can also make raft elect at once, which a server that is alone does instead
// of waiting for a heartbeat that nobody will send. It keeps from raft what no peer sends.
type kicker struct {
	RaftTransport
	log  hclog.Logger
	rpc  chan raft.RPC
	stop chan struct{}
}

func newKicker(t RaftTransport, log hclog.Logger) *kicker {
	k := &kicker{RaftTransport: t, log: log.Named("raft"), rpc: make(chan raft.RPC), stop: make(chan struct{})}
	go k.forward() // ends with Close
	return k
}

func (k *kicker) forward() {
	from := k.RaftTransport.Consumer()
	for {
		select {
		case rpc := <-from:
			if err := unsound(rpc.Command); err != nil {
				k.log.Warn("message was refused, no peer sends such a one", "message", fmt.Sprintf("%T", rpc.Command), "error", err)
				refuse(rpc, err)
				continue
			}
			select {
			case k.rpc <- rpc:
			case <-k.stop:
				refuse(rpc, raft.ErrTransportShutdown)
				return
			}
		case <-k.stop:
			return
		}
	}
}

// Consumer returns the channel of incoming calls.
func (k *kicker) Consumer() <-chan raft.RPC { return k.rpc }

// Close ends the transport; raft calls it when it shuts down.
func (k *kicker) Close() error {
	close(k.stop)
	if c, ok := k.RaftTransport.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// kick makes raft stand for election now.
func (k *kicker) kick(id raft.ServerID) {
	answer := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{
		Command: &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{
			ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id), Addr: k.EncodePeer(id, k.LocalAddr()),
		}},
		RespChan: answer,
	}
	select {
	case k.rpc <- rpc:
		select {
		case <-answer:
		case <-k.stop:
		}
	case <-k.stop:
	}
}
