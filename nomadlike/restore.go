// SPDX-License-Identifier: MPL-2.0

package nomadlike

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/archive"
	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Archive is a snapshot archive in a temporary file; Close removes it.
type Archive struct {
	file *os.File
	// Digest is the value of the HTTP header of that name.
	Digest string
}

// Read reads on in the archive.
func (a *Archive) Read(p []byte) (int, error) { return a.file.Read(p) }

// Close removes the file.
func (a *Archive) Close() error {
	return errors.Join(a.file.Close(), os.Remove(a.file.Name()))
}

// errDevSnapshot says that there is nowhere a snapshot could come from or go to.
var errDevSnapshot = api.CodeErrorf(api.ClassUnsupported, 500, "snapshots need a data directory; this server keeps its state in memory (dev mode)")

// temporary makes a file beside the state, where there is room for one.
func (s *Server) temporary(pattern string) (*os.File, error) {
	f, err := os.CreateTemp(s.cfg.DataDir, pattern)
	if err != nil {
		return nil, fmt.Errorf("make a temporary file for a snapshot: %w", err)
	}
	return f, nil
}

// SaveSnapshot returns an archive of the state. With consistent it includes everything that was acknowledged before,
// which only the leader can promise.
func (s *Server) SaveSnapshot(ctx context.Context, consistent bool) (_ *Archive, err error) {
	if s.cfg.DataDir == "" {
		return nil, errDevSnapshot
	}
	if consistent {
		if err := s.VerifyLeader(ctx); err != nil {
			return nil, err
		}
	}
	meta, state, err := s.takeSnapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	f, err := s.temporary(".snapshot-save-*")
	if err != nil {
		return nil, err
	}
	a := &Archive{file: f}
	sum := sha256.New()
	err = archive.Write(io.MultiWriter(f, sum), meta, state, time.Now())
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write snapshot archive: %w", err), a.Close())
	}
	a.Digest = "sha-256=" + base64.StdEncoding.EncodeToString(sum.Sum(nil))
	return a, nil
}

// takeSnapshot makes raft store a snapshot and opens it.
func (s *Server) takeSnapshot(ctx context.Context) (*raft.SnapshotMeta, io.ReadCloser, error) {
	r, err := s.raft()
	if err != nil {
		return nil, nil, err
	}
	f := r.Snapshot()
	done := make(chan error, 1)
	go func() { done <- f.Error() }() // ends when raft has written it
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err == nil {
		return f.Open()
	}
	if !errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil, nil, fmt.Errorf("take a snapshot: %w", err)
	}
	s.mu.Lock()
	store := s.mu.snapshots
	s.mu.Unlock()
	list, err := store.List()
	if err != nil {
		return nil, nil, fmt.Errorf("list snapshots: %w", err)
	}
	if len(list) == 0 {
		return nil, nil, api.CodeErrorf(api.ClassUnavailable, 500, "there is nothing to take a snapshot of yet")
	}
	return store.Open(list[0].ID)
}

// RestoreSnapshot replaces the state of the cluster with that of an archive. Only the leader can. Nothing changes
// unless the whole archive can be read.
func (s *Server) RestoreSnapshot(from io.Reader) (err error) {
	if s.cfg.DataDir == "" {
		return errDevSnapshot
	}
	r, err := s.raft()
	if err != nil {
		return err
	}
	f, err := s.temporary(".snapshot-restore-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	meta, err := archive.Read(from, f)
	if err == nil {
		err = verifyState(f)
	}
	if err != nil {
		return api.CodeErrorf(api.ClassInvalid, 500, "failed to restore from snapshot: %s", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	s.log.Warn("restoring a snapshot on request", "id", meta.ID, "index", meta.Index)
	mark := max(time.Now().UnixNano(), state.Cluster.RestoreTime(s.store.Snapshot())+1)
	// The caller is not looked at any more: raft reads the file, and a restore that has begun ends.
	if err := s.raftError(r.Restore(meta, f, 0)); err != nil {
		return fmt.Errorf("failed to restore from snapshot: %w", err)
	}
	// Without the mark nodes go on from what they knew of the state before.
	if _, _, err := s.Apply(context.Background(), fsm.ClusterRestored.Encode(&fsm.ClusterRestoredRequest{Time: mark})); err != nil {
		return fmt.Errorf("the state is restored, but the nodes do not hear of it; restore it again: %w", err)
	}
	return nil
}

// verifyState reads a saved state to its end into a store of its own: what raft cannot read would end the process. A state
// without the secrets of its nodes would keep all of them out of the cluster.
func verifyState(f *os.File) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	s := state.New()
	if err := s.Restore(f); err != nil {
		return err
	}
	for n := range state.Nodes.All(s.Snapshot()) {
		if n.SecretID == "" {
			return fmt.Errorf("the snapshot is redacted: it lacks the secret of node %s; restore one that was saved without -redact", n.ID)
		}
	}
	return nil
}
