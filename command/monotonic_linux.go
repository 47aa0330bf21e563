// SPDX-License-Identifier: MPL-2.0

package command

import "golang.org/x/sys/unix"

// monotonic is the time of the clock that systemd compares reloads by, in microseconds.
func monotonic() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return t.Nano() / 1000
}
