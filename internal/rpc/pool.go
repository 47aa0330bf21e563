// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/nomadlike/nomadlike/api"
)

// Timing bounds what connections do; what is zero has a default.
type Timing struct {
	// Dial is how long a connection may take to open, 5 s by default.
	Dial time.Duration
	// KeepAlive is how long a connection is idle before it is tried, 30 s by default and 10 s at least.
	KeepAlive time.Duration
	// Write is how long the other side may take to take what is written or to answer a trial, 10 s by default.
	Write time.Duration
}

// Pool keeps one connection an address.
type Pool struct {
	// Timing counts for connections that are opened later.
	Timing Timing

	mu struct {
		sync.Mutex
		conns map[string]*connCaller
	}
}

// NewPool returns an empty pool.
func NewPool() *Pool {
	p := &Pool{}
	p.mu.conns = map[string]*connCaller{}
	return p
}

// Caller returns a caller for the agent at addr, host:port; it dials on first use and again after failures.
func (p *Pool) Caller(addr string) (api.Caller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.mu.conns[addr]; c != nil {
		return c, nil
	}
	cc, err := dial("passthrough:///"+addr, p.Timing, func(ctx context.Context, a string) (net.Conn, error) {
		d := net.Dialer{Timeout: cmp.Or(p.Timing.Dial, defaultDial)}
		return d.DialContext(ctx, "tcp", a)
	})
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", addr, err)
	}
	c := &connCaller{addr: addr, cc: cc}
	p.mu.conns[addr] = c
	return c, nil
}

// Close closes every connection.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for a, c := range p.mu.conns {
		c.cc.Close()
		delete(p.mu.conns, a)
	}
}

// Defaults of Timing.
const (
	defaultDial      = 5 * time.Second // a server that does not answer is to be left soon for another
	defaultKeepAlive = 30 * time.Second
	defaultWrite     = 10 * time.Second
)

func dial(target string, t Timing, dialer func(context.Context, string) (net.Conn, error)) (*grpc.ClientConn, error) {
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dialer),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: cmp.Or(t.Dial, defaultDial),
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: cmp.Or(t.KeepAlive, defaultKeepAlive), Timeout: cmp.Or(t.Write, defaultWrite),
		}),
		grpc.WithDisableServiceConfig(),
	)
}
