// SPDX-License-Identifier: MPL-2.0

package process

import (
	"net"

	"golang.org/x/sys/unix"
)

// endListener kills the process that listens at the other end of a connection.
// The system names the process itself, not its number, so none that got its
// number later is hit.
func endListener(conn *net.UnixConn) bool {
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var peer *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil || failed != nil || peer.Pid <= 0 {
		return false
	}
	return unix.Kill(int(peer.Pid), unix.SIGKILL) == nil
}
