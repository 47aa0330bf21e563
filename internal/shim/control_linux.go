// SPDX-License-Identifier: MPL-2.0

package shim

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/nomadlike/nomadlike/internal/shim/wire"
)

// socketPath names the socket by the open directory: that is short whatever the
// directory is called (addresses hold 108 bytes), and cannot be redirected.
func socketPath(dir int, _ Place) (path string, release func(), err error) {
	return "/proc/self/fd/" + strconv.Itoa(dir) + "/" + wire.SocketName, func() {}, nil
}

// checkPeer makes sure that it is the shim that listens, or if its number is
// not known a process of this user.
func checkPeer(conn net.Conn, pid int) error {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if int(peer.Uid) != os.Geteuid() || pid != 0 && int(peer.Pid) != pid {
		return fmt.Errorf("process %d of user %d listens in the place of the shim", peer.Pid, peer.Uid)
	}
	return nil
}
