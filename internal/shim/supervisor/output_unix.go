// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/rotate"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// pumpSize is how much output is taken from the task at a time. Memory that is
// never filled is never resident.
const pumpSize = 32 << 10

// output carries what the task prints to where it is stored.
type output struct {
	null     *os.File
	streams  []*stream
	running  sync.WaitGroup
	warnings []string
	// much gets a value after each muchOutput bytes of a stream.
	much chan struct{}
}

// muchOutput is after how many bytes the shim gives memory back: carrying them takes pages that an idle shim does not
// need.
const muchOutput = 64 << 20

// stream is one of the two outputs.
type stream struct {
	name string
	// task is the end the task gets, from the end the shim reads.
	task int
	from *os.File
	to   io.Writer
	// pipe is to, if it is a pipe.
	pipe *os.File
	// rotated is to, if it is files.
	rotated *rotate.Writer
	lost    atomic.Int64
	errno   atomic.Int64
}

func newOutput(spec *wire.Spec) (*output, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	o := &output{null: null, much: make(chan struct{}, 1)}
	switch spec.Logs {
	case wire.LogRotate:
		dir := rotate.FromFD(wire.FDLogs)
		for _, prefix := range []string{spec.StdoutPrefix, spec.StderrPrefix} {
			w, err := rotate.New(dir, rotate.Config{
				Prefix:   prefix,
				MaxFiles: spec.MaxFiles,
				MaxSize:  spec.MaxFileSize,
			})
			if err != nil {
				return nil, err
			}
			if _, errno := w.Dropped(); errno != 0 {
				o.warnings = append(o.warnings, "open log "+prefix+": "+errno.Error())
			}
			o.streams = append(o.streams, &stream{name: prefix, to: w, rotated: w})
		}
	case wire.LogCopy:
		for i, name := range []string{"stdout", "stderr"} {
			fd := wire.FDLogs + i
			if err := unix.SetNonblock(fd, true); err != nil {
				return nil, err
			}
			pipe := os.NewFile(uintptr(fd), name)
			o.streams = append(o.streams, &stream{name: name, to: pipe, pipe: pipe})
		}
	case wire.LogDiscard:
	}
	for _, s := range o.streams {
		if s.from, s.task, err = readPipe(spec); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// taskFDs returns the descriptors that the task starts with.
func (o *output) taskFDs() [3]uintptr {
	null := o.null.Fd()
	fds := [3]uintptr{null, null, null}
	for i, s := range o.streams {
		fds[i+1] = uintptr(s.task)
	}
	return fds
}

// start begins to carry; the task has its own descriptors by now.
func (o *output) start() {
	_ = o.null.Close()
	for _, s := range o.streams {
		_ = unix.Close(s.task)
		o.running.Go(func() { s.pump(o.much) })
	}
}

// pump copies until the last process that could print has ended.
func (s *stream) pump(much chan<- struct{}) {
	buf := make([]byte, pumpSize)
	failing := false
	carried := 0
	for {
		n, err := s.from.Read(buf)
		if carried += n; carried >= muchOutput {
			carried = 0
			select {
			case much <- struct{}{}:
			default:
			}
		}
		if n > 0 {
			before := s.lost.Load()
			s.store(buf[:n])
			if bad := s.lost.Load() != before; bad != failing {
				failing = bad
				s.complain(bad)
			}
		}
		if err != nil {
			_ = s.from.Close()
			return
		}
	}
}

func (s *stream) store(p []byte) {
	n, err := s.to.Write(p)
	if s.rotated != nil {
		lost, errno := s.rotated.Dropped()
		s.lost.Store(lost)
		s.errno.Store(int64(errno))
		return
	}
	if err != nil {
		s.lost.Add(int64(len(p) - n))
		errno := syscall.EIO
		_ = errors.As(err, &errno)
		s.errno.Store(int64(errno))
	}
}

func (s *stream) complain(bad bool) {
	if bad {
		say("output to " + s.name + " is being dropped: " + syscall.Errno(s.errno.Load()).Error())
	} else {
		say("output to " + s.name + " is stored again")
	}
}

// drain waits for what has been printed to be stored, but no longer than the
// limit: a process that cannot be ended may keep a pipe open.
func (o *output) drain(limit time.Duration) {
	end := time.Now().Add(limit)
	for _, s := range o.streams {
		_ = s.from.SetReadDeadline(end)
		if s.pipe != nil {
			_ = s.pipe.SetWriteDeadline(end)
		}
	}
	o.running.Wait()
	for _, s := range o.streams {
		if s.rotated != nil {
			_ = s.rotated.Close()
		}
	}
}

// dropped sums up what could not be stored.
func (o *output) dropped() (bytes int64, errno int) {
	for _, s := range o.streams {
		bytes += s.lost.Load()
		if e := s.errno.Load(); e != 0 {
			errno = int(e)
		}
	}
	return bytes, errno
}

// readPipe returns a pipe whose writing end is meant for the task. The task's
// user owns it, so that the task can open /dev/stdout.
func readPipe(spec *wire.Spec) (from *os.File, task int, err error) {
	ours, theirs, err := pipe()
	if err != nil {
		return nil, -1, err
	}
	if spec.SwitchUser {
		uid, gid := spec.Owner()
		_ = unix.Fchown(theirs, uid, gid)
	}
	_ = unix.SetNonblock(ours, true)
	return os.NewFile(uintptr(ours), "pipe"), theirs, nil
}

// writePipe returns a pipe whose reading end is meant for a command.
func writePipe(spec *wire.Spec) (to *os.File, task int, err error) {
	theirs, ours, err := pipe()
	if err != nil {
		return nil, -1, err
	}
	if spec.SwitchUser {
		uid, gid := spec.Owner()
		_ = unix.Fchown(theirs, uid, gid)
	}
	_ = unix.SetNonblock(ours, true)
	return os.NewFile(uintptr(ours), "pipe"), theirs, nil
}

// pipe returns the reading and the writing end, both blocking and neither to be
// inherited.
func pipe() (r, w int, err error) {
	var p [2]int
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := unix.Pipe(p[:]); err != nil {
		return -1, -1, err
	}
	unix.CloseOnExec(p[0])
	unix.CloseOnExec(p[1])
	return p[0], p[1], nil
}
