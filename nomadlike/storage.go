// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/internal/atomicfile"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
)

// remedy says what to do about a directory whose content cannot be used.
const remedy = "restore the directory from a backup, or move it away and join the cluster again"

// storage is where raft keeps things.
type storage struct {
	id        string
	logs      raft.LogStore
	stable    raft.StableStore
	snapshots raft.SnapshotStore
	// file is nil in dev mode.
	file *raftlog.Store
	// source names the log in errors, dir the directory.
	source, dir string
	// stop ends waiting for a disk that cannot be written.
	stop chan struct{}
}

// openStorage opens, or makes, what raft needs in the data directory.
func (s *Server) openStorage() (*storage, error) {
	if s.cfg.DataDir == "" {
		mem := raft.NewInmemStore()
		return &storage{
			id: s.freshID, logs: mem, stable: mem, snapshots: raft.NewDiscardSnapshotStore(), source: "memory", dir: "memory",
			stop: make(chan struct{}),
		}, nil
	}
	dir := filepath.Join(s.cfg.DataDir, "raft")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data directory %s cannot be used, make it writable for this user or choose another data_dir: %w", s.cfg.DataDir, err)
	}
	path, idPath := filepath.Join(dir, "raft.db"), s.idPath()
	if err := checkComplete(path, idPath); err != nil {
		return nil, err
	}
	file, err := raftlog.Open(path, raftlog.Options{NoFreelistSync: s.cfg.NoFreelistSync})
	if err != nil {
		return nil, err
	}
	st := &storage{logs: file, file: file, source: path, dir: dir, stop: make(chan struct{})}
	st.stable = &patientStable{Store: file, log: s.log, stop: st.stop}
	if err := s.fillStorage(st, idPath); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return st, nil
}

// checkComplete refuses a directory in which a server ran before and whose log is gone: with an empty log
// it could vote a second time, or start as a new cluster.
func checkComplete(log, id string) error {
	if _, err := os.Stat(id); errors.Is(err, fs.ErrNotExist) {
		return nil // no server ran here
	}
	if info, err := os.Stat(log); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return fmt.Errorf("raft log %s is missing or empty, but %s says that a server ran here: %s", log, id, remedy)
	}
	return nil
}

func (s *Server) fillStorage(st *storage, idPath string) error {
	var err error
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(st.dir, retainSnapshots, s.log.Named("raft.snapshot"))
	if err != nil {
		return fmt.Errorf("open snapshots in %s: %w", st.dir, err)
	}
	st.snapshots = snapshots
	used, err := raft.HasExistingState(st.file, st.file, snapshots)
	if err != nil {
		return fmt.Errorf("read raft state in %s: %w", st.source, err)
	}
	if st.id, err = nodeID(idPath, used, s.freshID); err != nil {
		return err
	}
	list, err := snapshots.List()
	if err != nil {
		return fmt.Errorf("list snapshots in %s: %w", st.dir, err)
	}
	var after uint64
	if len(list) > 0 {
		after = list[0].Index
	}
	if err := st.file.Verify(after); err != nil {
		return err
	}
	if s.deps.Metrics != nil {
		st.logs = &measuredLog{Store: st.file, sink: s.deps.Metrics}
	}
	if !s.cfg.DisableLogCache {
		st.logs = raftlog.NewCache(st.logs, logCacheSize, logCacheBytes)
	}
	return nil
}

func (st *storage) close() error {
	if st.file == nil {
		return nil
	}
	return st.file.Close()
}

func (s *Server) idPath() string { return filepath.Join(s.cfg.DataDir, "node-id") }

// ID returns the server's ID before it runs too: that of its data directory, or the one that it takes when it starts for
// the first time.
func (s *Server) ID() string {
	if s.cfg.DataDir != "" {
		if id, err := readID(s.idPath()); err == nil {
			return id
		}
	}
	return s.freshID
}

func readID(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(data))
	if len(id) != 36 {
		return "", fmt.Errorf("server ID in %s is damaged: %s", path, remedy)
	}
	return id, nil
}

// nodeID reads the server's ID, or stores the fresh one. A server that ran before must have one.
func nodeID(path string, used bool, fresh string) (string, error) {
	id, err := readID(path)
	var unreadable *fs.PathError
	switch {
	case err == nil:
		return id, nil
	case !errors.As(err, &unreadable):
		return "", err
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("read server ID: %w", err)
	case used:
		return "", fmt.Errorf("server ID %s is missing, but a server ran here: %s", path, remedy)
	}
	if err := errors.Join(atomicfile.Sweep(path), atomicfile.Write(path, []byte(fresh+"\n"), 0o600)); err != nil {
		return "", fmt.Errorf("store server ID: %w", err)
	}
	return fresh, nil
}

// patientStable waits when raft's term cannot be written, because the disk is full: raft would panic. The
// server has no leader meanwhile, but answers stale reads and goes on when there is space.
type patientStable struct {
	*raftlog.Store
	log  hclog.Logger
	stop <-chan struct{}
}

// stablePause is how long a failed write of a stable value waits before it is tried again.
const stablePause = time.Second

// SetUint64 writes a stable number, again and again until that succeeds.
func (p *patientStable) SetUint64(k []byte, v uint64) error {
	for {
		err := p.Store.SetUint64(k, v)
		if err == nil {
			return nil
		}
		p.log.Error("could not write raft's term, trying again", "error", err)
		t := time.NewTimer(stablePause)
		select {
		case <-t.C:
		case <-p.stop:
			t.Stop()
			runtime.Goexit() // the server stops; raft's goroutine ends here instead of in a panic
		}
	}
}

// newRaft starts raft on the storage. What it cannot read is an error that says what to do.
func (s *Server) newRaft(st *storage, machine *measured, transport raft.Transport) (r *raft.Raft, err error) {
	restoring := &restoring{measured: machine}
	explain := func(cause any) error {
		err := fmt.Errorf("start raft in %s: %v: %s", st.dir, cause, remedy)
		return errors.Join(err, restoring.err)
	}
	defer func() {
		if p := recover(); p != nil { // the log does not go on where the snapshot that could be read ends
			err = explain(p)
		}
	}()
	r, err = raft.NewRaft(s.raftConfig(st.id), restoring, st.logs, st.stable, st.snapshots, transport)
	if err != nil {
		return nil, explain(err)
	}
	return r, nil
}

// checkID refuses an ID under which raft knows nobody while it knows this server, by its address, under another: without the
// vote of that one there may be no leader for ever.
func (s *Server) checkID(id string, peers []raft.Server) error {
	known := ""
	for _, p := range peers {
		switch {
		case p.ID == raft.ServerID(id):
			return nil
		case p.Address == raft.ServerAddress(s.cfg.RPCAdvertise):
			known = string(p.ID)
		}
	}
	if known == "" {
		return nil
	}
	return fmt.Errorf("%s says that this server has the ID %s, but raft knows it, by its address %s, as %s: write that ID into the file if it was changed, or %s",
		s.idPath(), id, s.cfg.RPCAdvertise, known, remedy)
}

// restoring keeps why a snapshot could not be restored: raft only logs it and tries an older one.
type restoring struct {
	*measured
	err error
}

// Restore replaces the state by that of a snapshot.
func (r *restoring) Restore(from io.ReadCloser) error {
	r.err = r.FSM.Restore(from)
	return r.err
}
