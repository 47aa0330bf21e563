// SPDX-License-Identifier: MPL-2.0

package rpc

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/nomadlike/nomadlike/api"
)

// Servers is the client side's view of the servers: a Caller that sticks to one server and moves to the
// next when that one is not reachable, has no leader or does not answer in time.
type Servers struct {
	pool *Pool

	mu struct {
		sync.Mutex
		addrs []string
		cur   int
		// home are the servers that the configuration names.
		home []string
		// stays ends when another server than addrs[cur] is the present one.
		stays context.Context //nolint:containedctx // it is that of the present server, not of a call
		leave context.CancelFunc
	}
}

// NewServers returns a caller over the servers at addrs, host:port, which it never forgets.
func NewServers(pool *Pool, addrs []string) *Servers {
	s := &Servers{pool: pool}
	s.mu.stays, s.mu.leave = context.WithCancel(context.Background())
	s.SetHome(addrs)
	return s
}

// SetHome replaces the known servers by those that the configuration names. They are tried whenever no other known server
// is reachable: who told of those may have heard of few, and they may all be gone.
func (s *Servers) SetHome(addrs []string) {
	s.mu.Lock()
	s.mu.home = slices.Clone(addrs)
	s.mu.Unlock()
	s.Set(addrs)
}

// Set replaces the known servers; the present one is kept when it is still among them. An empty list
// changes nothing.
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
	if s.mu.addrs[s.mu.cur] != present {
		s.movedLocked()
	}
}

// Addrs returns the known servers, the present one first.
func (s *Servers) Addrs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addrsLocked()
}

func (s *Servers) addrsLocked() []string {
	if len(s.mu.addrs) == 0 {
		return nil
	}
	return append(slices.Clone(s.mu.addrs[s.mu.cur:]), s.mu.addrs[:s.mu.cur]...)
}

// all returns the known servers, the present one first, and those of the configuration that are not among them.
func (s *Servers) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := s.addrsLocked()
	for _, addr := range s.mu.home {
		if !slices.Contains(addrs, addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// fail moves on from addr.
func (s *Servers) fail(addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.mu.addrs); n > 1 && s.mu.addrs[s.mu.cur] == addr {
		s.mu.cur = (s.mu.cur + 1) % n
		s.movedLocked()
	}
}

func (s *Servers) movedLocked() {
	s.mu.leave()
	s.mu.stays, s.mu.leave = context.WithCancel(context.Background())
}

// each tries f with one server after the other while they are not reachable or have no leader, unless the request may have
// been carried out already and must not be once more.
func (s *Servers) each(ctx context.Context, op *api.OpInfo, req api.Request, f func(addr string, c api.Caller) error) error {
	err := error(api.Errorf(api.ClassUnavailable, "no servers known; set client.servers or server_join"))
	for _, addr := range s.all() {
		var c api.Caller
		if c, err = s.pool.Caller(addr); err == nil {
			err = f(addr, c)
		}
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			return err // whoever asked has left
		case ctx.Err() != nil, api.IsClass(err, api.ClassTimeout), api.IsClass(err, api.ClassUnknown) && !op.Elsewhere(req, err):
			s.fail(addr)
			return err
		case !op.Elsewhere(req, err):
			return err
		}
		s.fail(addr)
	}
	return err
}

// waiting calls f for a read that waits for a change, which ends when addr is no longer the present server: what keeps
// others from it may keep the change from it, too.
func (s *Servers) waiting(ctx context.Context, addr string, f func(context.Context) error) error {
	s.mu.Lock()
	stays, present := s.mu.stays, len(s.mu.addrs) > 0 && s.mu.addrs[s.mu.cur] == addr
	s.mu.Unlock()
	if !present {
		return errMoved
	}
	waitCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(stays, cancel)()
	if err := f(waitCtx); err == nil || ctx.Err() != nil || waitCtx.Err() == nil {
		return err
	}
	return errMoved
}

var errMoved = api.Errorf(api.ClassUnavailable, "another server is asked now")

// Call runs the operation on a server.
func (s *Servers) Call(ctx context.Context, op *api.OpInfo, req api.Request, resp any) (*api.Meta, error) {
	var meta *api.Meta
	read, ok := req.(api.ReadRequest)
	waits := ok && read.Read().MinIndex > 0
	err := s.each(ctx, op, req, func(addr string, c api.Caller) error {
		call := func(ctx context.Context) (err error) {
			meta, err = c.Call(ctx, op, req, resp)
			return err
		}
		if waits {
			return s.waiting(ctx, addr, call)
		}
		return call(ctx)
	})
	return meta, err
}

// Open starts the streaming operation on a server.
func (s *Servers) Open(ctx context.Context, op *api.OpInfo, req api.Request) (api.Stream, error) {
	var st api.Stream
	err := s.each(ctx, op, req, func(_ string, c api.Caller) (err error) {
		st, err = c.Open(ctx, op, req)
		return err
	})
	return st, err
}
