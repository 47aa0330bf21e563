// SPDX-License-Identifier: MPL-2.0

package raftlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

var (
	logBucket    = []byte("logs")
	stableBucket = []byte("stable")
)

// errNotFound is the answer for a missing stable value; raft knows it by this text.
var errNotFound = errors.New("not found")

// lockWait is how long Open waits for another agent to let go of the file.
const lockWait = 500 * time.Millisecond

// Options of a Store.
type Options struct {
	// NoFreelistSync makes writes cheaper and opening a large file slower.
	NoFreelistSync bool
	// NoSync leaves flushing to the operating system; acknowledged entries may be lost in a power failure.
	NoSync bool
}

// Store is a raft.LogStore and raft.StableStore.
type Store struct {
	db   *bbolt.DB
	path string
}

var (
	_ raft.LogStore    = (*Store)(nil)
	_ raft.StableStore = (*Store)(nil)
)

// Open opens the file, which is made when it does not exist. Errors say what to do: another agent holds
// it, the directory cannot be written, or the file is damaged.
func Open(path string, o Options) (*Store, error) {
	s, err := open(path, o)
	if err != nil {
		return nil, explain(path, err)
	}
	return s, nil
}

// OpenReadOnly opens an existing file for reading alone, while no agent uses it. Nothing in it changes.
func OpenReadOnly(path string) (*Store, error) {
	s, err := openReadOnly(path)
	if err != nil {
		return nil, explain(path, err)
	}
	return s, nil
}

func openReadOnly(path string) (s *Store, err error) {
	defer recoverDamage(&err)
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	if err := checkHeader(path); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Bucket(logBucket) == nil || tx.Bucket(stableBucket) == nil {
			return fmt.Errorf("%w: it has no log", errDamaged)
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Store{db: db, path: path}, nil
}

func open(path string, o Options) (s *Store, err error) {
	defer recoverDamage(&err)
	if err := checkHeader(path); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait, NoFreelistSync: o.NoFreelistSync, NoSync: o.NoSync,
		FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, err
	}
	s = &Store{db: db, path: path}
	err = db.Update(func(tx *bbolt.Tx) error {
		if info, err := os.Stat(path); err == nil && info.Size() < tx.Size() {
			return fmt.Errorf("%w: it has %d of %d bytes", errDamaged, info.Size(), tx.Size())
		}
		for _, name := range [][]byte{logBucket, stableBucket} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// errDamaged marks a file whose content cannot be right.
var errDamaged = errors.New("file is damaged")

// checkHeader refuses a file that was cut off inside its first pages, which bbolt would fill anew.
func checkHeader(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%w: it is a directory", errDamaged)
	case info.Size() == 0:
		return nil
	case info.Size() < 2*int64(os.Getpagesize()):
		return fmt.Errorf("%w: it has only %d bytes", errDamaged, info.Size())
	}
	whole, err := wholeSize(path)
	if err != nil || whole == 0 {
		return err
	}
	if info, err = os.Stat(path); err == nil && info.Size() < whole { // an agent that has it open makes it larger first
		return fmt.Errorf("%w: it has %d of %d bytes", errDamaged, info.Size(), whole)
	}
	return err
}

// wholeSize returns how many bytes a file must have by its latest header, 0 when that cannot be told. bbolt itself reads
// all of a file in a goroutine of its own when it opens it, where a missing page ends the process.
func wholeSize(path string) (int64, error) {
	const (
		begin  = 16         // the page's own header
		magic  = 0xED0CDAED // of the format
		length = 64
	)
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var size int64
	var latest uint64
	at := int64(begin)
	for range 2 { // each transaction replaces the older of two headers
		var h [length]byte
		if _, err := f.ReadAt(h[:], at); err != nil {
			return 0, err
		}
		pageSize, pages, txid := int64(binary.NativeEndian.Uint32(h[8:])), binary.NativeEndian.Uint64(h[40:]), binary.NativeEndian.Uint64(h[48:])
		sum := fnv.New64a()
		_, _ = sum.Write(h[:56])
		if binary.NativeEndian.Uint32(h[:]) == magic && binary.NativeEndian.Uint64(h[56:]) == sum.Sum64() && txid >= latest {
			size, latest = int64(pages)*pageSize, txid
			at = pageSize + begin
			continue
		}
		at = int64(os.Getpagesize()) + begin
	}
	return size, nil
}

// recoverDamage turns the panics with which bbolt answers a damaged page into an error.
func recoverDamage(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errDamaged, p)
	}
}

func explain(path string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("raft log %s is in use by another agent: stop that agent or choose another data_dir", path)
	case errors.Is(err, fs.ErrPermission) || isReadOnly(err):
		return fmt.Errorf("raft log %s cannot be opened for writing: make the directory writable for this user or choose another data_dir: %w", path, err)
	case errors.Is(err, errDamaged), errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return fmt.Errorf("raft log %s is damaged or no raft log: restore the directory from a backup, or move it away and join the cluster again: %w", path, err)
	}
	return fmt.Errorf("open raft log %s: %w", path, err)
}

