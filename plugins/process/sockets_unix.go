// SPDX-License-Identifier: MPL-2.0

//go:build unix

package process

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// private reports whether only the user of this process can use a directory.
func private(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.IsDir() && info.Mode().Perm()&0o077 == 0 && int(stat.Uid) == os.Geteuid()
}

// refused reports whether nobody listens any more at a socket that could not be dialled.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}
