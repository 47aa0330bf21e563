// SPDX-License-Identifier: MPL-2.0

// Package mailbox is the way into a goroutine that owns its state: a queue that never makes the sender
// wait, so that two owners can write to each other without a deadlock. It imports nothing but the
// standard library.
package mailbox

import "sync"

// Box is a queue of messages for one reader. Make it with New.
type Box[T any] struct {
	c  chan struct{}
	mu struct {
		sync.Mutex
		items []T
	}
}

// New returns an empty box.
func New[T any]() *Box[T] { return &Box[T]{c: make(chan struct{}, 1)} }

// Put adds a message.
func (b *Box[T]) Put(m T) {
	b.mu.Lock()
	b.mu.items = append(b.mu.items, m)
	b.mu.Unlock()
	select {
	case b.c <- struct{}{}:
	default:
	}
}

// C delivers a value when there may be messages to Take.
func (b *Box[T]) C() <-chan struct{} { return b.c }

// Take empties the box and returns its messages in the order of Put.
func (b *Box[T]) Take() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.mu.items
	b.mu.items = nil
	return items
}
