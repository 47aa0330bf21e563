// SPDX-License-Identifier: MPL-2.0

package task

import (
	"context"
	"sync"
	"time"

	"github.com/nomadlike/nomadlike/plugins/drivers"
)

// Usage is measured only while somebody asks, because measuring a thousand tasks each second is work.
const (
	usageInterval = time.Second
	usageLinger   = time.Minute
	usageWait     = 3 * time.Second
)

// Usage returns the newest sample of the task's resource use, nil when it does not run or its driver does
// not tell. The first call for a while waits for a sample.
func (r *Runner) Usage(ctx context.Context) *drivers.TaskStats {
	driver, id := r.Driver()
	if driver == nil {
		return nil
	}
	r.mu.Lock()
	s := r.mu.usage
	if s == nil || s.ended() {
		s = newUsageStream(ctx, driver, id)
		r.mu.usage = s
	}
	r.mu.Unlock()
	return s.latest(ctx)
}

// usageStream reads the statistics of one running task for as long as they are asked for.
type usageStream struct {
	stop  context.CancelFunc
	done  chan struct{}
	first chan struct{}

	mu struct {
		sync.Mutex
		sample *drivers.TaskStats
		asked  time.Time
	}
}

// newUsageStream starts to measure; it goes on after the caller who asked first.
func newUsageStream(ctx context.Context, driver drivers.Driver, id string) *usageStream {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s := &usageStream{stop: cancel, done: make(chan struct{}), first: make(chan struct{})}
	s.mu.asked = time.Now()
	go s.read(ctx, driver, id)
	return s
}

func (s *usageStream) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func (s *usageStream) read(ctx context.Context, driver drivers.Driver, id string) {
	defer close(s.done)
	defer s.stop()
	stream, err := driver.TaskStats(ctx, id, usageInterval)
	if err != nil {
		return
	}
	seen := false
	for sample := range stream {
		if sample.Err != nil {
			return
		}
		s.mu.Lock()
		s.mu.sample = sample
		idle := time.Since(s.mu.asked) > usageLinger
		s.mu.Unlock()
		if !seen {
			seen = true
			close(s.first)
		}
		if idle {
			return
		}
	}
}

// latest returns the newest sample, waiting a short time for the first.
func (s *usageStream) latest(ctx context.Context) *drivers.TaskStats {
	s.mu.Lock()
	s.mu.asked = time.Now()
	s.mu.Unlock()
	t := time.NewTimer(usageWait)
	defer t.Stop()
	select {
	case <-s.first:
	case <-s.done:
	case <-t.C:
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sample
}
