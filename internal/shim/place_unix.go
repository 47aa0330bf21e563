// SPDX-License-Identifier: MPL-2.0

//go:build unix

package shim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/beneath"
	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// String is the path of the place, for messages.
func (p Place) String() string {
	return filepath.Join(append([]string{p.Base}, p.Names...)...)
}

// parent returns the place that p is an entry of, and the name of the entry.
func (p Place) parent() (Place, string) {
	last := len(p.Names) - 1
	return Place{Base: p.Base, Names: p.Names[:last]}, p.Names[last]
}

// makeState creates and opens a state directory that only the caller's user can
// enter.
func makeState(p Place) (int, error) {
	if len(p.Names) == 0 {
		return -1, fmt.Errorf("create shim directory: %q names no entry", p)
	}
	in, name := p.parent()
	parent, err := beneath.OpenDir(in.Base, in.Names...)
	if err != nil {
		return -1, fmt.Errorf("create shim directory in %s: %w", in, err)
	}
	defer unix.Close(parent)
	if !beneath.PlainName(name) {
		return -1, fmt.Errorf("create shim directory %s: %w", p, beneath.ErrName)
	}
	if err := unix.Mkdirat(parent, name, 0o700); err != nil {
		return -1, fmt.Errorf("create shim directory %s: %w", p, err)
	}
	dir, err := openOwn(parent, name)
	if err != nil {
		return -1, fmt.Errorf("open shim directory %s: %w", p, err)
	}
	return dir, nil
}

// openState opens an existing state directory, unless it is one that somebody
// else could have made.
func openState(p Place) (int, error) {
	if len(p.Names) == 0 {
		return -1, fmt.Errorf("open shim directory: %q names no entry", p)
	}
	in, name := p.parent()
	parent, err := beneath.OpenDir(in.Base, in.Names...)
	if err != nil {
		return -1, fmt.Errorf("open shim directory %s: %w", p, err)
	}
	defer unix.Close(parent)
	dir, err := openOwn(parent, name)
	if err != nil {
		return -1, fmt.Errorf("open shim directory %s: %w", p, err)
	}
	return dir, nil
}

func openOwn(parent int, name string) (int, error) {
	dir, err := beneath.OpenDirAt(parent, name)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(dir, &st); err != nil {
		_ = unix.Close(dir)
		return -1, err
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o077 != 0 {
		_ = unix.Close(dir)
		return -1, errors.New("others can change it")
	}
	return dir, nil
}

// removeState removes what a shim leaves in its directory, and the directory.
func removeState(p Place, dir int) {
	for _, name := range []string{wire.SocketName, wire.RecordName, wire.DraftName} {
		_ = unix.Unlinkat(dir, name, 0)
	}
	in, name := p.parent()
	parent, err := beneath.OpenDir(in.Base, in.Names...)
	if err != nil {
		return
	}
	defer unix.Close(parent)
	_ = unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
}

// readRecord returns the exit record, or fs.ErrNotExist if there is none.
func readRecord(dir int) (*wire.Exit, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := beneath.Retry(func() (int, error) { return unix.Openat(dir, wire.RecordName, flags, 0) })
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, wire.RecordSize)
	n, err := beneath.Retry(func() (int, error) { return unix.Pread(fd, buf, 0) })
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: wire.RecordName, Err: err}
	}
	return wire.ParseRecord(buf[:n])
}
