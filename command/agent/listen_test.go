// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"io"
	"net"
	"testing"
)

// TestListenOnSeveral takes connections on each address, within the limit for one client, and ends with Close.
func TestListenOnSeveral(t *testing.T) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newConnLimiter(newJointListener([]net.Listener{a, b}), 2, "full")
	var held []net.Conn
	for _, at := range []net.Listener{a, b} {
		c, err := net.Dial("tcp", at.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		s, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, s)
	}
	third, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	if told, err := io.ReadAll(third); string(told) != "full" {
		t.Errorf("one too many is told %q, %v", told, err)
	}
	held[0].Close()
	fourth, err := net.Dial("tcp", a.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer fourth.Close()
	if err := <-accepted; err != nil {
		t.Errorf("a place is free again: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
