// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// listen binds the port on each of the addresses.
func listen(key string, addrs []string, port int) (net.Listener, error) {
	var all []net.Listener
	for _, host := range addrs {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			all = append(all, l)
			continue
		}
		for _, l := range all {
			l.Close()
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("port %d on %s is taken, perhaps by another agent; set ports { %s = ... } to use another: %w", port, host, key, err)
		}
		return nil, fmt.Errorf("listen for %s: %w", key, err)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return newJointListener(all), nil
}

// jointListener is several listeners as one; its address is that of the first.
type jointListener struct {
	all   []net.Listener
	conns chan net.Conn
	fails chan error
	done  chan struct{}
	once  sync.Once
}

func newJointListener(all []net.Listener) *jointListener {
	j := &jointListener{all: all, conns: make(chan net.Conn), fails: make(chan error), done: make(chan struct{})}
	for _, l := range all {
		go j.pump(l) // ends with Close
	}
	return j
}

func (j *jointListener) pump(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			select {
			case j.fails <- err:
				if errors.Is(err, net.ErrClosed) {
					return
				}
				continue
			case <-j.done:
				return
			}
		}
		select {
		case j.conns <- conn:
		case <-j.done:
			conn.Close()
			return
		}
	}
}

// Accept waits for a connection on any of the addresses.
func (j *jointListener) Accept() (net.Conn, error) {
	select {
	case c := <-j.conns:
		return c, nil
	case err := <-j.fails:
		return nil, err
	case <-j.done:
		return nil, net.ErrClosed
	}
}

// Close closes every listener.
func (j *jointListener) Close() error {
	var errs []error
	j.once.Do(func() {
		close(j.done)
		for _, l := range j.all {
			errs = append(errs, l.Close())
		}
	})
	return errors.Join(errs...)
}

// Addr is the first address.
func (j *jointListener) Addr() net.Addr { return j.all[0].Addr() }
