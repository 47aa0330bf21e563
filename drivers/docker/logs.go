// SPDX-License-Identifier: MPL-2.0

package docker

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/nomadlike/nomadlike/internal/shim/logspec"
	"github.com/nomadlike/nomadlike/internal/shim/rotate"
)

// maxFrame bounds a piece of output; the engine cuts lines far below it.
const maxFrame = 1 << 20

// logDir are the names below an allocation's directory that lead to its logs.
var logDir = []string{"alloc", "logs"}

// position is how far the output of a container has been stored: up to the
// time of a piece, and how many pieces of exactly that time.
type position struct {
	at    time.Time
	count int
}

// copier copies the output of a container. It follows the engine's own log, so
// that nothing of what a container prints is lost while this plugin is away.
type copier struct {
	t        *task
	out      [2]io.WriteCloser // standard output and errors
	dirs     []*rotate.Dir
	pos      position
	posFile  *os.File
	skip     int // pieces of the time of pos to pass over
	skipTime time.Time
}

// copyLogs stores the output of the container until it has ended.
func (t *task) copyLogs(fresh bool) {
	c := &copier{t: t}
	wanted, err := c.open()
	if err != nil {
		t.logger.Error("output of the container cannot be stored", "error", err)
		t.driver.Emit(t.config, "Output of the container cannot be stored: "+err.Error(), nil)
	}
	defer c.close()
	if !wanted || err != nil {
		return
	}
	c.load(fresh)
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		ended := t.hasEnded()
		began := c.pos
		err := c.follow(!ended)
		switch {
		case t.ctx.Err() != nil, ended:
			return
		case notFound(err):
			return
		case says(err, "does not support reading", "logs command is supported only", "not support read"):
			t.logger.Warn("output stays with the engine, whose log driver cannot be read", "error", err)
			t.driver.Emit(t.config, "Output is not collected: the log driver of the container cannot be read", nil)
			return
		}
		if c.pos != began {
			pause = retryMin
		}
		select {
		case <-t.ended:
		case <-time.After(pause):
		case <-t.ctx.Done():
			return
		}
	}
}

func (t *task) hasEnded() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// open opens where the output goes: numbered files if the host left a note that
// says so, else the host's pipes. It reports false if the output is not wanted.
func (c *copier) open() (wanted bool, err error) {
	config := c.t.config
	settings, _ := c.t.driver.settings()
	if settings.DisableLogCollection || config.StdoutPath == os.DevNull && config.StderrPath == os.DevNull {
		return false, nil
	}
	note, err := logspec.Read(config.AllocDir, logDir, config.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		for i, path := range []string{config.StdoutPath, config.StderrPath} {
			if c.out[i], err = openPipe(path); err != nil {
				return true, err
			}
		}
		return true, nil
	case err != nil:
		return true, err
	case note.Disabled:
		return false, nil
	}
	for i, prefix := range []string{note.StdoutPrefix, note.StderrPrefix} {
		dir, err := rotate.OpenDir(config.AllocDir, logDir...)
		if err != nil {
			return true, fmt.Errorf("open log directory: %w", err)
		}
		c.dirs = append(c.dirs, dir)
		w, err := rotate.New(dir, rotate.Config{Prefix: prefix, MaxFiles: note.MaxFiles, MaxSize: note.MaxFileSizeBytes})
		if err != nil {
			return true, err
		}
		c.out[i] = w
	}
	return true, nil
}

func (c *copier) close() {
	for _, w := range c.out {
		if w != nil {
			_ = w.Close()
		}
		if files, ok := w.(*rotate.Writer); ok && files != nil {
			if n, errno := files.Dropped(); n > 0 {
				c.t.logger.Warn("some output of the task could not be stored", "bytes", n, "error", errno)
			}
		}
	}
	for _, dir := range c.dirs {
		_ = dir.Close()
	}
	if c.posFile != nil {
		_ = c.posFile.Close()
	}
}

