// SPDX-License-Identifier: MPL-2.0

package artifact

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/nomadlike/nomadlike/client/allocdir"
)

// move moves an entry, by copying it where the destination is on another file system, as the secrets directory is.
func move(from *os.Root, name string, to *os.Root, newName string, info fs.FileInfo) error {
	err := allocdir.Rename(from, name, to, newName)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		if err := to.Mkdir(newName, mode.Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := own(to, newName, info); err != nil {
			return err
		}
		return mergeDirs(from, name, to, newName)
	case mode&fs.ModeSymlink != 0:
		target, err := from.Readlink(name)
		if err != nil {
			return err
		}
		if err := to.Remove(newName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := to.Symlink(target, newName); err != nil {
			return err
		}
	default:
		if err := copyFile(from, name, to, newName, mode.Perm()); err != nil {
			return err
		}
	}
	return own(to, newName, info)
}

func copyFile(from *os.Root, name string, to *os.Root, newName string, mode fs.FileMode) error {
	src, err := from.Open(name)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := to.Remove(newName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dst, err := to.OpenFile(newName, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if cerr := dst.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = to.Remove(newName)
	}
	return err
}
