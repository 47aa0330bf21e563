// SPDX-License-Identifier: MPL-2.0

package rpc

import (
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

// Pool keeps one connection an address.
type Pool struct {
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
	cc, err := dial("passthrough:///"+addr, func(ctx context.Context, a string) (net.Conn, error) {
		var d net.Dialer
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

func dial(target string, dialer func(context.Context, string) (net.Conn, error)) (*grpc.ClientConn, error) {
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dialer),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(bytesCodec{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithDisableServiceConfig(),
	)
}
