// SPDX-License-Identifier: MPL-2.0

package fs

import (
	"context"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
)

// How often followers look by themselves: with reports of the kernel only to be safe, on file systems
// that send none, without them all the time.
const (
	lookWatched = 10 * time.Second
	lookPolled  = 250 * time.Millisecond
)

// Watcher tells followers when files change. All followers of a client share one.
type Watcher struct {
	kernel kernelWatch
}

// NewWatcher returns a watcher that does nothing until it is used.
func NewWatcher(logger hclog.Logger) *Watcher {
	return &Watcher{kernel: kernelWatch{logger: logger}}
}

// Close ends the reports; followers go on looking by themselves.
func (w *Watcher) Close() error { return w.kernel.close() }

// Changes says when something happens to the files a follower is interested in.
type Changes struct {
	c     chan struct{}
	match func(name string) bool
	every time.Duration
	stop  func()
}

// Watch reports changes of the files in dir whose name matches.
func (w *Watcher) Watch(dir *os.Root, match func(name string) bool) *Changes {
	c := &Changes{c: make(chan struct{}, 1), match: match, every: lookWatched}
	stop, err := w.kernel.add(dir, c)
	if err != nil {
		c.every, stop = lookPolled, func() {}
	}
	c.stop = stop
	return c
}

// Close ends the reports.
func (c *Changes) Close() { c.stop() }

// Wait blocks until there may be something new since Watch or the last Wait.
func (c *Changes) Wait(ctx context.Context) error {
	t := time.NewTimer(c.every)
	defer t.Stop()
	select {
	case <-c.c:
		return nil
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Changes) notify() {
	select {
	case c.c <- struct{}{}:
	default:
	}
}
