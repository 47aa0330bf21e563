// SPDX-License-Identifier: MPL-2.0

package process

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// awaitExit returns when a process that need not be a child has ended.
func awaitExit(process *os.Process) {
	fd, err := unix.PidfdOpen(process.Pid, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return
	case err != nil: // kernels before 5.3
		pollExit(process)
		return
	}
	defer unix.Close(fd)
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	for {
		n, err := unix.Poll(fds, -1)
		switch {
		case n > 0:
			return
		case err != nil && !errors.Is(err, unix.EINTR):
			pollExit(process)
			return
		}
	}
}
