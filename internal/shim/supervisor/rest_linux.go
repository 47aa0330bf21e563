// SPDX-License-Identifier: MPL-2.0

package supervisor

import (
	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/proc"
)

// killRest kills all descendants of the shim. A signal to a process group
// reaches all its members at once, so none escapes by forking; one that opens a
// new group with each fork is met again by the next call.
func (s *supervisor) killRest() {
	rest, err := proc.Descendants(s.self)
	if err != nil {
		return
	}
	own := unix.Getpgrp()
	groups := make(map[int]bool)
	for _, p := range rest {
		if p.Group != own && p.Group > 1 && !groups[p.Group] {
			groups[p.Group] = true
			_ = unix.Kill(-p.Group, unix.SIGKILL)
		}
	}
	for _, p := range rest {
		_ = unix.Kill(p.PID, unix.SIGKILL)
	}
}
