// SPDX-License-Identifier: MPL-2.0

//go:build unix && !linux

package supervisor

import "golang.org/x/sys/unix"

// killRest kills the process groups that the shim started. Without a way to
// adopt orphans, processes that left those groups are out of reach.
func (s *supervisor) killRest() {
	_ = unix.Kill(-s.pid, unix.SIGKILL)
	for pid := range s.sessions {
		_ = unix.Kill(-pid, unix.SIGKILL)
	}
}
