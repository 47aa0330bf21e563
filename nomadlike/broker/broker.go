// SPDX-License-Identifier: MPL-2.0

package broker

import (
	"sync"
	"time"

	"github.com/hashicorp/go-metrics"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/internal/pqueue"
)

// Config holds the timing of a Broker; see EnsureDefaults.
type Config struct {
	// NackTimeout is how long a worker may hold an evaluation.
	NackTimeout time.Duration
	// DeliveryLimit is how often an evaluation is handed out before it fails.
	DeliveryLimit int
	// FirstNackDelay and NextNackDelay are the waits before an evaluation that was given back is handed
	// out again, the first and the later times.
	FirstNackDelay time.Duration
	NextNackDelay  time.Duration
	// Metrics takes how long evaluations wait and are worked on; nil for nobody.
	Metrics *metrics.Metrics
}

// EnsureDefaults sets what is unset to the values of the contract: 60s, 3, 1s and 20s.
func (c *Config) EnsureDefaults() {
	if c.NackTimeout <= 0 {
		c.NackTimeout = 60 * time.Second
	}
	if c.DeliveryLimit <= 0 {
		c.DeliveryLimit = 3
	}
	if c.FirstNackDelay <= 0 {
		c.FirstNackDelay = time.Second
	}
	if c.NextNackDelay <= 0 {
		c.NextNackDelay = 20 * time.Second
	}
}

// Broker hands out pending evaluations: by priority, then by age, and never two of one job at a time.
// Those of a job that wait behind another one collapse into the newest when that one is done; the rest
// is for the caller to cancel, see Cancelable. An evaluation that is handed out must be acknowledged or
// given back within the nack timeout; after too many failures it moves to FailedQueue.
//
// A disabled broker holds nothing. All methods are safe for concurrent use.
type Broker struct {
	cfg Config

	mu struct {
		sync.Mutex
		enabled bool
		items   map[string]*item
		ready   map[string]*pqueue.Queue[*item]
		delayed *pqueue.Queue[*item]
		jobs    map[jobKey]*jobSlot
		// cancelable are superseded evaluations.
		cancelable []*api.Evaluation
		// wake is closed, and replaced, when something became ready and somebody waits.
		wake    chan struct{}
		waiters int
		// timer fires at the first delayed evaluation; timerAt is that time.
		timer   *time.Timer
		timerAt time.Time
	}
}

// jobSlot serialises the evaluations of one job.
type jobSlot struct {
	holder  *item
	pending map[*item]struct{}
}

// NewBroker returns a disabled broker.
func NewBroker(cfg Config) *Broker {
	cfg.EnsureDefaults()
	b := &Broker{cfg: cfg}
	b.resetLocked()
	return b
}

func (b *Broker) resetLocked() {
	for _, it := range b.mu.items {
		stopTimer(it)
	}
	if b.mu.timer != nil {
		b.mu.timer.Stop()
	}
	b.mu.items = map[string]*item{}
	b.mu.ready = map[string]*pqueue.Queue[*item]{}
	b.mu.delayed = delayedQueue()
	b.mu.jobs = map[jobKey]*jobSlot{}
	b.mu.cancelable = nil
	b.mu.timer = nil
	if b.mu.wake == nil {
		b.mu.wake = make(chan struct{})
	}
}

func stopTimer(it *item) {
	if it.nack != nil {
		it.nack.Stop()
		it.nack = nil
	}
}

// SetEnabled switches the broker on or off; switching off drops everything it holds.
func (b *Broker) SetEnabled(enabled bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.enabled == enabled {
		return
	}
	b.mu.enabled = enabled
	b.resetLocked()
}

// Enabled reports whether the broker is on.
func (b *Broker) Enabled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.enabled
}

// Enqueue adds evaluations. One that the broker already holds is ignored, except that a newer version
// (by modify index) of one that is handed out is queued when that is acknowledged.
func (b *Broker) Enqueue(evals ...*api.Evaluation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.mu.enabled {
		return
	}
	for _, e := range evals {
		b.enqueueLocked(e)
	}
}

func (b *Broker) enqueueLocked(e *api.Evaluation) {
	if it := b.mu.items[e.ID]; it != nil {
		switch {
		case e.ModifyIndex <= it.eval.ModifyIndex:
		case it.place == placeOut || it.place == placeFailed:
			it.again = e
		default:
			dequeues := it.dequeues
			b.removeLocked(it)
			b.addLocked(&item{eval: e, dequeues: dequeues})
		}
		return
	}
	b.addLocked(&item{eval: e})
}

func (b *Broker) addLocked(it *item) {
	b.mu.items[it.eval.ID], it.queued = it, time.Now()
	if at := startTime(it.eval); time.Until(at) > 0 {
		b.delayLocked(it, at)
		return
	}
	b.queueLocked(it)
}

// startTime returns when the evaluation may be handed out first.
func startTime(e *api.Evaluation) time.Time {
	switch {
	case e.WaitUntil != nil:
		return *e.WaitUntil
	case e.Wait > 0 && e.ModifyTime > 0:
		return time.Unix(0, e.ModifyTime).Add(e.Wait)
	case e.Wait > 0:
		return time.Now().Add(e.Wait)
	}
	return time.Time{}
}

func (b *Broker) delayLocked(it *item, at time.Time) {
	it.place, it.at = placeDelayed, at
	b.mu.delayed.Push(it)
	b.armLocked()
}

// armLocked makes the timer fire at the first delayed evaluation.
func (b *Broker) armLocked() {
	first, ok := b.mu.delayed.First()
	if !ok {
		return
	}
	at := first.at
	if b.mu.timer != nil {
		if b.mu.timerAt.Equal(at) {
			return
		}
		b.mu.timer.Stop()
	}
	b.mu.timerAt = at
	var timer *time.Timer
	timer = time.AfterFunc(max(0, time.Until(at)), func() { b.fire(&timer) })
	b.mu.timer = timer
}

func (b *Broker) fire(timer **time.Timer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mu.timer != *timer { // replaced or switched off
		return
	}
	b.mu.timer = nil
	now := time.Now()
	for first, ok := b.mu.delayed.First(); ok && !first.at.After(now); first, ok = b.mu.delayed.First() {
		b.queueLocked(b.mu.delayed.Pop())
	}
	b.armLocked()
}

// queueLocked makes the item ready, or pending when another one of its job is before it.
func (b *Broker) queueLocked(it *item) {
	key := keyOf(it.eval)
	slot := b.mu.jobs[key]
	if slot == nil {
		slot = &jobSlot{}
		b.mu.jobs[key] = slot
	}
	if slot.holder != nil {
		it.place = placePending
		if slot.pending == nil {
			slot.pending = map[*item]struct{}{}
		}
		slot.pending[it] = struct{}{}
		return
	}
	slot.holder = it
	it.place, it.ready = placeReady, time.Now()
	b.pushLocked(it.eval.Type, it)
}

func (b *Broker) pushLocked(queue string, it *item) {
	q := b.mu.ready[queue]
	if q == nil {
		q = readyQueue()
		b.mu.ready[queue] = q
	}
	q.Push(it)
	b.wakeLocked()
}

func (b *Broker) wakeLocked() {
	if b.mu.waiters > 0 {
		close(b.mu.wake)
		b.mu.wake = make(chan struct{})
		b.mu.waiters = 0
	}
}
