// SPDX-License-Identifier: MPL-2.0

package embed

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Open returns the program as a file without a name that nobody can change any
// more. It needs no directory, and can be run as long as it is open; a process
// that runs it keeps it.
func Open() (*os.File, error) {
	if !Present() {
		return nil, ErrAbsent
	}
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("nomadlike-shim", flags|unix.MFD_EXEC)
	if err == unix.EINVAL {
		// Kernels before 6.3 do not know MFD_EXEC and always allow it.
		fd, err = unix.MemfdCreate("nomadlike-shim", flags)
	}
	if err != nil {
		return nil, fmt.Errorf("create shim program in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), "nomadlike-shim")
	if _, err := f.Write(image); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("write shim program to memory: %w", err)
	}
	const seals = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("seal shim program: %w", err)
	}
	return f, nil
}
