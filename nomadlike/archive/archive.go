// SPDX-License-Identifier: MPL-2.0

package archive

import (
	"archive/tar"
	"bufio"
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

// Names of the files.
const (
	metaName  = "meta.json"
	stateName = "state.bin"
	sumsName  = "SHA256SUMS"
)

// maxSmall is how large the files besides the state may be.
const maxSmall = 1 << 20

// ContentType is what an archive is over HTTP.
const ContentType = "application/x-gzip"

// ErrDamaged marks an archive that is not whole or no archive at all.
var ErrDamaged = errors.New("snapshot archive is damaged")

// gzipError is an ErrDamaged with the contract's text.
type gzipError struct{ err error }

func (e *gzipError) Error() string        { return "failed to decompress snapshot: " + e.err.Error() }
func (e *gzipError) Is(target error) bool { return target == ErrDamaged }
func (e *gzipError) Unwrap() error        { return e.err }

// Write writes an archive of the state, of which there are meta.Size bytes. now is the time of its files.
func Write(w io.Writer, meta *raft.SnapshotMeta, state io.Reader, now time.Time) error {
	zipped := gzip.NewWriter(w)
	files := tar.NewWriter(zipped)
	var sums bytes.Buffer
	put := func(name string, size int64, r io.Reader) error {
		sum := sha256.New()
		head := &tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: now.Truncate(time.Second)}
		err := files.WriteHeader(head)
		if err == nil {
			var n int64
			if n, err = io.Copy(io.MultiWriter(files, sum), r); err == nil && n < size {
				err = fmt.Errorf("there are %d of %d bytes", n, size)
			}
		}
		if err != nil {
			return fmt.Errorf("write %s of snapshot archive: %w", name, err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sum.Sum(nil), name)
		return nil
	}
	data, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("write %s of snapshot archive: %w", metaName, err)
	}
	if err := put(metaName, int64(len(data)), bytes.NewReader(data)); err != nil {
		return err
	}
	if err := put(stateName, meta.Size, state); err != nil {
		return err
	}
	content := bytes.Clone(sums.Bytes())
	if err := put(sumsName, int64(len(content)), bytes.NewReader(content)); err != nil {
		return err
	}
	return errors.Join(files.Close(), zipped.Close())
}

// Read reads an archive and writes its state to state. What was written counts only when there is no error, because
// only then the checksums are right.
func Read(r io.Reader, state io.Writer) (*raft.SnapshotMeta, error) {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, &gzipError{err}
	}
	got := map[string]hash.Hash{}
	var meta *raft.SnapshotMeta
	var sums []byte
	files := tar.NewReader(zipped)
	for {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if got[head.Name] != nil {
			return nil, fmt.Errorf("%w: %s comes twice", ErrDamaged, head.Name)
		}
		sum := sha256.New()
		got[head.Name] = sum
		from := io.TeeReader(files, sum)
		switch head.Name {
		case metaName:
			meta, err = readMeta(from)
		case stateName:
			err = copyState(state, from)
		case sumsName:
			sums, err = small(from, head.Name)
		default:
			err = fmt.Errorf("%w: it has a file %q", ErrDamaged, head.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	// The checksum of the compressed data stands at its end.
	if _, err := io.Copy(io.Discard, io.LimitReader(zipped, maxSmall)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if meta == nil || got[stateName] == nil || sums == nil {
		return nil, fmt.Errorf("%w: it needs %s, %s and %s", ErrDamaged, metaName, stateName, sumsName)
	}
	return meta, checkSums(sums, got)
}

func readMeta(r io.Reader) (*raft.SnapshotMeta, error) {
	data, err := small(r, metaName)
	if err != nil {
		return nil, err
	}
	meta := &raft.SnapshotMeta{}
	if err := json.Unmarshal(data, meta); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, metaName, err)
	}
	return meta, nil
}

// copyState tells apart what is wrong with the archive and what with the place where the state goes.
func copyState(to io.Writer, from io.Reader) error {
	w := &faulty{w: to}
	if _, err := io.Copy(w, from); err != nil {
		if w.err != nil {
			return fmt.Errorf("write the state of a snapshot archive: %w", w.err)
		}
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// faulty remembers the error of a writer.
type faulty struct {
	w   io.Writer
	err error
}

func (f *faulty) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	f.err = err
	return n, err
}

func small(r io.Reader, name string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSmall+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	case len(data) > maxSmall:
		return nil, fmt.Errorf("%w: %s has more than %d bytes", ErrDamaged, name, maxSmall)
	}
	return data, nil
}

// checkSums compares the checksums that the archive tells with those of what was read.
func checkSums(sums []byte, got map[string]hash.Hash) error {
	told := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(sums))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		if !ok {
			return fmt.Errorf("%w: a line of %s is no checksum", ErrDamaged, sumsName)
		}
		told[name] = sum
	}
	for _, name := range []string{metaName, stateName} {
		if told[name] != hex.EncodeToString(got[name].Sum(nil)) {
			return fmt.Errorf("%w: the checksum of %s does not match", ErrDamaged, name)
		}
	}
	return nil
}
