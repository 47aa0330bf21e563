// SPDX-License-Identifier: MPL-2.0

package sim

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/internal/run"
)

// clock calls functions at times, with one timer for all of them.
type clock struct {
	mu struct {
		sync.Mutex
		heap alarmHeap
	}
	earlier chan struct{}
}

type alarm struct {
	at time.Time
	fn func(context.Context)
}

func newClock() *clock { return &clock{earlier: make(chan struct{}, 1)} }

// after has fn called in a goroutine of its own when d has passed.
func (c *clock) after(d time.Duration, fn func(context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{at: time.Now().Add(d), fn: fn}
	heap.Push(&c.mu.heap, a)
	if c.mu.heap[0] == a {
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
	if len(c.mu.heap) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(c.mu.heap[0].at); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&c.mu.heap).(*alarm).fn, 0
}

type alarmHeap []*alarm

func (h alarmHeap) Len() int           { return len(h) }
func (h alarmHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h alarmHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *alarmHeap) Push(x any)        { *h = append(*h, x.(*alarm)) }
func (h *alarmHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return a
}
