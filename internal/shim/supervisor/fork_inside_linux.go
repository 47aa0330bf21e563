// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// insideEnv is the environment of the shim's process inside a root, until it is
// replaced.
var insideEnv = []string{insideVariable + "=1", "GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=12MiB"}

// forkInside starts the program inside the root of the task: a process of the
// shim itself, in the namespaces of the task, makes the root unless there is
// one, and becomes the program.
func (l *launcher) forkInside(c *command) (pid int, warnings []string, err error) {
	task := *l.spec
	task.Path, task.Args, task.Env = c.path, c.args, c.env
	in := wire.Inside{Task: &task, Beside: c.beside != 0}
	var spec, report [2]int
	if err := unix.Pipe2(spec[:], unix.O_CLOEXEC); err != nil {
		return 0, nil, &setupError{"start", err}
	}
	if err := unix.Pipe2(report[:], unix.O_CLOEXEC); err != nil {
		closeAll(spec[:])
		return 0, nil, &setupError{"start", err}
	}
	files := append(append([]uintptr{}, c.fds[:]...), uintptr(spec[0]), uintptr(report[1]))
	if in.Beside {
		pid, warnings, err = l.forkBeside(c, files)
	} else {
		pid, warnings, err = l.forkTask(c, &task, files)
	}
	closeAll([]int{spec[0], report[1]})
	if err == nil && in.Beside {
		c.settle = besideSettler(&in, spec[1], report[0])
		return pid, warnings, nil
	}
	defer closeAll([]int{spec[1], report[0]})
	if err != nil {
		return 0, warnings, err
	}
	if err := instruct(&in, descriptor(spec[1]), descriptor(report[0])); err != nil {
		l.abort(pid)
		return 0, warnings, err
	}
	return pid, warnings, nil
}

// settleLimit is how long a process that was started beside a task may take to become a command.
const settleLimit = 30 * time.Second

// besideSettler returns what waits until a process beside the task has become the command. Before it has, the task may have
// the power to stop it, so that the owner must not be the one who waits.
func besideSettler(in *wire.Inside, to, from int) func() error {
	var files [2]*os.File
	for n, fd := range []int{to, from} {
		_ = unix.SetNonblock(fd, true)
		files[n] = os.NewFile(uintptr(fd), "inside")
	}
	return func() error {
		for _, file := range files {
			defer file.Close()
			_ = file.SetDeadline(time.Now().Add(settleLimit))
		}
		err := instruct(in, files[0], files[1])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return &setupError{"start beside the task", errors.New("no answer within " + settleLimit.String() + ": something in the task may have stopped it")}
		}
		return err
	}
}

// forkTask starts the process that makes the root and becomes the task, and hands over what the root is made of. It puts
// into the task how that is numbered.
func (l *launcher) forkTask(c *command, task *wire.Spec, files []uintptr) (pid int, warnings []string, err error) {
	made, err := collect(l.spec.Root)
	if err != nil {
		return 0, nil, err
	}
	defer made.close()
	task.Root = &made.root
	for _, fd := range made.fds {
		files = append(files, uintptr(fd))
	}
	pid, warnings, err = l.fork(c, func(c *command, attr *syscall.SysProcAttr) (int, error) {
		// Both come later, inside: the user when nothing needs the old one any
		// more, the arrangement to die with the shim after that.
		attr.Credential, attr.Pdeathsig = nil, 0
		attr.Cloneflags |= unix.CLONE_NEWNS | unix.CLONE_NEWUTS
		if l.spec.Root.PrivatePID {
			attr.Cloneflags |= unix.CLONE_NEWPID
		}
		if l.spec.Root.PrivateIPC {
			attr.Cloneflags |= unix.CLONE_NEWIPC
		}
		if first := l.spec.Root.FirstID; first > 0 {
			attr.Cloneflags |= unix.CLONE_NEWUSER
			ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: first, Size: wire.IDCount}}
			attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = ids, ids, true
			attr.Credential = &syscall.Credential{} // its root, who has all power in there
		}
		return syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{Env: insideEnv, Files: files, Sys: attr})
	})
	if err != nil {
		what := "start"
		if l.spec.Root.FirstID > 0 {
			what = "start in a user namespace (user.max_user_namespaces says how many there may be)"
		}
		return 0, warnings, &setupError{what, err}
	}
	if l.spec.Root.FirstID > 0 {
		if err := made.mapTo(pid); err != nil {
			l.abort(pid)
			return 0, warnings, err
		}
	}
	return pid, warnings, nil
}

// maxReport is how long the report of a process inside may be, in bytes.
const maxReport = 64 << 10

// instruct tells the process inside what to become, and returns once it has.
func instruct(in *wire.Inside, to io.Writer, from io.Reader) error {
	err := wire.WriteFrame(to, wire.KindInside, in.Encode())
	if err != nil {
		return &setupError{"tell the task's process what to run", err}
	}
	body, err := io.ReadAll(io.LimitReader(from, maxReport))
	if err != nil {
		return &setupError{"read the report of the task's process", err}
	}
	if len(body) == 0 {
		return nil // it was replaced by the program
	}
	failed, err := wire.DecodeStarted(body)
	if err != nil {
		return &setupError{"read the report of the task's process", err}
	}
	said := &insideError{text: failed.Error, errno: syscall.Errno(failed.Errno)}
	if failed.Stage == wire.StageExec {
		return said
	}
	return &setupError{"isolate the task", said}
}

// insideError is a failure that the process inside has reported.
type insideError struct {
	text  string
	errno syscall.Errno
}

func (e *insideError) Error() string { return e.text }

// Unwrap returns the system's reason, if there is one.
func (e *insideError) Unwrap() error {
	if e.errno == 0 {
		return nil
	}
	return e.errno
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}

// descriptor reads and writes a file by its number, without the machinery that
// waits for many files at a time.
type descriptor int

// Read implements io.Reader.
func (d descriptor) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(d), p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements io.Writer.
func (d descriptor) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m, err := unix.Write(int(d), p[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, err
		}
		n += m
	}
	return len(p), nil
}