// Stats returns what the file counted since it was opened, and its free pages.
func (s *Store) Stats() bbolt.Stats { return s.db.Stats() }

// Path returns the file's path.
func (s *Store) Path() string { return s.path }

// Close lets go of the file.
func (s *Store) Close() error { return s.db.Close() }

func key(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// view runs fn in a read transaction; damage found in the file is an error.
func (s *Store) view(fn func(tx *bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = explain(s.path, fmt.Errorf("%w: %v", errDamaged, p))
		}
	}()
	return s.db.View(fn)
}

// FirstIndex returns the index of the oldest entry, 0 when there is none.
func (s *Store) FirstIndex() (uint64, error) { return s.Next(0) }

// Next returns the index of the oldest entry from the given index on, 0 when there is none. It is another one than that
// where raft left entries out, as it does when a snapshot is restored.
func (s *Store) Next(from uint64) (index uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket(logBucket).Cursor().Seek(key(from)); k != nil {
			index = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return index, err
}

// LastIndex returns the index of the newest entry, 0 when there is none.
func (s *Store) LastIndex() (index uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if k, _ := tx.Bucket(logBucket).Cursor().Last(); k != nil {
			index = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return index, err
}

// GetLog reads an entry; raft.ErrLogNotFound when there is none.
func (s *Store) GetLog(index uint64, l *raft.Log) error {
	return s.view(func(tx *bbolt.Tx) error {
		v := tx.Bucket(logBucket).Get(key(index))
		if v == nil {
			return raft.ErrLogNotFound
		}
		return s.decode(index, v, l)
	})
}

func (s *Store) decode(index uint64, v []byte, l *raft.Log) error {
	if err := decodeLog(v, l); err != nil {
		return explain(s.path, fmt.Errorf("%w: entry %d: %w", errDamaged, index, err))
	}
	if l.Index != index {
		return explain(s.path, fmt.Errorf("%w: entry %d says it is %d", errDamaged, index, l.Index))
	}
	return nil
}

// Verify reads every entry after the index, that of the newest snapshot or 0, and returns an error for the
// first that is damaged or missing.
func (s *Store) Verify(after uint64) error {
	return s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(logBucket).Cursor()
		if k, _ := c.First(); k != nil {
			if first := binary.BigEndian.Uint64(k); first > after+1 {
				return explain(s.path, fmt.Errorf("%w: entries %d to %d are missing", errDamaged, after+1, first-1))
			}
		}
		var l raft.Log
		var last uint64
		for k, v := c.Seek(key(after + 1)); k != nil; k, v = c.Next() {
			index := binary.BigEndian.Uint64(k)
			if last > 0 && index != last+1 {
				return explain(s.path, fmt.Errorf("%w: entries %d to %d are missing", errDamaged, last+1, index-1))
			}
			if err := s.decode(index, v, &l); err != nil {
				return err
			}
			last = index
		}
		return nil
	})
}

// StoreLog writes an entry; it is on disk when this returns.
func (s *Store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs writes entries in one transaction; they are on disk when this returns.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(logBucket)
		b.FillPercent = 0.95 // entries come in order
		for _, l := range logs {
			if err := b.Put(key(l.Index), encodeLog(l)); err != nil {
				return err
			}
		}
		return nil
	})
	return s.written(err)
}

// written explains why a write failed.
func (s *Store) written(err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("write raft log %s: free space on its disk: %w", s.path, err)
	}
	return fmt.Errorf("write raft log %s: %w", s.path, err)
}

// DeleteRange deletes the entries from low to high, both included.
func (s *Store) DeleteRange(low, high uint64) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		c := tx.Bucket(logBucket).Cursor()
		// Seek again each time: Next after a deletion may step over an entry.
		for k, _ := c.Seek(key(low)); k != nil && binary.BigEndian.Uint64(k) <= high; k, _ = c.Seek(key(low)) {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
	return s.written(err)
}

// Set writes a stable value; it is on disk when this returns.
func (s *Store) Set(k, v []byte) error {
	return s.written(s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(stableBucket).Put(k, v) }))
}

// Get reads a stable value.
func (s *Store) Get(k []byte) (v []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		stored := tx.Bucket(stableBucket).Get(k)
		if stored == nil {
			return errNotFound
		}
		v = append([]byte{}, stored...)
		return nil
	})
	return v, err
}

// SetUint64 writes a stable number.
func (s *Store) SetUint64(k []byte, v uint64) error { return s.Set(k, key(v)) }

// GetUint64 reads a stable number.
func (s *Store) GetUint64(k []byte) (uint64, error) {
	v, err := s.Get(k)
	if err != nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, explain(s.path, fmt.Errorf("%w: stable value %q has %d bytes", errDamaged, k, len(v)))
	}
	return binary.BigEndian.Uint64(v), nil
}
