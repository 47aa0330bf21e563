// SPDX-License-Identifier: MPL-2.0

package events

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/nomadlike/nomadlike/api"
	"github.com/nomadlike/nomadlike/nomadlike/state"
)

const (
	// DefaultBufferSize is how many batches are kept when nothing else is configured.
	DefaultBufferSize = 100
	// defaultPatience is the patience of a new broker.
	defaultPatience = 64 << 10
	// batchChanges is how many changes of one commit make a batch; a commit of more becomes several.
	batchChanges = 512
	// textBudget is about how much JSON is kept for readers that come later, in bytes.
	textBudget = 64 << 20
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
		// kept holds the batches first to next-1, oldest first, and changes how many changes they have.
		kept        []*batch
		first, next uint64
		changes     int
		// text is how many bytes of JSON the batches hold.
		text   int
		resets uint64
		// wake is closed, and cleared, by the next commit; nil while nobody waits.
		wake    chan struct{}
		readers map[*Subscription]struct{}
	}
	// size is how many batches are kept in any case.
	size int
	// patience is how many changes are kept beyond that for subscribers that have not read them yet: a burst, as of a large
	// job or of many nodes that report at once, then drops nobody who reads on.
	patience int
	// average is the size of the events encoded last, in bytes, to make room for the next ones.
	average atomic.Int64
}

// batch is one commit, or a part of a large one; its events are made when they are first asked for.
type batch struct {
	number  uint64
	index   uint64
	count   int // changes
	once    sync.Once
	changes []state.Change
	events  []*api.Event
	text    batchText
	// textSize is how much of the broker's text is here, and due how many subscribers are not past it. The broker's lock
	// guards both.
	textSize, due int
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

// New returns a broker that keeps size batches, DefaultBufferSize when size is not positive. Give its
// Publish to Store.Subscribe and its Reset to Store.OnRestore.
func New(size int) *Broker {
	if size <= 0 {
		size = DefaultBufferSize
	}
	b := &Broker{size: size, patience: defaultPatience}
	b.mu.readers = map[*Subscription]struct{}{}
	return b
}

// Publish takes the changes of a commit.
func (b *Broker) Publish(changes []state.Change) {
	var added []*batch
	for part := range slices.Chunk(changes, batchChanges) {
		if at := slices.IndexFunc(part, func(c state.Change) bool { return eventful(&c) }); at >= 0 {
			added = append(added, &batch{index: part[at].Index, count: len(part), changes: part})
		}
	}
	if len(added) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, next := range added {
		next.number, next.due = b.mu.next, len(b.mu.readers)
		b.mu.kept = append(b.mu.kept, next)
		b.mu.next++
		b.mu.changes += next.count
	}
	b.trimLocked()
	b.wakeLocked()
}

// trimLocked drops the oldest batches when there are more than the broker's size, and that many changes more than
// its patience with subscribers that have not read them.
func (b *Broker) trimLocked() {
	if len(b.mu.kept) <= b.size {
		return
	}
	wanted := b.mu.next
	for s := range b.mu.readers {
		wanted = min(wanted, s.at)
	}
	for len(b.mu.kept) > b.size && (b.mu.changes > b.patience || b.mu.first < wanted) {
		old := b.mu.kept[0]
		b.mu.changes -= old.count
		b.mu.text -= old.textSize
		b.mu.kept[0] = nil // the slice's array lives on until append moves
		b.mu.kept = b.mu.kept[1:]
		b.mu.first++
	}
}

func (b *Broker) wakeLocked() {
	if b.mu.wake != nil {
		close(b.mu.wake)
		b.mu.wake = nil
	}
}

// Reset drops everything and ends all subscriptions with ErrReset.
func (b *Broker) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.kept, b.mu.changes, b.mu.text = nil, 0, 0
	b.mu.first = b.mu.next
	b.mu.resets++
	b.wakeLocked()
}

// Subscription reads events in order. It is for one goroutine, which closes it at the end.
type Subscription struct {
	broker *Broker
	filter Filter
	// key names the filter in the texts that readers share; "" for a filter that shares none.
	key string
	// at is the number of the next batch, and held the one before it while the reader is at it. The broker's lock guards
	// both.
	at     uint64
	held   *batch
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
	for s.at < b.mu.next && b.atLocked(s.at).index < index {
		s.at++
	}
	if s.at == b.mu.next && s.at > oldest {
		s.at--
	}
	b.mu.readers[s] = struct{}{}
	for n := s.at; n < b.mu.next; n++ {
		b.atLocked(n).due++
	}
	return s
}

// Close ends the subscription.
func (s *Subscription) Close() {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, open := b.mu.readers[s]; !open {
		return
	}
	delete(b.mu.readers, s)
	s.releaseLocked()
	if s.resets != b.mu.resets {
		return
	}
	for n := max(s.at, b.mu.first); n < b.mu.next; n++ {
		b.readLocked(b.atLocked(n))
	}
}

// releaseLocked lets go of the batch that was taken last.
func (s *Subscription) releaseLocked() {
	if s.held != nil {
		s.broker.readLocked(s.held)
		s.held = nil
	}
}

// readLocked notes that a subscriber is past the batch. Its text goes with the last one.
func (b *Broker) readLocked(old *batch) {
	if old.due--; old.due > 0 {
		return
	}
	if b.keepsLocked(old) {
		b.mu.text -= old.textSize
	}
	old.textSize = 0
	old.text.drop()
}

// keepsLocked says whether a batch is in the buffer still.
func (b *Broker) keepsLocked(old *batch) bool { return old.number >= b.mu.first }

// keepText notes that a batch holds so much more text. The oldest texts go when that is too much.
func (b *Broker) keepText(of *batch, size int) {
	for _, old := range b.addText(of, size) {
		old.text.drop() // without the lock: a reader may be making it
	}
}

// addText counts the text and returns the batches whose text has to go.
func (b *Broker) addText(of *batch, size int) (drop []*batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.keepsLocked(of) {
		return nil
	}
	of.textSize += size
	b.mu.text += size
	for _, old := range b.mu.kept {
		if b.mu.text <= textBudget || old == of {
			break
		}
		if old.textSize > 0 {
			b.mu.text -= old.textSize
			old.textSize = 0
			drop = append(drop, old)
		}
	}
	return drop
}

// atLocked returns a kept batch.
func (b *Broker) atLocked(n uint64) *batch { return b.mu.kept[n-b.mu.first] }

// Next waits for the next batch with events that pass the filter. It returns ErrSlow, ErrReset or the
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

// wait waits for the next batch.
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

// take returns the next batch, or a channel that is closed when there is one.
func (s *Subscription) take() (*batch, <-chan struct{}, error) {
	b := s.broker
	b.mu.Lock()
	defer b.mu.Unlock()
	s.releaseLocked()
	switch {
	case s.resets != b.mu.resets:
		return nil, nil, ErrReset
	case s.at < b.mu.first:
		return nil, nil, ErrSlow
	case s.at < b.mu.next:
		s.held = b.atLocked(s.at)
		s.at++
		return s.held, nil, nil
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
