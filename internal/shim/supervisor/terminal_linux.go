// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// openRoot opens the root of a process, -1 if that cannot be.
func openRoot(pid int) int {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/root", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// openTerminal returns the two ends of a new terminal, the second one owned by
// the task's user. In the root of a task, unless it is -1, the terminal has a name.
func openTerminal(spec *wire.Spec, root int) (master *os.File, slave int, err error) {
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	fd := -1
	if root >= 0 {
		fd, err = openMasterIn(root, flags)
	}
	if fd < 0 {
		fd, err = unix.Open("/dev/ptmx", flags, 0)
	}
	if err != nil {
		return nil, -1, err
	}
	slave, err = openSlave(fd)
	if err != nil {
		_ = unix.Close(fd)
		return nil, -1, err
	}
	if spec.SwitchUser {
		uid, _ := spec.Owner()
		_ = unix.Fchown(slave, uid, -1)
	}
	_ = unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), "terminal"), slave, nil
}

// openMasterIn opens a terminal of those that a task has of its own. Who has the power to
// may have put anything in their place, so it is looked at before it is opened.
func openMasterIn(root, flags int) (int, error) {
	at, err := unix.Openat2(root, "dev/pts/ptmx", &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return -1, err
	}
	defer unix.Close(at)
	var fs unix.Statfs_t
	var st unix.Stat_t
	if err := unix.Fstatfs(at, &fs); err != nil {
		return -1, err
	}
	if err := unix.Fstat(at, &st); err != nil {
		return -1, err
	}
	if fs.Type != unix.DEVPTS_SUPER_MAGIC || st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return -1, unix.ENODEV
	}
	return unix.Open("/proc/self/fd/"+strconv.Itoa(at), flags, 0)
}

// openSlave opens the other end by the master itself, which no mount can
// redirect; kernels before 4.13 need the name.
func openSlave(master int) (int, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return -1, err
	}
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	if fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, flags); errno == 0 {
		return int(fd), nil
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return -1, err
	}
	return unix.Open("/dev/pts/"+strconv.Itoa(number), flags, 0)
}
