// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// forkBeside starts the process that becomes a command beside the task, in the namespaces of the task.
func (l *launcher) forkBeside(c *command, files []uintptr) (pid int, warnings []string, err error) {
	f := &joinedFork{asRoot: l.spec.Root.FirstID > 0}
	defer f.close()
	if err := f.prepare(files); err != nil {
		return 0, nil, &setupError{"start", err}
	}
	if err := f.find(c.beside, l.spec.Root); err != nil {
		return 0, nil, &setupError{"find the namespaces of the task", err}
	}
	if l.spec.Root.PrivatePID {
		back, err := l.enterProcesses(c.beside)
		if err != nil {
			return 0, nil, &setupError{"enter the process namespace of the task", err}
		}
		defer back()
	}
	pid, warnings, err = l.fork(c, func(_ *command, attr *syscall.SysProcAttr) (int, error) { return f.start(attr) })
	if err != nil {
		return 0, warnings, &setupError{"start", err}
	}
	return pid, warnings, nil
}

// enterProcesses makes the children of this thread start in the process
// namespace of another process, until back is called.
func (l *launcher) enterProcesses(pid int) (back func(), err error) {
	fd, err := unix.Open(namespaces(pid)+"pid", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
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

// namespaces is the directory of the namespaces of a process.
func namespaces(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/ns/" }

// joinedFork starts the shim's own program in namespaces that exist. syscall.ForkExec does not do: a Go program has
// several threads, and the kernel lets none of those enter a user namespace. Only a process that was just forked has a
// single one.
//
// All that the new process needs is made ready before: it must not allocate memory, nor run anything of the runtime, whose
// other threads are not there.
type joinedFork struct {
	// args are those of clone3(2).
	args cloneArgs
	// program is the file to execute; argv and envp end with nil.
	program    int
	argv, envp []*byte
	// files become descriptors 0, 1 and so on. Their own numbers are higher than any of these.
	files []int
	// joins are namespaces, that of users first: it has the power to enter the others.
	joins  []int
	asRoot bool
	// limit is how many files the process may open: as many as the task, not as many as the runtime has set for itself.
	limit unix.Rlimit
	// session asks for a session whose terminal is descriptor 0, rather than a process group.
	session bool
	// failures are what the process reports if it cannot join or execute.
	failures [2][]byte
	empty    [1]byte
}

// cloneArgs is struct clone_args.
type cloneArgs struct {
	flags, pidfd, childTid, parentTid, exitSignal, stack, stackSize, tls, setTid, setTidSize, cgroup uint64
}

// cloneIntoCgroup is CLONE_INTO_CGROUP.
const cloneIntoCgroup = 0x200000000

// firstFile is above all descriptors that the new process shall have.
const firstFile = 64

// prepare makes ready what does not depend on the task.
func (f *joinedFork) prepare(files []uintptr) (err error) {
	f.program = -1
	for _, fd := range files {
		high, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, firstFile)
		if err != nil {
			return err
		}
		f.files = append(f.files, high)
	}
	if f.program, err = unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
		return err
	}
	if f.argv, err = syscall.SlicePtrFromStrings(os.Args); err != nil {
		return err
	}
	if f.envp, err = syscall.SlicePtrFromStrings(insideEnv); err != nil {
		return err
	}
	for n, what := range []string{"join the namespaces of the task", "execute the shim beside the task"} {
		failed := wire.Started{Stage: wire.StageSetup, Error: what}
		f.failures[n] = failed.Encode()
	}
	return nil
}

// find opens the namespaces to join, and asks for limits.
func (f *joinedFork) find(pid int, root *wire.Root) error {
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &f.limit); err != nil {
		return err
	}
	if files := proc.Files(pid); files > 0 {
		f.limit.Cur = min(f.limit.Max, files)
	}
	names := []string{"uts", "mnt"}
	if root.PrivateIPC {
		names = append([]string{"ipc"}, names...)
	}
	if root.FirstID > 0 {
		names = append([]string{"user"}, names...)
	}
	for _, name := range names {
		fd, err := unix.Open(namespaces(pid)+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		f.joins = append(f.joins, fd)
	}
	return nil
}

func (f *joinedFork) close() {
	closeAll(f.files)
	closeAll(f.joins)
	if f.program >= 0 {
		_ = unix.Close(f.program)
	}
}

// start forks. Of the attributes it knows those that the launcher sets for commands.
func (f *joinedFork) start(attr *syscall.SysProcAttr) (int, error) {
	f.session = attr.Setsid
	f.args = cloneArgs{exitSignal: uint64(unix.SIGCHLD)}
	if attr.UseCgroupFD {
		f.args.flags, f.args.cgroup = cloneIntoCgroup, uint64(attr.CgroupFD)
	}
	// A signal must find no handler of the runtime in the new process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before uint64
	all = ^uint64(0)
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	mask := func(set, old *uint64) {
		_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), 8, 0, 0)
	}
	mask(&all, &before)
	pid, errno := f.fork()
	mask(&before, nil)
	runtime.KeepAlive(f)
	if errno != 0 {
		return 0, errno
	}
	return pid, nil
}

// fork returns in the old process only.
//
//go:noinline
//go:norace
func (f *joinedFork) fork() (pid int, errno syscall.Errno) {
	id, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&f.args)), unsafe.Sizeof(f.args), 0)
	if errno != 0 || id != 0 {
		return int(id), errno
	}
	// From here on it is the new process: system calls and nothing else.
	if f.session {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	} else {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETPGID, 0, 0, 0)
	}
	for n := 0; n < len(f.files) && errno == 0; n++ {
		_, _, errno = syscall.RawSyscall(unix.SYS_DUP3, uintptr(f.files[n]), uintptr(n), 0)
	}
	if f.session && errno == 0 {
		_, _, errno = syscall.RawSyscall(unix.SYS_IOCTL, 0, unix.TIOCSCTTY, 1)
	}
	for n := 0; n < len(f.joins) && errno == 0; n++ {
		_, _, errno = syscall.RawSyscall(unix.SYS_SETNS, uintptr(f.joins[n]), 0, 0)
	}
	if f.asRoot && errno == 0 {
		// Its root keeps all capabilities when it executes a program.
		_, _, errno = syscall.RawSyscall(unix.SYS_SETRESGID, 0, 0, 0)
		if errno == 0 {
			_, _, errno = syscall.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0)
		}
		if errno == 0 {
			_, _, errno = syscall.RawSyscall(unix.SYS_SETRESUID, 0, 0, 0)
		}
	}
	failure := 0
	if errno == 0 {
		failure = 1
		_, _, _ = syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&f.limit)), 0, 0, 0)
		var none uint64
		_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&none)), 0, 8, 0, 0)
		_, _, errno = syscall.RawSyscall6(unix.SYS_EXECVEAT, uintptr(f.program), uintptr(unsafe.Pointer(&f.empty[0])),
			uintptr(unsafe.Pointer(&f.argv[0])), uintptr(unsafe.Pointer(&f.envp[0])), unix.AT_EMPTY_PATH, 0)
	}
	_, _, _ = syscall.RawSyscall(unix.SYS_WRITE, uintptr(f.files[fdReport]), uintptr(unsafe.Pointer(&f.failures[failure][0])), uintptr(len(f.failures[failure])))
	for {
		_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(errno), 0, 0)
	}
}
