// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// execDrainLimit is how long the output of an ended command is still awaited if
// a process it left behind keeps it open.
const execDrainLimit = 500 * time.Millisecond

// hangUpInterval is how often it is checked, while a command does not read its
// input, whether anybody is still there to send it.
const hangUpInterval = time.Second

// endOfInput is the character that ends the input of a terminal.
const endOfInput = 4

// session is a command that runs beside the task, and the connection that its
// input and output belong to.
type session struct {
	conn *conn
	tty  bool
	pid  int
	// settle is that of the command, nil if there is nothing to wait for.
	settle func() error
	// status gets how the command ended.
	status chan syscall.WaitStatus

	// stdin, stdout and stderr are the shim's ends; with a terminal the first
	// two are the same. There is no third with a terminal or one output for both.
	stdin, stdout, stderr *os.File
	// given are the command's ends.
	given [3]int
}

// serveExec runs a command for a connection until both are done.
func (s *supervisor) serveExec(c *conn, body []byte) {
	request, err := wire.DecodeExec(body)
	if err != nil {
		_ = c.done(err)
		return
	}
	x := &session{conn: c, tty: request.TTY, status: make(chan syscall.WaitStatus, 1)}
	root := -1
	if x.tty && s.spec.Root != nil {
		s.do(func() {
			if !s.reaped { // else the number may be another process's
				root = openRoot(s.pid)
			}
		})
	}
	err = x.open(s.spec, request, root)
	if root >= 0 {
		_ = unix.Close(root)
	}
	if err != nil {
		_ = c.done(err)
		return
	}
	if !s.do(func() { err = s.startSession(x, request) }) {
		err = errGone
	}
	x.closeGiven()
	if err != nil {
		x.close()
		_ = c.done(err)
		return
	}
	defer s.closing.Done()
	if x.settle != nil {
		if err := x.settle(); err != nil {
			s.endSession(x)
			x.close()
			_ = c.done(err)
			return
		}
	}
	reply := wire.Done{PID: x.pid}
	if c.write(wire.KindDone, reply.Encode()) != nil {
		s.endSession(x)
	}
	go func() {
		// The connection is the command's life line.
		x.input()
		s.endSession(x)
	}()
	x.output()
}

// startSession starts the command. The owner calls it.
func (s *supervisor) startSession(x *session, request *wire.Exec) error {
	if s.reaped {
		return errGone
	}
	c := &command{
		path:     request.Path,
		args:     request.Args,
		env:      slices.Concat(s.spec.Env, request.Env),
		fds:      [3]uintptr{uintptr(x.given[0]), uintptr(x.given[1]), uintptr(x.given[2])},
		terminal: x.tty,
		beside:   s.pid,
	}
	pid, warnings, err := s.program.start(c)
	for _, w := range warnings {
		say(w)
	}
	if err != nil {
		return err
	}
	x.pid, x.settle = pid, c.settle
	s.sessions[pid] = x
	s.closing.Add(1)
	return nil
}

// endSession ends the command and its process group if it still runs.
func (s *supervisor) endSession(x *session) {
	s.do(func() {
		if s.sessions[x.pid] == x {
			_ = unix.Kill(-x.pid, unix.SIGKILL)
			_ = unix.Kill(x.pid, unix.SIGKILL)
		}
	})
}

// open makes the terminal, in the root of the task if that is open, or the pipes of the command.
func (x *session) open(spec *wire.Spec, request *wire.Exec, root int) (err error) {
	x.given = [3]int{-1, -1, -1}
	defer func() {
		if err != nil {
			x.closeGiven()
			x.close()
		}
	}()
	if x.tty {
		master, slave, err := openTerminal(spec, root)
		if err != nil {
			return err
		}
		x.stdin, x.stdout = master, master
		x.given = [3]int{slave, slave, slave}
		x.resize(&wire.Size{Width: request.Width, Height: request.Height})
		return nil
	}
	if x.stdin, x.given[0], err = writePipe(spec); err != nil {
		return err
	}
	if x.stdout, x.given[1], err = readPipe(spec); err != nil {
		return err
	}
	if request.Merged {
		x.given[2] = x.given[1]
		return nil
	}
	x.stderr, x.given[2], err = readPipe(spec)
	return err
}

func (x *session) closeGiven() {
	for i, fd := range x.given {
		if fd >= 0 && !slices.Contains(x.given[:i], fd) {
			_ = unix.Close(fd)
		}
	}
	x.given = [3]int{-1, -1, -1}
}

func (x *session) close() {
	for _, f := range []*os.File{x.stdin, x.stdout, x.stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// input hands on what the peer sends until it leaves or the command has ended.
func (x *session) input() {
	for {
		kind, body, err := wire.ReadFrame(x.conn.File)
		if err != nil {
			return
		}
		switch kind {
		case wire.KindStdin:
			if !x.feed(body) {
				return
			}
		case wire.KindStdinClose:
			if x.tty {
				_, _ = x.stdin.Write([]byte{endOfInput})
			} else {
				_ = x.stdin.Close()
			}
		case wire.KindResize:
			if size, err := wire.DecodeSize(body); err == nil && x.tty {
				x.resize(size)
			}
		default:
			// From a later version.
		}
	}
}

// feed writes to the command. It reports false if the peer left while the
// command did not read; a command that reads no more is no reason to end it.
func (x *session) feed(p []byte) bool {
	for len(p) > 0 {
		_ = x.stdin.SetWriteDeadline(time.Now().Add(hangUpInterval))
		n, err := x.stdin.Write(p)
		p = p[n:]
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return true
		}
		if x.hungUp() {
			return false
		}
	}
	return true
}

// hungUp reports whether the peer has closed the connection, even if there are
// frames of it still to be read.
func (x *session) hungUp() bool {
	gone := false
	control(x.conn.File, func(fd int) {
		set := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(set, 0)
		gone = err == nil && n > 0 && set[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
	})
	return gone
}

// output hands on what the command prints and, at last, how it ended.
func (x *session) output() {
	var copying sync.WaitGroup
	copying.Go(func() { x.copy(x.stdout, wire.KindStdout, wire.KindStdoutClose) })
	if x.stderr != nil {
		copying.Go(func() { x.copy(x.stderr, wire.KindStderr, wire.KindStderrClose) })
	}
	status := <-x.status
	end := time.Now().Add(execDrainLimit)
	_ = x.stdout.SetReadDeadline(end)
	if x.stderr != nil {
		_ = x.stderr.SetReadDeadline(end)
	}
	copying.Wait()
	if x.stderr == nil {
		_ = x.conn.write(wire.KindStderrClose, nil)
	}
	var exit wire.ExecExit
	exit.Code, exit.Signal = codes(status)
	_ = x.conn.write(wire.KindExecExit, exit.Encode())
	x.close()
}

func (x *session) copy(from *os.File, data, end wire.Kind) {
	buf := make([]byte, wire.MaxData)
	for {
		n, err := from.Read(buf)
		if n > 0 && x.conn.write(data, buf[:n]) != nil {
			// Nobody listens; the command must not wait for that.
			continue
		}
		if err != nil {
			_ = x.conn.write(end, nil)
			return
		}
	}
}

func (x *session) resize(size *wire.Size) {
	if size.Width <= 0 || size.Height <= 0 {
		return
	}
	control(x.stdout, func(fd int) {
		_ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{
			Row: uint16(min(size.Height, 0xffff)),
			Col: uint16(min(size.Width, 0xffff)),
		})
	})
}

func control(f *os.File, call func(fd int)) {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { call(int(fd)) })
	}
}
