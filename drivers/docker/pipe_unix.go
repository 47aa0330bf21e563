// SPDX-License-Identifier: MPL-2.0

//go:build unix

package docker

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openPipe opens a named pipe of the host. Reading as well means that opening
// never waits for a reader, and that a reader may go away for a while.
func openPipe(path string) (*os.File, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open log pipe %s: %w", path, err)
	}
	file := os.NewFile(uintptr(fd), path)
	if st, err := file.Stat(); err != nil || st.Mode()&os.ModeNamedPipe == 0 {
		_ = file.Close()
		return nil, errors.Join(err, fmt.Errorf("open log pipe %s: it is not a named pipe", path))
	}
	return file, nil
}
