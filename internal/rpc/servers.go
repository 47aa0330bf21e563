// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"context"
	"slices"
	"sync"

	"github.com/nomadlike/nomadlike/api"
)

// Servers is the client side's view of the servers: a Caller that sticks to one server and moves to the
// next when that one is not reachable.
type Servers struct {
	pool *Pool

	mu struct {
		sync.Mutex
		addrs []string
		cur   int
	}
}

// NewServers returns a caller over the servers at addrs, host:port.
func NewServers(pool *Pool, addrs []string) *Servers {
	s := &Servers{pool: pool}
	s.Set(addrs)
	return s
}

// Set replaces the known servers; the present one is kept when it is still among them. An empty list
// changes nothing, so that a client never forgets its way home.
func (s *Servers) Set(addrs []string) {
	if len(addrs) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	present := ""
	if s.mu.cur < len(s.mu.addrs) {
		present = s.mu.addrs[s.mu.cur]
	}
	s.mu.addrs = slices.Clone(addrs)
	s.mu.cur = max(0, slices.Index(s.mu.addrs, present))
}

// Addrs returns the known servers, the present one first.
func (s *Servers) Addrs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.mu.addrs) == 0 {
		return nil
	}
	return append(slices.Clone(s.mu.addrs[s.mu.cur:]), s.mu.addrs[:s.mu.cur]...)
}

// fail moves on from addr.
func (s *Servers) fail(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.mu.addrs); n > 0 && s.mu.addrs[s.mu.cur] == addr {
		s.mu.cur = (s.mu.cur + 1) % n
	}
}

// each tries f with one server after the other while they are not reachable, unless the request may have been carried
// out already and must not be once more.
func (s *Servers) each(ctx context.Context, op *api.OpInfo, req api.Request, f func(api.Caller) error) error {
	err := error(api.Errorf(api.ClassUnavailable, "no servers known; set client.servers or server_join"))
	for _, addr := range s.Addrs() {
		var c api.Caller
		if c, err = s.pool.Caller(addr); err == nil {
			err = f(c)
		}
		lost := api.IsClass(err, api.ClassUnavailable) || api.IsClass(err, api.ClassUnknown)
		if !lost || ctx.Err() != nil {
			return err
		}
		s.fail(addr)
		if !op.Elsewhere(req, err) {
			return err
		}
	}
	return err
}

// Call runs the operation on a server.
func (s *Servers) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	var meta *api.Meta
	err := s.each(ctx, op, req, func(c api.Caller) (err error) {
		meta, err = c.Call(ctx, op, req, resp)
		return err
	})
	return meta, err
}

// Open starts the streaming operation on a server.
func (s *Servers) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	var st api.Stream
	err := s.each(ctx, op, req, func(c api.Caller) (err error) {
		st, err = c.Open(ctx, op, req)
		return err
	})
	return st, err
}
