// SPDX-License-Identifier: MPL-2.0

package network

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The first call for a network is alone, and those after it run side by side, as many as there is room for.
func TestCallsSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalls(func() {})
		room := int(c.room)
		var mu sync.Mutex
		running, most := 0, 0
		alone := true
		call := func(context.Context) error {
			mu.Lock()
			running++
			most = max(most, running)
			alone = alone && running == 1
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}
		var all sync.WaitGroup
		attach := func(name string) {
			all.Go(func() {
				if err := c.attach(t.Context(), name, call); err != nil {
					t.Error(err)
				}
			})
		}
		attach("nomad")
		synctest.Wait()
		attach("other")
		all.Wait()
		if !alone {
			t.Error("the first calls for two networks ran side by side, want each alone")
		}
		began := time.Now()
		for range 3 * room {
			attach("nomad")
		}
		all.Wait()
		if most != room {
			t.Errorf("%d calls ran side by side, want %d", most, room)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("three rounds of a second took %v", took)
		}
	})
}

// A network that could not be made is made alone the next time.
func TestCallsFirstFails(t *testing.T) {
	c := newCalls(func() {})
	want := errors.New("no bridge")
	if err := c.attach(t.Context(), "nomad", func(context.Context) error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	err := c.attach(t.Context(), "nomad", func(context.Context) error {
		if c.turns.TryAcquire(1) {
			t.Error("others could run beside it")
		}
		return nil
	})
	if _, made := c.made.Load("nomad"); err != nil || !made {
		t.Errorf("made %t: %v", made, err)
	}
}

// The time that a call has begins with its turn, however long it waited for it.
func TestCallsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalls(func() {})
		var all sync.WaitGroup
		for range 5 * c.room {
			all.Go(func() {
				err := c.beside(t.Context(), func(ctx context.Context) error {
					time.Sleep(callPatience / 2)
					return ctx.Err()
				})
				if err != nil {
					t.Errorf("a call that took half of its time: %v", err)
				}
			})
		}
		all.Wait()
		err := c.beside(t.Context(), func(ctx context.Context) error {
			<-ctx.Done() // a plugin that hangs
			return ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v of a call that hangs", err)
		}
		// Who waits for a turn can be told not to.
		for range c.room {
			all.Go(func() {
				_ = c.beside(t.Context(), func(context.Context) error { time.Sleep(time.Second); return nil })
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.beside(ctx, func(context.Context) error { t.Error("it was called"); return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the error of the context", err)
		}
		all.Wait()
	})
}

// What has ended is tidied up after once no call runs, and once only.
func TestCallsTidy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, sweeps atomic.Int64
		c := newCalls(func() {
			sweeps.Add(1)
			if n := running.Load(); n != 0 {
				t.Errorf("%d calls ran when the tables were looked through", n)
			}
		})
		var all sync.WaitGroup
		for i := range 4 * c.room {
			all.Go(func() {
				_ = c.beside(t.Context(), func(context.Context) error {
					running.Add(1)
					time.Sleep(time.Duration(i+1) * time.Second)
					c.untidy.Store(true)
					running.Add(-1)
					return nil
				})
			})
		}
		all.Wait()
		before := sweeps.Load()
		if before == 0 || c.untidy.Load() {
			t.Errorf("%d sweeps, untidy %t", before, c.untidy.Load())
		}
		if err := c.beside(t.Context(), func(context.Context) error { return nil }); err != nil || sweeps.Load() != before {
			t.Errorf("%d sweeps after a call that has ended nothing, want %d: %v", sweeps.Load(), before, err)
		}
	})
}
