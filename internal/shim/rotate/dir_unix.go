// SPDX-License-Identifier: MPL-2.0

//go:build unix

package rotate

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
)

// errOccupied means that a name is taken by something that is not a log file
// and that does not go away.
var errOccupied = errors.New("log file name is taken")

// file is an open log file.
type file int

const noFile file = -1

// Dir is an open log directory.
type Dir struct {
	fd int
}

// OpenDir opens a directory below base, which is trusted, one name at a time
// and without following a link.
func OpenDir(base string, names ...string) (*Dir, error) {
	fd, err := beneath.OpenDir(base, names...)
	if err != nil {
		return nil, err
	}
	return &Dir{fd: fd}, nil
}

// FromFD takes over an open directory.
func FromFD(fd int) *Dir { return &Dir{fd: fd} }

// FD is the open directory's descriptor; it remains the Dir's.
func (d *Dir) FD() int { return d.fd }

// Close closes the directory. Writers opened in it must be closed before.
func (d *Dir) Close() error { return unix.Close(d.fd) }

// openLog opens or creates a log file for appending and returns its size. What
// is in the way and is not a regular file with one name is removed first.
func (d *Dir) openLog(name string) (file, int64, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	for range 3 {
		fd, err := beneath.Retry(func() (int, error) { return unix.Openat(d.fd, name, flags, 0o644) })
		if err == nil {
			var st unix.Stat_t
			if err := unix.Fstat(fd, &st); err != nil {
				_ = unix.Close(fd)
				return noFile, 0, err
			}
			if st.Mode&unix.S_IFMT == unix.S_IFREG && st.Nlink == 1 {
				return file(fd), st.Size, nil
			}
			_ = unix.Close(fd)
		} else if !inTheWay(err) {
			return noFile, 0, err
		}
		if err := unix.Unlinkat(d.fd, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
			break
		}
	}
	return noFile, 0, errOccupied
}

// inTheWay reports whether opening failed because of what carries the name: a
// link, a pipe nobody reads, a socket, a directory.
func inTheWay(err error) bool {
	return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.ENXIO) ||
		errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODEV)
}

// OpenAppend opens or creates a file that is no log file of a Writer, under the
// same rules.
func (d *Dir) OpenAppend(name string) (*os.File, error) {
	if !beneath.PlainName(name) {
		return nil, beneath.ErrName
	}
	f, _, err := d.openLog(name)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(f), name), nil
}

func (d *Dir) remove(name string) error { return unix.Unlinkat(d.fd, name, 0) }

// each calls f with the name of each entry.
func (d *Dir) each(f func(name string)) error {
	fd, err := beneath.Retry(func() (int, error) {
		return unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	for {
		n, err := beneath.Retry(func() (int, error) { return unix.ReadDirent(fd, buf) })
		if err != nil || n <= 0 {
			return err
		}
		_, _, names := unix.ParseDirent(buf[:n], -1, nil)
		for _, name := range names {
			f(name)
		}
	}
}

func (f file) write(p []byte) (int, error) {
	return beneath.Retry(func() (int, error) { return unix.Write(int(f), p) })
}

func (f file) close() error {
	if f == noFile {
		return nil
	}
	return unix.Close(int(f))
}
