// SPDX-License-Identifier: MPL-2.0

//go:build unix

package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/rotate"
)

// buffers are shared: a pipe holds one only while it has data.
var buffers = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}

func pipePaths(allocDir, task string) (stdout, stderr string, err error) {
	base := filepath.Join(append([]string{allocDir}, dirNames...)...)
	return filepath.Join(base, "."+task+".stdout.fifo"), filepath.Join(base, "."+task+".stderr.fifo"), nil
}

// pipe copies one named pipe into numbered files. It holds a writing end of its own, so that the
// reading end does not see an end of file before finish.
type pipe struct {
	dir    *rotate.Dir
	files  rotate.Config
	logger hclog.Logger

	r    *os.File
	w    *os.File
	done chan struct{}
}

// openPipe makes the pipe, if it is not there, and starts the copying. The pipe takes over dir.
func openPipe(dir *rotate.Dir, files rotate.Config, path, name string, used bool, logger hclog.Logger) (*pipe, error) {
	if err := makePipe(dir.FD(), path, name, used); err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	r, err := openEnd(dir.FD(), name, unix.O_RDONLY)
	if err != nil {
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	w, err := openEnd(dir.FD(), name, unix.O_WRONLY)
	if err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	p := &pipe{dir: dir, files: files, logger: logger, r: r, w: w, done: make(chan struct{})}
	go p.copy()
	return p, nil
}

// makePipe makes a pipe that only the agent's user may open, in place of whatever has the name. One that is in use by a
// task which runs stays, whose ever it is: drivers of engines without root give it to the user of those.
func makePipe(dir int, path, name string, used bool) error {
	for range 3 {
		var st unix.Stat_t
		err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == nil && uint32(st.Mode)&unix.S_IFMT == unix.S_IFIFO && (used || int(st.Uid) == os.Geteuid()) {
			return nil
		}
		if err == nil {
			if err := unix.Unlinkat(dir, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
				return err
			}
		} else if !errors.Is(err, unix.ENOENT) {
			return err
		}
		if err := mkfifoat(dir, path, name, 0o600); !errors.Is(err, unix.EEXIST) {
			return err
		}
	}
	return unix.EEXIST
}

func openEnd(dir int, name string, flag int) (*os.File, error) {
	fd, err := unix.Openat(dir, name, flag|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || uint32(st.Mode)&unix.S_IFMT != unix.S_IFIFO {
		_ = unix.Close(fd)
		return nil, errors.Join(err, errors.New("it is not a pipe"))
	}
	return os.NewFile(uintptr(fd), name), nil
}

// copy runs until the last writer has gone, its own included.
func (p *pipe) copy() {
	defer close(p.done)
	defer p.dir.Close()
	defer p.r.Close()
	raw, err := p.r.SyscallConn()
	if err != nil {
		p.logger.Error("output of the task cannot be read", "error", err)
		return
	}
	var out *rotate.Writer
	defer func() {
		if out == nil {
			return
		}
		if n, errno := out.Dropped(); n > 0 {
			p.logger.Warn("output of the task could not be stored", "bytes", n, "error", errno)
		}
		_ = out.Close()
	}()
	for {
		more, err := p.next(raw, &out)
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				p.logger.Error("output of the task cannot be stored", "error", err)
			}
			return
		}
		if !more {
			return
		}
	}
}

// next copies what is in the pipe, waiting for it if need be; more is false at the end.
func (p *pipe) next(raw syscall.RawConn, out **rotate.Writer) (more bool, err error) {
	var failed error
	readErr := raw.Read(func(fd uintptr) bool {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		n, err := unix.Read(int(fd), *buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return false
		case errors.Is(err, unix.EINTR):
			more = true
		case err != nil:
			failed = err
		case n > 0:
			more = true
			if *out == nil {
				if *out, failed = rotate.New(p.dir, p.files); failed != nil {
					break
				}
			}
			_, _ = (*out).Write((*buf)[:n]) // never fails, see Dropped
		}
		return true
	})
	return more, errors.Join(failed, readErr)
}

// finish lets the copying end with the last foreign writer.
func (p *pipe) finish() { _ = p.w.Close() }

// wait waits for the copying to end, and makes it end at the deadline.
func (p *pipe) wait(deadline time.Time) {
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		_ = p.r.SetReadDeadline(time.Unix(1, 0))
		<-p.done
	}
}
