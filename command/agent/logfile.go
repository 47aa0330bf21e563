// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// defaultLogName is the file in a log_file that is a directory.
	defaultLogName = "nomad.log"
	// defaultRotation is how often the log file is rotated unless log_rotate_duration says otherwise.
	defaultRotation = 24 * time.Hour
)

// logFile is a log file that is rotated: the present one has the configured name, older ones have the time of their
// end in it.
type logFile struct {
	path  string
	bytes int64
	every time.Duration
	// keep is how many rotated files stay: 0 for all, negative for none.
	keep int
	now  func() time.Time

	mu struct {
		sync.Mutex
		file  *os.File
		size  int64
		since time.Time
	}
}

// openLogFile opens the file that the key of the configuration names, a directory for the usual name in it.
func openLogFile(cfg *Config, key, path string) (*logFile, error) {
	info, err := os.Stat(path)
	if strings.HasSuffix(path, "/") || err == nil && info.IsDir() {
		path = filepath.Join(path, defaultLogName)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	l := &logFile{path: path, bytes: int64(cfg.LogRotateBytes), every: defaultRotation, keep: cfg.LogRotateMaxFiles, now: time.Now}
	if cfg.LogRotateDuration > 0 {
		l.every = cfg.LogRotateDuration
	}
	if err := l.openLocked(); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

// openLocked opens the present file. The lock is held, or nobody else knows the log yet.
func (l *logFile) openLocked() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.mu.file, l.mu.size, l.mu.since = f, info.Size(), l.now()
	return nil
}

// Write appends a line. A file that cannot be rotated is written on.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	full := l.bytes > 0 && l.mu.size+int64(len(p)) > l.bytes
	if l.mu.size > 0 && (full || l.now().Sub(l.mu.since) >= l.every) {
		l.rotateLocked()
	}
	n, err := l.mu.file.Write(p)
	l.mu.size += int64(n)
	return n, err
}

func (l *logFile) rotateLocked() {
	old := l.mu.file
	name := l.rotatedName(strconv.FormatInt(l.now().UnixNano(), 10))
	if err := os.Rename(l.path, name); err != nil {
		l.mu.since = l.now() // try again next time
		return
	}
	if err := l.openLocked(); err != nil {
		return // the old file, under its new name, goes on
	}
	old.Close()
	if l.keep == 0 {
		return
	}
	files := l.rotated()
	for len(files) > max(l.keep, 0) {
		os.Remove(files[0]) //nolint:errcheck // next time
		files = files[1:]
	}
}

// rotatedName returns the name of the file with the stamp: "nomad-STAMP.log" for "nomad.log".
func (l *logFile) rotatedName(stamp string) string {
	ext := filepath.Ext(l.path)
	return strings.TrimSuffix(l.path, ext) + "-" + stamp + ext
}

// rotated returns the rotated files, the oldest first.
func (l *logFile) rotated() []string {
	before, after, _ := strings.Cut(filepath.Base(l.rotatedName("*")), "*")
	entries, err := os.ReadDir(filepath.Dir(l.path))
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		stamp, ok := strings.CutPrefix(e.Name(), before)
		stamp, ok2 := strings.CutSuffix(stamp, after)
		if _, err := strconv.ParseUint(stamp, 10, 64); ok && ok2 && err == nil {
			files = append(files, filepath.Join(filepath.Dir(l.path), e.Name()))
		}
	}
	slices.SortFunc(files, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return files
}

// Close closes the file.
func (l *logFile) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.file.Close()
}
