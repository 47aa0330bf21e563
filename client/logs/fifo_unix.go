// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux

package logs

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mkfifoat makes the pipe by its path, because not every Unix can make one beneath an open directory.
// Opening it does go through the directory, so that one made elsewhere is not used.
func mkfifoat(_ int, path, name string, mode uint32) error {
	return unix.Mkfifo(filepath.Join(path, name), mode)
}
