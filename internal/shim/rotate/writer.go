// SPDX-License-Identifier: MPL-2.0

package rotate

import (
	"bytes"
	"errors"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
)

// lineWindow is how far before and after the size at which a file is left a line
// break is looked for.
const lineWindow = 32 << 10

// Limits that stand in for settings that are absent or useless.
const (
	defaultMaxFiles = 10
	defaultMaxSize  = 10 << 20
)

// Config says what a Writer keeps.
type Config struct {
	// Prefix is the file name before the dot and the number.
	Prefix string
	// MaxFiles is how many files are kept; 10 if it is not positive.
	MaxFiles int
	// MaxSize is the size in bytes at which a file is left; 10 MiB if it is
	// not positive.
	MaxSize int64
}

// Writer appends to the newest file and starts another when it is full.
//
// Write never fails and never waits for room: bytes that cannot be stored are
// counted and dropped, so a full disk costs log lines and not the task.
type Writer struct {
	dir *Dir
	cfg Config

	cur   file
	index uint64
	size  int64
	// atLineEnd is true if the last byte of the current file is a line break
	// or there is none.
	atLineEnd bool

	dropped atomic.Int64
	errno   atomic.Int64
}

// New returns a writer that goes on with the newest file in dir, or creates the
// first one, so that an empty log can be told from a missing one. If that does
// not work, the writer tries again with each Write and Dropped tells the reason.
// The error is for a useless prefix only. The directory remains the caller's.
func New(dir *Dir, cfg Config) (*Writer, error) {
	if !beneath.PlainName(cfg.Prefix) {
		return nil, beneath.ErrName
	}
	if cfg.MaxFiles <= 0 {
		cfg.MaxFiles = defaultMaxFiles
	}
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = defaultMaxSize
	}
	w := &Writer{dir: dir, cfg: cfg, cur: noFile}
	if have, err := w.indexes(); err == nil && len(have) > 0 {
		w.index = have[len(have)-1]
	}
	if err := w.open(); err != nil {
		w.errno.Store(int64(errnoOf(err)))
	}
	return w, nil
}

// Dropped returns how many bytes could not be stored, and the last reason.
func (w *Writer) Dropped() (int64, syscall.Errno) {
	return w.dropped.Load(), syscall.Errno(w.errno.Load())
}

// Write stores p. It always returns len(p) and no error; see Dropped.
func (w *Writer) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		n := w.fitting(p)
		if n > 0 {
			w.append(p[:n])
			p = p[n:]
		}
		if len(p) > 0 && !w.rotate() {
			// There is no next file: the present one grows beyond its size
			// rather than losing what it can still take.
			w.append(p)
			p = nil
		}
	}
	return total, nil
}

// Close closes the current file.
func (w *Writer) Close() error {
	err := w.cur.close()
	w.cur = noFile
	return err
}

// fitting returns how much of p goes into the current file. If that fills up,
// it is left at its last line break, if there is one shortly before the limit;
// else a line that has begun may still end shortly after the limit. It is 0 if
// the next file has to be used.
func (w *Writer) fitting(p []byte) int {
	room := w.cfg.MaxSize - w.size
	if int64(len(p)) < room {
		return len(p)
	}
	window := min(lineWindow, w.cfg.MaxSize)
	if room > 0 {
		from := max(room-window, 0)
		if i := bytes.LastIndexByte(p[from:room], '\n'); i >= 0 {
			return int(from) + i + 1
		}
	}
	if w.atLineEnd && w.size > 0 && room <= window {
		return 0
	}
	most := min(room+window, int64(len(p)))
	if most <= 0 {
		return 0
	}
	from := max(room, 0)
	if i := bytes.IndexByte(p[from:most], '\n'); i >= 0 {
		return int(from) + i + 1
	}
	return int(most)
}

func (w *Writer) append(p []byte) {
	if w.cur == noFile {
		if err := w.open(); err != nil {
			w.drop(len(p), err)
			return
		}
	}
	for len(p) > 0 {
		n, err := w.cur.write(p)
		if n > 0 {
			w.size += int64(n)
			w.atLineEnd = p[n-1] == '\n'
			p = p[n:]
		}
		if err != nil || n <= 0 {
			w.drop(len(p), err)
			return
		}
	}
}

func (w *Writer) drop(n int, err error) {
	w.dropped.Add(int64(n))
	w.errno.Store(int64(errnoOf(err)))
}

// rotate moves on to the next file and removes the oldest ones. It reports
// whether there is a new file.
func (w *Writer) rotate() bool {
	old, index, size := w.cur, w.index, w.size
	w.index++
	if err := w.open(); err != nil {
		w.cur, w.index, w.size = old, index, size
		w.errno.Store(int64(errnoOf(err)))
		return false
	}
	_ = old.close()
	w.purge()
	return true
}

// open opens the file of the current index, or the next one that can be used.
func (w *Writer) open() error {
	var err error
	for range 3 {
		var f file
		var size int64
		f, size, err = w.dir.openLog(w.name(w.index))
		if err == nil {
			w.cur, w.size, w.atLineEnd = f, size, true
			return nil
		}
		if !errors.Is(err, errOccupied) {
			return err
		}
		w.index++
	}
	return err
}

func (w *Writer) name(index uint64) string {
	return w.cfg.Prefix + "." + strconv.FormatUint(index, 10)
}

func (w *Writer) purge() {
	have, err := w.indexes()
	if err != nil {
		return
	}
	for i := 0; i < len(have)-w.cfg.MaxFiles; i++ {
		if have[i] != w.index {
			_ = w.dir.remove(w.name(have[i]))
		}
	}
}

// indexes returns the numbers of the existing files in ascending order.
func (w *Writer) indexes() ([]uint64, error) {
	var have []uint64
	err := w.dir.each(func(name string) {
		if index, ok := w.parse(name); ok {
			have = insert(have, index)
		}
	})
	return have, err
}

func (w *Writer) parse(name string) (uint64, bool) {
	n := len(w.cfg.Prefix)
	if len(name) < n+2 || name[:n] != w.cfg.Prefix || name[n] != '.' {
		return 0, false
	}
	digits := name[n+1:]
	// 18 digits: adding one to the largest never overflows. A leading zero or
	// sign is not ours.
	if len(digits) > 18 || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
	}
	index, err := strconv.ParseUint(digits, 10, 64)
	return index, err == nil
}

// insert keeps list sorted; there are few files, and package slices would cost
// more than this loop.
func insert(list []uint64, v uint64) []uint64 {
	i := len(list)
	for i > 0 && list[i-1] > v {
		i--
	}
	list = append(list, 0)
	copy(list[i+1:], list[i:])
	list[i] = v
	return list
}

func errnoOf(err error) syscall.Errno {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return syscall.EIO
}
