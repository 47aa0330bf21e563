// SPDX-License-Identifier: MPL-2.0

package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/nomadlike/fsm"
	"github.com/nomadlike/nomadlike/nomadlike/raftlog"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Data is the raft directory of a server that does not run.
type Data struct {
	dir string
	log *raftlog.Store
}

// Info sums up the raft log.
type Info struct {
	Path        string
	First, Last uint64
}

// Length is the number of entries.
func (i *Info) Length() uint64 {
	if i.Last == 0 {
		return 0
	}
	return i.Last - i.First + 1
}

// Open finds the raft log in the agent's or server's data directory, or the raft directory itself.
func Open(dir string) (*Data, error) {
	for _, at := range []string{dir, filepath.Join(dir, "raft"), filepath.Join(dir, "server", "raft")} {
		path := filepath.Join(at, "raft.db")
		_, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, fmt.Errorf("read data directory: %w", err)
		}
		log, err := raftlog.OpenReadOnly(path)
		if err != nil {
			return nil, err
		}
		return &Data{dir: at, log: log}, nil
	}
	return nil, fmt.Errorf("no raft store (raft.db or wal/) found in %s", dir)
}

// Close lets go of the files.
func (d *Data) Close() error { return d.log.Close() }

// Info returns what the log has.
func (d *Data) Info() (*Info, error) {
	first, err := d.log.FirstIndex()
	if err != nil {
		return nil, err
	}
	last, err := d.log.LastIndex()
	if err != nil {
		return nil, err
	}
	return &Info{Path: d.log.Path(), First: first, Last: last}, nil
}

// Logs calls fn with every entry of the log, the oldest first, and missing with what is skipped between entries: where the
// operator restored a snapshot, raft leaves out what the snapshot stands for.
func (d *Data) Logs(fn func(*raft.Log) error, missing func(first, last uint64)) error {
	for last := uint64(0); ; {
		n, err := d.log.Next(last + 1)
		if err != nil || n == 0 {
			return err
		}
		if last > 0 && n > last+1 {
			missing(last+1, n-1)
		}
		if err := d.logs(n, n, fn); err != nil {
			return err
		}
		last = n
	}
}

func (d *Data) logs(first, last uint64, fn func(*raft.Log) error) error {
	for n := first; n <= last; n++ {
		var l raft.Log
		if err := d.log.GetLog(n, &l); err != nil {
			return fmt.Errorf("read entry %d of %s: %w", n, d.log.Path(), err)
		}
		if err := fn(&l); err != nil {
			return err
		}
	}
	return nil
}

// State returns the state after the entry last, or that many before the newest one when it is not positive: the
// newest snapshot before it and the entries since. It returns the index that it stopped at, too.
func (d *Data) State(last int64) (*state.Snapshot, uint64, error) {
	info, err := d.Info()
	if err != nil {
		return nil, 0, err
	}
	snapshots, err := d.snapshots()
	if err != nil {
		return nil, 0, err
	}
	newest := info.Last
	for _, s := range snapshots {
		newest = max(newest, s.meta.Index)
	}
	if last <= 0 {
		last += int64(newest)
	}
	if last <= 0 || uint64(last) > newest {
		return nil, 0, fmt.Errorf("there is no entry %d: the newest one is %d", last, newest)
	}
	store := state.New()
	done := uint64(0)
	if s := before(snapshots, uint64(last)); s != nil {
		if err := restore(store, s.path); err != nil {
			return nil, 0, err
		}
		done = s.meta.Index
	}
	if done < uint64(last) && info.First > done+1 {
		return nil, 0, fmt.Errorf("the entries %d to %d are gone from the log, so the state after %d is not known any more", done+1, info.First-1, last)
	}
	machine := fsm.New(store, hclog.NewNullLogger(), d.log.Path())
	err = d.logs(done+1, uint64(last), func(l *raft.Log) error {
		machine.Apply(l) // the answer was for whoever proposed it
		return machine.Err()
	})
	if err != nil {
		return nil, 0, err
	}
	return store.Snapshot(), uint64(last), nil
}

// saved is a snapshot in the raft directory.
type saved struct {
	path string
	meta raft.SnapshotMeta
}

func (d *Data) snapshots() ([]*saved, error) {
	files, err := filepath.Glob(filepath.Join(d.dir, "snapshots", "*", "meta.json"))
	if err != nil {
		return nil, err
	}
	var out []*saved
	for _, f := range files {
		if filepath.Ext(filepath.Dir(f)) == ".tmp" {
			continue // was never finished
		}
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read snapshot: %w", err)
		}
		s := &saved{path: filepath.Join(filepath.Dir(f), "state.bin")}
		if err := json.Unmarshal(data, &s.meta); err != nil {
			return nil, fmt.Errorf("read snapshot %s: %w", f, err)
		}
		out = append(out, s)
	}
	return out, nil
}

// before returns the newest snapshot that has nothing after the entry last.
func before(list []*saved, last uint64) *saved {
	var best *saved
	for _, s := range list {
		if s.meta.Index <= last && (best == nil || s.meta.Index > best.meta.Index) {
			best = s
		}
	}
	return best
}

func restore(store *state.Store, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read snapshot: %w", err)
	}
	defer f.Close()
	if err := store.Restore(f); err != nil {
		return fmt.Errorf("read snapshot %s: %w", path, err)
	}
	return nil
}
