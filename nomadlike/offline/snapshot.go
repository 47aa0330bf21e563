// SPDX-License-Identifier: MPL-2.0

package offline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/nomadlike/archive"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

// Archive is the content of a snapshot archive.
type Archive struct {
	Meta *raft.SnapshotMeta
	// State is nil when the archive is whole, but of another version or product; StateErr then says why.
	State    *state.Snapshot
	StateErr error
}

// CheckArchive reads a snapshot archive and returns an error when it is not whole. What is in it is not looked at.
func CheckArchive(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := archive.Read(f, io.Discard); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

// ReadArchive reads a snapshot archive and checks it.
func ReadArchive(path string) (*Archive, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// The state goes through a file, because it may be looked at only when its checksum is known to be right.
	tmp, err := unnamed()
	if err != nil {
		return nil, err
	}
	defer tmp.Close()
	meta, err := archive.Read(f, tmp)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	store := state.New()
	if err := store.Restore(tmp); err != nil {
		return &Archive{Meta: meta, StateErr: fmt.Errorf("read %s: %w", path, err)}, nil
	}
	return &Archive{Meta: meta, State: store.Snapshot()}, nil
}

// unnamed returns a file that goes away with the process.
func unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "snapshot-*")
	if err != nil {
		return nil, err
	}
	// Some systems keep the names of open files; it is a temporary file there.
	_ = os.Remove(f.Name())
	return f, nil
}

// WriteRedacted writes the archive without the secrets in it.
func (a *Archive) WriteRedacted(w io.Writer, now time.Time) error {
	if a.StateErr != nil {
		return a.StateErr
	}
	tmp, err := unnamed()
	if err != nil {
		return err
	}
	defer tmp.Close()
	if err := a.State.SaveRedacted(tmp); err != nil {
		return err
	}
	size, err := tmp.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err != nil {
		return errors.Join(errors.New("write redacted snapshot"), err)
	}
	meta := *a.Meta
	meta.Size = size
	return archive.Write(w, &meta, tmp, now)
}
