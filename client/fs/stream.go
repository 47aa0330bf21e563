// SPDX-License-Identifier: MPL-2.0

package fs

import (
	"context"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/client/allocdir"
	"github.com/nomadlike/nomadlike/internal/run"
)

// Values of origin.
const (
	originStart = "start"
	originEnd   = "end"
)

// File events.
const (
	eventDeleted   = "file deleted"
	eventTruncated = "file truncated"
)

// frameGap is the least time between two frames that are not full, so that a file that grows a line at
// a time does not become a frame a line.
const frameGap = 50 * time.Millisecond

// StreamOptions say which part of a file or log is streamed.
type StreamOptions struct {
	// Offset counts from Origin, "start" (also when empty) or "end", into the file.
	Offset int64
	Origin string
	// Follow goes on when the file grows.
	Follow bool
}

func (o *StreamOptions) check() error {
	switch {
	case o.Offset < 0:
		return api.Errorf(api.ClassInvalid, "offset must not be negative")
	case o.Origin != "" && o.Origin != originStart && o.Origin != originEnd:
		return api.Errorf(api.ClassInvalid, "invalid origin %q: must be \"start\" or \"end\"", o.Origin)
	}
	return nil
}

// position returns where streaming starts in something of the size.
func (o *StreamOptions) position(size int64) int64 {
	if o.Origin == originEnd {
		return max(size-o.Offset, 0)
	}
	return min(o.Offset, size)
}

// ParseFollow reads a boolean whose default is true.
func ParseFollow(text string) (bool, error) {
	if text == "" {
		return true, nil
	}
	follow, err := strconv.ParseBool(text)
	if err != nil {
		return false, api.CodeErrorf(api.ClassInvalid, http.StatusInternalServerError, "Failed to parse value of %q (%s) as a bool: %s", "follow", text, err)
	}
	return follow, nil
}

// Stream sends a file and, when following, what is added to it, until it is deleted.
func (w *Watcher) Stream(ctx context.Context, d *allocdir.Dir, path string, opts StreamOptions, send Send) error {
	if path == "" {
		return errNoName
	}
	if err := opts.check(); err != nil {
		return err
	}
	f, err := d.Open(path)
	if err != nil {
		return failure(err, path, api.ClassInvalid)
	}
	defer f.Close()
	changes := w.Watch(f.Parent(), func(name string) bool { return name == f.Name })
	defer changes.Close()

	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	t := &tail{file: f.File, name: path, at: opts.position(info.Size()), send: send}
	for {
		if err := t.drain(ctx); err != nil {
			return err
		}
		if !opts.Follow {
			return nil
		}
		now, err := f.Parent().Lstat(f.Name)
		if errors.Is(err, iofs.ErrNotExist) || err == nil && !os.SameFile(now, f.Info) {
			// What was written before the file went came after the last look at it.
			if err := t.drain(ctx); err != nil {
				return err
			}
			return send(&api.StreamFrame{File: path, FileEvent: eventDeleted, Offset: t.at})
		}
		if err := changes.Wait(ctx); err != nil {
			return err
		}
		if err := t.pause(ctx); err != nil {
			return err
		}
	}
}

// tail reads one file towards its end.
type tail struct {
	file *os.File
	// name is what frames call the file.
	name string
	at   int64
	send Send
	buf  []byte
	last time.Time
}

// drain sends everything from the position on.
func (t *tail) drain(ctx context.Context) error {
	if info, err := t.file.Stat(); err == nil && info.Size() < t.at {
		t.at = 0
		if err := t.send(&api.StreamFrame{File: t.name, FileEvent: eventTruncated}); err != nil {
			return err
		}
	}
	if t.buf == nil {
		t.buf = make([]byte, frameSize)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := t.file.ReadAt(t.buf, t.at)
		if n > 0 {
			t.at += int64(n)
			t.last = time.Now()
			if err := t.send(&api.StreamFrame{Data: t.buf[:n], File: t.name, Offset: t.at}); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", t.name, err)
		}
	}
}

// pause waits until the next frame is due.
func (t *tail) pause(ctx context.Context) error {
	return run.Sleep(ctx, frameGap-time.Since(t.last))
}
