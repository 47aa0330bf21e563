// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
)

// Raft timing at multiplier 1: a lost leader is noticed after one to two heartbeat timeouts.
const (
	heartbeatTimeout = 500 * time.Millisecond
	electionTimeout  = 500 * time.Millisecond
	leaseTimeout     = 250 * time.Millisecond

	// logCacheSize is how many of the newest entries followers are served from memory.
	logCacheSize = 512
	// maxAppend is how many entries share one disk write and one message.
	maxAppend = 256
	// retainSnapshots is how many snapshot files are kept.
	retainSnapshots = 2
)

// storage is where raft keeps things.
type storage struct {
	id        string
	logs      raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	// file is nil in dev mode.
	file *raftlog.Store
	// source names the log in errors.
	source string
}

// openStorage opens, or makes, what raft needs in the data directory.
func (s *Server) openStorage() (*storage, error) {
	if s.cfg.DataDir == "" {
		mem := raft.NewInmemStore()
		return &storage{
			id: api.NewID(), logs: mem, stable: mem, snapshots: raft.NewDiscardSnapshotStore(), source: "memory",
		}, nil
	}
	dir := filepath.Join(s.cfg.DataDir, "raft")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory %s cannot be used: %w", s.cfg.DataDir, err)
	}
	path := filepath.Join(dir, "raft.db")
	file, err := raftlog.Open(path, raftlog.Options{NoFreelistSync: s.cfg.NoFreelistSync})
	if err != nil {
		return nil, err
	}
	st := &storage{logs: file, stable: file, file: file, source: path}
	if err := s.fillStorage(st, dir); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return st, nil
}

func (s *Server) fillStorage(st *storage, dir string) error {
	var err error
	if st.id, err = nodeID(filepath.Join(s.cfg.DataDir, "node-id")); err != nil {
		return err
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(dir, retainSnapshots, s.log.Named("raft.snapshot"))
	if err != nil {
		return fmt.Errorf("open snapshots in %s: %w", dir, err)
	}
	st.snapshots = snapshots
	list, err := snapshots.List()
	if err != nil {
		return fmt.Errorf("list snapshots in %s: %w", dir, err)
	}
	var after uint64
	if len(list) > 0 {
		after = list[0].Index
	}
	if err := st.file.Verify(after); err != nil {
		return err
	}
	if !s.cfg.DisableLogCache {
		if st.logs, err = raft.NewLogCache(logCacheSize, st.file); err != nil {
			return fmt.Errorf("make raft log cache: %w", err)
		}
	}
	return nil
}

func (st *storage) close() error {
	if st.file == nil {
		return nil
	}
	return st.file.Close()
}

// nodeID reads the server's ID, or makes it.
func nodeID(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		id := strings.TrimSpace(string(data))
		if len(id) != 36 {
			return "", fmt.Errorf("server ID in %s is damaged: restore the file or move the server's directory away and join again", path)
		}
		return id, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read server ID: %w", err)
	}
	id := api.NewID()
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("store server ID: %w", err)
	}
	return id, nil
}

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

// kicker is a transport that can also make raft elect at once, which a server that is alone does instead
// of waiting for a heartbeat that nobody will send.
type kicker struct {
	RaftTransport
	rpc  chan raft.RPC
	stop chan struct{}
}

func newKicker(t RaftTransport) *kicker {
	k := &kicker{RaftTransport: t, rpc: make(chan raft.RPC), stop: make(chan struct{})}
	go k.forward() // ends with Close
	return k
}

func (k *kicker) forward() {
	from := k.RaftTransport.Consumer()
	for {
		select {
		case rpc := <-from:
			select {
			case k.rpc <- rpc:
			case <-k.stop:
				rpc.Respond(nil, raft.ErrTransportShutdown)
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
