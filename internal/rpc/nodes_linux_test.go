// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"context"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// silent returns the address of a port that answers nobody: its queue is full and not taken from.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(os.NewSyscallError("bind", err))
	}
	if err := unix.Listen(fd, 0); err != nil {
		t.Fatal(os.NewSyscallError("listen", err))
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(os.NewSyscallError("getsockname", err))
	}
	addr := fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port)
	for range 16 {
		conn, err := net.DialTimeout("tcp", addr, 500*time.Millisecond)
		if err != nil {
			return addr
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Skip("the queue of a port never fills up here")
	return ""
}

// TestNodeConnectionTimeout: a node gives a server up that does not answer.
func TestNodeConnectionTimeout(t *testing.T) {
	addr := silent(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := ServeNode(ctx, addr, "n1", "s", Timing{Dial: 50 * time.Millisecond}, newTwin())
	if err == nil || ctx.Err() != nil {
		t.Errorf("ServeNode = %v, it was waited for until the end: %v", err, ctx.Err())
	}
}
