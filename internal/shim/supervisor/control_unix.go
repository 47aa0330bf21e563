// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// backlog is how many connections may wait to be accepted.
const backlog = 32

// listen opens the control socket in the working directory, which only the
// shim's own user can enter.
func listen() (*os.File, error) {
	_ = os.Remove(wire.SocketName)
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, err
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: wire.SocketName}); err != nil {
		return nil, err
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), wire.SocketName), nil
}

// accept serves connections for as long as the shim lives.
func (s *supervisor) accept() {
	raw, err := s.listener.SyscallConn()
	if err != nil {
		say("serve the control socket: " + err.Error())
		return
	}
	for {
		var fd int
		var failed error
		err := raw.Read(func(listener uintptr) bool {
			syscall.ForkLock.RLock()
			defer syscall.ForkLock.RUnlock()
			fd, _, failed = unix.Accept(int(listener))
			if failed == nil {
				unix.CloseOnExec(fd)
			}
			return !errors.Is(failed, unix.EAGAIN)
		})
		if err != nil {
			say("serve the control socket: " + err.Error())
			return
		}
		if failed != nil {
			// Out of descriptors, or the peer has gone already.
			time.Sleep(10 * time.Millisecond)
			continue
		}
		_ = unix.SetNonblock(fd, true)
		go s.serve(&conn{File: os.NewFile(uintptr(fd), "control")})
	}
}

// conn is a connection; several goroutines may write frames to it.
type conn struct {
	*os.File
	mu sync.Mutex
}

func (c *conn) write(k wire.Kind, body []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return wire.WriteFrame(c.File, k, body)
}

func (c *conn) done(err error) error {
	var reply wire.Done
	if err != nil {
		reply.Error = err.Error()
		if errno, ok := errors.AsType[syscall.Errno](err); ok {
			reply.Errno = int(errno)
		}
	}
	return c.write(wire.KindDone, reply.Encode())
}

var (
	errUnknown = errors.New("unknown request")
	errGone    = errors.New("the task has ended")
)

// serve answers the requests of one connection until it closes.
func (s *supervisor) serve(c *conn) {
	gone := make(chan struct{})
	defer close(gone)
	defer c.Close()
	for {
		kind, body, err := wire.ReadFrame(c.File)
		if err != nil {
			return
		}
		switch kind {
		case wire.KindInfo:
			var info wire.Info
			if !s.do(func() { info = s.info() }) {
				err = c.done(errGone)
				break
			}
			err = c.write(wire.KindInfoReply, info.Encode())
		case wire.KindSignal, wire.KindStop:
			err = c.done(s.serveSignal(kind, body))
		case wire.KindWait:
			if s.do(func() { s.closing.Add(1) }) {
				go func() {
					defer s.closing.Done()
					s.tell(c, gone)
				}()
			} else {
				s.tell(c, gone)
			}
		case wire.KindExec:
			s.serveExec(c, body)
			return
		default:
			err = c.done(errUnknown)
		}
		if err != nil {
			return
		}
	}
}

func (s *supervisor) serveSignal(kind wire.Kind, body []byte) error {
	request, err := wire.DecodeSignal(body)
	if err != nil {
		return err
	}
	sig := syscall.Signal(request.Number)
	ran := s.do(func() {
		if kind == wire.KindStop {
			s.stop(sig, time.Duration(request.Grace))
		} else {
			err = s.signal(sig)
		}
	})
	if !ran && kind == wire.KindSignal {
		return errGone
	}
	return err
}

// tell sends the exit once it is known, unless the peer leaves first.
func (s *supervisor) tell(c *conn, gone <-chan struct{}) {
	select {
	case <-s.exited:
	case <-gone:
		return
	}
	if c.write(wire.KindExited, s.exit.Record()) == nil {
		select {
		case s.delivered <- struct{}{}:
		default:
		}
	}
}

func (s *supervisor) info() wire.Info {
	lost, errno := s.output.dropped()
	return wire.Info{
		Version:       wire.Version,
		PID:           s.pid,
		StartTime:     s.startTime,
		ShimPID:       s.self,
		ShimStartTime: s.since,
		At:            s.at.UnixNano(),
		Stopping:      s.stopping,
		LogDropped:    lost,
		LogErrno:      errno,
	}
}
