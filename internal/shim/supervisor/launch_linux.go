// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/sysfs"
)

// forkExec starts a process.
type forkExec func(c *command, attr *syscall.SysProcAttr) (pid int, err error)

// place starts the program on the machine as it is or in the root of the task.
func (l *launcher) place(c *command) (pid int, warnings []string, err error) {
	if l.spec.Root == nil {
		return l.fork(c, l.forkExec)
	}
	return l.forkInside(c)
}

// fork starts the program in the unified control group of the task. The kernel
// ends it if the shim is killed, so that no task runs that nobody watches.
func (l *launcher) fork(c *command, exec forkExec) (pid int, warnings []string, err error) {
	attr := l.attributes(c)
	attr.Pdeathsig = unix.SIGKILL
	group := l.spec.CgroupV2
	if group == "" {
		pid, err = exec(c, attr)
		return pid, nil, err
	}
	fd, err := unix.Open(group, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == nil {
		attr.UseCgroupFD, attr.CgroupFD = true, fd
		pid, err = exec(c, attr)
		_ = unix.Close(fd)
		if err == nil {
			return pid, nil, nil
		}
		attr.UseCgroupFD = false
	} else if l.spec.CgroupRequired {
		return 0, nil, &setupError{"open control group " + group, err}
	}
	// Either the kernel cannot start a process in a group (before 5.7), or the
	// group refused, or the program cannot be executed at all.
	pid, err = exec(c, attr)
	if err != nil {
		return 0, nil, err
	}
	if err := sysfs.Write(group+"/cgroup.procs", strconv.Itoa(pid)); err != nil {
		if l.spec.CgroupRequired {
			l.abort(pid)
			return 0, nil, &setupError{"enter control group " + group, err}
		}
		warnings = append(warnings, "enter control group "+group+": "+err.Error())
	}
	return pid, warnings, nil
}

// abort takes back a start.
func (l *launcher) abort(pid int) {
	_ = unix.Kill(-pid, unix.SIGKILL)
	_ = unix.Kill(pid, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

// joinNetwork moves the owner's thread, and so all that it will start, into the
// network namespace of the task.
func (l *launcher) joinNetwork() error {
	if l.spec.NetNS == "" {
		return nil
	}
	fd, err := unix.Open(l.spec.NetNS, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	l.pin()
	return unix.Setns(fd, unix.CLONE_NEWNET)
}

// adjustOOM gives the shim the score of its task for the moment of the fork,
// which is the one way to have it inherited without a gap.
func (l *launcher) adjustOOM() (restore func(), err error) {
	const path = "/proc/self/oom_score_adj"
	nothing := func() {}
	if !l.spec.AdjustOOM {
		return nothing, nil
	}
	before, err := sysfs.Read(path)
	if err != nil {
		return nothing, err
	}
	if err := sysfs.Write(path, strconv.Itoa(l.spec.OOMScoreAdj)); err != nil {
		return nothing, err
	}
	return func() { _ = sysfs.Write(path, string(before)) }, nil
}

// adoptOrphans makes the shim the parent of every process of the task whose own
// parent ends, so that it can find them all.
func adoptOrphans() {
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}
