// SPDX-License-Identifier: MPL-2.0

package fs

import (
	"context"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
)

// logFile is one file of a rotated log.
type logFile struct {
	index uint64
	size  int64
}

// Logs sends the log of a task, stream being "stdout" or "stderr". The offset counts over all files
// there are; following goes on into the next file.
func (w *Watcher) Logs(ctx context.Context, d *allocdir.Dir, task, stream string, opts StreamOptions, send Send) error {
	if err := opts.check(); err != nil {
		return err
	}
	dir, err := d.OpenLogs()
	if err != nil {
		return failure(err, "", api.ClassNotFound)
	}
	defer dir.Close()
	l := &logReader{dir: dir, prefix: task + "." + stream + ".", send: send}
	changes := w.Watch(dir, func(name string) bool { return strings.HasPrefix(name, l.prefix) })
	defer changes.Close()

	files, err := l.list()
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return api.Errorf(api.ClassNotFound, "log entry for task %q and log type %q not found", task, stream)
	}
	defer l.close()
	if err := l.seek(files, opts); err != nil {
		return err
	}
	for {
		more, err := l.advance(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		if !opts.Follow {
			return nil
		}
		if err := changes.Wait(ctx); err != nil {
			return err
		}
		if err := l.tail.pause(ctx); err != nil {
			return err
		}
	}
}

// logReader reads the files of one log in order.
type logReader struct {
	dir    *os.Root
	prefix string
	send   Send
	index  uint64
	tail   tail
}

func (l *logReader) close() {
	if l.tail.file != nil {
		_ = l.tail.file.Close()
	}
}

// list returns the files of the log, the oldest first.
func (l *logReader) list() ([]logFile, error) {
	d, err := l.dir.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	var files []logFile
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, l.prefix)
		if !ok {
			continue
		}
		index, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || strconv.FormatUint(index, 10) != digits {
			continue
		}
		info, err := l.dir.Lstat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		files = append(files, logFile{index: index, size: info.Size()})
	}
	slices.SortFunc(files, func(a, b logFile) int {
		switch {
		case a.index < b.index:
			return -1
		case a.index > b.index:
			return 1
		}
		return 0
	})
	return files, nil
}

// seek opens the file that the options lead to.
func (l *logReader) seek(files []logFile, opts StreamOptions) error {
	var total int64
	for _, f := range files {
		total += f.size
	}
	at := opts.position(total)
	for i, f := range files {
		if at <= f.size && (at < f.size || i == len(files)-1) {
			return l.open(f.index, at)
		}
		at -= f.size
	}
	return l.open(files[len(files)-1].index, files[len(files)-1].size)
}

// open makes the file with the index the current one.
func (l *logReader) open(index uint64, at int64) error {
	name := l.prefix + strconv.FormatUint(index, 10)
	info, err := l.dir.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = allocdir.ErrNotRegular
	}
	var f *os.File
	if err == nil {
		f, err = l.dir.OpenFile(name, os.O_RDONLY|openFlags, 0)
	}
	if err == nil {
		var opened iofs.FileInfo
		if opened, err = f.Stat(); err == nil && !os.SameFile(info, opened) {
			err = allocdir.ErrNotRegular
		}
		if err != nil {
			_ = f.Close()
		}
	}
	if err != nil {
		return failure(fmt.Errorf("open log %s: %w", name, err), name, api.ClassNotFound)
	}
	l.close()
	l.index = index
	l.tail.file, l.tail.at, l.tail.send = f, at, l.send
	l.tail.name = allocdir.Shared + "/" + allocdir.Logs + "/" + name
	return nil
}

// advance sends what there is of the current file and opens the next one; more is false when the
// current file is the last.
func (l *logReader) advance(ctx context.Context) (more bool, err error) {
	files, err := l.list()
	if err != nil {
		return false, err
	}
	// What comes after the next file was seen is not in the current one: its writer has moved on.
	if err := l.tail.drain(ctx); err != nil {
		return false, err
	}
	for _, f := range files {
		if f.index <= l.index {
			continue
		}
		err := l.open(f.index, 0)
		if api.IsClass(err, api.ClassNotFound) || errors.Is(err, iofs.ErrNotExist) {
			continue // rotated away since it was listed
		}
		return true, err
	}
	return false, nil
}
