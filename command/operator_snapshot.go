// SPDX-License-Identifier: MPL-2.0

package command

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/api/client"
	"github.com/nomadlike/nomadlike/internal/atomicfile"
	"github.com/nomadlike/nomadlike/nomadlike/offline"
)

func snapshotSaveCommand() *spec {
	var stale, redact bool
	return &spec{
		usage: "operator snapshot save [options] [<file>]", synopsis: "Save a snapshot of the state", remote: true, args: atMost(1, "<file>"), completes: completeFiles,
		long: `Saves a snapshot of the servers' state to a file, nomad-state-<time>.snap by default. An existing file stays. The
snapshot holds everything that the servers know: keep it as safe as them.

Example:

    $ nomadlike operator snapshot save backup.snap`,
		flags: func(f *flag.FlagSet) {
			f.BoolVar(&stale, "stale", false, "Let a server answer that does not lead; it may lag behind.")
			f.BoolVar(&redact, "redact", false, "Leave out secrets, for a snapshot that others look at; it is not for restoring.")
		},
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			now := m.now().UTC()
			path := fmt.Sprintf("nomad-state-%s-%d.snap", now.Format("20060102"), now.Unix())
			if len(args) == 1 {
				path = args[0]
			}
			if _, err := os.Lstat(path); err == nil {
				return fmt.Errorf("%s already exists: move it away, or choose another name", path)
			}
			if err := saveSnapshot(ctx, m, c, path, stale, redact); err != nil {
				return doing("Error saving snapshot", err)
			}
			fmt.Fprintf(m.out, "State file written to %s\n", path)
			return nil
		}),
	}
}

// saveSnapshot downloads an archive beside its place and puts it there once it is known to be whole.
func saveSnapshot(ctx context.Context, m *meta, c *client.Client, path string, stale, redact bool) error {
	return atomicfile.Fill(path, 0o600, func(draft *os.File) error {
		if err := downloadSnapshot(ctx, c, draft, stale); err != nil {
			return err
		}
		if !redact {
			return offline.CheckArchive(draft.Name())
		}
		a, err := offline.ReadArchive(draft.Name())
		if err != nil {
			return err
		}
		_, err = draft.Seek(0, io.SeekStart)
		if err := errors.Join(err, draft.Truncate(0)); err != nil {
			return err
		}
		return a.WriteRedacted(draft, m.now())
	})
}

// downloadSnapshot writes the archive as it comes, and compares it with the digest that comes with it.
func downloadSnapshot(ctx context.Context, c *client.Client, w io.Writer, stale bool) error {
	req := &api.SnapshotSaveRequest{}
	req.AllowStale = stale
	s, err := api.SnapshotSave.Open(ctx, c, req)
	if err != nil {
		return err
	}
	sum := sha256.New()
	digest := ""
	for {
		var chunk api.Chunk
		err := s.Recv(&chunk)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		digest = either(digest, chunk.Digest)
		sum.Write(chunk.Data)
		if _, err := w.Write(chunk.Data); err != nil {
			return err
		}
	}
	if got := "sha-256=" + base64.StdEncoding.EncodeToString(sum.Sum(nil)); digest != "" && digest != got {
		return fmt.Errorf("the snapshot did not arrive whole: its digest is %s, want %s", got, digest)
	}
	return nil
}

// redactArchive replaces the archive in the file by the one without secrets.
func redactArchive(m *meta, path string) error {
	a, err := offline.ReadArchive(path)
	if err != nil {
		return err
	}
	return atomicfile.Fill(path, 0o600, func(draft *os.File) error { return a.WriteRedacted(draft, m.now()) })
}

func snapshotRestoreCommand() *spec {
	return &spec{
		usage: "operator snapshot restore [options] <file>", synopsis: "Restore a snapshot", remote: true, args: exactly(1, "<file>"), completes: completeFiles,
		long: `Replaces the servers' state by that of a snapshot. For disaster recovery: what happened since is lost.

Example:

    $ nomadlike operator snapshot restore backup.snap`,
		run: remotely(nil, func(ctx context.Context, m *meta, c *client.Client, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return doing("Error opening file", err)
			}
			defer f.Close()
			if err := upload(ctx, c, f); err != nil {
				return doing("Failed to restore snapshot", err)
			}
			fmt.Fprintln(m.out, "Snapshot Restored")
			return nil
		}),
	}
}

// upload sends the file and waits for the answer.
func upload(ctx context.Context, c *client.Client, r io.Reader) error {
	s, err := api.SnapshotRestore.Open(ctx, c, &api.SnapshotRestoreRequest{})
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if err := s.Send(&api.Chunk{Data: buf[:n]}); err != nil {
				break // the answer says why
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := s.CloseSend(); err != nil {
		return err
	}
	if err := s.Recv(&api.Empty{}); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
