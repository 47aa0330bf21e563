// SPDX-License-Identifier: MPL-2.0

package ops

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/opset"
	"github.com/nomadlike/nomadlike/nomadlike/archive"
)

// snapshotChunk is how much of an archive is sent at a time, in bytes.
const snapshotChunk = 256 << 10

func (e *Env) snapshotHandlers(set *opset.Set) {
	opset.HandleStream(set, api.SnapshotSave, e.snapshotSave)
	opset.HandleStream(set, api.SnapshotRestore, func(_ context.Context, _ *api.SnapshotRestoreRequest, s api.Stream) error {
		return e.Snapshots.Restore(&chunkReader{stream: s})
	})
}

func (e *Env) snapshotSave(ctx context.Context, r *api.SnapshotSaveRequest, s api.Stream) (err error) {
	saved, digest, err := e.Snapshots.Save(ctx, !r.AllowStale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, saved.Close()) }()
	first := &api.Chunk{ContentType: archive.ContentType, Digest: digest}
	for {
		buf := make([]byte, snapshotChunk)
		n, err := io.ReadFull(saved, buf)
		if n > 0 {
			first.Data = buf[:n]
			if err := s.Send(first); err != nil {
				return err
			}
			first = &api.Chunk{}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read snapshot archive: %w", err)
		}
	}
}

// chunkReader reads the chunks of an upload as one text.
type chunkReader struct {
	stream api.Stream
	rest   []byte
}

// Read implements io.Reader.
func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		var c api.Chunk
		if err := r.stream.Recv(&c); err != nil {
			return 0, err
		}
		r.rest = c.Data
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
