// SPDX-License-Identifier: MPL-2.0

//go:build unix

package beneath

import (
	"errors"

	"golang.org/x/sys/unix"
)

// OpenDir opens a directory below base, which is trusted, one name at a time
// and without following a link.
func OpenDir(base string, names ...string) (int, error) {
	fd, err := Retry(func() (int, error) {
		return unix.Open(base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return -1, err
	}
	for _, name := range names {
		next, err := OpenDirAt(fd, name)
		_ = unix.Close(fd)
		if err != nil {
			return -1, err
		}
		fd = next
	}
	return fd, nil
}

// OpenDirAt opens a directory in an open one without following a link.
func OpenDirAt(dir int, name string) (int, error) {
	if !PlainName(name) {
		return -1, ErrName
	}
	return Retry(func() (int, error) {
		return unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
}

// Retry repeats a call that a signal interrupted.
func Retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
