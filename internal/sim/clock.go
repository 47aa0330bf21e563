// SPDX-License-Identifier: MPL-2.0

package sim

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/pqueue"
	"github.com/nomadlike/nomadlike/internal/run"
)

// clock calls functions at times, with one timer for all of them.
type clock struct {
	mu struct {
		sync.Mutex
		alarms *pqueue.Queue[*alarm]
	}
	earlier chan struct{}
}

type alarm struct {
	at time.Time
	fn func(context.Context)
}

func newClock() *clock {
	c := &clock{earlier: make(chan struct{}, 1)}
	c.mu.alarms = pqueue.New(func(a, b *alarm) bool { return a.at.Before(b.at) }, nil)
	return c
}

// after has fn called in a goroutine of its own when d has passed.
func (c *clock) after(d time.Duration, fn func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{at: time.Now().Add(d), fn: fn}
	c.mu.alarms.Push(a)
	if first, _ := c.mu.alarms.First(); first == a {
		select {
		case c.earlier <- struct{}{}:
		default:
		}
	}
}

func (c *clock) run(ctx context.Context, g *run.Group) error {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		case <-c.earlier:
		}
		for {
			fn, next := c.due()
			if fn == nil {
				t.Reset(next)
				break
			}
			g.Go("alarm", func(ctx context.Context) error {
				fn(ctx)
				return nil
			})
		}
	}
}

func (c *clock) due() (func(context.Context), time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, ok := c.mu.alarms.First()
	if !ok {
		return nil, time.Hour
	}
	if wait := time.Until(first.at); wait > 0 {
		return nil, wait
	}
	return c.mu.alarms.Pop().fn, 0
}
