// SPDX-License-Identifier: MPL-2.0

package proc

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// StartTime returns the start time of a process in microseconds since 1970, or
// an error if there is no such process.
func StartTime(pid int) (int64, error) {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return 0, err
	}
	if int(info.Proc.P_pid) != pid {
		return 0, unix.ESRCH
	}
	const zombie = 5
	if info.Proc.P_stat == zombie {
		return 0, unix.ESRCH
	}
	at := info.Proc.P_starttime
	return at.Sec*1e6 + int64(at.Usec), nil
}

// BootID identifies the present run of the kernel.
func BootID() string {
	at, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return strconv.FormatInt(at.Sec, 10)
}

// Users is not supported here.
func Users() ([]int, error) { return nil, errors.ErrUnsupported }
