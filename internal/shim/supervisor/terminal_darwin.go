// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"bytes"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// openRoot is not needed: tasks have no root of their own here.
func openRoot(int) int { return -1 }

// openTerminal returns the two ends of a new terminal, the second one owned by
// the task's user.
func openTerminal(spec *wire.Spec, _ int) (master *os.File, slave int, err error) {
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

func openSlave(master int) (int, error) {
	if err := unix.IoctlSetInt(master, unix.TIOCPTYGRANT, 0); err != nil {
		return -1, err
	}
	if err := unix.IoctlSetInt(master, unix.TIOCPTYUNLK, 0); err != nil {
		return -1, err
	}
	var name [128]byte
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(master), unix.TIOCPTYGNAME, uintptr(unsafe.Pointer(&name[0])))
	if errno != 0 {
		return -1, errno
	}
	path, _, _ := bytes.Cut(name[:], []byte{0})
	return unix.Open(string(path), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
}