// follow copies from the position on, and goes on with what comes if live.
func (c *copier) follow(live bool) error {
	_, engine := c.t.driver.settings()
	options := client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Follow: live, Timestamps: !c.t.tty,
	}
	if !c.pos.at.IsZero() {
		options.Since = fmt.Sprintf("%d.%09d", c.pos.at.Unix(), c.pos.at.Nanosecond())
	}
	c.skip, c.skipTime = c.pos.count, c.pos.at
	stream, err := engine.ContainerLogs(c.t.ctx, c.t.container, options)
	if err != nil {
		return err
	}
	defer stream.Close()
	if c.t.tty {
		return c.copyTerminal(stream)
	}
	return c.copyFrames(bufio.NewReaderSize(stream, 16<<10))
}

// copyTerminal copies what a terminal shows. It comes without marks, so after an
// interruption the copy goes on with what was printed since then.
func (c *copier) copyTerminal(from io.Reader) error {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_, _ = c.out[0].Write(buf[:n])
			c.pos = position{at: time.Now()}
			c.save()
		}
		if err != nil {
			return err
		}
	}
}

// copyFrames copies pieces of output, each with its stream and its time.
func (c *copier) copyFrames(from *bufio.Reader) error {
	var header [8]byte
	var frame []byte
	for {
		if _, err := io.ReadFull(from, header[:]); err != nil {
			return err
		}
		size := int(binary.BigEndian.Uint32(header[4:]))
		if size > maxFrame {
			return fmt.Errorf("a piece of output of %d bytes", size)
		}
		if cap(frame) < size {
			frame = make([]byte, size)
		}
		frame = frame[:size]
		if _, err := io.ReadFull(from, frame); err != nil {
			return err
		}
		stream := 0
		if header[0] == 2 {
			stream = 1
		}
		c.store(stream, frame)
		if from.Buffered() == 0 {
			c.save()
		}
	}
}

// store writes a piece, unless it was stored before.
func (c *copier) store(stream int, frame []byte) {
	stamp, text, ok := bytes.Cut(frame, []byte{' '})
	at, err := time.Parse(time.RFC3339Nano, string(stamp))
	if !ok || err != nil {
		_, _ = c.out[stream].Write(frame)
		return
	}
	if c.skip > 0 && at.Equal(c.skipTime) {
		c.skip--
		return
	}
	if at.Equal(c.pos.at) {
		c.pos.count++
	} else {
		c.pos = position{at: at, count: 1}
	}
	_, _ = c.out[stream].Write(text)
}

// positionName is the file that keeps the position for the next process.
func (t *task) positionName() string {
	return filepath.Join("private", "docker-logs-"+t.config.ID[strings.LastIndexByte(t.config.ID, '/')+1:])
}

// load reads the position of an earlier process. Without one a container that
// is not fresh is copied from now on.
func (c *copier) load(fresh bool) {
	root, err := os.OpenRoot(c.t.config.TaskDir())
	if err == nil {
		defer root.Close()
		c.posFile, err = root.OpenFile(c.t.positionName(), os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		c.t.logger.Debug("how far output was stored is not kept", "error", err)
	} else {
		text, _ := io.ReadAll(io.LimitReader(c.posFile, 64))
		var nanos int64
		if _, err := fmt.Sscanf(string(text), "%d %d\n", &nanos, &c.pos.count); err == nil {
			c.pos.at = time.Unix(0, nanos)
			return
		}
	}
	if !fresh {
		c.pos = position{at: time.Now()}
	}
}

// save keeps the position. It outlives this process, not the machine, which is
// as long as the container does.
func (c *copier) save() {
	if c.posFile != nil {
		_, _ = c.posFile.WriteAt(fmt.Appendf(nil, "%020d %010d\n", c.pos.at.UnixNano(), c.pos.count), 0)
	}
}

// forgetLogs removes what load and save keep.
func (t *task) forgetLogs() {
	if root, err := os.OpenRoot(t.config.TaskDir()); err == nil {
		_ = root.Remove(t.positionName())
		_ = root.Close()
	}
}
