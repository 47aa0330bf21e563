// SPDX-License-Identifier: MPL-2.0

//go:build unix

package logspec

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
)

// write creates the file under another name and moves it into place, so that a
// reader sees all of it and a link that carries its name is replaced.
func write(base string, names []string, name string, body []byte) error {
	dir, err := beneath.OpenDir(base, names...)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	draft := name + "." + rand.Text()
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := beneath.Retry(func() (int, error) { return unix.Openat(dir, draft, flags, 0o600) })
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), draft)
	_, err = f.Write(body)
	if err = errors.Join(err, f.Close()); err == nil {
		err = unix.Renameat(dir, draft, dir, name)
	}
	if err != nil {
		_ = unix.Unlinkat(dir, draft, 0)
	}
	return err
}

func read(base string, names []string, name string) ([]byte, error) {
	dir, err := beneath.OpenDir(base, names...)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd, err := beneath.Retry(func() (int, error) { return unix.Openat(dir, name, flags, 0) })
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%w: it is a symbolic link", ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return nil, fmt.Errorf("%w: it is not a regular file", ErrInvalid)
	case int(st.Uid) != os.Geteuid():
		return nil, fmt.Errorf("%w: it belongs to user %d", ErrInvalid, st.Uid)
	case st.Mode&0o022 != 0 || st.Nlink != 1:
		return nil, fmt.Errorf("%w: others can change it", ErrInvalid)
	}
	return io.ReadAll(io.LimitReader(f, maxSize))
}
