// SPDX-License-Identifier: MPL-2.0

//go:build unix

package qemu

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
)

// openInside opens a file for reading, without following links: the task may
// put some in its directory that lead to what is not its own.
func openInside(dir string, names []string) (*os.File, error) {
	fd, err := beneath.OpenDir(dir, names[:len(names)-1]...)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	name := names[len(names)-1]
	file, err := beneath.Retry(func() (int, error) {
		return unix.Openat(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(file), name), nil
}
