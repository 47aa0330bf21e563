// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package allocdir

import (
	"errors"
	"io/fs"
	"os"
)

// errNoTmpfs says that this operating system has no memory file systems to mount; it is no failure.
var errNoTmpfs = errors.New("no memory file systems on this operating system")

func mountTmpfs(*os.Root, string, int, fs.FileMode) error { return errNoTmpfs }

func unmountTmpfs(*os.Root, string) error { return nil }

func bind(*os.Root, *os.Root, string) error {
	return errors.New("directories cannot be mounted on this operating system")
}

func unmountBelow(string) error { return nil }
