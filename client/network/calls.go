// SPDX-License-Identifier: MPL-2.0

package network

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// callPatience bounds what the plugins may take for one namespace, from when it is its turn. They run iptables some forty
// times, which takes a second each where a processor is emulated.
const callPatience = 2 * time.Minute

// calls says when the plugins may be called for a namespace. They run for several side by side, each with its own rules
// and chains. What they share on the host is made by the first call for a network, which is alone.
type calls struct {
	// room is how many may run, turns is what is left of it. Who is alone has all of it.
	room  int64
	turns *semaphore.Weighted
	// sweep looks through what is shared, alone and after untidy was set.
	sweep  func()
	untidy atomic.Bool
	// made are the networks whose shared chains and bridge are there, by name.
	made sync.Map
}

func newCalls(sweep func()) *calls {
	room := int64(max(2, min(runtime.GOMAXPROCS(0), 8)))
	return &calls{room: room, turns: semaphore.NewWeighted(room), sweep: sweep}
}

// beside runs call side by side with others. It returns the error of call, or that of the context if it ends before it
// is its turn.
func (c *calls) beside(ctx context.Context, call func(context.Context) error) error {
	return c.run(ctx, 1, call)
}

// attach is beside, and alone if none has made the network of that name before.
func (c *calls) attach(ctx context.Context, name string, call func(context.Context) error) error {
	if _, made := c.made.Load(name); made {
		return c.beside(ctx, call)
	}
	err := c.run(ctx, c.room, call)
	if err == nil {
		c.made.Store(name, true)
	}
	return err
}

func (c *calls) run(ctx context.Context, weight int64, call func(context.Context) error) error {
	if err := c.turns.Acquire(ctx, weight); err != nil {
		return err
	}
	defer c.tidy()
	defer c.turns.Release(weight)
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	return call(ctx)
}

// tidy sweeps if something has ended and no call runs. Whoever is the last to end finds that none does, so what is untidy
// does not stay so.
func (c *calls) tidy() {
	if !c.untidy.Load() || !c.turns.TryAcquire(c.room) {
		return
	}
	defer c.turns.Release(c.room)
	if c.untidy.Swap(false) {
		c.sweep()
	}
}
