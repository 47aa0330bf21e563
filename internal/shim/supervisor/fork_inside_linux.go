// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"io"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// insideEnv is the environment of the shim's process inside a root, until it is
// replaced.
var insideEnv = []string{insideVariable + "=1", "GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=12MiB"}

// forkInside starts the program inside the root of the task: a process of the
// shim itself makes the root, or joins it, and becomes the program.
func (l *launcher) forkInside(c *command) (pid int, warnings []string, err error) {
	task := *l.spec
	task.Path, task.Args, task.Env = c.path, c.args, c.env
	in := wire.Inside{Task: &task}
	var hand []uintptr // descriptors handed over
	if c.beside == 0 {
		for n := range l.spec.Root.Dirs {
			hand = append(hand, uintptr(wire.FDRoot+n))
		}
	} else {
		joins, processes, err := l.namespaces(c.beside)
		defer closeAll(joins)
		if processes >= 0 {
			defer unix.Close(processes)
		}
		if err != nil {
			return 0, nil, &setupError{"find the namespaces of the task", err}
		}
		in.Joins = len(joins)
		for _, fd := range joins {
			hand = append(hand, uintptr(fd))
		}
		if processes >= 0 {
			back, err := l.enterProcesses(processes)
			if err != nil {
				return 0, nil, &setupError{"enter the process namespace of the task", err}
			}
			defer back()
		}
	}
	var spec, report [2]int
	if err := unix.Pipe2(spec[:], unix.O_CLOEXEC); err != nil {
		return 0, nil, &setupError{"start", err}
	}
	if err := unix.Pipe2(report[:], unix.O_CLOEXEC); err != nil {
		closeAll(spec[:])
		return 0, nil, &setupError{"start", err}
	}
	pid, warnings, err = l.fork(c, func(c *command, attr *syscall.SysProcAttr) (int, error) {
		// Both come later, inside: the user when nothing needs the old one any
		// more, the arrangement to die with the shim after that.
		attr.Credential, attr.Pdeathsig = nil, 0
		if c.beside == 0 {
			if l.spec.Root.PrivatePID {
				attr.Cloneflags |= unix.CLONE_NEWPID
			}
			if l.spec.Root.PrivateIPC {
				attr.Cloneflags |= unix.CLONE_NEWIPC
			}
		}
		files := append(append([]uintptr{}, c.fds[:]...), uintptr(spec[0]), uintptr(report[1]))
		return syscall.ForkExec("/proc/self/exe", os.Args, &syscall.ProcAttr{
			Env: insideEnv, Files: append(files, hand...), Sys: attr,
		})
	})
	closeAll([]int{spec[0], report[1]})
	defer closeAll([]int{spec[1], report[0]})
	if err != nil {
		return 0, warnings, &setupError{"start", err}
	}
	if err := l.instruct(&in, spec[1], report[0]); err != nil {
		l.abort(pid)
		return 0, warnings, err
	}
	return pid, warnings, nil
}

// instruct tells the process inside what to become, and returns once it has.
func (l *launcher) instruct(in *wire.Inside, to, from int) error {
	err := wire.WriteFrame(descriptor(to), wire.KindInside, in.Encode())
	if err != nil {
		return &setupError{"tell the task's process what to run", err}
	}
	body, err := io.ReadAll(descriptor(from))
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

// namespaces opens those of a process of the task: those that a thread can join
// by itself, and the one of processes, which is -1 if it is the shim's own.
func (l *launcher) namespaces(pid int) (joins []int, processes int, err error) {
	dir := "/proc/" + strconv.Itoa(pid) + "/ns/"
	open := func(name string) int {
		var fd int
		if err == nil {
			if fd, err = unix.Open(dir+name, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
				return fd
			}
		}
		return -1
	}
	processes = -1
	if l.spec.Root.PrivatePID {
		processes = open("pid")
	}
	names := []string{"mnt"}
	if l.spec.Root.PrivateIPC {
		names = []string{"ipc", "mnt"}
	}
	for _, name := range names {
		if fd := open(name); fd >= 0 {
			joins = append(joins, fd)
		}
	}
	return joins, processes, err
}

// enterProcesses makes the children of this thread start in another process
// namespace, until back is called.
func (l *launcher) enterProcesses(fd int) (back func(), err error) {
	own, err := unix.Open("/proc/thread-self/ns/pid", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	l.pin()
	if err := unix.Setns(fd, unix.CLONE_NEWPID); err != nil {
		_ = unix.Close(own)
		return nil, err
	}
	return func() {
		if err := unix.Setns(own, unix.CLONE_NEWPID); err != nil {
			say("return to the own process namespace: " + err.Error())
		}
		_ = unix.Close(own)
	}, nil
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
