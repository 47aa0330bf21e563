// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"slices"
	"sync"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// DefaultBufferSize is how many commits are kept when nothing else is configured.
	DefaultBufferSize = 100
	// defaultPatience is the patience of a new broker.
	defaultPatience = 16 << 10
)

// Errors that end a subscription.
var (
	// ErrSlow means that the subscriber did not read fast enough; it may subscribe again.
	ErrSlow = api.Errorf(api.ClassTooMany, "subscription fell behind the event buffer; read faster or set a larger server { event_buffer_size }")
	// ErrReset means that the state was replaced by a snapshot; it may subscribe again.
	ErrReset = api.Errorf(api.ClassUnavailable, "events were reset by a restored snapshot")
)

// Filter says which events a subscriber wants.
type Filter struct {
	// Topics maps a topic, or TopicAll, to the keys wanted of it; "*" is every key. No topics: all events.
	Topics map[string][]string
	// Namespace limits events of namespaced objects to one namespace; "" and "*" are every namespace.
	Namespace string
	// Allow, if set, is asked for each event that passed the rest.
	Allow func(*api.Event) bool
}

// Broker keeps the newest commits and hands them out as events.
type Broker struct {
	mu struct {
		sync.Mutex
		// kept holds the commits first to next-1, oldest first, and changes how many changes they have.
		kept        []*batch
		first, next uint64
		changes     int
		resets      uint64
		// wake is closed, and cleared, by the next commit; nil while nobody waits.
		wake chan struct{}
	}
	// size is how many commits are kept however many changes they have.
	size int
	// patience is how many changes are kept for subscribers although their commits are more than size: a burst of small
	// commits, as of many nodes that report at once, then drops nobody who reads on.
	patience int
	texts    texts
}

// batch is one commit; its events are made when they are first asked for.
type batch struct {
	index   uint64
	count   int // changes
	once    sync.Once
	changes []state.Change
	events  []*api.Event
	text    batchText
}

func (b *batch) list() []*api.Event {
	b.once.Do(func() {
		b.events = make([]*api.Event, 0, len(b.changes))
		for i := range b.changes {
			if eventful(&b.changes[i]) {
				b.events = append(b.events, makeEvent(&b.changes[i]))
			}
		}
		b.changes = nil
	})
	return b.events
}

// New returns a broker that keeps size commits, DefaultBufferSize when size is not positive. Give its
// Publish to Store.Subscribe and its Reset to Store.OnRestore.
func New(size int) *Broker {
	if size <= 0 {
		size = DefaultBufferSize
	}
	return &Broker{size: size, patience: defaultPatience}
}

// Publish takes the changes of a commit.
func (b *Broker) Publish(changes []state.Change) {
	at := slices.IndexFunc(changes, func(c state.Change) bool { return eventful(&c) })
	if at < 0 {
		return
	}
	next := &batch{index: changes[at].Index, count: len(changes), changes: changes}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.kept = append(b.mu.kept, next)
	b.mu.next++
	b.mu.changes += next.count
	for len(b.mu.kept) > b.size && b.mu.changes > b.patience {
		b.mu.changes -= b.mu.kept[0].count
		b.mu.kept[0] = nil // the slice's array lives on until append moves
		b.mu.kept = b.mu.kept[1:]
		b.mu.first++
	}
	if b.mu.wake != nil {
		close(b.mu.wake)
		b.mu.wake = nil
	}
}

// Reset drops everything and ends all subscriptions with ErrReset.
func (b *Broker) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.kept, b.mu.changes = nil, 0
	b.mu.first = b.mu.next
	b.mu.resets++
	if b.mu.wake != nil {
		close(b.mu.wake)
		b.mu.wake = nil
	}
}

// Subscription reads events in order. It is for one goroutine and needs no closing.
type Subscription struct {
	broker *Broker
	filter Filter
	// key names the filter in the texts that readers share; "" for a filter that shares none.
	key    string
	at     uint64
	resets uint64
}

// Subscribe starts reading at the first commit of the buffer whose index is at least index; with 0, or an older
// one than the buffer has, at its oldest; with one beyond the newest, at the newest.
func (b *Broker) Subscribe(filter Filter, index uint64) *Subscription {
	b.mu.Lock()
	defer b.mu.Unlock()
	oldest := b.mu.first
	if uint64(b.size) < b.mu.next-oldest {
		oldest = b.mu.next - uint64(b.size)
	}
	s := &Subscription{broker: b, filter: filter, key: filter.key(), at: oldest, resets: b.mu.resets}
	if index == 0 {
		return s
	}
	for s.at < b.mu.next && b.at(s.at).index < index {
		s.at++
	}
	if s.at == b.mu.next && s.at > oldest {
		s.at--
	}
	return s
}

// at returns a kept commit. The caller holds the lock.
func (b *Broker) at(n uint64) *batch { return b.mu.kept[n-b.mu.first] }

// Next waits for the next commit with events that pass the filter. It returns ErrSlow, ErrReset or the
// error of ctx when the subscription is over.
func (s *Subscription) Next(ctx context.Context) (*api.EventBatch, error) {
	for {
		b, err := s.wait(ctx)
		if err != nil {
			return nil, err
		}
		if events := s.filter.apply(b.list()); len(events) > 0 {
			return &api.EventBatch{Index: b.index, Events: events}, nil
		}
	}
}

// wait waits for the next commit.
func (s *Subscription) wait(ctx context.Context) (*batch, error) {
	for {
		b, wake, err := s.take()
		if err != nil || b != nil {
			return b, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take returns the next commit, or a channel that is closed when there is one.
func (s *Subscription) take() (*batch, <-chan struct{}, error) {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s.resets != b.mu.resets:
		return nil, nil, ErrReset
	case s.at < b.mu.first:
		return nil, nil, ErrSlow
	case s.at < b.mu.next:
		s.at++
		return b.at(s.at - 1), nil, nil
	}
	if b.mu.wake == nil {
		b.mu.wake = make(chan struct{})
	}
	return nil, b.mu.wake, nil
}

// apply returns the events that pass; the list itself when all do.
func (f *Filter) apply(events []*api.Event) []*api.Event {
	n := 0
	for n < len(events) && f.passes(events[n]) {
		n++
	}
	if n == len(events) {
		return events
	}
	passed := slices.Clone(events[:n])
	for _, e := range events[n+1:] {
		if f.passes(e) {
			passed = append(passed, e)
		}
	}
	return passed
}

func (f *Filter) passes(e *api.Event) bool {
	if f.Namespace != "" && f.Namespace != api.AllNamespaces && e.Namespace != "" && e.Namespace != f.Namespace {
		return false
	}
	if len(f.Topics) > 0 && !wants(f.Topics[e.Topic], e) && !wants(f.Topics[TopicAll], e) {
		return false
	}
	return f.Allow == nil || f.Allow(e)
}

func wants(keys []string, e *api.Event) bool {
	for _, k := range keys {
		if k == TopicAll || k == e.Key || slices.Contains(e.FilterKeys, k) && k != "" {
			return true
		}
	}
	return false
}
