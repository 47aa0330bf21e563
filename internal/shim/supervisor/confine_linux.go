// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// lastCapability is the highest number that a capability may have some day.
const lastCapability = 63

// confine gives up what the task shall not have. The system calls are made raw:
// those of the syscall package change all threads, of which only this one
// matters.
func (i *insider) confine() error {
	root := i.Task.Root
	step := func(what string, err error) error {
		if err != nil {
			return &setupError{what, err}
		}
		return nil
	}
	if err := step("limit the capabilities", limitCapabilities(root.Bounding)); err != nil {
		return err
	}
	if i.Task.SwitchUser {
		if err := step("become the user", becomeUser(i.Task)); err != nil {
			return err
		}
	}
	if err := step("set the capabilities", setCapabilities(root.Permitted, root.Inheritable)); err != nil {
		return err
	}
	for c := range lastCapability + 1 {
		if root.Ambient&(1<<c) != 0 {
			if err := step("set the capabilities", prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c))); err != nil {
				return err
			}
		}
	}
	// A change of user ends this arrangement, so it is made again.
	if err := step("die with the shim", prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0)); err != nil {
		return err
	}
	if i.orphaned() {
		return &setupError{"start", unix.ESRCH}
	}
	if root.NoNewPrivs {
		if err := step("refuse new privileges", prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0)); err != nil {
			return err
		}
	}
	return step("filter system calls", installFilter(root.Filter))
}

func prctl(option int, a, b uintptr) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, uintptr(option), a, b, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// limitCapabilities drops all but the given ones for good.
func limitCapabilities(keep uint64) error {
	for c := range lastCapability + 1 {
		if keep&(1<<c) != 0 {
			continue
		}
		if err := prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0); errors.Is(err, unix.EINVAL) {
			break // there are no more
		} else if err != nil {
			return err
		}
	}
	return prctl(unix.PR_SET_KEEPCAPS, 1, 0)
}

// becomeUser changes the user of this thread.
func becomeUser(task *wire.Spec) error {
	groups := make([]uint32, len(task.Groups)+1) // one more, so that there is a first
	for n, g := range task.Groups {
		groups[n] = uint32(g)
	}
	calls := [][4]uintptr{
		{unix.SYS_SETGROUPS, uintptr(len(task.Groups)), uintptr(unsafe.Pointer(&groups[0])), 0},
		{unix.SYS_SETRESGID, uintptr(task.GID), uintptr(task.GID), uintptr(task.GID)},
		{unix.SYS_SETRESUID, uintptr(task.UID), uintptr(task.UID), uintptr(task.UID)},
	}
	for _, c := range calls {
		if _, _, errno := unix.RawSyscall(c[0], c[1], c[2], c[3]); errno != 0 {
			return errno
		}
	}
	return nil
}

// orphaned reports whether the shim has gone: it holds the other end of the pipe
// until the task runs.
func (i *insider) orphaned() bool {
	set := []unix.PollFd{{Fd: fdInside}}
	n, err := unix.Poll(set, 0)
	return err == nil && n > 0 && set[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// installFilter has the kernel filter the system calls of this thread.
func installFilter(program []byte) error {
	const size = 8 // of one instruction
	if len(program) == 0 {
		return nil
	}
	if len(program)%size != 0 {
		return unix.EINVAL
	}
	filter := struct {
		length uint16
		code   unsafe.Pointer
	}{uint16(len(program) / size), unsafe.Pointer(&program[0])}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&filter)))
	if errno != 0 {
		return errno
	}
	return nil
}
