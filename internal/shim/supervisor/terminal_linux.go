// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// openTerminal returns the two ends of a new terminal, the second one owned by
// the task's user.
func openTerminal(spec *wire.Spec) (master *os.File, slave int, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
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
