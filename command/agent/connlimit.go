// SPDX-License-Identifier: MPL-2.0

package agent

import (
	"io"
	"net"
	"sync"
	"time"
)

const (
	// defaultMaxConns is how many connections one address may have.
	defaultMaxConns = 100
	// leastRPCConns is what a limit of RPC connections leaves at least.
	leastRPCConns = 20
	// tooManyRequests is what HTTP clients with too many connections are told.
	tooManyRequests = "HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)

// connLimiter bounds the connections from one address (limits.http_max_conns_per_client, rpc_max_conns_per_client); one
// too many is told so and closed.
type connLimiter struct {
	net.Listener
	max    int
	answer string

	mu struct {
		sync.Mutex
		conns map[string]int
	}
}

// newConnLimiter wraps a listener; max 0 or less is no limit, and answer is what one too many is sent.
func newConnLimiter(l net.Listener, max int, answer string) net.Listener {
	if max <= 0 {
		return l
	}
	c := &connLimiter{Listener: l, max: max, answer: answer}
	c.mu.conns = map[string]int{}
	return c
}

// Accept waits for a connection within the limit.
func (l *connLimiter) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
		if err != nil {
			host = conn.RemoteAddr().String()
		}
		l.mu.Lock()
		full := l.mu.conns[host] >= l.max
		if !full {
			l.mu.conns[host]++
		}
		l.mu.Unlock()
		if !full {
			return &countedConn{Conn: conn, release: func() { l.release(host) }}, nil
		}
		go l.refuse(conn)
	}
}

func (l *connLimiter) refuse(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second)) //nolint:errcheck // best effort
	io.WriteString(conn, l.answer)                //nolint:errcheck // best effort
}

func (l *connLimiter) release(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.conns[host]--; l.mu.conns[host] <= 0 {
		delete(l.mu.conns, host)
	}
}

type countedConn struct {
	net.Conn
	once    sync.Once
	release func()
}

// Close closes the connection and gives its place back.
func (c *countedConn) Close() error {
	c.once.Do(c.release)
	return c.Conn.Close()
}
