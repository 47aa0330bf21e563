// SPDX-License-Identifier: MPL-2.0

// Package run starts named goroutines and waits for them. A Group owns the goroutines it starts: the
// first one that fails, or the end of the parent context, cancels the others, and Wait returns when all
// of them have ended. Every long-lived goroutine of the product is a member of a group, so that a stop
// is complete and a failure has a name. This package imports only the standard library.
package run

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// Group is a set of named goroutines that end together.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup

	mu struct {
		sync.Mutex
		err     error
		running map[string]int
	}
}

// New returns a group whose members end with ctx.
func New(ctx context.Context) *Group {
	g := &Group{}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	g.mu.running = map[string]int{}
	return g
}

// Context returns the context that the members get.
func (g *Group) Context() context.Context { return g.ctx }

// Go starts a member. An error that is not the group's own cancellation stops the whole group and
// becomes the result of Wait, prefixed with the member's name; nil ends only the member. A panic is
// turned into an error with its stack, so that the group still stops in order.
func (g *Group) Go(name string, fn func(ctx context.Context) error) {
	g.mu.Lock()
	g.mu.running[name]++
	g.mu.Unlock()
	g.wg.Go(func() {
		err := g.call(fn)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.mu.running[name]--; g.mu.running[name] == 0 {
			delete(g.mu.running, name)
		}
		if err == nil || g.ctx.Err() != nil && isCancel(err) {
			return
		}
		err = fmt.Errorf("%s: %w", name, err)
		if g.mu.err == nil {
			g.mu.err = err
		}
		g.cancel(err)
	})
}

func (g *Group) call(fn func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(g.ctx)
}

func isCancel(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// Stop asks every member to end; it does not wait.
func (g *Group) Stop() { g.cancel(context.Canceled) }

// Wait blocks until every member has ended and returns the first failure, nil after a plain stop.
func (g *Group) Wait() error {
	g.wg.Wait()
	g.cancel(context.Canceled)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mu.err
}

// Running returns the names of the members that have not ended, sorted, to tell what a stop waits for.
func (g *Group) Running() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	names := make([]string, 0, len(g.mu.running))
	for name := range g.mu.running {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
