// SPDX-License-Identifier: MPL-2.0

// Package snapshot reads and writes snapshot archives (http-api.md 6.4): a gzip compressed tar of meta.json, what
// raft says of the snapshot, state.bin, the saved state, and SHA256SUMS. It knows nothing of what is in the state.
package snapshot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

// Names of the files in an archive.
const (
	fileMeta  = "meta.json"
	fileState = "state.bin"
	fileSums  = "SHA256SUMS"
)

// maxSmall bounds the size of the files that are read into memory, in bytes.
const maxSmall = 4 << 20

// Write writes an archive of the state, which has meta.Size bytes. now dates the files.
func Write(w io.Writer, meta *raft.SnapshotMeta, state io.Reader, now time.Time) error {
	gz := gzip.NewWriter(w)
	out := tar.NewWriter(gz)
	head, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("encode snapshot metadata: %w", err)
	}
	var sums bytes.Buffer
	add := func(name string, size int64, content io.Reader) error {
		h := sha256.New()
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: now, Format: tar.FormatPAX}); err != nil {
			return err
		}
		n, err := io.Copy(io.MultiWriter(out, h), content)
		if err == nil && n != size {
			err = fmt.Errorf("it has %d bytes instead of %d", n, size)
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", hex.EncodeToString(h.Sum(nil)), name)
		return nil
	}
	if err := add(fileMeta, int64(len(head)), bytes.NewReader(head)); err != nil {
		return err
	}
	if err := add(fileState, meta.Size, state); err != nil {
		return err
	}
	text := bytes.Clone(sums.Bytes())
	if err := add(fileSums, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	return errors.Join(out.Close(), gz.Close())
}

// Read writes the state of an archive to state and returns the metadata. It fails unless the archive is complete and
// all checksums are right.
func Read(r io.Reader, state io.Writer) (*raft.SnapshotMeta, error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("failed to decompress snapshot: %w", err)
	}
	a := &reader{tar: tar.NewReader(gz), state: state, sums: map[string]hash.Hash{}}
	for {
		err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("failed to read snapshot archive: %w", err)
		}
	}
	// The checksum of the compression comes after the last file.
	if _, err := io.Copy(io.Discard, gz); err != nil {
		return nil, fmt.Errorf("failed to decompress snapshot: %w", err)
	}
	if err := a.verify(); err != nil {
		return nil, fmt.Errorf("failed to verify snapshot archive: %w", err)
	}
	return a.meta, nil
}

// reader reads the files of an archive.
type reader struct {
	tar   *tar.Reader
	state io.Writer
	meta  *raft.SnapshotMeta
	want  []byte
	sums  map[string]hash.Hash
}

func (a *reader) next() error {
	h, err := a.tar.Next()
	if err != nil {
		return err
	}
	if a.sums[h.Name] != nil || h.Typeflag != tar.TypeReg {
		return fmt.Errorf("file %q is there twice or no plain file", h.Name)
	}
	sum := sha256.New()
	a.sums[h.Name] = sum
	in := io.TeeReader(a.tar, sum)
	switch h.Name {
	case fileMeta, fileSums:
		if h.Size > maxSmall {
			return fmt.Errorf("file %q has %d bytes, at most %d are allowed", h.Name, h.Size, maxSmall)
		}
		data, err := io.ReadAll(in)
		if err != nil {
			return fmt.Errorf("read %s: %w", h.Name, err)
		}
		if h.Name == fileSums {
			a.want = data
			return nil
		}
		a.meta = &raft.SnapshotMeta{}
		if err := json.Unmarshal(data, a.meta); err != nil {
			return fmt.Errorf("decode %s: %w", h.Name, err)
		}
	case fileState:
		switch {
		case a.meta == nil:
			return fmt.Errorf("%s does not come first", fileMeta)
		case a.meta.Size != h.Size:
			return fmt.Errorf("%s has %d bytes, %s says %d", fileState, h.Size, fileMeta, a.meta.Size)
		}
		if _, err := io.Copy(a.state, in); err != nil {
			return fmt.Errorf("read %s: %w", h.Name, err)
		}
	default:
		return fmt.Errorf("unexpected file %q", h.Name)
	}
	return nil
}

// verify compares what was read with the list of checksums.
func (a *reader) verify() error {
	for _, name := range []string{fileMeta, fileState, fileSums} {
		if a.sums[name] == nil {
			return fmt.Errorf("file %q is missing", name)
		}
	}
	delete(a.sums, fileSums)
	for line := range strings.Lines(string(a.want)) {
		sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		h := a.sums[name]
		if !ok || h == nil {
			return fmt.Errorf("unexpected line %.100q in %s", line, fileSums)
		}
		if hex.EncodeToString(h.Sum(nil)) != strings.ToLower(sum) {
			return fmt.Errorf("checksum of %q is wrong", name)
		}
		delete(a.sums, name)
	}
	for name := range a.sums {
		return fmt.Errorf("%s has no checksum of %q", fileSums, name)
	}
	return nil
}
