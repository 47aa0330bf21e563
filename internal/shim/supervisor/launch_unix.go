// SPDX-License-Identifier: MPL-2.0

//go:build unix

package supervisor

import (
	"os"
	"runtime"
	"syscall"

	"github.com/nomadlike/nomadlike/internal/shim/cgroup"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// command is a program to be started in the surroundings of the task.
type command struct {
	path string
	args []string
	env  []string
	// fds become descriptors 0, 1 and 2.
	fds [3]uintptr
	// terminal makes descriptor 0 the controlling terminal of a new session.
	terminal bool
	// beside is the process of the task whose namespaces a command joins; 0
	// for the task itself.
	beside int
	// settle, which the start of such a command sets, waits until the process has become the command. It may be called by
	// anybody, once.
	settle func() error
}

// launcher starts programs as the user, in the control groups and in the
// network of the task. It is used by the owner only.
type launcher struct {
	spec *wire.Spec
	// pinned is true once the owner is bound to its thread, because that
	// thread differs, or at times differs, from the others.
	pinned bool
}

// setupError is a failure before the program itself was executed.
type setupError struct {
	what string
	err  error
}

func (e *setupError) Error() string { return e.what + ": " + e.err.Error() }
func (e *setupError) Unwrap() error { return e.err }

// start starts a program and returns what had to be done without.
func (l *launcher) start(c *command) (pid int, warnings []string, err error) {
	if len(l.spec.CgroupV1) > 0 {
		l.pin()
	}
	leave, refused, err := cgroup.Enter(l.spec.CgroupV1)
	defer func() {
		if e := leave(); e != nil {
			// The shim must not be ended with its task.
			l.spec.CgroupOwned = ""
			say("leave the control groups of the task: " + e.Error())
		}
	}()
	for _, dir := range refused {
		if l.spec.CgroupRequired {
			return 0, nil, &setupError{"enter control group " + dir, err}
		}
		warnings = append(warnings, "enter control group "+dir+": "+err.Error())
	}
	restore, err := l.adjustOOM()
	if err != nil {
		warnings = append(warnings, "set oom_score_adj: "+err.Error())
	}
	defer restore()
	pid, more, err := l.place(c)
	return pid, append(warnings, more...), err
}

// attributes returns what every program of the task has in common.
func (l *launcher) attributes(c *command) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{}
	if c.terminal {
		attr.Setsid = true
		attr.Setctty = true
		attr.Ctty = 0
	} else {
		attr.Setpgid = true
	}
	if l.spec.SwitchUser {
		groups := make([]uint32, len(l.spec.Groups))
		for i, g := range l.spec.Groups {
			groups[i] = uint32(g)
		}
		attr.Credential = &syscall.Credential{
			Uid:    uint32(l.spec.UID),
			Gid:    uint32(l.spec.GID),
			Groups: groups,
		}
	}
	return attr
}

func (l *launcher) forkExec(c *command, sys *syscall.SysProcAttr) (int, error) {
	pid, err := syscall.ForkExec(c.path, c.args, &syscall.ProcAttr{
		Dir:   l.spec.WorkDir,
		Env:   c.env,
		Files: c.fds[:],
		Sys:   sys,
	})
	if err != nil && l.spec.WorkDir != "" {
		// The error does not tell the program from the directory.
		var st syscall.Stat_t
		e := syscall.Stat(l.spec.WorkDir, &st)
		if e == nil && st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
			e = syscall.ENOTDIR
		}
		if e != nil {
			err = &os.PathError{Op: "enter the working directory", Path: l.spec.WorkDir, Err: e}
		}
	}
	return pid, err
}

func (l *launcher) pin() {
	if !l.pinned {
		runtime.LockOSThread()
		l.pinned = true
	}
}
