// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/codec"
)

// hello opens a node connection.
type hello struct {
	NodeID   string
	SecretID string
}

// maxHello bounds the size of a hello, in bytes.
const maxHello = 4096

// NodeConns holds the connections that clients opened so that a server can run operations on them.
type NodeConns struct {
	// Timing counts for connections that come later.
	Timing Timing

	// verify says whether the secret is the node's.
	verify func(nodeID, secretID string) error

	mu struct {
		sync.Mutex
		conns map[string]*connCaller
	}
}

// NewNodeConns returns a registry that admits the nodes that verify accepts.
func NewNodeConns(verify func(nodeID, secretID string) error) *NodeConns {
	n := &NodeConns{verify: verify}
	n.mu.conns = map[string]*connCaller{}
	return n
}

// Caller returns a caller for the node, false when it is not connected here.
func (n *NodeConns) Caller(nodeID string) (api.Caller, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, ok := n.mu.conns[nodeID]
	if !ok {
		return nil, false
	}
	return c, true
}

func (n *NodeConns) accept(conn net.Conn) error {
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return fmt.Errorf("read node hello: %w", err)
	}
	l := binary.BigEndian.Uint32(size[:])
	if l > maxHello {
		return fmt.Errorf("node hello of %d bytes is too large", l)
	}
	buf := make([]byte, l)
	if _, err := io.ReadFull(conn, buf); err != nil {
		return fmt.Errorf("read node hello: %w", err)
	}
	conn.SetReadDeadline(time.Time{}) //nolint:errcheck // a dead connection fails what comes next
	var h hello
	if err := codec.Unmarshal(buf, &h); err != nil {
		return fmt.Errorf("decode node hello: %w", err)
	}
	if err := n.verify(h.NodeID, h.SecretID); err != nil {
		return err
	}
	tracked := &trackedConn{Conn: conn, closed: make(chan struct{})}
	taken := false
	cc, err := dial("passthrough:///node-"+h.NodeID, n.Timing, func(context.Context, string) (net.Conn, error) {
		if taken {
			return nil, errors.New("node connection closed")
		}
		taken = true
		return tracked, nil
	})
	if err != nil {
		return err
	}
	c := &connCaller{addr: "node " + h.NodeID, cc: cc}
	n.mu.Lock()
	old := n.mu.conns[h.NodeID]
	n.mu.conns[h.NodeID] = c
	n.mu.Unlock()
	if old != nil {
		old.cc.Close()
	}
	cc.Connect()
	go func() {
		<-tracked.closed
		n.mu.Lock()
		if n.mu.conns[h.NodeID] == c {
			delete(n.mu.conns, h.NodeID)
		}
		n.mu.Unlock()
		cc.Close()
	}()
	return nil
}

// trackedConn tells when it was closed.
type trackedConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

// Close closes the connection.
func (t *trackedConn) Close() error {
	t.once.Do(func() { close(t.closed) })
	return t.Conn.Close()
}

// ServeNode opens a node connection to the server at addr and serves the client's operations, which c
// runs, on it until the connection or ctx ends.
func ServeNode(ctx context.Context, addr, nodeID, secretID string, t Timing, c api.Caller) error {
	d := net.Dialer{Timeout: cmp.Or(t.Dial, defaultDial)}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	body, err := codec.Marshal(&hello{NodeID: nodeID, SecretID: secretID})
	if err != nil {
		return err
	}
	frame := append([]byte{byteNode}, binary.BigEndian.AppendUint32(nil, uint32(len(body)))...)
	if _, err := conn.Write(append(frame, body...)); err != nil {
		return err
	}
	tracked := &trackedConn{Conn: conn, closed: make(chan struct{})}
	lis := newQueueListener(conn.LocalAddr())
	lis.put(tracked)
	g := newGRPC(c)
	stop := context.AfterFunc(ctx, g.Stop)
	defer stop()
	go func() {
		<-tracked.closed
		lis.Close()
	}()
	defer g.Stop()
	err = g.Serve(lis)
	if ctx.Err() != nil || errors.Is(err, grpc.ErrServerStopped) {
		return nil
	}
	return err
}
