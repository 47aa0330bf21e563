// SPDX-License-Identifier: MPL-2.0

package fsm

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// FSM applies the entries of the raft log to a store.
type FSM struct {
	store *state.Store
	log   hclog.Logger
	// source names where entries come from, for error messages: the path of the log.
	source string

	mu struct {
		sync.Mutex
		err error
	}
	failed chan struct{}
}

// New returns a machine that writes store. source names the log file in errors.
func New(store *state.Store, log hclog.Logger, source string) *FSM {
	return &FSM{store: store, log: log.Named("fsm"), source: source, failed: make(chan struct{})}
}

// Failed is closed when an entry could not be read; Err tells why. Nothing is applied after that.
func (f *FSM) Failed() <-chan struct{} { return f.failed }

// Err returns why the machine stopped, nil while it works.
func (f *FSM) Err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.err
}

func (f *FSM) fail(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.err == nil {
		f.mu.err = err
		close(f.failed)
	}
	return f.mu.err
}

// Apply applies one entry. It returns the command's answer, or an error, to the proposer.
func (f *FSM) Apply(l *raft.Log) any {
	if err := f.Err(); err != nil {
		return err
	}
	if l.Type != raft.LogCommand {
		return nil
	}
	c, payload, err := open(l.Data)
	if err != nil {
		return f.fail(fmt.Errorf("raft entry %d in %s: %w", l.Index, f.source, err))
	}
	r, err := f.run(c, l.Index, payload)
	if _, damaged := errors.AsType[*damagedError](err); damaged {
		return f.fail(fmt.Errorf("raft entry %d (%s) in %s cannot be read; restore a snapshot, or move the data directory away and join again: %w",
			l.Index, c.name, f.source, err))
	}
	if err != nil {
		return err
	}
	return r
}

// run applies a command in a transaction of its own; a refused one only moves the index on.
func (f *FSM) run(c *command, index uint64, payload []byte) (r any, err error) {
	w := f.store.Begin(index, c.name)
	defer func() {
		switch p := recover(); {
		case p == nil:
		case w.Ended(): // a subscriber's; what was written stands
			f.log.Error("subscriber of the state panicked", "command", c.name, "index", index, "error", p, "stack", string(debug.Stack()))
			return
		default:
			f.log.Error("command panicked and was refused", "command", c.name, "index", index, "error", p, "stack", string(debug.Stack()))
			r, err = nil, fmt.Errorf("command %s at index %d failed: %v", c.name, index, p)
		}
		if err != nil {
			w.Abort()
			f.store.Begin(index, c.name).Commit()
		}
	}()
	if r, err = c.run(w, payload); err != nil {
		return nil, err
	}
	w.Commit()
	return r, nil
}

// StoreConfiguration takes a change of the raft peers, of which nothing is stored here. Without it raft would take
// no snapshot after such a change until something else is written.
func (f *FSM) StoreConfiguration(uint64, raft.Configuration) {}

// Snapshot returns the state as it is; writing it does not hold up Apply.
func (f *FSM) Snapshot() (raft.FSMSnapshot, error) {
	if err := f.Err(); err != nil {
		return nil, err
	}
	return &snapshot{f.store.Snapshot()}, nil
}

type snapshot struct{ state *state.Snapshot }

// Persist writes the snapshot.
func (s *snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.state.Save(sink); err != nil {
		return errors.Join(fmt.Errorf("write snapshot %s: %w", sink.ID(), err), sink.Cancel())
	}
	return sink.Close()
}

// Release does nothing: a snapshot is memory only.
func (s *snapshot) Release() {}

// Restore replaces the state by that of a snapshot, or leaves it as it is when that cannot be read.
func (f *FSM) Restore(r io.ReadCloser) error {
	defer func() { _ = r.Close() }() // reading only
	if err := f.store.Restore(r); err != nil {
		return fmt.Errorf("restore snapshot: %w", err)
	}
	return nil
}
