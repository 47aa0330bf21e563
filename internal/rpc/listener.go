// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/nomadlike/nomadlike/api"
)

// handshakeTimeout is how long a new connection may take to say what it is, unless configured.
const handshakeTimeout = 5 * time.Second

// ServerConfig of a Server.
type ServerConfig struct {
	// Caller runs the operations that arrive.
	Caller api.Caller
	// Nodes takes the connections of clients; nil refuses them.
	Nodes *NodeConns
	// HandshakeTimeout is how long a new connection may take to say what it is; nil for 5 s, 0 for no limit.
	HandshakeTimeout *time.Duration
	Logger           hclog.Logger
}

// Server serves one RPC port: gRPC operations, raft and node connections.
type Server struct {
	cfg  ServerConfig
	log  hclog.Logger
	lis  net.Listener
	grpc *queueListener
	raft *queueListener
	done chan struct{}
	once sync.Once
}

// NewServer returns a server on lis; it does nothing before Run.
func NewServer(lis net.Listener, cfg ServerConfig) *Server {
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	return &Server{
		cfg: cfg, log: cfg.Logger.Named("rpc"), lis: lis,
		grpc: newQueueListener(lis.Addr()), raft: newQueueListener(lis.Addr()), done: make(chan struct{}),
	}
}

// Addr is the address the server listens on.
func (s *Server) Addr() net.Addr { return s.lis.Addr() }

// Run serves until ctx ends or the listener fails.
func (s *Server) Run(ctx context.Context) error {
	g := newGRPC(s.cfg.Caller)
	errc := make(chan error, 1)
	go func() { errc <- g.Serve(s.grpc) }()
	stop := context.AfterFunc(ctx, func() { s.close() })
	defer stop()
	defer g.Stop()
	for {
		conn, err := s.lis.Accept()
		if err != nil {
			s.close()
			if ctx.Err() != nil {
				return nil
			}
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				continue
			}
			return err
		}
		go s.sort(conn)
	}
}

func (s *Server) close() {
	s.once.Do(func() {
		close(s.done)
		s.lis.Close()
		s.grpc.Close()
		s.raft.Close()
	})
}

// sort reads a connection's first byte and hands it to whom it is for.
func (s *Server) sort(conn net.Conn) {
	if patience := api.Or(s.cfg.HandshakeTimeout, handshakeTimeout); patience > 0 {
		conn.SetReadDeadline(time.Now().Add(patience)) //nolint:errcheck // a dead connection fails the read
	}
	br := bufio.NewReaderSize(conn, 64)
	b, err := br.Peek(1)
	if err != nil {
		conn.Close()
		return
	}
	pc := &peekedConn{Conn: conn, r: br}
	if b[0] != byteNode { // the deadline is for all that a node says of itself
		conn.SetReadDeadline(time.Time{}) //nolint:errcheck // see above
	}
	switch b[0] {
	case byteRaft:
		br.Discard(1) //nolint:errcheck // it was peeked
		s.raft.put(pc)
	case byteNode:
		br.Discard(1) //nolint:errcheck // it was peeked
		if s.cfg.Nodes == nil {
			conn.Close()
			return
		}
		if err := s.cfg.Nodes.accept(pc); err != nil {
			s.log.Warn("node connection refused", "remote", conn.RemoteAddr().String(), "error", err)
			conn.Close()
		}
	default:
		s.grpc.put(pc)
	}
}

// RaftLayer returns raft's transport over this port; advertise is the address peers dial.
func (s *Server) RaftLayer(advertise net.Addr) raft.StreamLayer {
	return &raftLayer{queueListener: s.raft, advertise: advertise, closed: make(chan struct{})}
}

// raftLayer is open until raft closes it, also when the port has been closed before: raft takes the end of a port that it
// did not close itself for an error.
type raftLayer struct {
	*queueListener
	advertise net.Addr
	closed    chan struct{}
	closeOnce sync.Once
}

// Accept waits for a connection.
func (l *raftLayer) Accept() (net.Conn, error) {
	select {
	case c := <-l.ch:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *raftLayer) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.queueListener.Close()
}

// Addr returns the address that peers dial.
func (l *raftLayer) Addr() net.Addr { return l.advertise }

// Dial opens a raft connection.
func (l *raftLayer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", string(address), timeout)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte{byteRaft}); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// peekedConn reads what was peeked first.
type peekedConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *peekedConn) Read(p []byte) (int, error) {
	if c.r != nil {
		n, err := c.r.Read(p)
		if c.r.Buffered() == 0 {
			c.r = nil // from here on the connection is read directly
		}
		return n, err
	}
	return c.Conn.Read(p)
}

// queueListener is a net.Listener whose connections are put into it.
type queueListener struct {
	addr net.Addr
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newQueueListener(addr net.Addr) *queueListener {
	return &queueListener{addr: addr, ch: make(chan net.Conn, 64), done: make(chan struct{})}
}

func (l *queueListener) put(c net.Conn) {
	select {
	case l.ch <- c:
	case <-l.done:
		c.Close()
	}
}

// Accept waits for a connection.
func (l *queueListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ch:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (l *queueListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr returns the port's address.
func (l *queueListener) Addr() net.Addr { return l.addr }
